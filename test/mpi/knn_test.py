"""k-nearest neighbours over ranks: the sample, and so the model, of one process that reads the same rows."""

import io
import os
import random
import tarfile
import unittest

from harness_mpi import MpiTest, cli

CSV = "text/csv;label_size=1"


def rows(count, seed=5, width=6):
    draw = random.Random(seed)
    return [[i % 3, *(draw.gauss(2 * (i % 3), 1) for _ in range(width))] for i in range(count)]


class Knn(MpiTest):
    def arguments(self, *more, train="train.csv", output="m.tar"):
        return ["knn", "--content-type", CSV, "--k", "3", "--predictor_type", "classifier", "--sample_size", "300", "--seed", "3",
                "--mini_batch_size", "100", "--channel", f"train={train}", "-o", output, *more]

    def index(self, output):
        with tarfile.open(fileobj=io.BytesIO(self.read(output))) as tar:
            return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.name.startswith("model_algo-1")}

    def accuracy(self, result):
        lines = [line for line in result.err.splitlines() if "test:accuracy" in line or "accuracy by k" in line]
        return [line.split("] ", 1)[1] for line in lines]

    def test_replicated(self):
        self.write("train.csv", cli.csv(rows(1501)))
        for more in ([], ["--index_type", "faiss.IVFFlat"], ["--index_type", "faiss.IVFPQ", "--faiss_index_pq_m", "3"],
                     ["--dimension_reduction_type", "sign", "--dimension_reduction_target", "4"]):
            one = self.smtrain(*self.arguments("--test", "train.csv", *more, output="one.tar"))
            for ranks in (2, 3):
                with self.subTest(more=more, ranks=ranks):
                    several = self.ranks(ranks, *self.arguments("--test", "train.csv", *more))
                    self.assertEqual(self.index("m.tar"), self.index("one.tar"))
                    self.assertEqual(self.accuracy(several), self.accuracy(one))
                    self.assertEqual(len(self.accuracy(one)), 2)

    def test_sharded_is_the_interleaved_rows(self):
        table = rows(1200)
        os.mkdir(self.path("shards"))
        for i in range(2):
            self.write(f"shards/part-{i}.csv", cli.csv(table[i * 600:(i + 1) * 600]))
        # A mini-batch joins the next 50 rows of each rank.
        self.write("train.csv", cli.csv([row for b in range(0, 600, 50) for i in range(2) for row in table[i * 600 + b:i * 600 + b + 50]]))
        self.smtrain(*self.arguments(output="one.tar"))
        self.ranks(2, *self.arguments(train="shards,distribution=sharded"))
        self.assertEqual(self.index("m.tar"), self.index("one.tar"))

    def test_a_stopped_run_goes_on_to_the_same_bytes(self):
        self.write("train.csv", cli.csv(rows(9000)))
        self.ranks(2, *self.arguments("--checkpoint-dir", "whole", "--checkpoint-every", "0"))
        unbroken = self.read("m.tar")
        stopped = self.arguments("--checkpoint-dir", "ck", "--checkpoint-every", "0", output="n.tar")
        self.ranks(2, *stopped, "--max-runtime", "1ms", code=75)
        self.ranks(2, *stopped)
        self.assertEqual(self.read("n.tar"), unbroken)

    def test_too_few_rows_are_refused_once(self):
        self.write("few.csv", cli.csv(rows(2)))
        result = self.ranks(2, *self.arguments(train="few.csv"), code=2)
        self.assertEqual(len(self.errors(result)), 1)
        self.assertIn("3 neighbours cannot be found", self.errors(result)[0])


if __name__ == "__main__":
    unittest.main()
