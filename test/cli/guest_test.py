"""smtrain as the program of a training container: a tree in, a model or a reason out."""

import gzip
import json
import os
import re
import resource
import shutil
import signal
import struct
import threading
import time
import unittest

from harness import SMTRAIN, CliTest, blobs, csv, recordio, text

CSV = "text/csv;label_size=0"


class GuestTest(CliTest):
    """A tree with the hyperparameters of a small job, in self.work/ml; tests add channels."""

    def setUp(self):
        super().setUp()
        self.env["SMTRAIN_ALGORITHM"] = "kmeans"
        self.rows = blobs(600)
        self.configure(hyperparameters={"k": "3"})
        os.makedirs(self.path("ml/input/data"))

    def configure(self, **files):
        """configure(resourceconfig={...}) writes input/config/resourceconfig.json."""
        os.makedirs(self.path("ml/input/config"), exist_ok=True)
        for name, content in files.items():
            data = content if isinstance(content, str) else json.dumps(content)
            self.write(f"ml/input/config/{name}.json", data)

    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path("ml", name)), exist_ok=True)
        return self.write("ml/" + name, data)

    def channel(self, name="train", parts=1, **config):
        """A channel in File mode whose rows lie in so many files."""
        step = len(self.rows) // parts
        for i in range(parts):
            self.put(f"input/data/{name}/part-{i}.csv", csv(self.rows[i * step:(i + 1) * step]))
        self.describe(name, **config)

    def describe(self, name, mode="File", **config):
        self.channels = dict(getattr(self, "channels", {}))
        self.channels[name] = {"TrainingInputMode": mode, "ContentType": CSV, "S3DistributionType": "FullyReplicated",
                               "RecordWrapperType": "None", **config}
        self.configure(inputdataconfig=self.channels)

    def guest(self, *arguments, code=0, **options):
        return self.smtrain("train", "--root", "ml", *arguments, code=code, **options)

    def start_guest(self, *arguments, **options):
        return self.start("train", "--root", "ml", *arguments, **options)

    def fails(self, *says, code=2, **options):
        """The guest exits with that code; all of `says` are in the failure file and, line by line, on standard error."""
        result = self.guest(code=code, **options)
        failure = text(self.read("ml/output/failure"))
        for part in says:
            self.assertIn(part, failure)
        for line in failure.splitlines():
            self.assertIn(line, result.err)
        self.assert_no_trace(result)
        self.assertEqual(self.model(), {})
        return failure

    def model(self):
        folder = self.path("ml/model")
        return {name: self.read("ml/model/" + name) for name in os.listdir(folder)} if os.path.isdir(folder) else {}

    def plain_model(self, *arguments):
        """The files of the model that the plain command makes of the same rows."""
        self.write("plain.csv", csv(self.rows))
        os.makedirs(self.path("plain"), exist_ok=True)
        self.train(*arguments, data="plain.csv", output="plain.tar.gz")
        self.shell("tar -xzf plain.tar.gz -C plain")
        return {name: self.read("plain/" + name) for name in self.files("plain")}

    def feed(self, name, data, epochs=1, late=0.0):
        """A thread that plays the platform: a FIFO per epoch, made and written one after the other."""
        def run():
            for epoch in range(epochs):
                time.sleep(late)
                path = self.path(f"ml/input/data/{name}_{epoch}")
                if not os.path.exists(path):
                    os.mkfifo(path)
                try:
                    with open(path, "wb") as fifo:
                        fifo.write(data)
                except BrokenPipeError:
                    self.broken_pipes = getattr(self, "broken_pipes", 0) + 1
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


