"""The programs of share/examples/byo, run as their README says and changed as it suggests."""

import importlib.util
import json
import os
import shutil
import signal
import sys
import tarfile
import unittest

from harness import CliTest, text

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
EXAMPLES = os.path.join(ROOT, "share", "examples")


class ByoTest(CliTest):
    example = ""

    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(EXAMPLES, "byo"), self.path("byo"))
        shutil.copytree(os.path.join(EXAMPLES, "data"), self.path("data"))
        self.folder_of_example = self.path("byo", self.example)

    def change(self, **changes):
        """Changes fields of the request; a dict is merged into the field's own."""
        path = os.path.join(self.folder_of_example, "job.json")
        with open(path, encoding="utf-8") as file:
            request = json.load(file)
        for key, value in changes.items():
            if isinstance(value, dict):
                request.setdefault(key, {}).update(value)
            else:
                request[key] = value
        with open(path, "w", encoding="utf-8") as file:
            json.dump(request, file)

    def train(self, *arguments, **options):
        return self.smtrain("train", "--job", "job.json", *arguments, cwd=self.folder_of_example, **options)

    def job_folder(self):
        results = os.path.join(self.folder_of_example, "results")
        return os.path.join(results, os.listdir(results)[0])

    def description(self):
        with open(os.path.join(self.job_folder(), "description.json"), encoding="utf-8") as file:
            return json.load(file)

    def metrics(self):
        return {m["MetricName"]: m["Value"] for m in self.description()["FinalMetricDataList"]}

    def model(self, name="model.tar.gz"):
        with tarfile.open(os.path.join(self.job_folder(), "output", name)) as archive:
            return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}

    def log(self, host="algo-1"):
        with open(os.path.join(self.job_folder(), "logs", host + ".log"), encoding="utf-8") as file:
            return file.read()


class Shell(ByoTest):
    example = "shell"

    def lines(self):
        count = 0
        for name in ("points.csv", "points-test.csv"):
            with open(os.path.join(EXAMPLES, "data", name), encoding="utf-8") as file:
                count += len(file.readlines())
        return count

    def test_as_it_is(self):
        self.train()
        self.assertEqual(self.model()["lines-algo-1"], f"{self.lines()} lines, 2 epochs\n".encode())
        self.assertEqual(self.metrics(), {"train:lines": self.lines()})
        self.assertEqual(list(self.model("output.tar.gz")), ["report-algo-1"])

    def test_pipe_mode(self):
        self.change(AlgorithmSpecification={"TrainingInputMode": "Pipe"})
        self.train()
        self.assertEqual(self.model()["lines-algo-1"], f"{self.lines()} lines, 2 epochs\n".encode())

    def test_two_hosts(self):
        for mode in ("File", "Pipe"):
            with self.subTest(mode):
                self.change(AlgorithmSpecification={"TrainingInputMode": mode}, ResourceConfig={"InstanceCount": 2})
                self.train("--overwrite")
                model = self.model()
                self.assertEqual(sum(int(model[f"lines-algo-{host}"].split()[0]) for host in (1, 2)), self.lines())
                self.assertEqual(model["shared"], b"algo-2 was the last to write this\n")

    def test_failing_on_purpose(self):
        self.change(HyperParameters={"fail": "on purpose"})
        self.train(code=2)
        self.assertEqual(self.description()["FailureReason"], "AlgorithmError: told to fail: on purpose, exit code: 1")

    def test_the_time_limit(self):
        self.change(HyperParameters={"pause": "30"}, StoppingCondition={"MaxRuntimeInSeconds": 1})
        self.train(code=143)
        self.assertEqual(self.description()["SecondaryStatus"], "MaxRuntimeExceeded")
        self.assertEqual(self.model()["lines-algo-1"], f"{self.lines()} lines, 1 epochs\n".encode())

    def test_stopped_with_a_checkpoint_it_goes_on(self):
        self.change(HyperParameters={"pause": "30"}, StoppingCondition={"MaxRuntimeInSeconds": 1}, CheckpointConfig={"S3Uri": "file:checkpoints"})
        self.train(code=75)
        self.change(HyperParameters={"pause": "0"}, StoppingCondition={"MaxRuntimeInSeconds": 60})
        self.train()
        self.assertIn("goes on after epoch 1\n", self.log())
        self.assertEqual(self.description()["TrainingJobStatus"], "Completed")

    def test_a_lost_node(self):
        self.change(HyperParameters={"pause": "8"}, CheckpointConfig={"S3Uri": "file:checkpoints"}, RetryStrategy={"MaximumRetryAttempts": 1})
        process = self.start("train", "--job", "job.json", cwd=self.folder_of_example)
        # The checkpoint of the first epoch is out; then the node goes.
        saved = os.path.join(self.folder_of_example, "checkpoints", "state-algo-1")
        self.wait_until(lambda: os.path.exists(saved))
        children = text(self.read(f"/proc/{process.pid}/task/{process.pid}/children")).split()
        children = [pid for pid in children if self.read(f"/proc/{pid}/comm") != b"smtrain-guard\n"]
        self.assertEqual(len(children), 1)
        os.kill(int(children[0]), signal.SIGKILL)
        _, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, text(err))
        self.assertIn("attempt failed: InternalServerError: , exit code: 137", self.log())
        self.assertIn("goes on after epoch 1\n", self.log())


class PythonExample(ByoTest):
    needs = ()

    def setUp(self):
        for package in self.needs:
            if importlib.util.find_spec(package) is None:
                self.skipTest(f"{package} is not installed for {sys.executable}")
        super().setUp()
        # The script runs under the interpreter that has the packages.
        bin_folder = os.path.join(self.folder, "bin")
        os.mkdir(bin_folder)
        with open(os.path.join(bin_folder, "python3"), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        os.chmod(file.name, 0o755)
        self.env["PATH"] = bin_folder + os.pathsep + self.env["PATH"]
        self.shell(f"cd byo/{self.example} && python3 make_data.py")


class ScikitLearn(PythonExample):
    example, needs = "scikit-learn", ("sklearn",)

    def test_iris_in_file_and_pipe_mode(self):
        found = []
        for mode in ("File", "Pipe"):
            with self.subTest(mode):
                self.change(AlgorithmSpecification={"TrainingInputMode": mode})
                self.train("--overwrite")
                self.assertGreater(self.metrics()["validation:accuracy"], 0.85)
                self.assertIn("rows=150;", self.log())
                found.append(self.model()["model.pickle"])
        self.assertEqual(found[0], found[1])

    def test_an_exception_is_told(self):
        self.change(HyperParameters={"max_depth": "none"})
        self.train(code=2)
        self.assertIn("invalid int value", self.description()["FailureReason"])


class PyTorch(PythonExample):
    example, needs = "pytorch", ("sklearn", "torch")

    def test_digits(self):
        self.train()
        self.assertGreater(self.metrics()["test:accuracy"], 0.9)
        self.assertIn("model.pt", self.model())

    def test_stopped_with_a_checkpoint_it_goes_on(self):
        self.change(HyperParameters={"epochs": "100000"}, StoppingCondition={"MaxRuntimeInSeconds": 15}, CheckpointConfig={"S3Uri": "file:checkpoints"})
        self.train(code=75)
        self.assertIn("model.pt", self.model())
        self.train(code=75)
        self.assertIn("goes on after epoch", self.log())


if __name__ == "__main__":
    unittest.main()
