"""smtrain train --job where things go wrong around the program: descendants that stay, runners that are killed, odd names, full disks."""

import json
import os
import shutil
import signal
import time
import unittest

from harness import hear_signals, text
from job_test import WAIT_S, JobTest, is_running


def descendants_of_a_script(path):
    """Writes its own pid and that of a child in its group, and waits for both."""
    return f"sleep 1000 & echo $! > {path}.part; mv {path}.part {path}; echo ready; wait"


class Descendants(JobTest):
    def pid(self, name="pid"):
        self.wait_until(lambda: os.path.exists(self.path(name)))
        return int(self.read(name))

    def test_the_whole_group_ends_with_a_killed_runner(self):
        process = self.start_job(self.program(descendants_of_a_script(self.path("pid"))))
        pid = self.pid()
        process.kill()
        process.communicate(timeout=WAIT_S)
        self.wait_until(lambda: not is_running(pid))

    def test_what_left_the_group_ends_with_the_job(self):
        # A daemon that goes on writing holds neither the end of the job nor the machine.
        noise = f"echo $$ > {self.path('pid')}; while :; do echo noise; sleep 0.01; done"
        self.write("noise.sh", noise)
        begun = time.monotonic()
        self.job(self.program(f"setsid sh {self.path('noise.sh')} & until [ -s {self.path('pid')} ]; do sleep 0.01; done; echo last"))
        self.assertLess(time.monotonic() - begun, 20)
        self.assertIn("last", self.log().splitlines())
        self.assertFalse(is_running(self.pid()))

    def test_a_program_inherits_no_descriptor(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            os.set_inheritable(file.fileno(), True)
            self.job(self.program("ls -l /proc/$$/fd"), pass_fds=[file.fileno()])
        self.assertNotIn("secret", self.log())
        self.assertNotIn("results", self.log())
        self.assertNotIn("socket", self.log())

    def test_a_runner_whose_caller_ignores_ends_of_children(self):
        def ignore():
            hear_signals()
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.job(self.program("echo done"), preexec_fn=ignore, timeout=20)

    def test_a_runner_with_closed_streams(self):
        self.write("job.json", json.dumps(self.program("echo to-out; echo to-err >&2; wc -c")))
        self.shell("$SMTRAIN train --job job.json <&- >&- 2>&-")
        self.assertEqual(self.log().split(), ["to-out", "to-err", "0"])


class Folders(JobTest):
    def test_a_runner_killed_before_it_described_its_job(self):
        os.makedirs(self.path("results/job"))
        for name in (".lock", ".description.json.tmp-12-abc"):
            self.write("results/job/" + name, "")
        self.job(self.request())
        self.assertNotIn(".description.json.tmp-12-abc", self.files("results/job"))

    def test_a_folder_with_somebodys_files_is_no_job(self):
        os.makedirs(self.path("results/job"))
        self.write("results/job/job.json", "{}")
        self.assertIn("holds no training job", self.job(self.request(), code=2).err)

    def test_what_a_killed_runner_left_half_written_goes(self):
        self.job(self.request(CheckpointConfig={"S3Uri": "checkpoints"}))
        description = self.description()
        description.update(TrainingJobStatus="InProgress", SecondaryStatus="Uploading")
        self.write("results/job/description.json", json.dumps(description))
        left = [".description.json.tmp-12-abc", "output/.model.tar.gz.tmp-12-abc"]
        for name in left:
            self.write("results/job/" + name, "half")
        self.job(self.request(CheckpointConfig={"S3Uri": "checkpoints"}))
        self.assertEqual([name for name in left if os.path.exists(self.path("results/job", name))], [])

    def test_a_description_that_cannot_be_written_does_not_keep_the_program_running(self):
        # Without its folder nothing can be described; the stop reaches the program all the same.
        endless = self.request(HyperParameters={"k": "3", "epochs": "100000000"})
        for request in (self.program(f"trap 'touch {self.path('heard')}; exit 0' TERM; echo ready; while :; do sleep 0.05; done"), endless):
            process = self.start_job(request)
            self.wait_for_log("ready" if request is not endless else "#metrics")
            shutil.move(self.path("results"), self.path("moved"))
            process.terminate()
            _, err = process.communicate(timeout=WAIT_S)
            # A built-in makes its folder anew for its model.
            self.assertIn(process.returncode, (2, 143) if request is endless else (2,), text(err)[-2000:])
            self.assertTrue(os.path.exists(self.path("heard")))
            shutil.rmtree(self.path("moved"))

    def test_a_marker_that_comes_too_late_is_taken_away(self):
        self.job(self.program("sleep 0; touch ../../stop; exit 0"))
        self.assertNotIn("stop", self.files("results/job"))

    def test_channels_that_would_share_a_place_are_refused(self):
        for names, modes in ((("a", "a-manifest"), ("File", "File")), (("a_12", "a"), ("File", "Pipe"))):
            channels = [self.channel(name, InputMode=mode) for name, mode in zip(names, modes)]
            self.assertIn("give it another name", self.job(self.program("true", InputDataConfig=channels), code=2).err)
        self.job(self.program("true", InputDataConfig=[self.channel("a_x"), self.channel("a", InputMode="Pipe")]))
        for name in ("..", ".", "a/b"):
            self.assertIn("ChannelName", self.job(self.program("true", InputDataConfig=[self.channel(name)]), "--overwrite", code=2).err)

    def test_what_is_no_file_is_left_out_of_the_model(self):
        result = self.job(self.program("cd $SM_MODEL_DIR; echo x > file; mkfifo pipe; mkdir empty"))
        self.assertEqual(list(self.members()), ["file"])
        self.assertIn("pipe: is no file and not kept", result.err)
        self.assertNotIn("empty", result.err)

    def test_a_full_disk_is_foreseen(self):
        self.shell("truncate -s 100T data/part-9.csv || truncate -s 8T data/part-9.csv")
        if os.stat("/dev/shm").st_dev == os.stat(self.work).st_dev:
            self.skipTest("/dev/shm is no file system of its own")
        result = self.job(self.program("true", InputDataConfig=[self.channel()]), "--workdir", "/dev/shm", code=1)
        self.assertIn("/dev/shm has room for", result.err)
        self.assertFalse(os.path.exists("/dev/shm/job"))
        self.assertFalse(os.path.exists(self.path("results")))

    def test_iso_times(self):
        self.job(self.program("echo loss=1", metrics=[("loss", "loss=(.*)")]), "--iso-times")
        d, form = self.description(), r"^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{3}Z$"
        times = [d["CreationTime"], d["TrainingStartTime"], d["TrainingEndTime"], d["LastModifiedTime"], d["FinalMetricDataList"][0]["Timestamp"]]
        for value in times + [t[key] for t in d["SecondaryStatusTransitions"] for key in ("StartTime", "EndTime")]:
            self.assertRegex(value, form)


class Code(JobTest):
    def script(self, program, folder, **changes):
        parameters = {"sagemaker_program": program, "sagemaker_submit_directory": folder}
        return self.request(AlgorithmSpecification={"TrainingInputMode": "File"}, HyperParameters=parameters, **changes)

    def test_code_beside_the_results(self):
        self.write("run.sh", "find . -type f | sort\n")
        self.job(self.script("run.sh", "."))
        self.job(self.script("run.sh", "."), "--overwrite")
        lines = self.log().splitlines()
        self.assertIn("./run.sh", lines)
        self.assertEqual([line for line in lines if line.startswith("./results")], [])

    def test_links_are_followed_but_not_in_circles(self):
        self.shell("mkdir -p code/sub other && ln -s .. code/sub/up && ln -s ../other code/other && echo x > other/file && echo 'find . -type f' > code/run.sh")
        self.job(self.script("run.sh", "code"))
        self.assertEqual(sorted(line for line in self.log().splitlines() if line.startswith("./")), ["./other/file", "./run.sh"])

    def test_archives_that_lead_out_of_their_folder_are_refused(self):
        self.write("run.sh", "true\n")
        self.shell("mkdir sub && cd sub && tar -czPf ../out.tar.gz ../run.sh --transform 's,^,../,' && ln -s / link && cp ../run.sh . && tar czf ../link.tar.gz run.sh link")
        for name in ("out.tar.gz", "link.tar.gz"):
            self.job(self.script("run.sh", name), code=2)
        self.assertFalse(os.path.exists(self.path("results")))

    def test_a_package_runs_as_a_module_and_nothing_is_installed(self):
        self.shell("mkdir -p code/mine && touch code/mine/__init__.py && echo 'import mine.part, sys; print(sys.argv[1:])' > code/mine/__main__.py"
                   " && echo 'print(\"part\")' > code/mine/part.py && echo 'raise SystemExit(9)' > code/setup.py && tar czf code.tar.gz -C code .")
        for folder in ("code", "code.tar.gz"):
            request = self.script("mine", folder)
            request["HyperParameters"]["a"] = "1"
            self.job(request, "--overwrite")
            self.assertEqual(self.log().splitlines()[-2:], ["part", "['-a', '1']"])
        self.job(self.script("mine.part", "code"), "--overwrite")
        self.assertIn('there is no "none.py" in', self.job(self.script("none.py", "code"), "--overwrite", code=2).err)
        self.write("code/requirements.txt", "x\n")
        self.assertIn("requirements.txt", self.job(self.script("mine", "code"), "--overwrite", code=2).err)


class Checkpoints(JobTest):
    def test_half_copied_files_are_never_taken_for_checkpoints(self):
        process = self.start_job(self.program("truncate -s 300M $SAGEMAKER_BASE_DIR/checkpoints/big; echo ready; sleep 6", CheckpointConfig={"S3Uri": "checkpoints"}))
        seen = set()
        while process.poll() is None:
            seen.update(self.files("checkpoints") if os.path.exists(self.path("checkpoints")) else [])
        process.communicate()
        self.assertTrue(all(name == "big" or name.endswith(".sagemaker-uploading") for name in seen), seen)
        self.assertGreater(len(seen), 1)
        self.write("checkpoints/.big.tmp-1-a.sagemaker-uploading", "half")
        self.job(self.program("ls -A $SAGEMAKER_BASE_DIR/checkpoints", CheckpointConfig={"S3Uri": "checkpoints"}), "--overwrite")
        self.assertEqual(self.log(), "big\n")

    def test_a_folder_that_is_removed_takes_no_checkpoints_with_it(self):
        script = "cd $SAGEMAKER_BASE_DIR/checkpoints; ls; touch more; rm -f two; cd ..; [ $GONE = 0 ] || rm -rf checkpoints"
        os.mkdir(self.path("checkpoints"))
        self.write("checkpoints/one", "1")
        self.write("checkpoints/two", "2")
        self.job(self.program(script, CheckpointConfig={"S3Uri": "checkpoints"}, Environment={"GONE": "1"}))
        self.assertEqual(self.files("checkpoints"), ["one", "two"])
        self.job(self.program(script, CheckpointConfig={"S3Uri": "checkpoints"}, Environment={"GONE": "0"}), "--overwrite")
        self.assertEqual(self.files("checkpoints"), ["more", "one"])


if __name__ == "__main__":
    unittest.main()
