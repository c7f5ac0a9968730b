"""PCA over ranks: the components of one process that reads the same rows."""

import io
import json
import os
import random
import tarfile
import unittest

from harness_mpi import MpiTest, cli


def rows(count, seed=5, width=20):
    draw = random.Random(seed)
    return [[50 + draw.gauss(0, 6 * 0.8 ** j) + (j % 3) * draw.gauss(0, 0.3) for j in range(width)] for _ in range(count)]


class Pca(MpiTest):
    def arguments(self, mode, *more, train="train.csv", output="m.tar"):
        return ["pca", "--content-type", "text/csv;label_size=0", "--num_components", "4", "--algorithm_mode", mode, "--extra_components", "6",
                "--seed", "3", "--channel", f"train={train}", "-o", output, *more]

    def sidecar(self, output):
        with tarfile.open(fileobj=io.BytesIO(self.read(output))) as tar:
            return json.load(tar.extractfile("model_algo-1.json"))

    def assert_close(self, a, b, tolerance):
        a, b = self.sidecar(a), self.sidecar(b)
        self.assertEqual(a["rows"], b["rows"])
        for name in ("singular_values", "explained_variance_ratio"):
            for x, y in zip(a[name], b[name]):
                self.assertLess(abs(x / y - 1), tolerance, name)

    def test_replicated_and_sharded(self):
        table = rows(3001)
        self.write("train.csv", cli.csv(table))
        os.mkdir(self.path("shards"))
        for i in range(3):
            self.write(f"shards/part-{i}.csv", cli.csv(table[i * 1000:(i + 1) * 1000 + (i == 2)]))
        for mode, tolerance in (("regular", 1e-9), ("randomized", 1e-3)):
            self.smtrain(*self.arguments(mode, output="one.tar"))
            for ranks in (2, 3):
                for train in ("train.csv", "shards,distribution=sharded"):
                    with self.subTest(mode=mode, ranks=ranks, train=train):
                        self.ranks(ranks, *self.arguments(mode, "--test", "train.csv", train=train))
                        self.assert_close("m.tar", "one.tar", tolerance)
                        self.ranks(ranks, *self.arguments(mode, "--test", "train.csv", train=train, output="again.tar"))
                        self.assertEqual(self.read("again.tar"), self.read("m.tar"))

    def test_a_stopped_run_goes_on_to_the_same_bytes(self):
        self.write("train.csv", cli.csv(rows(9000)))
        for mode in ("regular", "randomized"):
            whole = self.arguments(mode, "--checkpoint-dir", f"whole-{mode}", "--checkpoint-every", "0")
            self.ranks(2, *whole)
            unbroken = self.read("m.tar")
            stopped = self.arguments(mode, "--checkpoint-dir", f"ck-{mode}", "--checkpoint-every", "0", output="n.tar")
            self.ranks(2, *stopped, "--max-runtime", "1ms", code=75)
            self.ranks(2, *stopped)
            self.assertEqual(self.read("n.tar"), unbroken)

    def test_goes_on_from_a_model(self):
        table = rows(2000)
        self.write("train.csv", cli.csv(table))
        self.write("a.csv", cli.csv(table[:800]))
        self.write("b.csv", cli.csv(table[800:]))
        self.smtrain(*self.arguments("regular", output="one.tar"))
        self.ranks(2, *self.arguments("regular", train="a.csv", output="a.tar"))
        self.ranks(2, *self.arguments("regular", "--model", "a.tar", train="b.csv"))
        self.assert_close("m.tar", "one.tar", 1e-9)


if __name__ == "__main__":
    unittest.main()