class Configuration(GuestTest):
    def test_the_model_equals_that_of_the_plain_command(self):
        self.channel()
        result = self.guest()
        self.assertEqual(self.model(), self.plain_model())
        self.assertFalse(os.path.exists(self.path("ml/output/failure")))
        self.assertEqual(result.err, "")

    def test_no_hyperparameters_are_an_empty_set(self):
        self.channel()
        os.remove(self.path("ml/input/config/hyperparameters.json"))
        self.assertRegex(self.fails("Missing required hyperparameter: k"), r"\AMissing required hyperparameter: k ")

    def test_values_are_strings_and_may_hold_json(self):
        self.channel()
        self.channel("test")
        self.configure(hyperparameters={"k": "3", "epochs": "\"2\"", "eval_metrics": "[\"msd\", \"ssd\"]",
                                        "_tuning_objective_metric": "test:msd", "sagemaker_program": "x.py"})
        out = self.guest().out
        self.assertIn("test ssd <loss>=", out)
        self.assertIn("completed 50.0 % of epochs", out)

    def test_bare_values_count_with_a_warning(self):
        self.channel()
        self.configure(hyperparameters={"k": 3, "eval_metrics": ["msd"]})
        out = self.guest().out
        self.assertRegex(out, r"(?m)^\[.* WARNING \d+\] ml/input/config/hyperparameters.json: \"k\" is a number")
        self.assertEqual(self.model(), self.plain_model())

    def test_dashes_are_no_underscores(self):
        self.channel()
        self.configure(hyperparameters={"k": "3", "mini-batch-size": "100"})
        self.fails("Extraneous hyperparameter found: mini-batch-size; did you mean mini_batch_size?")

    def test_several_problems_are_told_together(self):
        self.configure(hyperparameters={"k": "0", "kk": "1"}, resourceconfig="[1]")
        failure = self.fails("resourceconfig.json: expected one JSON object")
        self.configure(resourceconfig={})
        os.remove(self.path("ml/output/failure"))
        failure = self.fails("Extraneous hyperparameter found: kk", "Missing required channel: train (given: none)")
        self.assertNotIn("--train", failure)

    def test_settings_come_from_hyperparameters(self):
        self.channel()
        self.configure(hyperparameters={"k": "3", "smtrain_seed": "7", "smtrain_threads": "1"})
        self.guest()
        self.assertEqual(self.model(), self.plain_model("--seed", "7"))

    def test_the_root_by_variable(self):
        self.channel()
        self.smtrain("train", env={"SAGEMAKER_BASE_DIR": self.path("ml")})
        self.assertIn("manifest.json", self.model())

    def test_a_dry_run_leaves_nothing(self):
        self.channel()
        before = self.files("ml")
        self.assertIn("nothing trained", self.guest("--dry-run").out)
        self.configure(hyperparameters={})
        self.guest("--dry-run", code=2)
        self.assertEqual(self.files("ml"), before)

    def test_metrics_and_logs_in_other_formats(self):
        self.channel()
        result = self.guest("--log-format", "json")
        for line in (result.out + result.err).splitlines():
            json.loads(line)
        self.assertEqual(self.guest("--log-format", "text").out, "")


class AlgorithmChoice(GuestTest):
    def setUp(self):
        super().setUp()
        del self.env["SMTRAIN_ALGORITHM"]
        self.channel()

    def trained(self):
        return json.loads(self.model()["manifest.json"])["algorithm"] == "kmeans"

    def test_by_variable(self):
        self.guest(env={"SMTRAIN_ALGORITHM": "kmeans"})
        self.assertTrue(self.trained())

    def test_by_hyperparameter(self):
        self.configure(hyperparameters={"k": "3", "smtrain_algorithm": "kmeans"})
        self.assertNotIn("smtrain_algorithm", self.guest().out)
        self.assertTrue(self.trained())

    def test_by_the_name_of_the_program(self):
        os.symlink(os.path.abspath(SMTRAIN), self.path("kmeans"))
        self.shell("./kmeans train --root ml")
        self.assertTrue(self.trained())

    def test_the_variable_comes_first(self):
        self.configure(hyperparameters={"k": "3", "smtrain_algorithm": "no-such"})
        self.guest(env={"SMTRAIN_ALGORITHM": "kmeans"})
        self.fails_without_model("no-such", code=2)

    def fails_without_model(self, says, **options):
        shutil.rmtree(self.path("ml/model"))
        self.assertIn(says, self.fails(**options))

    def test_none_is_an_error_that_names_the_ways(self):
        self.fails("SMTRAIN_ALGORITHM", "smtrain_algorithm", "link that bears an algorithm's name", "kmeans")

    def test_an_unknown_name(self):
        self.fails("SMTRAIN_ALGORITHM is \"kmeens\"", "did you mean kmeans?", env={"SMTRAIN_ALGORITHM": "kmeens"})


