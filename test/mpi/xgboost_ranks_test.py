"""xgboost over ranks, by the engine's own collective: the trees of one process that reads the same rows."""

import os
import random
import signal
import time
import unittest

from death_test import ranks_of
from harness_mpi import MpiTest, cli


def table(count, seed=5):
    """Few values in each column, so that the bins of all ranks together are those of one process."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        x = [draw.randrange(40) / 4 for _ in range(6)]
        rows.append([int(x[0] * 0.7 + x[1] * x[2] / 10 + draw.gauss(0, 1) > 6)] + x)
    return rows


class Ranks(MpiTest):
    def arguments(self, *more, train="train.csv", output="m.tar", rounds=8, method="hist"):
        return ["xgboost", "--content-type", "text/csv", "--num_round", str(rounds), "--objective", "binary:logistic", "--tree_method", method,
                "--max_depth", "4", "--channel", f"train={train}", "-o", output, *more]

    def scores(self, model):
        self.smtrain("transform", "--model", model, "--input", "x.csv", "--content-type", "text/csv;label_size=0", "--output", "scores.csv")
        return [float(line) for line in self.read("scores.csv").decode().splitlines()]

    def assert_close(self, a, b, tolerance=1e-5):
        a, b = self.scores(a), self.scores(b)
        self.assertLess(max(abs(x - y) for x, y in zip(a, b)), tolerance)
        self.assertGreater(max(a) - min(a), 0.5)

    def write_table(self, count=3001):
        rows = table(count)
        self.write("train.csv", cli.csv(rows))
        self.write("x.csv", cli.csv([row[1:] for row in rows[:300]]))
        return rows

    def test_replicated_and_sharded(self):
        rows = self.write_table()
        os.mkdir(self.path("shards"))
        for i in range(3):
            self.write(f"shards/part-{i}.csv", cli.csv(rows[i * 1000:(i + 1) * 1000 + (i == 2)]))
        for method in ("hist", "approx"):
            self.smtrain(*self.arguments(output="one.tar", method=method))
            for ranks in (2, 3):
                for train in ("train.csv", "shards,distribution=sharded"):
                    with self.subTest(method=method, ranks=ranks, train=train):
                        result = self.ranks(ranks, *self.arguments("-v", train=train, method=method))
                        self.assertEqual(result.err.count("Train matrix has 3001 rows and 6 columns"), 1, result)
                        self.assert_close("m.tar", "one.tar")
                        self.ranks(ranks, *self.arguments(train=train, output="again.tar", method=method))
                        self.assertEqual(self.read("again.tar"), self.read("m.tar"))

    def test_watched_metrics_are_those_of_all_rows(self):
        self.write_table()
        self.write("validation.csv", cli.csv(table(501, seed=6)))
        more = ("--validation", "validation.csv", "--eval_metric", "error,logloss", "--early_stopping_rounds", "3")
        one = self.smtrain(*self.arguments(*more, rounds=30), "--metrics", "one.jsonl", "--log-format", "sagemaker")
        two = self.ranks(2, *self.arguments(*more, rounds=30), "--metrics", "two.jsonl", "--log-format", "sagemaker")
        lines = [[line for line in (run.out + run.err).splitlines() if "validation-error" in line and line.startswith("[")] for run in (one, two)]
        self.assertGreater(len(lines[0]), 3)
        self.assertEqual(len(lines[0]), len(lines[1]), (one, two))
        for a, b in zip(*lines):
            for x, y in zip(a.split("\t")[1:], b.split("\t")[1:]):
                self.assertEqual(x.split(":")[0], y.split(":")[0])
                self.assertAlmostEqual(float(x.split(":")[1]), float(y.split(":")[1]), places=3)

    def test_a_rank_without_rows(self):
        rows = self.write_table(1000)
        os.mkdir(self.path("shards"))
        self.write("shards/a.csv", cli.csv(rows))
        self.write("shards/b.csv", "")
        self.smtrain(*self.arguments(output="one.tar"))
        self.ranks(2, *self.arguments(train="shards,distribution=sharded"))
        self.assert_close("m.tar", "one.tar")
        self.write("shards/a.csv", "")
        result = self.ranks(2, *self.arguments(train="shards,distribution=sharded", output="n.tar"), code=2)
        self.assertEqual(len(self.errors(result)), 1, result)

    def test_holes_in_some_ranks_alone(self):
        rows = self.write_table(1500)
        os.mkdir(self.path("shards"))
        holed = [row[:3] + [float("nan")] + row[4:] if i % 7 == 0 else row for i, row in enumerate(rows[:800])]
        self.write("shards/a.csv", cli.csv(holed))
        self.write("shards/b.csv", cli.csv(rows[800:]))
        self.write("train.csv", cli.csv(holed + rows[800:]))
        for more in ((), ("--updater", "grow_quantile_histmaker"), ("--eval_metric", "accuracy")):
            with self.subTest(more=more):
                self.smtrain(*self.arguments(*more, output="one.tar"))
                result = self.ranks(2, *self.arguments(*more, train="shards,distribution=sharded"), timeout=60)
                self.assertIn("Train matrix has 1500 rows", result.err)
                self.assert_close("m.tar", "one.tar")
        # The container's own metrics count each row alike: they must not see one that is none.
        more = ("--objective", "reg:squarederror", "--eval_metric", "mae,rmse", "--log-format", "sagemaker")
        of_rows = [argument for argument in self.arguments() if argument not in ("--objective", "binary:logistic")]
        lines = []
        for run in (lambda: self.smtrain(*of_rows, *more), lambda: self.ranks(2, *[a.replace("train=train.csv", "train=shards,distribution=sharded")
                                                                                  for a in of_rows], *more, timeout=60)):
            result = run()
            lines.append([line for line in (result.out + result.err).splitlines() if line.startswith("[7]")])
        self.assertEqual(len(lines[0]), 1)
        self.assertEqual(lines[0], lines[1])
        self.write("shards/b.csv", "")
        self.write("train.csv", cli.csv(holed))
        self.smtrain(*self.arguments(output="one.tar"))
        self.ranks(2, *self.arguments(train="shards,distribution=sharded"), timeout=60)
        self.assert_close("m.tar", "one.tar")

    def test_bad_rows_of_one_rank_end_all_with_its_words(self):
        rows = self.write_table(2000)
        os.mkdir(self.path("shards"))
        self.write("shards/a.csv", cli.csv(rows[:1000]))
        self.write("shards/b.csv", cli.csv(rows[1000:]) + "7,1,1,1,1,1,1\n")
        result = self.ranks(2, *self.arguments(train="shards,distribution=sharded"), code=2)
        self.assertEqual(len(self.errors(result)), 1, result)
        self.assertIn("b.csv:1001", self.errors(result)[0])
        self.assertFalse(os.path.exists(self.path("m.tar")))

    def test_a_killed_rank_ends_all(self):
        self.write_table(20000)
        for rank in (0, 1):
            folder = f"c{rank}"
            process = self.start_ranks(2, *self.arguments("--checkpoint-dir", folder, "--checkpoint-every", "0s", rounds=1000000))
            self.addCleanup(lambda p=process: p.poll() is None and os.killpg(p.pid, signal.SIGKILL))
            written = lambda f=folder: [name for name in (os.listdir(self.path(f)) if os.path.isdir(self.path(f)) else []) if name[0] != "."]
            self.wait_until(lambda: process.poll() is not None or (len(ranks_of(process.pid)) == 2 and written()))
            self.assertIsNone(process.poll(), "the run has ended early")
            os.kill(ranks_of(process.pid)[rank], signal.SIGKILL)
            start = time.monotonic()
            out, err = process.communicate(timeout=60)
            self.assertLess(time.monotonic() - start, 15)
            result = cli.Result(process.returncode, cli.text(out), cli.text(err))
            self.assertNotEqual(result.code, 0)
            self.assertLessEqual(len(self.errors(result)), 1, result)
            self.assertFalse(os.path.exists(self.path("m.tar")))

    def test_queries_lie_in_one_process(self):
        self.write("train.libsvm", "".join(f"{i % 3} qid:{i // 1000} 0:{i % 7} 1:{i % 5}\n" for i in range(3000)))
        result = self.ranks(2, "xgboost", "--train", "train.libsvm", "--objective", "rank:pairwise", "--num_round", "2", "-o", "m.tar", code=2)
        self.assertEqual(len(self.errors(result)), 1, result)
        self.assertIn("has rows in two processes", self.errors(result)[0])


if __name__ == "__main__":
    unittest.main()
