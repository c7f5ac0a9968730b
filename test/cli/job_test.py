"""smtrain train --job: requests from their file to artifacts and description, with built-ins and with programs of a user."""

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
import unittest

from harness import SMTRAIN, CliTest, blobs, csv, json_lines, text

WAIT_S = 60


def is_running(pid):
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


class JobTest(CliTest):
    """Requests as Python objects; the job's folder is results/job."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("data"))
        for part in range(2):
            self.write(f"data/part-{part}.csv", csv(blobs()[part::2]))

    def request(self, **changes):
        """k-means on two files; None removes a field."""
        request = {
            "TrainingJobName": "job",
            "AlgorithmSpecification": {"TrainingImage": "registry/kmeans:1", "TrainingInputMode": "File"},
            "HyperParameters": {"k": "3", "epochs": "2"},
            "InputDataConfig": [self.channel()],
            "OutputDataConfig": {"S3OutputPath": "file:results"},
            "ResourceConfig": {"InstanceType": "local", "InstanceCount": 1},
        }
        request.update(changes)
        return {key: value for key, value in request.items() if value is not None}

    def channel(self, name="train", uri="data/", **changes):
        source = {"S3DataType": "S3Prefix", "S3Uri": uri}
        return dict({"ChannelName": name, "ContentType": "text/csv;label_size=0", "DataSource": {"S3DataSource": source}}, **changes)

    def program(self, script, mode="File", metrics=(), **changes):
        """A shell script of its own as the program."""
        self.write("program.sh", script)
        spec = {"TrainingInputMode": mode, "ContainerEntrypoint": ["/bin/sh", self.path("program.sh")]}
        if metrics:
            spec["MetricDefinitions"] = [{"Name": name, "Regex": regex} for name, regex in metrics]
        return self.request(AlgorithmSpecification=spec, **dict({"HyperParameters": {}}, **changes))

    def job(self, request, *arguments, **options):
        self.write("job.json", json.dumps(request))
        return self.smtrain("train", "--job", "job.json", *arguments, **options)

    def start_job(self, request, *arguments, **options):
        self.write("job.json", json.dumps(request))
        return self.start("train", "--job", "job.json", *arguments, **options)

    def description(self, job="job"):
        return json.loads(self.read(f"results/{job}/description.json"))

    def log(self, host="algo-1", job="job"):
        return text(self.read(f"results/{job}/logs/{host}.log"))

    def members(self, name="model.tar.gz", job="job"):
        with tarfile.open(self.path("results", job, "output", name)) as archive:
            return {m.name: text(archive.extractfile(m).read()) for m in archive.getmembers()}

    def statuses(self):
        return [t["Status"] for t in self.description()["SecondaryStatusTransitions"]]

    def goes_on(self, request):
        """The same command resumes at the checkpoint, and stops there again."""
        process = self.start_job(request, stderr=subprocess.DEVNULL)
        self.wait_for_log("resumes at")
        process.terminate()
        process.communicate(timeout=WAIT_S)
        self.assertEqual(process.returncode, 75)

    def wait_for_log(self, part, process=None):
        path = self.path("results/job/logs/algo-1.log")
        self.wait_until(lambda: os.path.exists(path) and part in self.log())


class BuiltIn(JobTest):
    def plain(self):
        self.smtrain("kmeans", "--train", "data", "--content-type", "text/csv;label_size=0", "--k", "3", "--epochs", "2",
                     "-o", "plain.tar.gz", "-q")
        return self.read("plain.tar.gz")

    def test_file_fast_file_and_pipe_give_the_bytes_of_the_plain_command(self):
        plain = self.plain()
        for mode in ("File", "FastFile", "Pipe"):
            with self.subTest(mode):
                request = self.request(TrainingJobName="job-" + mode)
                request["AlgorithmSpecification"]["TrainingInputMode"] = mode
                self.job(request)
                self.assertEqual(self.read(f"results/job-{mode}/output/model.tar.gz"), plain)

    def test_gzip_objects_and_wrapped_objects_in_pipe_mode(self):
        plain = self.plain()
        self.shell("mkdir packed && cp data/* packed && gzip packed/*")
        for name, uri, changes in (("gzip", "packed/", {"CompressionType": "Gzip"}), ("record", "data/", {"RecordWrapperType": "RecordIO"})):
            with self.subTest(name):
                self.job(self.request(TrainingJobName=name, InputDataConfig=[self.channel(uri=uri, InputMode="Pipe", **changes)]))
                self.assertEqual(self.read(f"results/{name}/output/model.tar.gz"), plain)

    def test_the_description_tells_the_whole_job(self):
        self.job(self.request(InputDataConfig=[self.channel(), self.channel("test")], RoleArn="arn:x"))
        d = self.description()
        self.assertEqual((d["TrainingJobStatus"], d["SecondaryStatus"]), ("Completed", "Completed"))
        self.assertEqual(self.statuses(), ["Starting", "Downloading", "Training", "Uploading", "Completed"])
        for before, after in zip(d["SecondaryStatusTransitions"], d["SecondaryStatusTransitions"][1:]):
            self.assertEqual(before["EndTime"], after["StartTime"])
        self.assertEqual(d["ModelArtifacts"]["S3ModelArtifacts"], "file://" + self.path("results/job/output/model.tar.gz"))
        self.assertEqual(d["HyperParameters"], {"k": "3", "epochs": "2"})
        metrics = {m["MetricName"]: m["Value"] for m in d["FinalMetricDataList"]}
        self.assertIn("test:msd", metrics)
        manifest = json.loads(self.members()["manifest.json"])
        self.assertAlmostEqual(metrics["test:msd"], manifest["metrics"]["test:msd"], places=6)
        lines = json_lines(text(self.read("results/job/metrics.jsonl")))
        self.assertTrue(any(line["metric"] == "test:msd" and line["host"] == "algo-1" for line in lines), lines)
        self.assertIn("#quality_metric: host=algo-1, test msd <loss>=", self.log())
        self.assertEqual(self.files("results/job"), [".lock", "description.json", "job.json", "logs", "metrics.jsonl", "output"])
        self.assertEqual(json.loads(self.read("results/job/job.json")), json.loads(self.read("job.json")))

    def test_a_finished_job_is_not_run_again_unless_told(self):
        self.job(self.request())
        self.assertIn("this job is Completed; give another", self.job(self.request(), code=2).err)
        self.job(self.request(), "--overwrite")

    def test_all_that_is_wrong_comes_before_anything_is_made(self):
        request = self.request(TrainingJobName="a b", Extra=1)
        request["HyperParameters"]["kk"] = "1"
        self.write("job.json", json.dumps(request))
        self.refused("train", "--job", "job.json", says=["job.json: TrainingJobName", "job.json: Extra", "Extraneous hyperparameter found: kk"])
        self.refused("train", "--job", "none.json", says="none.json")
        request = self.request(InputDataConfig=[self.channel(uri="none/"), self.channel("test", uri="nowhere")])
        self.write("job.json", json.dumps(request))
        self.refused("train", "--job", "job.json", says=["channel train: no object found under", "channel test: no object found under"])
        self.assertEqual(self.files(), ["data", "job.json"])

    def test_cloud_uris_need_a_map(self):
        request = self.request(InputDataConfig=[self.channel(uri="s3://bucket/prefix/data/")])
        self.write("job.json", json.dumps(request))
        self.refused("train", "--job", "job.json", says="--map s3://bucket=FOLDER")
        self.job(request, "--map", f"s3://bucket/prefix={self.work}")

    def test_a_dry_run_reads_the_first_records_and_makes_nothing(self):
        before = self.files()
        self.job(self.request(), "--dry-run")
        self.assertEqual(self.files(), sorted(before + ["job.json"]))
        self.write("data/part-0.csv", "1,x\n")
        self.assertIn("part-0.csv", self.job(self.request(), "--dry-run", code=2).err)

    def test_bad_data_fails_the_job_as_the_clients_error(self):
        self.write("data/part-1.csv", "1,2\n3,x\n")
        result = self.job(self.request(), code=2)
        self.assertIn("part-1.csv", result.err)
        d = self.description()
        self.assertEqual(d["TrainingJobStatus"], "Failed")
        self.assertRegex(d["FailureReason"], r"(?s)^ClientError: .*part-1\.csv.*exit code: 2$")
        self.assertNotIn("ModelArtifacts.S3ModelArtifacts", d)

    def test_uncompressed_output(self):
        self.job(self.request(OutputDataConfig={"S3OutputPath": "results", "CompressionType": "NONE"}))
        self.assertIn("manifest.json", self.files("results/job/output/model"))
        self.assertEqual(self.description()["ModelArtifacts"]["S3ModelArtifacts"], "file://" + self.path("results/job/output/model"))

    def test_the_depfile_names_objects_and_request(self):
        self.job(self.request(), "--depfile", "job.d")
        rule = text(self.read("job.d"))
        for name in ("data/part-0.csv", "job.json", "results/job/output/model.tar.gz:"):
            self.assertIn(name, rule)

    def test_fewer_objects_than_hosts_are_refused(self):
        channel = self.channel(DataSource={"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "data/", "S3DataDistributionType": "ShardedByS3Key"}})
        self.write("job.json", json.dumps(self.request(InputDataConfig=[channel], ResourceConfig={"InstanceCount": 3})))
        self.refused("train", "--job", "job.json", says=["2 objects for 3 hosts", "--split-records"])

    def test_flags_that_go_with_a_job_alone(self):
        result = self.smtrain("train", "--overwrite", "--map", "s3://a=/b", "--root", self.work, code=2)
        for flag in ("--overwrite", "--map"):
            self.assertIn(flag + " goes with --job", result.err)
        self.refused("train", "--job", "job.json", "--stop", "results/job", says="exclude each other")

    def test_the_description_is_whole_at_every_instant(self):
        request = self.program("for i in 1 2 3 4 5 6 7 8; do echo loss=$i; sleep 0.05; done", metrics=[("loss", "loss=(.*)")])
        process = self.start_job(request)
        path, seen = self.path("results/job/description.json"), set()
        while process.poll() is None:
            if os.path.exists(path):
                seen.add(json.loads(self.read("results/job/description.json"))["SecondaryStatus"])
        process.communicate()
        self.assertEqual(process.returncode, 0)
        self.assertIn("Training", seen)
        self.assertEqual(self.description()["FinalMetricDataList"][0]["Value"], 8)


@unittest.skipUnless(shutil.which("mpirun"), "no mpirun here")
@unittest.skipUnless(os.path.exists(os.path.join(os.path.dirname(SMTRAIN), "libsmtrain_mpi.so")), "this build has no MPI module")
class Hosts(JobTest):
    """A built-in on several hosts, which are ranks on this machine."""

    def setUp(self):
        super().setUp()
        self.env["OMPI_MCA_rmaps_base_oversubscribe"] = "1"

    def sharded(self, hosts, mode="File"):
        channel = self.channel(DataSource={"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "data/", "S3DataDistributionType": "ShardedByS3Key"}})
        return self.request(InputDataConfig=[dict(channel, InputMode=mode)], ResourceConfig={"InstanceType": "local", "InstanceCount": hosts})

    def msd(self):
        return json.loads(self.members()["manifest.json"])["metrics"]["train:data_msd"]

    def test_two_hosts_agree_with_one(self):
        self.job(self.sharded(1))
        alone = self.msd()
        for mode in ("File", "Pipe"):
            with self.subTest(mode):
                self.job(self.sharded(2, mode), "--overwrite")
                self.assertAlmostEqual(self.msd(), alone, delta=0.05 * alone)
                self.assertEqual(self.description()["TrainingJobStatus"], "Completed")
                self.assertIn("train:msd", {m["MetricName"] for m in self.description()["FinalMetricDataList"]})

    def test_records_are_split_where_there_are_fewer_files_than_hosts(self):
        self.job(self.sharded(1))
        alone = self.msd()
        self.job(self.sharded(3), "--overwrite", "--split-records")
        self.assertAlmostEqual(self.msd(), alone, delta=1e-5 * alone)

    def test_a_users_error_on_a_host_is_the_clients(self):
        self.write("data/part-1.csv", "1,2\n3,x\n")
        self.job(self.sharded(2), code=2)
        self.assertRegex(self.description()["FailureReason"], r"(?s)^ClientError: .*part-1\.csv.*exit code: 2$")

    def test_a_fault_of_the_machine_is_retried(self):
        os.mkdir(self.path("tools"))
        first = f'touch {self.path("flag")}; echo "Internal error: the disk is full" > $PWD/output/failure; exit 1'
        self.write("tools/mpirun", f'#!/bin/sh\n[ -f {self.path("flag")} ] || {{ {first}; }}\nexec {shutil.which("mpirun")} "$@"\n')
        os.chmod(self.path("tools/mpirun"), 0o755)
        self.env["PATH"] = self.path("tools") + ":" + self.env["PATH"]
        self.job(self.sharded(2), code=1)
        self.assertEqual(self.description()["FailureReason"], "InternalServerError: the disk is full, exit code: 1")
        os.remove(self.path("flag"))
        self.job(dict(self.sharded(2), RetryStrategy={"MaximumRetryAttempts": 1}), "--overwrite")
        self.assertEqual(self.statuses().count("Starting"), 2)

    def test_a_stopped_job_goes_on_from_its_checkpoint(self):
        for mode in ("File", "Pipe"):
            with self.subTest(mode):
                endless = dict(self.sharded(2, mode), HyperParameters={"k": "3", "epochs": "100000000"}, CheckpointConfig={"S3Uri": "checkpoints-" + mode})
                process = self.start_job(endless, "--checkpoint-every", "50ms", "--overwrite", stderr=subprocess.DEVNULL)
                self.wait_for_log("#progress_metric")
                self.wait_until(lambda: any(name.startswith("checkpoint-") for name in self.checkpoints(mode)))  # written on the way
                process.terminate()
                process.communicate(timeout=WAIT_S)
                self.assertEqual(process.returncode, 75)
                self.assertIn("manifest.json", self.members())
                self.assertEqual(self.description()["SecondaryStatus"], "Stopped")
                self.refuses_another_k(endless)
                self.goes_on(endless)

    def refuses_another_k(self, request):
        """An edited request is refused, and the job stays as it is."""
        before = self.description()
        edited = dict(request, HyperParameters=dict(request["HyperParameters"], k="4"))
        result = self.job(edited, "--checkpoint-every", "50ms", code=2)
        self.assertIn('HyperParameters.k: found "4", expected "3": job goes on where it was stopped', result.err)
        self.assertEqual(self.description(), before)

    def checkpoints(self, mode):
        return self.files("checkpoints-" + mode) if os.path.exists(self.path("checkpoints-" + mode)) else []

    def test_checkpoints_need_a_place(self):
        self.assertIn("give CheckpointConfig too", self.job(self.request(), "--checkpoint-every", "1s", code=2).err)


class Programs(JobTest):
    def test_the_tree_and_the_environment_follow_the_contract(self):
        script = r'''
            set -e
            test "$SM_CHANNEL_TRAIN" = "$SAGEMAKER_BASE_DIR/input/data/train"
            test "$PWD" = "$SAGEMAKER_BASE_DIR"
            cat "$SM_INPUT_CONFIG_DIR/hyperparameters.json" > "$SM_MODEL_DIR/hyperparameters.json"
            cat "$SM_INPUT_CONFIG_DIR/inputdataconfig.json" > "$SM_MODEL_DIR/inputdataconfig.json"
            cat "${SM_CHANNEL_TRAIN}-manifest" > "$SM_MODEL_DIR/manifest"
            ls "$SM_CHANNEL_TRAIN" > "$SM_MODEL_DIR/ls"
            tr '\0' '\n' < /proc/$$/environ > "$SM_OUTPUT_DATA_DIR/env"
            echo ignored > "$SM_OUTPUT_DIR/failure"
        '''
        request = self.program(script, HyperParameters={"learning-rate": "0.1", "name": "adam", "layers": "[1, 2]", "flag": "true", "quoted": "\"7\""},
                               Environment={"MINE": "a b", "SM_LOG_LEVEL": "10"}, InputDataConfig=[self.channel(), self.channel("my-test.x")])
        self.job(request)
        env = dict(line.split("=", 1) for line in self.members("output.tar.gz")["env"].splitlines() if "=" in line)
        expected = {"SM_CHANNELS": '["my-test.x","train"]', "SM_HPS": '{"flag":true,"layers":[1,2],"learning-rate":0.1,"name":"adam","quoted":"7"}',
                    "SM_HP_LEARNING-RATE": "0.1", "SM_HP_LEARNING_RATE": "0.1", "SM_HP_FLAG": "true", "SM_HP_LAYERS": "[1,2]", "SM_HP_QUOTED": "7",
                    "SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1", "SM_CURRENT_INSTANCE_TYPE": "local", "SM_FRAMEWORK_MODULE": "",
                    "SM_CURRENT_INSTANCE_GROUP": "homogeneousCluster", "SM_IS_HETERO": "false", "MINE": "a b", "SM_LOG_LEVEL": "10",
                    "TRAINING_JOB_NAME": "job", "TRAINING_JOB_ARN": "arn:smtrain:local::training-job/job", "AWS_REGION": "local"}
        self.assertEqual({name: env.get(name) for name in expected}, expected)
        self.assertTrue(env["SM_CHANNEL_MY-TEST.X"].endswith("/input/data/my-test.x"))
        self.assertEqual(env["SM_CHANNEL_MY_TEST_X"], env["SM_CHANNEL_MY-TEST.X"])
        whole = json.loads(env["SM_TRAINING_ENV"])
        self.assertEqual(whole["hyperparameters"]["learning-rate"], 0.1)
        self.assertEqual(whole["model_dir"], env["SM_MODEL_DIR"])
        members = self.members()
        self.assertEqual(json.loads(members["hyperparameters.json"])["flag"], "true")
        self.assertEqual(json.loads(members["inputdataconfig.json"])["train"]["RecordWrapperType"], "None")
        self.assertEqual(json.loads(members["manifest"])[1:], ["part-0.csv", "part-1.csv"])
        self.assertEqual(members["ls"], "part-0.csv\npart-1.csv\n")
        self.assertEqual(self.description()["TrainingJobStatus"], "Completed")  # a left-over failure file is ignored

    def test_output_goes_to_the_log_the_console_and_the_metrics(self):
        script = "echo 'lr=0.1; train_error=0.5;'; echo 'train_error=0.25;' >&2; printf 'train_error=nan;\\nlast line'"
        result = self.job(self.program(script, metrics=[("train:error", "train_error=(.*?);"), ("rate", "lr=([0-9.]+)")]), "--metrics", "all.jsonl")
        self.assertEqual(self.log(), "lr=0.1; train_error=0.5;\ntrain_error=0.25;\ntrain_error=nan;\nlast line\n")
        self.assertIn("train_error=0.25;", result.err)
        self.assertEqual(result.out, "")
        found = {m["MetricName"]: m["Value"] for m in self.description()["FinalMetricDataList"]}
        self.assertEqual(found, {"train:error": 0.25, "rate": 0.1})
        for name in ("results/job/metrics.jsonl", "all.jsonl"):
            self.assertEqual([(m["metric"], m["value"]) for m in json_lines(text(self.read(name)))],
                             [("train:error", 0.5), ("rate", 0.1), ("train:error", 0.25)])

    def test_failures_are_told_by_the_failure_file(self):
        self.job(self.program("printf '%2000s' x | tr ' ' y > $SM_OUTPUT_DIR/failure; exit 3"), code=2)
        reason = self.description()["FailureReason"]
        self.assertTrue(reason.startswith("AlgorithmError: yyy") and reason.endswith(", exit code: 3"), reason)
        self.assertEqual(len(reason), 1024)
        self.job(self.program("exit 127"), "--overwrite", code=2)
        self.assertEqual(self.description()["FailureReason"], "AlgorithmError: , exit code: 127")
        self.job(self.request(AlgorithmSpecification={"TrainingInputMode": "File", "ContainerEntrypoint": ["/none/such"]}), "--overwrite", code=2)
        self.assertIn('ClientError: cannot start "/none/such": No such file', self.description()["FailureReason"])
        self.job(self.program("echo saved > $SM_MODEL_DIR/part; exit 1"), "--overwrite", code=2)
        self.assertEqual(self.members(), {"part": "saved\n"})  # a failed job may leave a model

    def test_two_hosts_share_the_files_and_merge_their_models(self):
        script = "ls $SM_CHANNEL_TRAIN > $SM_MODEL_DIR/$SM_CURRENT_HOST; echo $SM_CURRENT_HOST > $SM_MODEL_DIR/same; echo here"
        channel = self.channel(DataSource={"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "data/", "S3DataDistributionType": "ShardedByS3Key"}})
        result = self.job(self.program(script, InputDataConfig=[channel], ResourceConfig={"InstanceCount": 2}))
        self.assertEqual(self.members(), {"algo-1": "part-0.csv\n", "algo-2": "part-1.csv\n", "same": "algo-2\n"})
        self.assertIn("same was written by several hosts; that of", result.err)
        self.assertIn("[algo-2] here", result.err)
        self.assertEqual((self.log("algo-1"), self.log("algo-2")), ("here\n", "here\n"))

    def test_one_hosts_failure_ends_the_others(self):
        script = 'if [ $SM_CURRENT_HOST = algo-2 ]; then echo why > $SM_OUTPUT_DIR/failure; exit 4; fi; exec sleep 60'
        begun = time.monotonic()
        self.job(self.program(script, ResourceConfig={"InstanceCount": 3}), code=2)
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(self.description()["FailureReason"], "AlgorithmError: why, exit code: 4")

    def test_pipe_mode_serves_epochs_until_the_program_ends(self):
        script = r'''
            for epoch in 0 1 2; do
              until [ -p ${SM_CHANNEL_TRAIN}_$epoch ]; do sleep 0.02; done
              if [ $epoch = 1 ]; then head -c 1 ${SM_CHANNEL_TRAIN}_1 | wc -c; else wc -l < ${SM_CHANNEL_TRAIN}_$epoch; fi
            done; ls $SAGEMAKER_BASE_DIR/input/data'''
        self.write("data/part-2.csv", "1,2")
        self.job(self.program(script, mode="Pipe"))
        self.assertEqual([line.strip() for line in self.log().splitlines()][:3], ["301", "1", "301"])

    def test_a_program_that_opens_no_channel_ends_all_the_same(self):
        self.job(self.program("true", mode="Pipe", InputDataConfig=[self.channel(), self.channel("b")]))

    def test_a_broken_object_of_a_pipe_fails_the_job(self):
        request = self.program("wc -c < ${SM_CHANNEL_TRAIN}_0; exec sleep 60", InputDataConfig=[self.channel(InputMode="Pipe", CompressionType="Gzip")])
        self.assertIn("is no gzip data", self.job(request, code=2).err)
        self.assertIn("ClientError: channel train:", self.description()["FailureReason"])

    def test_augmented_manifests_stream_their_attributes(self):
        self.write("one.jpg", "image one")
        self.write("m.jsonl", '{"class": 1, "source-ref": "one.jpg"}\n{"class": "b", "source-ref": "file:one.jpg"}\n')
        source = {"S3DataType": "AugmentedManifestFile", "S3Uri": "m.jsonl", "AttributeNames": ["source-ref", "class"]}
        channel = {"ChannelName": "train", "InputMode": "Pipe", "DataSource": {"S3DataSource": source}}
        self.job(self.program("cat ${SM_CHANNEL_TRAIN}_0 > $SM_MODEL_DIR/seen", InputDataConfig=[channel]))
        self.assertEqual(self.members()["seen"], "image one1image oneb")

    def test_links_are_left_out_of_the_model(self):
        result = self.job(self.program("echo x > $SM_MODEL_DIR/file; ln -s file $SM_MODEL_DIR/link"))
        self.assertEqual(list(self.members()), ["file"])
        self.assertIn("a symbolic link is not kept", result.err)

    def test_an_empty_model_still_gives_an_archive_and_empty_data_none(self):
        self.job(self.program("true"))
        self.assertEqual(self.files("results/job/output"), ["model.tar.gz"])
        self.assertEqual(self.members(), {})

    def test_script_mode(self):
        os.mkdir(self.path("code"))
        self.write("code/train.py", "import json, os, sys\nprint(json.dumps(sys.argv[1:]))\nprint(os.environ['SM_USER_ENTRY_POINT'], os.getcwd() == os.environ['SM_OUTPUT_DIR'][:-6] + 'code')\n")
        self.write("code/run.sh", "echo shell \"$@\"\n")
        self.write("code/tool", "#!/bin/sh\necho tool \"$@\"\n")
        parameters = {"batch-size": "256", "l": "0.1", "flag": "true", "layers": "{\"a\":1,\"b\":2}", "text": "\"0.1\"", "none": "null",
                      "list": "[1, \"a\"]", "_tuning_objective_metric": "x", "sagemaker_region": "local"}
        expected = ["--batch-size", "256", "--flag", "True", "-l", "0.1", "--layers", "a=1,b=2", "--list", "[1, 'a']", "--none", "", "--text", "0.1"]
        request = self.request(AlgorithmSpecification={"TrainingInputMode": "File"},
                               HyperParameters=dict(parameters, sagemaker_program="\"train.py\"", sagemaker_submit_directory="\"code\""))
        self.job(request)
        log = self.log().splitlines()
        self.assertEqual(json.loads(log[-2]), expected)
        self.assertEqual(log[-1], "train.py True")
        self.assertIn("Invoking script with the following command:", log)
        self.assertTrue(log[log.index("Invoking script with the following command:") + 1].startswith("python3 train.py --batch-size 256"))
        for entry, word in (("run.sh", "shell"), ("tool", "tool")):
            self.shell("rm -rf packed.tar.gz && tar czf packed.tar.gz -C code .")
            request["HyperParameters"].update(sagemaker_program=entry, sagemaker_submit_directory="packed.tar.gz")
            self.job(request, "--overwrite")
            self.assertEqual(self.log().splitlines()[-1], " ".join([word] + expected))

    def test_programs_are_found_by_the_path_of_the_request(self):
        os.mkdir(self.path("tools"))
        self.write("tools/python3", "#!/bin/sh\necho mine \"$@\"\n")
        os.chmod(self.path("tools/python3"), 0o755)
        request = self.request(AlgorithmSpecification={"TrainingInputMode": "File", "ContainerEntrypoint": ["python3", "x"]}, HyperParameters={},
                               Environment={"PATH": self.path("tools") + ":/usr/bin:/bin"})
        self.job(request)
        self.assertEqual(self.log(), "mine x\n")

    def test_a_model_channel_continues(self):
        self.job(self.request())
        os.rename(self.path("results/job/output/model.tar.gz"), self.path("first.tar.gz"))
        channels = [self.channel(), self.channel("model", "first.tar.gz", ContentType="application/x-sagemaker-model")]
        self.job(self.request(InputDataConfig=channels), "--overwrite")
        self.smtrain("kmeans", "--train", "data", "--content-type", "text/csv;label_size=0", "--k", "3", "--epochs", "2", "--model", "first.tar.gz",
                     "-o", "second.tar.gz")
        self.assertEqual(self.read("results/job/output/model.tar.gz"), self.read("second.tar.gz"))

    def test_scripts_that_cannot_run_are_refused_before(self):
        os.mkdir(self.path("code"))
        self.write("code/train.py", "raise ValueError('no')\n")
        request = self.request(AlgorithmSpecification={"TrainingInputMode": "File"},
                               HyperParameters={"sagemaker_program": "none.py", "sagemaker_submit_directory": "code"})
        self.assertIn('there is no "none.py" in', self.job(request, code=2).err)
        request["HyperParameters"]["sagemaker_program"] = "train.py"
        self.job(request, code=2)
        reason = self.description()["FailureReason"]
        self.assertIn("ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"", reason)
        self.assertIn("ValueError: no", reason)
        self.write("code/requirements.txt", "x\n")
        self.assertIn("nothing is fetched from a network", self.job(request, "--overwrite", code=2).err)

    def test_a_prefix_runs_an_image_with_the_tree_at_its_place(self):
        # What a container runtime does, as far as the contract goes: it binds the tree and runs the command.
        self.write("runtime", '#!/bin/sh\necho "bind $APPTAINER_BIND"; echo "model $SM_MODEL_DIR"; echo "args $*"; echo "$1" > "${1#--root=}/model/made"\n')
        os.chmod(self.path("runtime"), 0o755)
        request = self.request(AlgorithmSpecification={"TrainingImage": "registry/mine:1", "TrainingInputMode": "File"}, HyperParameters={})
        self.job(request, "--exec", f"{self.path('runtime')} --root={{root}} 'an image.sif'")
        root = self.path("results/job/work/algo-1")
        self.assertEqual(self.log().splitlines(), [f"bind {root}:/opt/ml", "model /opt/ml/model", f"args --root={root} an image.sif train"])
        self.assertIn("made", self.members())
        self.assertIn("--exec PREFIX", self.job(request, "--overwrite", code=2).err)


class Limits(JobTest):
    SAVING = "trap 'echo saved > $SM_MODEL_DIR/model; exit 0' TERM; echo ready; while :; do sleep 0.05; done"

    def test_the_time_limit_stops_the_job_with_a_usable_model(self):
        result = self.job(self.program(self.SAVING, StoppingCondition={"MaxRuntimeInSeconds": 1}), code=143)
        self.assertRegex(result.err.splitlines()[-1],
                         r"^smtrain: stopped: job; .*results/job/output/model.tar.gz holds what the program had saved by then$")
        d = self.description()
        self.assertEqual((d["TrainingJobStatus"], d["SecondaryStatus"]), ("Stopped", "MaxRuntimeExceeded"))
        self.assertEqual(self.statuses(), ["Starting", "Downloading", "Training", "Stopping", "Uploading", "MaxRuntimeExceeded"])
        self.assertNotIn("FailureReason", d)
        self.assertEqual(self.members(), {"model": "saved\n"})

    def test_a_program_that_ignores_the_stop_is_killed_after_the_grace(self):
        begun = time.monotonic()
        script = "trap '' TERM; echo part > $SM_MODEL_DIR/part; while :; do sleep 0.05; done"
        self.job(self.program(script, StoppingCondition={"MaxRuntimeInSeconds": 1}), "--grace", "1s", code=143)
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(self.members(), {"part": "part\n"})

    def test_signals_stop_the_job(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                process = self.start_job(self.program(self.SAVING), "--overwrite")
                self.wait_for_log("ready")
                process.send_signal(number)
                process.communicate(timeout=WAIT_S)
                self.assertEqual(process.returncode, 143)
                self.assertEqual((self.description()["TrainingJobStatus"], self.description()["SecondaryStatus"]), ("Stopped", "Stopped"))
                self.assertEqual(self.members(), {"model": "saved\n"})
                os.remove(self.path("results/job/logs/algo-1.log"))

    def test_a_marker_stops_the_job_from_elsewhere(self):
        process = self.start_job(self.program(self.SAVING))
        self.wait_for_log("ready")
        self.smtrain("train", "--stop", "results/job")
        process.communicate(timeout=WAIT_S)
        self.assertEqual(self.description()["SecondaryStatus"], "Stopped")
        self.assertIn("nothing to stop", self.smtrain("train", "--stop", "results/job").err)
        self.refused("train", "--stop", "data", says="holds no description.json")

    COUNTING = r'''
        c=$SAGEMAKER_BASE_DIR/checkpoints/count; n=0; [ -f $c ] && n=$(cat $c)
        trap 'exit 0' TERM
        while [ $n -lt 6 ]; do n=$((n + 1)); echo $n > $c.sagemaker-ignore; mv $c.sagemaker-ignore $c; echo step $n; [ $n = 3 ] && [ ! -f $FLAG ] && touch $FLAG && END; sleep 0.02; done
        echo $n > $SM_MODEL_DIR/count'''

    def counting(self, end, **changes):
        script = self.COUNTING.replace("$FLAG", self.path("flag")).replace("END", end)
        return self.program(script, CheckpointConfig={"S3Uri": "checkpoints"}, **changes)

    def test_a_lost_node_is_retried_from_its_checkpoint(self):
        self.job(self.counting("kill -9 $$", RetryStrategy={"MaximumRetryAttempts": 2}))
        self.assertEqual(self.members(), {"count": "6\n"})
        self.assertEqual([line for line in self.log().splitlines() if line.startswith("step")], [f"step {n}" for n in range(1, 7)])
        self.assertEqual(self.statuses().count("Starting"), 2)
        self.assertEqual(self.files("checkpoints"), ["count"])

    def test_without_a_strategy_a_lost_node_is_the_end(self):
        self.job(self.counting("kill -9 $$"), code=1)
        self.assertRegex(self.description()["FailureReason"], r"^InternalServerError: , exit code: 137 \(killed")

    def test_spot_jobs_are_interrupted_and_start_again(self):
        self.job(self.counting("kill -9 $$", EnableManagedSpotTraining=True, StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}))
        self.assertEqual(self.statuses()[2:6], ["Training", "Interrupted", "Starting", "Downloading"])

    def test_a_users_error_is_never_retried(self):
        self.job(self.counting("exit 5", RetryStrategy={"MaximumRetryAttempts": 2}), code=2)
        self.assertEqual(self.statuses().count("Starting"), 1)

    def test_a_stopped_job_with_a_checkpoint_goes_on(self):
        request = self.counting("{ while :; do sleep 0.05; done; }")
        process = self.start_job(request)
        self.wait_for_log("step 3")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
        self.assertEqual(process.returncode, 75)
        self.assertEqual(self.description()["TrainingJobStatus"], "Stopped")
        self.job(request)
        self.assertEqual(self.members(), {"count": "6\n"})
        self.assertEqual([line for line in self.log().splitlines() if line.startswith("step")], [f"step {n}" for n in range(1, 7)])

    def test_a_runner_that_was_killed_leaves_a_job_that_goes_on(self):
        request = self.counting("{ echo $$ > " + self.path("pid") + "; while :; do sleep 0.05; done; }")
        process = self.start_job(request)
        self.wait_for_log("step 3")
        self.wait_until(lambda: os.path.exists(self.path("checkpoints/count")) and self.read("checkpoints/count") == b"3\n", 20)
        process.kill()
        process.communicate()
        self.assertEqual(self.description()["TrainingJobStatus"], "InProgress")
        pid = int(self.read("pid"))
        self.wait_until(lambda: not is_running(pid))
        self.job(request)
        self.assertEqual(self.members(), {"count": "6\n"})
        self.assertEqual([line for line in self.log().splitlines() if line.startswith("step")], [f"step {n}" for n in range(1, 7)])

    def test_a_built_in_whose_runner_was_killed_goes_on(self):
        for mode in ("File", "Pipe"):
            with self.subTest(mode):
                request = self.request(HyperParameters={"k": "3", "epochs": "100000000"}, CheckpointConfig={"S3Uri": "checkpoints-" + mode},
                                       InputDataConfig=[self.channel(InputMode=mode)])
                process = self.start_job(request, "--checkpoint-every", "50ms", "--overwrite", stderr=subprocess.DEVNULL)
                saved = self.path("checkpoints-" + mode)
                self.wait_until(lambda: os.path.exists(saved) and any(name.startswith("checkpoint-") for name in os.listdir(saved)))
                process.kill()
                process.communicate(timeout=WAIT_S)
                self.assertEqual(self.description()["TrainingJobStatus"], "InProgress")
                self.goes_on(request)

    def test_a_launchers_ranks_have_the_whole_grace(self):
        if not shutil.which("mpirun"):
            self.skipTest("no mpirun here")
        os.mkdir(self.path("code"))
        self.write("code/run.sh", "trap 'sleep 3; echo saved > $SM_MODEL_DIR/model; exit 0' TERM; echo ready; while :; do sleep 0.05; done\n")
        parameters = {"sagemaker_program": "run.sh", "sagemaker_submit_directory": "code", "sagemaker_mpi_enabled": "true"}
        process = self.start_job(self.request(AlgorithmSpecification={"TrainingInputMode": "File"}, HyperParameters=parameters))
        self.wait_for_log("ready")
        begun = time.monotonic()
        process.terminate()
        process.communicate(timeout=WAIT_S)
        self.assertEqual(self.members(), {"model": "saved\n"})
        self.assertLess(time.monotonic() - begun, 30)

    def test_one_runner_at_a_time(self):
        process = self.start_job(self.program(self.SAVING))
        self.wait_for_log("ready")
        self.assertIn("another process runs this job now", self.job(self.program(self.SAVING), code=2).err)
        process.terminate()
        process.communicate(timeout=WAIT_S)

    def test_a_built_in_stops_at_the_limit_with_model_and_checkpoint(self):
        self.write("data/part-0.csv", csv(blobs(20000)))
        request = self.request(HyperParameters={"k": "3", "epochs": "1000000"}, StoppingCondition={"MaxRuntimeInSeconds": 1},
                               CheckpointConfig={"S3Uri": "checkpoints"})
        self.job(request, code=75)
        d = self.description()
        self.assertEqual((d["TrainingJobStatus"], d["SecondaryStatus"]), ("Stopped", "MaxRuntimeExceeded"))
        self.assertIn("manifest.json", self.members())
        self.assertTrue(self.files("checkpoints"))
        self.job(request, code=75)  # goes on, for another second
        self.assertIn("checkpoint", self.log())


if __name__ == "__main__":
    unittest.main()
