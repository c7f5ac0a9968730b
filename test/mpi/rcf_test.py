"""Random cut forests over ranks: the sample, and with it the forest, of one process that reads the same rows."""

import io
import os
import random
import tarfile
import unittest

from harness_mpi import MpiTest, cli


def rows(count, seed=5, width=4):
    draw = random.Random(seed)
    return [[draw.gauss(0, 1 + j) for j in range(width)] for _ in range(count)]


class Rcf(MpiTest):
    def arguments(self, *more, train="train.csv", output="m.tar"):
        labelled = ["--content-type", "test=text/csv;label_size=1"] if "--test" in more else []
        return ["rcf", "--content-type", "text/csv;label_size=0", *labelled, "--num_trees", "50", "--num_samples_per_tree", "16", "--seed", "3",
                "--channel", f"train={train}", "-o", output, *more]

    def forest(self, output="m.tar"):
        with tarfile.open(fileobj=io.BytesIO(self.read(output))) as tar:
            return tar.extractfile("model_algo-1").read()

    def test_replicated_and_sharded(self):
        table = rows(13001)
        self.write("train.csv", cli.csv(table))
        self.write("test.csv", "".join(f"{int(i % 30 == 0)},{line}\n" for i, line in enumerate(cli.csv(rows(900, 6)).split())))
        self.smtrain(*self.arguments("--test", "test.csv", "--metrics", "one.jsonl", output="one.tar"))
        for ranks in (2, 3):
            with self.subTest(ranks=ranks):
                self.ranks(ranks, *self.arguments("--test", "test.csv"))
                self.assertEqual(self.forest(), self.forest("one.tar"))
        # Mini-batches join the ranks' files: 4000 rows, of which each rank has its part.
        for ranks in (2, 3):
            with self.subTest(ranks=ranks, shards=True):
                os.makedirs(self.path(f"shards-{ranks}"))
                files = [[] for _ in range(ranks)]
                for start in range(0, 12000, 4000):
                    for r in range(ranks):
                        files[r] += table[start + r * 4000 // ranks:start + (r + 1) * 4000 // ranks]
                for r in range(ranks):
                    self.write(f"shards-{ranks}/part-{r}.csv", cli.csv(files[r]))
                self.write("first.csv", cli.csv(table[:12000]))
                self.smtrain(*self.arguments(train="first.csv", output="first.tar"))
                self.ranks(ranks, *self.arguments(train=f"shards-{ranks},distribution=sharded", output="sharded.tar"))
                self.assertEqual(self.forest("sharded.tar"), self.forest("first.tar"))

    def test_the_metrics_are_those_of_one_process(self):
        self.write("train.csv", cli.csv(rows(3000)))
        self.write("test.csv", "".join(f"{int(i % 30 == 0)},{line}\n" for i, line in enumerate(cli.csv(rows(900, 6)).split())))
        one = self.smtrain(*self.arguments("--test", "test.csv", output="one.tar")).err
        two = self.ranks(2, *self.arguments("--test", "test.csv")).err
        said = [line.split("] ", 1)[1] for line in one.splitlines() if "test:" in line and "features" not in line]
        self.assertGreaterEqual(len(said), 7)
        for line in said:
            self.assertIn(line, two)

    def test_a_stopped_run_goes_on_to_the_same_bytes(self):
        self.write("train.csv", cli.csv(rows(30000)))
        self.ranks(2, *self.arguments(output="whole.tar"))
        stopped = self.arguments("--checkpoint-dir", "ck", "--checkpoint-every", "0", output="n.tar")
        self.ranks(2, *stopped, "--max-runtime", "1ms", code=75)
        self.ranks(2, *stopped)
        self.assertEqual(self.forest("n.tar"), self.forest("whole.tar"))

    def test_goes_on_from_a_model(self):
        table = rows(2000)
        for name, part in (("train.csv", table), ("a.csv", table[:700]), ("b.csv", table[700:])):
            self.write(name, cli.csv(part))
        self.smtrain(*self.arguments(output="one.tar"))
        self.ranks(2, *self.arguments(train="a.csv", output="a.tar"))
        self.ranks(2, *self.arguments("--model", "a.tar", train="b.csv"))
        self.assertEqual(self.forest(), self.forest("one.tar"))

    def test_a_shingled_series_is_for_one_process(self):
        self.write("train.csv", cli.csv(rows(2000)))
        result = self.ranks(2, *self.arguments("--shingle", "4"), code=2)
        self.assertIn("tear the series apart", result.err)


if __name__ == "__main__":
    unittest.main()
