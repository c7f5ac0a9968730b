"""Checkpoints: whatever ends a run, the same command goes on to the same bytes (S3 to S7, C7, F5, F8).

SMTRAIN_NIGHTLY=1 kills a hundred runs in each way; otherwise a few.
"""

import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tarfile
import time
import unittest

from harness import NIGHTLY, CliTest, blobs, csv, json_lines, text

KILLS = 100 if NIGHTLY else 6
TRAIN = ["kmeans", "--content-type", "text/csv;label_size=0", "--k", "6", "--mini_batch_size", "200", "--local_lloyd_num_trials", "40"]


def measurements(data):
    """The metric lines without what only the clock decides."""
    lines = [{k: v for k, v in line.items() if k != "time"} for line in json_lines(text(data))]
    return [line for line in lines if "unit" not in line and line["metric"] != "train:throughput"]


def stored_names(folder):
    return sorted(name for name in os.listdir(folder) if name.startswith("checkpoint-"))


class Checkpoints(CliTest):
    """Small runs around one folder of checkpoints, "ck"."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs(10000)))

    def launch(self, *arguments, **options):
        """As usual, but with a file for standard error: a pipe that nobody reads would stop a long run."""
        path = os.path.join(self.folder, f"err-{time.monotonic_ns()}")
        with open(path, "wb") as err:
            options.setdefault("stderr", err)
            options.setdefault("stdout", subprocess.DEVNULL)
            process = self.start(*arguments, **options)
        process.err = lambda: text(pathlib.Path(path).read_bytes())
        return process

    def command(self, *arguments, epochs=400, output="model.tar.gz", train="train.csv", every="0.02"):
        """400 epochs take some tenths of a second."""
        return [*TRAIN, "--train", train, "--test", "train.csv", "--epochs", str(epochs), "-o", output,
                "--checkpoint-dir", "ck", "--checkpoint-every", every, *arguments]

    def unbroken(self, epochs=400, train="train.csv"):
        self.smtrain(*TRAIN, "--train", train, "--test", "train.csv", "--epochs", str(epochs), "-o", "whole.tar.gz", "--metrics",
                     "whole.jsonl")
        return self.read("whole.tar.gz")

    def stored(self):
        return stored_names(self.path("ck")) if os.path.isdir(self.path("ck")) else []

    def wait_for_checkpoint(self, process, count=1):
        """Until that many have been written; numbers go up."""
        def there():
            self.assertIsNone(process.poll(), "ended too soon")
            names = self.stored()
            return bool(names) and int(names[-1][-6:]) >= count
        self.wait_until(there)

    def stop(self, process, *numbers, seconds=20):
        start = time.monotonic()
        for number in numbers:
            process.send_signal(number)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.fail(f"still running {seconds} s after {numbers}: {process.err()}")
        self.last_stop_s = time.monotonic() - start
        return process.err()

    def stopped_run(self, *numbers, epochs=100000, **options):
        """A long run, stopped once it has written a checkpoint; its exit code and words."""
        before = int(self.stored()[-1][-6:]) if self.stored() else 0
        process = self.launch(*self.command(epochs=epochs), **options)
        self.wait_for_checkpoint(process, before + 1)
        err = self.stop(process, *(numbers or [signal.SIGTERM]))
        return process.returncode, err


class KilledAtRandom(Checkpoints):
    """The heart of it: kills at any moment, the same command again, the bytes of an unbroken run."""

    def kill_until_done(self, number, start, draw, most_s):
        """Kills runs at random times until one comes to its end; how many were killed."""
        kills = 0
        while True:
            process, clean_up = start()
            try:
                process.wait(timeout=draw.uniform(0.005, most_s))
            except subprocess.TimeoutExpired:
                process.send_signal(number)
                process.wait(timeout=60)
            finally:
                clean_up()
            if process.returncode == 0:
                return kills
            # A signal before the handlers are there ends a process as any other.
            self.assertIn(process.returncode, (75, -number), process.err())
            kills += 1
            most_s *= 1.03  # the machine may have become slower than it was when it was measured
            self.assertLess(kills, 400, "no run comes to its end")

    def check(self, number, start, share=0.8):
        """Kills come within this share of the time that a whole run takes."""
        whole, lines = self.unbroken(), measurements(self.read("whole.jsonl"))
        began = time.monotonic()
        process, clean_up = start()
        process.wait(timeout=60)
        most_s = share * (time.monotonic() - began)
        clean_up()
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        kills = chains = 0
        while kills < KILLS:
            shutil.rmtree(self.path("ck"), ignore_errors=True)
            for name in ("model.tar.gz", "metrics.jsonl"):
                if os.path.exists(self.path(name)):
                    os.remove(self.path(name))
            kills += self.kill_until_done(number, start, draw, most_s)
            chains += 1
            self.assertEqual(self.read("model.tar.gz"), whole, f"seed {seed}, chain {chains}")
            self.assertEqual(measurements(self.read("metrics.jsonl")), lines, f"seed {seed}, chain {chains}")
            self.assertEqual([n for n in os.listdir(self.path("ck")) if ".tmp-" in n], [], "temporaries of the dead")
        if NIGHTLY:
            print(f"{self.id().rsplit('.', 1)[-1]}: {kills} kills in {chains} runs, seed {seed}")

    def from_file(self):
        return self.launch(*self.command("--metrics", "metrics.jsonl")), lambda: None

    def from_stdin(self):
        # The test channel comes from the file; what is read over is the same each time.
        with open(self.path("train.csv"), "rb") as data:
            feeder = subprocess.Popen(["cat"], stdin=data, stdout=subprocess.PIPE)
        process = self.launch(*self.command("--metrics", "metrics.jsonl", train="-"), stdin=feeder.stdout)
        feeder.stdout.close()
        return process, lambda: (feeder.kill(), feeder.wait())

    def from_fifos(self):
        script = f"trap '' PIPE; for i in $(seq 0 {self.fifo_epochs - 1}); do cat train.csv > fifo_$i 2>/dev/null; done"
        feeder = subprocess.Popen(["bash", "-c", script], cwd=self.work, start_new_session=True)

        def clean_up():
            os.killpg(feeder.pid, signal.SIGKILL)
            feeder.wait()
        command = self.command("--metrics", "metrics.jsonl", "--input-mode", "pipe", "--channel", "train=fifo", "--channel",
                               "test=train.csv,mode=file", epochs=self.fifo_epochs)
        at = command.index("--train")
        del command[at:at + 4]  # the channels stand behind
        return self.launch(*command), clean_up

    def test_a_kill_9_at_any_time(self):
        self.check(signal.SIGKILL, self.from_file)

    def test_a_termination_at_any_time(self):
        self.check(signal.SIGTERM, self.from_file)

    def test_standard_input_killed(self):
        self.check(signal.SIGKILL, self.from_stdin)

    def test_standard_input_terminated(self):
        self.check(signal.SIGTERM, self.from_stdin)

    def test_fifos_killed_and_terminated(self):
        self.fifo_epochs = 30
        for epoch in range(self.fifo_epochs):
            os.mkfifo(self.path(f"fifo_{epoch}"))
        unbroken = self.unbroken
        self.unbroken = lambda: unbroken(epochs=self.fifo_epochs)
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.check(number, self.from_fifos, share=1.5)  # what is done is read over


class Signals(Checkpoints):
    def test_each_stop_signal_saves_and_exits_75_and_says_how_to_go_on(self):
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU, signal.SIGHUP, signal.SIGINT):
            code, err = self.stopped_run(number)
            self.assertEqual(code, 75, err)
            for part in ("stopped: " + signal.Signals(number).name, self.stored()[-1] + " written", "run the same command again"):
                self.assertIn(part, err)
            self.assertRegex(err.splitlines()[-1], r"^smtrain: stopped: ")
            self.assertNotIn("error", err)
            self.assertEqual(self.files(), ["ck", "train.csv"])
            self.assertLess(self.last_stop_s, 20)

    def test_continue_and_repeated_termination_spoil_nothing(self):
        for order in ([signal.SIGCONT, signal.SIGTERM, signal.SIGCONT, signal.SIGTERM], [signal.SIGTERM] * 20):
            code, err = self.stopped_run(*order)
            self.assertEqual(code, 75, err)
            self.assertRegex(self.smtrain(*self.command("--dry-run", epochs=100000)).err, "would resume at epoch .* of " + self.stored()[-1])

    def test_a_checkpoint_on_request_ends_nothing(self):
        process = self.launch(*self.command(epochs=100000, every="1h"))
        time.sleep(0.4)
        self.assertEqual(self.stored(), [])
        process.send_signal(signal.SIGUSR2)
        self.wait_for_checkpoint(process)
        self.assertIsNone(process.poll())
        self.stop(process, signal.SIGTERM)

    def test_a_checkpoint_on_request_without_a_folder_is_answered(self):
        process = self.launch(*TRAIN, "--train", "train.csv", "--epochs", "100000", "-o", "m.tar")
        time.sleep(0.4)
        process.send_signal(signal.SIGUSR2)
        time.sleep(0.2)
        self.assertIn("no --checkpoint-dir was given", self.stop(process, signal.SIGTERM))
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)

    def test_two_interrupts_quit_at_once(self):
        process = self.launch(*self.command(epochs=100000))
        self.wait_for_checkpoint(process)
        process.send_signal(signal.SIGSTOP)  # so that both have come before either is answered
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=5)
        self.assertIn(process.returncode, (130, 75))
        self.smtrain(*self.command("--dry-run", epochs=100000))

    def test_a_log_that_nobody_reads_holds_up_no_stop(self):
        for streams in (["stderr"], ["stderr", "stdout"]):
            ends, full = os.pipe()
            self.addCleanup(os.close, ends)
            extra = ["--log-format", "sagemaker"] if len(streams) == 2 else []
            process = self.launch(*self.command(*extra, epochs=100000), **{name: full for name in streams})
            os.close(full)
            time.sleep(1)
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
            self.assertEqual(process.returncode, 75)
            self.assertLess(time.monotonic() - start, 15)
            shutil.rmtree(self.path("ck"))

    def test_a_stop_in_the_longest_shrinking_and_in_the_test_pass(self):
        # Trials without number: only a poll inside ends them.
        self.write("wide.csv", csv(blobs(4000)))
        command = ["kmeans", "--content-type", "text/csv;label_size=0", "--k", "300", "--train", "wide.csv", "--mini_batch_size", "4000",
                   "--local_lloyd_num_trials", "100000", "--local_lloyd_tol", "0", "-o", "m.tar", "--checkpoint-dir", "ck"]
        process = self.launch(*command, "-v")
        time.sleep(1.5)
        err = self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 75, err)
        self.assertIn("local kmeans attempt", err)
        self.assertIn("resumes at shrinking", self.stop_after(0.7, command))

    def stop_after(self, seconds, command):
        process = self.launch(*command)
        time.sleep(seconds)
        return self.stop(process, signal.SIGTERM)


class WaitingForData(Checkpoints):
    """A stop while a stream is quiet keeps what the whole mini-batches have taught."""

    def setUp(self):
        super().setUp()
        os.mkfifo(self.path("slow"))
        self.lines = self.read("train.csv").splitlines(keepends=True)

    def test_a_stop_between_two_mini_batches(self):
        self.write("long.csv", b"".join(self.lines) * 130)
        whole = self.unbroken(epochs=1, train="long.csv")
        command = self.command("--threads", "1", epochs=1, train="slow", every="1h")
        process = self.launch(*command)
        # Rows are handed on in rounds of some blocks of 4 MiB; one round must be whole.
        with open(self.path("slow"), "wb", buffering=0) as writer:
            writer.write(b"".join(self.lines) * 120)
            time.sleep(1)
            err = self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 75, err)
        again = self.launch(*command)
        feeder = subprocess.Popen(["bash", "-c", "cat long.csv > slow"], cwd=self.work)
        again.wait(timeout=60)
        feeder.wait()
        self.assertEqual(again.returncode, 0, again.err())
        self.assertRegex(again.err(), r"resumes at epoch 1/1, after [1-9][\d,]*00 records of checkpoint-000001")
        self.assertEqual(self.read("model.tar.gz"), whole)

    def test_a_stop_before_the_first_mini_batch_has_nothing_to_save(self):
        process = self.launch(*self.command(train="slow"))
        time.sleep(0.5)
        err = self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 75, err)
        self.assertIn("what there is to go on from is the start", err)
        self.assertEqual(self.stored(), [])

    def test_a_time_limit_wakes_a_run_that_waits(self):
        start = time.monotonic()
        result = self.smtrain(*self.command("--max-runtime", "1s", train="slow"), code=75)
        self.assertLess(time.monotonic() - start, 10)
        self.assertIn("stopped: the time limit", result.err)


class Refused(Checkpoints):
    def setUp(self):
        super().setUp()
        self.code, self.err = self.stopped_run()
        self.assertEqual(self.code, 75, self.err)

    def refused_with(self, *arguments, says, **options):
        before = self.stored()
        for extra in ([], ["--dry-run"]):
            result = self.refused(*self.command(*arguments, *extra, epochs=options.get("epochs", 100000)), says=says)
            self.assertIn("belongs to another run", result.err)
        self.assertEqual(self.stored(), before)

    def test_another_setting_is_named_with_both_values(self):
        self.refused_with("--extra_center_factor", "2", says="hyperparameter extra_center_factor: auto in the checkpoint, 2 now")
        self.refused_with("--seed", "9", "--half_life_time_size", "7",
                          says=["seed: 0 in the checkpoint, 9 now", "hyperparameter half_life_time_size: 0 in the checkpoint, 7 now"])
        self.refused_with(epochs=7, says="hyperparameter epochs: 100000 in the checkpoint, 7 now")

    def test_other_data_are_refused(self):
        self.write("train.csv", csv(blobs(10000, seed=2)))
        self.refused_with(says="channel train: text/csv")

    def test_another_start_model_is_refused(self):
        self.smtrain(*TRAIN, "--train", "train.csv", "-o", "start.tar.gz")
        self.refused_with("--model", "start.tar.gz", says="start model: none in the checkpoint")

    def test_other_kernels_are_a_warning(self):
        process = self.launch(*self.command(epochs=100000), env={"SMTRAIN_KERNELS": "baseline"})
        time.sleep(0.5)
        err = self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 75, err)
        self.assertRegex(err, "warning: checkpoint-.*: kernels: .* in the checkpoint, baseline now")

    def test_a_second_run_in_the_same_folder(self):
        process = self.launch(*self.command(epochs=100000))
        self.wait_for_checkpoint(process, int(self.stored()[-1][-6:]) + 1)
        self.refused(*self.command(epochs=100000), says=["in use by another run", f"process {process.pid}"])
        self.assertIsNone(process.poll())
        self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 75)


class Damaged(Checkpoints):
    def setUp(self):
        super().setUp()
        self.whole = self.unbroken()
        process = self.launch(*self.command(every="0"))
        self.wait_for_checkpoint(process, 2)
        process.kill()
        process.wait()
        self.newest, self.before = self.stored()[-1], self.stored()[-2]

    def damage(self, name, change):
        path = self.path("ck", name)
        with open(path, "rb") as file:
            data = bytearray(file.read())
        with open(path, "wb") as file:
            file.write(change(data))

    def test_a_damaged_newest_one_falls_back_and_the_bytes_are_the_same(self):
        def flip(data):
            data[len(data) // 2] ^= 16
            return data
        for change, says in ((flip, "is damaged"), (lambda data: data[:-100], "was cut short"), (lambda data: b"", "is no checkpoint")):
            shutil.rmtree(self.path("copy"), ignore_errors=True)
            shutil.copytree(self.path("ck"), self.path("copy"))
            self.damage(self.newest, change)
            result = self.smtrain(*self.command())
            self.assertRegex(result.err, f"warning: .*{self.newest}: .*{says}.*going on from {self.before}")
            self.assertEqual(self.read("model.tar.gz"), self.whole)
            shutil.rmtree(self.path("ck"))
            os.rename(self.path("copy"), self.path("ck"))

    def test_when_all_are_damaged_nothing_is_lost_by_starting_anew(self):
        for name in self.stored():
            self.damage(name, lambda data: data[: len(data) // 2])
        self.refused(*self.command(), says=[self.newest, self.before, "remove them to start anew"])

    def test_marks_of_a_copier_are_no_checkpoints(self):
        self.write("ck/checkpoint-999999.sagemaker-uploading", "x")
        self.write("ck/.checkpoint-999999.tmp-1-0.sagemaker-ignore", "x")
        self.assertIn(f"of {self.newest}", self.smtrain(*self.command()).err)
        self.assertEqual(self.read("model.tar.gz"), self.whole)


class FinishedRuns(Checkpoints):
    def test_the_same_command_writes_the_same_model_and_trains_nothing(self):
        self.smtrain(*self.command("--metrics", "m.jsonl", "--depfile", "m.d"))
        model, lines, rule = self.read("model.tar.gz"), measurements(self.read("m.jsonl")), self.read("m.d")
        os.remove(self.path("model.tar.gz"))
        result = self.smtrain(*self.command("--metrics", "m.jsonl", "--depfile", "m.d", "-v"))
        self.assertIn("had finished", result.err)
        self.assertNotIn("epoch 1 of", result.err)
        self.assertEqual(self.read("model.tar.gz"), model)
        self.assertEqual(measurements(self.read("m.jsonl")), lines)
        self.assertEqual(self.read("m.d"), rule)
        self.write("train.csv", csv(blobs(2000, seed=3)))
        self.refused(*self.command(), says="channel ")

    def test_killed_between_the_last_checkpoint_and_the_model(self):
        os.mkdir(self.path("out"))
        command = self.command(output="out/model.tar.gz")
        self.smtrain(*command)
        model = self.read("out/model.tar.gz")
        os.remove(self.path("out/model.tar.gz"))
        self.smtrain(*command)
        self.assertEqual(self.read("out/model.tar.gz"), model)


class TimeLimits(Checkpoints):
    def test_a_time_limit_stops_with_75_and_the_same_command_finishes(self):
        whole = self.unbroken(epochs=1500)
        command = self.command("--max-runtime", "0.2s", epochs=1500)
        stops = 0
        while True:
            result = self.smtrain(*command, code=None)
            if result.code == 0:
                break
            self.assertEqual(result.code, 75, result)
            self.assertIn("stopped: the time limit", result.err)
            stops += 1
            self.assertLess(stops, 100)
        self.assertGreater(stops, 0)
        self.assertEqual(self.read("model.tar.gz"), whole)

    def test_limits_without_a_folder_are_refused(self):
        base = [*TRAIN, "--train", "train.csv", "-o", "m.tar"]
        self.refused(*base, "--max-runtime", "1h", says="give --checkpoint-dir")
        self.refused(*base, "--checkpoint-every", "1h", says="give --checkpoint-dir")
        self.refused(*base, "--max-runtime", "soon", says='--max-runtime is "soon"; expected a duration')

    def test_durations_are_told_with_their_origins(self):
        for extra in (["--dry-run"], []):
            err = self.smtrain(*self.command("-v", "--max-runtime", "1h", *extra, epochs=1)).err
            self.assertIn("max-runtime = 1h00m (flag)", err)
            self.assertIn("checkpoint-every = 20ms (flag)", err)
        default = [*TRAIN, "--train", "train.csv", "--checkpoint-dir", "other", "-o", "m.tar", "--dry-run", "-v"]
        self.assertIn("checkpoint-every = 10m00s (default)", self.smtrain(*default).err)

    def test_the_end_of_a_slurm_job_is_the_default(self):
        soon = {"SLURM_JOB_END_TIME": str(int(time.time()) + 4)}
        result = self.smtrain(*self.command("-v", epochs=1000000), code=75, env=soon, timeout=30)
        self.assertRegex(result.err, r"max-runtime = \S+ \(SLURM_JOB_END_TIME less \S+\)")
        self.assertIn("stopped: the time limit", result.err)
        over = self.smtrain(*self.command("--dry-run"), code=None, env={"SLURM_JOB_END_TIME": "5"})
        self.assertEqual(over.code, 2)  # another number of epochs
        shutil.rmtree(self.path("ck"))
        late = self.smtrain(*self.command(epochs=2), env={"SLURM_JOB_END_TIME": "5"})
        self.assertIn('SLURM_JOB_END_TIME is "5"', late.err)


class FullDisk(Checkpoints):
    def mount(self, size):
        os.mkdir(self.path("ck"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", self.path("ck")], capture_output=True)
        if mounted.returncode:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", self.path("ck")])

    def test_training_goes_on_without_and_leaves_nothing_behind(self):
        self.mount("4k")
        self.write("ck/notes", "x" * 4096)
        result = self.smtrain(*self.command())
        self.assertRegex(result.err, r"warning: no checkpoint: cannot write \"ck/checkpoint-\d+\": No space left on device")
        self.assertEqual(self.read("model.tar.gz"), self.unbroken())
        self.assertEqual(sorted(os.listdir(self.path("ck"))), [".lock", "notes"])

    def test_a_stop_that_cannot_save_is_the_machines_fault_and_the_last_checkpoint_stays(self):
        self.mount("64k")
        process = self.launch(*self.command(epochs=100000))
        self.wait_for_checkpoint(process)
        process.send_signal(signal.SIGSTOP)
        while True:  # fills what is left
            try:
                with open(self.path("ck", "notes"), "ab", buffering=0) as file:
                    file.write(b"x" * 1024)
            except OSError:
                break
        process.send_signal(signal.SIGCONT)
        err = self.stop(process, signal.SIGTERM)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("No space left on device", err)
        self.assertIn("without saving what was done since checkpoint-", err)
        os.remove(self.path("ck", "notes"))
        self.assertIn("would resume", self.smtrain(*self.command("--dry-run", epochs=100000)).err)


class Words(Checkpoints):
    def test_a_dry_run_says_what_would_be_resumed_and_makes_no_folder(self):
        self.assertIn("no checkpoint yet", self.smtrain(*self.command("--dry-run")).err)
        self.assertNotIn("ck", self.files())

    def test_the_services_log_tells_whether_there_are_checkpoints(self):
        out = self.smtrain(*self.command("--log-format", "sagemaker", epochs=1)).out
        self.assertIn("Checkpoint loading and saving are enabled.", out)
        self.assertIn("Checkpoint loading and saving are disabled.", self.train("--log-format", "sagemaker").out)

    def test_going_on_says_from_where(self):
        self.assertEqual(self.stopped_run()[0], 75)
        process = self.launch(*self.command(epochs=100000))
        time.sleep(0.5)
        self.assertRegex(self.stop(process, signal.SIGTERM), r"resumes at epoch \d+/100000, after [\d,]+ records of checkpoint-\d{6}")


class StartModels(CliTest):
    """--model: what it refuses, with both values; that it learns is tested on the algorithm."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs(300)))
        self.train(output="start.tar")

    def test_another_number_of_features_or_clusters(self):
        self.write("wide.csv", "1,2,3\n" * 50)
        self.refused(*TRAIN[:3], "--k", "3", "--train", "wide.csv", "--model", "start.tar", "-o", "m.tar",
                     says="was trained on 2 features, the train channel has 3")
        self.refused(*TRAIN[:3], "--k", "5", "--train", "train.csv", "--model", "start.tar", "-o", "m.tar",
                     says="k: is 5, but the start model has 3 clusters")

    def test_another_algorithm(self):
        with tarfile.open(self.path("start.tar")) as tar:
            members = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}
        manifest = json.loads(members["manifest.json"])
        manifest["algorithm"] = "pca"
        members["manifest.json"] = json.dumps(manifest).encode()
        with tarfile.open(self.path("other.tar"), "w") as tar:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        base = [*TRAIN[:3], "--k", "3", "--train", "train.csv", "--model", "other.tar", "-o", "m.tar"]
        for extra in ([], ["--dry-run"]):
            self.refused(*base, *extra, says=['is a model of "pca"', "kmeans can only go on from one of kmeans"])


if __name__ == "__main__":
    unittest.main()