class Hosts(GuestTest):
    def setUp(self):
        super().setUp()
        self.channel()

    def host_of(self, result):
        return set(re.findall(r"host=(\S+),", result.out))

    def test_without_the_file_there_is_one_host(self):
        self.assertEqual(self.host_of(self.guest()), {"algo-1"})

    def test_minimal_full_and_camel_case(self):
        self.configure(resourceConfig={"current_host": "camel", "hosts": ["camel"]})
        self.assertEqual(self.host_of(self.guest()), {"camel"})
        self.configure(resourceconfig={"current_host": "lower", "hosts": ["lower"]})
        self.assertEqual(self.host_of(self.guest()), {"lower"})
        group = {"instance_group_name": "g", "instance_type": "ml.c5.xlarge", "hosts": ["full"]}
        self.configure(resourceconfig={"current_host": "full", "hosts": ["full"], "current_group_name": "g",
                                       "current_instance_type": "ml.c5.xlarge", "network_interface_name": "eth1",
                                       "instance_groups": [group], "topology": None})
        self.assertEqual(self.host_of(self.guest()), {"full"})

    def test_several_hosts_without_a_launcher_are_refused(self):
        hosts = [f"algo-{i}" for i in range(1, 13)]
        self.configure(resourceconfig={"current_host": "algo-2", "hosts": hosts})
        self.fails("12 hosts (algo-1, algo-10, algo-11, algo-12, algo-2, ", "no launcher", "mpirun or srun")

    def test_the_process_must_be_the_host_of_its_rank(self):
        self.configure(resourceconfig={"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
        self.fails("current_host algo-2 is number 1 of 2 hosts", "rank 0",
                   env={"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"})

    def test_three_processes_for_two_hosts_are_refused(self):
        self.configure(resourceconfig={"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
        self.fails("2 hosts (algo-1, algo-2), but 3 processes", env={"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "0"})


class Channels(GuestTest):
    def test_folders_are_read_as_the_formats_have_it(self):
        self.channel(parts=3)
        self.put("input/data/train/deep/er/part-9.csv", csv(self.rows[:60]))
        self.put("input/data/train/_SUCCESS", "x")
        self.put("input/data/train/.hidden", "x")
        self.put("input/data/train/empty.csv", "")
        self.put("input/data/train-manifest", "[]")
        self.guest()
        self.rows = self.rows[:60] + self.rows  # "deep" comes before "part"
        self.assertEqual(self.model(), self.plain_model())

    def test_without_a_configuration_folders_are_channels(self):
        self.put("input/data/train/a.csv", csv(self.rows))
        self.put("input/data/train-manifest", "[]")
        os.makedirs(self.path("ml/input/data/.cache"))
        out = self.guest().out
        self.assertIn("train: text/csv", out)
        self.assertEqual(self.model(), self.plain_model())

    def test_a_folder_with_another_name_is_named(self):
        self.put("input/data/training/a.csv", csv(self.rows))
        self.fails("Missing required channel: train (given: training)")

    def test_fast_file_is_read_as_file(self):
        self.channel(mode="FastFile")
        self.guest()
        self.assertEqual(self.model(), self.plain_model())

    def test_gzip_is_seen_by_content(self):
        self.put("input/data/train/a.csv", gzip.compress(csv(self.rows).encode()))
        self.describe("train")
        self.guest()
        self.assertEqual(self.model(), self.plain_model())

    def test_an_empty_folder_is_an_error_on_one_host(self):
        os.makedirs(self.path("ml/input/data/train"))
        self.describe("train")
        self.fails("input/data/train: the folder holds no file to read")

    def test_a_channel_without_its_folder(self):
        self.describe("train")
        self.fails("ml/input/data/train: No such file or directory")

    def test_an_unknown_content_type(self):
        self.channel(ContentType="text/cvs")
        self.fails("content type \"text/cvs\" is not known; did you mean text/csv?")

    def test_a_bad_record_names_file_and_line(self):
        self.put("input/data/train/a.csv", "1,2\n3,x\n")
        self.describe("train")
        self.assertTrue(self.fails().startswith("ml/input/data/train/a.csv:2"))


class Pipes(GuestTest):
    def train_on_pipe(self, data, *arguments, **options):
        config = options.pop("config", {})
        self.describe("train", mode="Pipe", **config)
        feeder = self.feed("train", data, **options)
        result = self.guest(*arguments)
        feeder.join(30)
        self.assertFalse(feeder.is_alive())
        return result

    def test_a_pipe_gives_the_same_model_as_a_file(self):
        self.train_on_pipe(csv(self.rows).encode())
        self.assertEqual(self.model(), self.plain_model())

    def test_records_that_are_looked_at_first_are_kept(self):
        self.configure(hyperparameters={"k": "3", "mini_batch_size": "100"})
        out = self.train_on_pipe(csv(self.rows).encode()).out
        self.assertEqual(self.model(), self.plain_model("--mini_batch_size", "100"))
        self.assertIn("processed a total of 600 examples", out)

    def test_fifos_of_three_epochs_that_appear_late(self):
        self.configure(hyperparameters={"k": "3", "epochs": "3"})
        out = self.train_on_pipe(csv(self.rows).encode(), epochs=3, late=0.3).out
        self.assertEqual(re.findall(r"completed (\S+) %", out), ["33.3", "66.7", "100.0"])
        self.assertEqual(self.model(), self.plain_model("--epochs", "3"))

    def test_recordio(self):
        self.train_on_pipe(recordio(self.rows), config={"ContentType": "application/x-recordio-protobuf"})
        self.assertIn("manifest.json", self.model())

    def wrapped(self, objects):
        return b"".join(struct.pack("<II", 0xCED7230A, len(o)) + o + b"\0" * (-len(o) % 4) for o in objects)

    def test_objects_that_are_wrapped_into_records(self):
        halves = [csv(self.rows[:200]).encode().rstrip(), csv(self.rows[200:]).encode()]
        self.train_on_pipe(self.wrapped(halves), config={"RecordWrapperType": "RecordIO"})
        self.assertEqual(self.model(), self.plain_model())

    def test_wrapped_objects_without_a_content_type(self):
        self.train_on_pipe(self.wrapped([csv(self.rows).encode()]), config={"RecordWrapperType": "RecordIO", "ContentType": None})
        self.assertEqual(self.model(), self.plain_model())

    def test_wrapped_protobuf_messages_are_recordio(self):
        config = {"ContentType": "application/x-recordio-protobuf"}
        self.train_on_pipe(recordio(self.rows), config=config)
        expected = self.model()
        self.assertIn("manifest.json", expected)
        self.train_on_pipe(recordio(self.rows), config=dict(config, RecordWrapperType="RecordIO"))
        self.assertEqual(self.model(), expected)
        self.train_on_pipe(self.wrapped([recordio(self.rows)]), config=dict(config, RecordWrapperType="RecordIO"))
        self.assertEqual(self.model(), expected)

    def test_a_wrapper_that_is_missing(self):
        self.describe("train", mode="Pipe", RecordWrapperType="RecordIO")
        self.feed("train", csv(self.rows).encode())
        self.fails("train_0, byte 0", "RecordWrapperType RecordIO")

    def test_pipes_are_found_without_a_configuration(self):
        os.mkfifo(self.path("ml/input/data/train_0"))
        feeder = self.feed("train", csv(self.rows).encode())
        self.guest()
        feeder.join(30)
        self.assertEqual(self.model(), self.plain_model())

    def test_a_channel_that_nobody_opens_blocks_nobody(self):
        """k-means reads the test channel after the train channel, though its writer waits from the beginning."""
        self.describe("test", mode="Pipe")
        scorer = self.feed("test", csv(self.rows).encode())
        out = self.train_on_pipe(csv(self.rows).encode()).out
        scorer.join(30)
        self.assertIn("test msd <loss>=", out)

    def test_an_empty_pipe_is_an_error(self):
        self.describe("train", mode="Pipe")
        self.feed("train", b"")
        self.fails("holds no records")

    def test_the_reader_may_close_early(self):
        """A fault in the first rows ends the run at once; the writer of many more sees a broken pipe."""
        self.describe("train", mode="Pipe")
        feeder = self.feed("train", b"1,2\nx,y\n" + csv(self.rows).encode() * 4000)
        self.fails("train_0:2")
        feeder.join(30)
        self.assertFalse(feeder.is_alive())
        self.assertEqual(self.broken_pipes, 1)

    def test_a_reader_that_is_killed_leaves_no_model(self):
        self.describe("train", mode="Pipe")
        os.mkfifo(self.path("ml/input/data/train_0"))
        process = self.start_guest()
        with open(self.path("ml/input/data/train_0"), "wb", buffering=0) as fifo:
            fifo.write(csv(self.rows).encode())
            process.kill()
            process.communicate()
            with self.assertRaises(BrokenPipeError):
                fifo.write(b"1,2\n" * 100000)
        self.assertEqual(self.model(), {})


class Models(GuestTest):
    """The channel `model`: the model to go on from."""

    def setUp(self):
        super().setUp()
        self.write("first.csv", csv(self.rows[:300]))
        self.train(data="first.csv", output="first.tar.gz")
        self.rows = self.rows[300:]
        self.channel()
        self.expected = self.plain_model("--model", "first.tar.gz")
        os.makedirs(self.path("ml/input/data/model"))

    def continues(self):
        self.describe("model", ContentType="application/x-sagemaker-model")
        self.guest()
        self.assertEqual(self.model(), self.expected)

    def test_an_archive(self):
        shutil.copy(self.path("first.tar.gz"), self.path("ml/input/data/model/model.tar.gz"))
        self.continues()

    def test_an_archive_of_another_name(self):
        self.shell("gunzip -c first.tar.gz > ml/input/data/model/any.tar && touch ml/input/data/model/.any.tar.gz.part ml/input/data/model/_SUCCESS")
        self.continues()

    def test_an_unpacked_folder(self):
        self.shell("tar -xzf first.tar.gz -C ml/input/data/model")
        self.continues()

    def test_nothing_or_too_much(self):
        self.describe("model")
        self.fails("channel model: ml/input/data/model is empty")
        os.remove(self.path("ml/output/failure"))
        for name in ("a.tar.gz", "b.tar"):
            self.put("input/data/model/" + name, "")
        self.fails("2 archives (a.tar.gz, b.tar)")


class Failures(GuestTest):
    def test_the_first_reason_stays(self):
        self.put("output/failure", "first")
        self.guest(code=2)
        self.assertEqual(self.read("ml/output/failure"), b"first")

    def test_at_most_1024_characters_cut_between_them(self):
        self.channel()
        self.configure(hyperparameters={"k": "3", "\u20ac" * 2000: "1"})
        self.guest(code=2)
        failure = self.read("ml/output/failure").decode("utf-8")
        self.assertEqual(len(failure), 1024)
        self.assertTrue(failure.endswith("\u20ac"))

    def test_all_problems_the_first_one_first(self):
        self.channel()
        self.configure(hyperparameters={"k": "y", "epochs": "x"})
        self.assertEqual([line.split(":")[0] for line in self.fails().splitlines()],
                         ["Hyperparameter epochs", "Hyperparameter k"])

    def test_a_root_that_is_not_there_is_not_made(self):
        for env in ({}, {"SMTRAIN_ALGORITHM": ""}):
            err = self.smtrain("train", "--root", "mk", code=2, env=env).err
            self.assertIn("smtrain: error: mk: no such folder; expected the tree of a training job: give --root DIR, or --job", err)
            self.assertEqual(len(err.splitlines()), 1, err)
        self.assertEqual(self.files(), ["ml"])

    def test_a_wrong_flag_is_told_in_the_tree_too(self):
        self.guest("--bogus", code=2)
        self.assertIn("unknown flag \"--bogus\"", text(self.read("ml/output/failure")))

    def test_an_output_that_cannot_be_written(self):
        self.put("output", "a file where a folder should be")
        err = self.guest(code=2).err
        self.assertRegex(err, r"cannot write ml/output/failure: Not a directory")
        self.assertRegex(err.splitlines()[-1], "Missing required channel: train")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_an_output_of_another_user(self):
        os.chmod(self.folder, 0o755)
        os.makedirs(self.path("ml/output"))
        err = self.guest(code=2, user=12345).err
        self.assertIn("cannot write ml/output/failure: Permission denied", err)
        self.assertIn("Missing required channel: train", err)
        self.assertIn("output \"ml/model\": folder \"ml\" cannot be written", err)

    def test_a_fault_of_the_machine(self):
        """A limit on file sizes is as a full disk: exit 1, and no part of a model."""
        self.channel()
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
        result = self.guest(code=1, preexec_fn=limit)
        failure = text(self.read("ml/output/failure"))
        self.assertTrue(failure.startswith("Internal error: "), failure)
        self.assertIn("ml/model/", result.err)
        self.assertEqual(self.model(), {})

    def test_success_leaves_an_old_reason_alone(self):
        self.channel()
        self.put("output/failure", "old")
        self.guest()
        self.assertEqual(self.read("ml/output/failure"), b"old")


class Stops(GuestTest):
    """SIGTERM: the model so far, a checkpoint where the tree asks for them, and no reason of a failure."""

    def setUp(self):
        super().setUp()
        self.configure(hyperparameters={"k": "3", "mini_batch_size": "100", "epochs": "3"})
        self.describe("train", mode="Pipe")
        self.data = csv(self.rows).encode()
        os.mkfifo(self.path("ml/input/data/train_0"))

    repeats = 400  # times the rows come in an epoch: 4.8 MB

    def stopped(self, number=signal.SIGTERM, **options):
        """A guest that has trained on some rows and waits for more when it is stopped."""
        process = self.start_guest(**options)
        with open(self.path("ml/input/data/train_0"), "wb", buffering=0) as fifo:
            for _ in range(self.repeats - 1):
                fifo.write(self.data)
            # Seen by its log, not by the clock: rows of the pipe are trained on while more are to come.
            seen = read_until(self, process, b"Iter 10:")
            process.send_signal(number)
            start = time.monotonic()
            out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - start, 20)
        self.assertFalse(os.path.exists(self.path("ml/output/failure")))
        return process.returncode, text(seen + out), text(err)

    def usable(self):
        self.assertIn("model_algo-1", self.model())
        self.write("rows.csv", csv(self.rows))
        self.smtrain("transform", "--model", "ml/model", "--input", "rows.csv", "--content-type", CSV, "--output", "answers")
        self.assertEqual(len(self.read("answers").splitlines()), 600)

    def test_the_model_so_far_is_written(self):
        code, _, err = self.stopped()
        self.assertEqual(code, 128 + signal.SIGTERM)
        self.assertEqual(err, "smtrain: stopped: SIGTERM; ml/model holds what was trained by then\n")
        self.usable()
        self.assertEqual(json.loads(self.model()["manifest.json"])["build"]["stopped_by"], "SIGTERM")

    def test_with_checkpoints_the_exit_code_says_so_and_the_next_run_goes_on(self):
        self.configure(checkpointconfig={"LocalPath": "/opt/ml/checkpoints"})
        code, out, err = self.stopped()
        self.assertEqual(code, 75)
        self.assertRegex(err.splitlines()[-1], r"^smtrain: stopped: SIGTERM; .*checkpoint-\d+ written")
        self.assertIn("Checkpoint loading and saving are enabled.", out)
        self.usable()
        checkpoints = self.files("ml/checkpoints")
        self.assertTrue([name for name in checkpoints if not name.startswith(".")], checkpoints)
        for name in checkpoints:
            self.assertTrue(not name.startswith(".") or name.endswith(".sagemaker-ignore"), name)

        os.remove(self.path("ml/input/data/train_0"))
        for name in self.model():
            os.remove(self.path("ml/model", name))
        self.rows *= self.repeats
        feeder = self.feed("train", self.data * self.repeats, epochs=3)
        out = self.guest().out
        feeder.join(30)
        self.assertIn("resumes at", out)
        self.assertEqual(self.model(), self.plain_model("--mini_batch_size", "100", "--epochs", "3"))

    def test_side_files_of_the_copier_are_no_checkpoints(self):
        self.configure(checkpointconfig={})
        self.stopped()
        whole = [name for name in self.files("ml/checkpoints") if not name.startswith(".")]
        for name in whole:
            newer = re.sub(r"\d+", lambda m: str(int(m[0]) + 1).zfill(len(m[0])), name)
            self.put(f"checkpoints/{newer}.sagemaker-uploading", "")
            self.put(f"checkpoints/{newer}.sagemaker-uploaded", "")
            self.put(f"checkpoints/{newer}.sagemaker-ignore", "half")
        self.resumes(whole[-1])

    def resumes(self, name):
        os.remove(self.path("ml/input/data/train_0"))
        feeder = self.feed("train", self.data * self.repeats, epochs=3)
        self.assertRegex(self.guest().out, rf"resumes at .* of .*{re.escape(name)}")
        feeder.join(30)

    def test_a_torn_checkpoint_gives_way_to_the_one_before(self):
        self.configure(checkpointconfig={})
        self.stopped()
        whole = [name for name in self.files("ml/checkpoints") if not name.startswith(".")]
        newest = self.read("ml/checkpoints/" + whole[-1])
        newer = re.sub(r"\d+", lambda m: str(int(m[0]) + 1).zfill(len(m[0])), whole[-1])
        self.put("checkpoints/" + newer, newest[:len(newest) // 2])
        self.resumes(whole[-1])

    def test_the_grace_is_a_time(self):
        self.guest("--grace", "soon", code=2)
        self.assertIn("--grace is \"soon\"", text(self.read("ml/output/failure")))
        self.assertIn("SMTRAIN_GRACE is \"soon\"", self.guest(code=2, env={"SMTRAIN_GRACE": "soon"}).err)


class LogLines(GuestTest):
    def setUp(self):
        super().setUp()
        self.channel()
        self.channel("test")
        self.configure(hyperparameters={"k": "3", "eval_metrics": "[\"msd\", \"ssd\"]"})

    def matches(self, regex, out):
        return [m[1] for line in out.splitlines() if (m := re.search(regex, line))]

    def test_the_regular_expressions_of_the_service_match(self):
        out = self.guest().out
        known = {"train:progress": r"#progress_metric: host=\S+, completed (\S+) %",
                 "train:throughput": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
                 "test:msd": r"#quality_metric: host=\S+, test msd <loss>=(\S+)",
                 "test:ssd": r"#quality_metric: host=\S+, test ssd <loss>=(\S+)"}
        for name, regex in known.items():
            found = self.matches(regex, out)
            self.assertEqual(len(found), 1, name)
            self.assertGreater(float(found[0]), 0, name)

    def test_the_published_definitions_match(self):
        algorithms = json.loads(self.smtrain("algorithms", "--json").out)
        definitions = next(m for m in find_lists(algorithms, "MetricDefinitions"))
        self.assertGreaterEqual(len(definitions), 2)
        out = self.guest().out
        for definition in definitions:
            self.assertTrue(self.matches(definition["Regex"], out), definition)

    def test_what_the_log_says(self):
        self.configure(resourceconfig={"current_host": "algo-7", "hosts": ["algo-7"]})
        out = self.guest(env={"TRAINING_JOB_NAME": "points-1"}).out
        prefix = r"(?m)^\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] "
        for line in (r"Docker entrypoint called with argument\(s\): train", r"training job: points-1$",
                     r"Merging with provided configuration from ml/input/config/hyperparameters.json: {",
                     r"Final configuration: {", r"Number of GPUs being used: 0$"):
            self.assertRegex(out, prefix + line)
        metrics = [json.loads(line.removeprefix("#metrics ")) for line in out.splitlines() if line.startswith("#metrics ")]
        self.assertGreater(len(metrics), 2)
        for metric in metrics:
            self.assertEqual(metric["Dimensions"]["Algorithm"], "AWS/KMeansWebscale")
            self.assertEqual(metric["Dimensions"]["Host"], "algo-7")

    def test_every_line_is_out_before_the_next_work(self):
        """The first lines are there while the guest still waits for data."""
        shutil.rmtree(self.path("ml/input/data/train"))
        self.describe("train", mode="Pipe")
        process = self.start_guest()
        read_until(self, process, b"Final configuration")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def read_until(test, process, word):
    """What a process has printed when the word comes."""
    out = b""
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    while word not in out:
        line = process.stdout.readline()
        test.assertTrue(line, "the output has ended")
        out += line
    watchdog.cancel()
    return out


def find_lists(value, key):
    """All values of a key, however deep."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == key:
                yield member
            yield from find_lists(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from find_lists(member, key)


if __name__ == "__main__":
    unittest.main()
