"""The shipped batch scripts, and what smtrain promises under srun, on a real Slurm of one node."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import cluster

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, os.pardir, os.pardir, "share", "examples")
TEMPLATES = os.path.abspath(os.path.join(EXAMPLES, "slurm"))
POINTS = os.path.abspath(os.path.join(EXAMPLES, "data", "points.csv"))
SMTRAIN = os.environ.get("SMTRAIN", "")
HAS_MPI = os.environ.get("HAS_MPI") == "1"
TYPE = ["--content-type", "text/csv;label_size=0"]

sys.path.insert(0, os.path.join(HERE, os.pardir, "mpi"))


class Scripts(unittest.TestCase):
    @unittest.skipIf(shutil.which("shellcheck") is None, "shellcheck is not installed")
    def test_shellcheck_has_nothing_to_say(self):
        scripts = [os.path.join(TEMPLATES, name) for name in sorted(os.listdir(TEMPLATES)) if name.endswith(".sbatch")]
        self.assertEqual(len(scripts), 5)
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_cpus_of_a_task_are_passed_on(self):
        for name in os.listdir(TEMPLATES):
            if name.endswith(".sbatch"):
                with open(os.path.join(TEMPLATES, name), encoding="utf-8") as file:
                    lines = [line for line in file if "srun " in line and not line.startswith("#")]
                self.assertTrue(lines and all('--cpus-per-task="$SLURM_CPUS_PER_TASK"' in line for line in lines), name)


@unittest.skipIf(cluster.missing(), cluster.missing())
class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.slurm = cluster.OneNode(cpus=2)
        cls.slurm.__enter__()
        cls.addClassCleanup(cls.slurm.__exit__)

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="smtrain-slurm-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.work, ignore_errors=True)
        shutil.copy(POINTS, os.path.join(self.work, "points.csv"))

    def path(self, name):
        return os.path.join(self.work, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_here(self, *command, code=0, **options):
        done = self.slurm.run(command, cwd=self.work, environment={"SMTRAIN": SMTRAIN, **options.pop("environment", {})}, **options)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{command}\n{done.stdout}\n{done.stderr}\n{self.slurm.logs()}")
        return done

    def submit(self, template, *arguments, options=(), environment=None):
        """Of a shipped script, small enough for this node; the job's number."""
        memory = "--mem-per-cpu=200M" if template == "mpi.sbatch" else "--mem=400M"
        done = self.run_here("sbatch", "--parsable", memory, "--cpus-per-task=1", "--time=5", *options,
                             os.path.join(TEMPLATES, template), *arguments, environment=environment or {})
        return done.stdout.strip()

    def finished(self, job, log):
        fields = self.slurm.wait_for(job)
        text = self.read(log).decode() if os.path.exists(self.path(log)) else "(no log)"
        self.assertEqual(fields["JobState"], "COMPLETED", f"{fields}\n{text}\n{self.slurm.logs()}")
        return text

    def kmeans(self, *more, output="m.tar", epochs=1):
        return ["kmeans", "--train", "points.csv", *TYPE, "--k", "4", "--epochs", str(epochs), "--mini-batch-size", "100", "-o", output, *more]

    def test_one_node(self):
        job = self.submit("one-node.sbatch", *self.kmeans("-v"))
        text = self.finished(job, f"smtrain-{job}.log")
        self.assertIn(" 1 thread (SLURM_CPUS_PER_TASK)", text)
        self.assertRegex(text, rf"Slurm: job {job}, node \w+")
        self.assertIn("wrote m.tar", text)

    def test_array(self):
        job = self.submit("array.sbatch", "points.csv", options=["--array=2-4"])
        for task in (2, 3, 4):
            self.finished(f"{job}_{task}", f"smtrain-{job}-{task}.log")
            self.assertTrue(self.read(f"k{task}.tar.gz"))
            self.assertTrue(self.read(f"k{task}.metrics.jsonl"))

    @unittest.skipUnless(HAS_MPI, "this build has no MPI module")
    def test_several_processes(self):
        job = self.submit("mpi.sbatch", *self.kmeans(), options=["--ntasks=2"])
        text = self.finished(job, f"smtrain-{job}.log")
        self.assertEqual(text.count("wrote m.tar"), 1, text)
        self.assertEqual(text.count("train:msd"), 1, text)
        first = self.read("m.tar")
        self.run_here("srun", "--mpi=pmix", "-n2", SMTRAIN, *self.kmeans("--log-format", "json"))
        self.assertEqual(self.read("m.tar"), first)

    def test_gpu_script_where_the_gpu_is_none(self):
        job = self.submit("gpu.sbatch", *self.kmeans(), environment={"DEVICE": "auto"})
        self.assertIn("device: cpu", self.finished(job, f"smtrain-{job}.log"))
        job = self.submit("gpu.sbatch", *self.kmeans())
        self.assertEqual(self.slurm.wait_for(job)["JobState"], "FAILED")
        self.assertIn("--device cuda", self.read(f"smtrain-{job}.log").decode())

    def test_preempted_job_goes_on_in_the_queue(self):
        arguments = self.kmeans(epochs=60000)
        self.run_here("srun", SMTRAIN, *arguments, "-q")
        unbroken = self.read("m.tar")
        os.remove(self.path("m.tar"))
        job = self.submit("preemptible.sbatch", *arguments)
        log = self.path(f"smtrain-{job}.log")
        self.wait_until(lambda: os.path.exists(log) and b"epoch 2 of" in self.read(log), log)
        self.run_here("scancel", "--signal=TERM", job)
        text = self.finished_again(job, log)
        self.assertEqual(text.count("stopped: SIGTERM"), 1, text[-2000:])
        self.assertIn("resumes at epoch", text)
        self.assertEqual(self.slurm.state(job)["Restarts"], "1")
        self.assertEqual(self.read("m.tar"), unbroken)
        self.assertFalse(os.path.exists(self.path(f"checkpoints-{job}")))

    def finished_again(self, job, log):
        self.wait_until(lambda: self.slurm.state(job).get("Restarts") == "1", log)
        return self.finished(job, os.path.basename(log))

    def wait_until(self, condition, log, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                text = self.read(log)[-2000:].decode() if os.path.exists(log) else "(no log)"
                self.fail(f"waited in vain\n{text}\n{self.slurm.logs()}")
            time.sleep(0.05)

    def test_tasks_without_mpi_are_refused_once(self):
        done = self.run_here("srun", "-n2", SMTRAIN, *self.kmeans(), code=2)
        self.assertEqual(done.stderr.count("smtrain: error: srun started 2 tasks"), 1, done.stderr)
        self.assertFalse(os.path.exists(self.path("m.tar")))

    @unittest.skipUnless(HAS_MPI, "this build has no MPI module")
    def test_an_error_of_one_rank_is_told_once(self):
        os.mkdir(self.path("shards"))
        shutil.copy(POINTS, self.path("shards/a.csv"))
        with open(self.path("shards/b.csv"), "w", encoding="ascii") as file:
            file.write("1,2,3\n1,2,x\n")
        arguments = ["kmeans", "--channel", "train=shards,distribution=sharded", *TYPE, "--k", "2", "-o", "m.tar"]
        done = self.run_here("srun", "--mpi=pmix", "-n2", SMTRAIN, *arguments, code=2)
        self.assertEqual(done.stderr.count("smtrain: error"), 1, done.stderr)
        self.assertIn("rank 1: shards/b.csv:2: column 3", done.stderr)

    @unittest.skipUnless(HAS_MPI, "this build has no MPI module")
    def test_a_killed_rank_ends_all_within_ten_seconds(self):
        for options in ([], ["--kill-on-bad-exit=1"]):
            run = subprocess.Popen(["srun", "--mpi=pmix", "-n2", *options, SMTRAIN, *self.kmeans("-q", epochs=10**8)], cwd=self.work,
                                   env=self.slurm.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(lambda: run.poll() is None and run.kill())
            deadline = time.monotonic() + 30
            while len(ranks := self.ranks()) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual(len(ranks), 2)
            time.sleep(1.5)
            os.kill(ranks[1], signal.SIGKILL)
            start = time.monotonic()
            out, err = run.communicate(timeout=60)
            self.assertLess(time.monotonic() - start, 10, err)
            self.assertNotEqual(run.returncode, 0)
            self.assertLessEqual(err.count("smtrain: error"), 1, err)
            self.assertEqual(out, "")

    def ranks(self):
        """The tasks of the step that runs, by rank."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/exe") != os.path.realpath(SMTRAIN):
                    continue
                with open(f"/proc/{pid}/environ", "rb") as file:
                    variables = dict(v.split(b"=", 1) for v in file.read().split(b"\0") if b"=" in v)
            except OSError:
                continue
            if variables.get(b"SLURM_CONF", b"").decode() == self.slurm.configuration:
                found[int(variables.get(b"SLURM_PROCID", b"0"))] = int(pid)
        return found


if __name__ == "__main__":
    unittest.main()
