"""Two hosts of a training job: a tree each, one rank each, one model."""

import json
import os
import subprocess
import threading
import unittest

from harness_mpi import MPIRUN, MpiTest, cli

CSV = "text/csv;label_size=0"
HOSTS = ["algo-1", "algo-2"]


class TwoHosts(MpiTest):
    def setUp(self):
        super().setUp()
        self.rows = cli.blobs(1200)
        self.env["SMTRAIN_ALGORITHM"] = "kmeans"

    def tree(self, host, train, mode="File", distribution="ShardedByS3Key"):
        """train: the files of the channel by name, or what its FIFO gives."""
        channels = {"train": {"ContentType": CSV, "TrainingInputMode": mode, "S3DistributionType": distribution},
                    "test": {"ContentType": CSV, "TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}}
        config = {"hyperparameters": {"k": "3", "mini_batch_size": "200"}, "inputdataconfig": channels,
                  "resourceconfig": {"current_host": host, "hosts": HOSTS}}
        for folder in ("config", "data/train", "data/test"):
            os.makedirs(self.path(host, "input", folder))
        for name, content in config.items():
            self.write(f"{host}/input/config/{name}.json", json.dumps(content))
        self.write(f"{host}/input/data/test/all.csv", cli.csv(self.rows))
        if mode == "Pipe":
            fifo = f"{host}/input/data/train_0"
            os.mkfifo(self.path(fifo))
            threading.Thread(target=self.write, args=(fifo, train), daemon=True).start()
        else:
            for name, data in train.items():
                self.write(f"{host}/input/data/train/{name}", data)

    def halves(self):
        return {"a.csv": cli.csv(self.rows[:600])}, {"b.csv": cli.csv(self.rows[600:])}

    def run_hosts(self, order=HOSTS, code=0):
        command = [MPIRUN]
        for host in order:
            command += [":"] * (len(command) > 1) + ["-n", "1", cli.SMTRAIN, "train", "--root", host]
        done = subprocess.run(command, env=self.environment({}), cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        result = cli.Result(done.returncode, cli.text(done.stdout), cli.text(done.stderr))
        self.assertEqual(result.code, code, result)
        return result

    def model(self, host):
        folder = self.path(host, "model")
        return {name: self.read(f"{host}/model/{name}") for name in os.listdir(folder)} if os.path.isdir(folder) else {}

    def plain_model(self, channel):
        """The model of the plain command on two ranks."""
        self.write("test.csv", cli.csv(self.rows))
        self.ranks(2, "kmeans", "--channel", channel + ",type=" + CSV, "--channel", "test=test.csv,type=" + CSV, "--k", "3",
                   "--mini_batch_size", "200", "-o", "plain.tar.gz", "-q")
        self.shell("mkdir plain && tar -xzf plain.tar.gz -C plain")
        return {name: self.read("plain/" + name) for name in self.files("plain")}

    def test_shares_of_hosts_are_files_of_ranks(self):
        first, second = self.halves()
        self.tree("algo-1", first)
        self.tree("algo-2", second)
        out = self.run_hosts().out
        self.assertIn("#quality_metric: host=algo-1, test msd <loss>=", out)
        self.assertNotIn("host=algo-2,", out)
        os.mkdir(self.path("parts"))
        for name, data in {**first, **second}.items():
            self.write("parts/" + name, data)
        self.assertEqual(self.model("algo-1"), self.plain_model("train=parts,distribution=sharded"))
        self.assertEqual(self.model("algo-2"), {})

    def test_a_replicated_channel_is_there_on_both(self):
        for host in HOSTS:
            self.tree(host, {"all.csv": cli.csv(self.rows)}, distribution="FullyReplicated")
        self.run_hosts()
        self.write("all.csv", cli.csv(self.rows))
        self.assertEqual(self.model("algo-1"), self.plain_model("train=all.csv"))

    def test_pipes_give_the_same_as_files(self):
        first, second = self.halves()
        self.tree("algo-1", first["a.csv"], mode="Pipe")
        self.tree("algo-2", second["b.csv"], mode="Pipe")
        self.run_hosts()
        os.mkdir(self.path("parts"))
        for name, data in {**first, **second}.items():
            self.write("parts/" + name, data)
        self.assertEqual(self.model("algo-1"), self.plain_model("train=parts,distribution=sharded"))

    def test_a_host_without_a_file_goes_on_without_rows(self):
        for empty in HOSTS:
            with self.subTest(empty=empty):
                self.shell("rm -rf algo-1 algo-2")
                for host in HOSTS:
                    self.tree(host, {} if host == empty else {"all.csv": cli.csv(self.rows)})
                self.run_hosts()
                metrics = json.loads(self.model("algo-1")["manifest.json"])["metrics"]
                self.assertLess(metrics["test:msd"], 1)  # each of the three blobs has its centre

    def test_no_host_with_a_file_is_an_error(self):
        for host in HOSTS:
            self.tree(host, {})
        self.run_hosts(code=2)
        self.assertEqual(self.model("algo-1"), {})

    def test_hosts_in_another_order_are_refused(self):
        for host in HOSTS:
            self.tree(host, {"all.csv": cli.csv(self.rows)})
        result = self.run_hosts(order=HOSTS[::-1], code=2)
        self.assertIn("start the processes in the order of the hosts", result.err)

    def test_what_one_host_finds_wrong_ends_both(self):
        self.tree("algo-1", self.halves()[0])
        self.tree("algo-2", {"bad.csv": "1,2\n3,x\n" * 10})
        result = self.run_hosts(code=2)
        self.assertIn("algo-2/input/data/train/bad.csv:2", result.err)
        self.assertIn("algo-2/input/data/train/bad.csv:2", cli.text(self.read("algo-2/output/failure")))
        self.assertEqual(self.model("algo-1"), {})


if __name__ == "__main__":
    unittest.main()
