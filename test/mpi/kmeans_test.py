"""k-means over ranks: as good as, and nearly the same as, one process that reads the same rows in the same order."""

import os
import random
import unittest

from harness_mpi import MpiTest, cli

BATCH = 90  # of all ranks; 3 and 2 divide it


def rows(count, seed=5, width=4):
    draw = random.Random(seed)
    centres = [[draw.uniform(-20, 20) for _ in range(width)] for _ in range(6)]
    return [[c + draw.gauss(0, 1) for c in centres[draw.randrange(6)]] for _ in range(count)]


def interleaved(shards, ranks):
    """What one process would read: of each mini-batch first the next rows of rank 0, then those of rank 1, ..."""
    own = [[row for i, shard in enumerate(shards) if i % ranks == r for row in shard] for r in range(ranks)]
    place = [0] * ranks
    whole = []
    while any(place[r] < len(own[r]) for r in range(ranks)):
        for r in range(ranks):
            take = (r + 1) * BATCH // ranks - r * BATCH // ranks
            whole += own[r][place[r]:place[r] + take]
            place[r] += take
    return whole


class KMeans(MpiTest):
    def arguments(self, *more, train="train.csv", output="m.tar", epochs=2):
        return ["kmeans", "--content-type", "text/csv;label_size=0", "--k", "6", "--mini-batch-size", str(BATCH), "--epochs", str(epochs),
                "--seed", "3", "--log-format", "json", "--channel", f"train={train}", "-o", output, *more]

    def metrics(self, result):
        return {line["metric"]: line["value"] for line in cli.json_lines(result.out)}

    def records(self, result):
        """Of each pass over the train channel, and its mini-batches."""
        return [(line["value"], line["batches"]) for line in cli.json_lines(result.out) if line["metric"] == "records"]

    def assert_close(self, several, one):
        a, b = self.metrics(several), self.metrics(one)
        self.assertEqual(set(a), set(b))
        self.assertEqual(self.records(several), self.records(one))
        for name in ("train:msd", "train:data_msd", *(n for n in b if n.startswith("test:"))):
            self.assertLess(abs(a[name] - b[name]), 1e-5 * abs(b[name]), f"{name}: {a[name]} and {b[name]}")

    def test_replicated_channel(self):
        self.write("train.csv", cli.csv(rows(1000)))
        self.write("test.csv", cli.csv(rows(301, seed=6)))
        one = self.smtrain(*self.arguments("--test", "test.csv"))
        for ranks in (2, 3):
            several = self.ranks(ranks, *self.arguments("--test", "test.csv", output=f"m{ranks}.tar"))
            self.assert_close(several, one)
        again = self.ranks(3, *self.arguments("--test", "test.csv", output="again.tar"))
        self.assert_close(again, one)
        self.assertEqual(self.read("again.tar"), self.read("m3.tar"))

    def test_sharded_channel_whose_ranks_run_out_of_rows_one_by_one(self):
        shards = [rows(400, 1), rows(290, 2), rows(333, 3)]
        os.mkdir(self.path("shards"))
        for i, shard in enumerate(shards):
            self.write(f"shards/part-{i}.csv", cli.csv(shard))
        for ranks in (2, 3):
            # Mini-batches end elsewhere in one process, once a rank has run out: the result is near, not the same.
            whole = self.write(f"whole{ranks}.csv", cli.csv(interleaved(shards, ranks)))
            several = self.ranks(ranks, *self.arguments(train="shards,distribution=sharded", output=f"s{ranks}.tar", epochs=1))
            again = self.ranks(ranks, *self.arguments(train="shards,distribution=sharded", output="again.tar", epochs=1))
            self.assertEqual(self.read("again.tar"), self.read(f"s{ranks}.tar"))
            one = self.smtrain(*self.arguments(train=whole, output="one.tar", epochs=1))
            longest = max(sum(len(shard) for shard in shards[r::ranks]) for r in range(ranks))
            self.assertEqual(self.records(several)[-1], (1023, -(-longest // (BATCH // ranks))))
            a, b = self.metrics(several), self.metrics(one)
            self.assertLess(abs(a["train:msd"] - b["train:msd"]), 0.1 * b["train:msd"])

    def test_sharded_channel_with_equal_shards_agrees_with_the_interleaved_file(self):
        for ranks in (2, 3):
            shards = [rows(4 * BATCH // ranks * 2, seed) for seed in range(ranks)]
            os.mkdir(self.path(f"equal{ranks}"))
            for i, shard in enumerate(shards):
                self.write(f"equal{ranks}/part-{i}.csv", cli.csv(shard))
            whole = self.write(f"equal{ranks}.csv", cli.csv(interleaved(shards, ranks)))
            several = self.ranks(ranks, *self.arguments(train=f"equal{ranks},distribution=sharded"))
            self.assert_close(several, self.smtrain(*self.arguments(train=whole, output="one.tar")))

    def test_fewer_files_than_ranks_are_split_by_record(self):
        self.write("train.csv", cli.csv(rows(500)))
        several = self.ranks(3, *self.arguments(train="train.csv,distribution=sharded"))
        self.assertIn("train: 1 file for 3 processes: each takes its range", several.err)
        self.assert_close(several, self.smtrain(*self.arguments(output="one.tar")))

    def test_an_empty_test_shard_is_no_error(self):
        self.write("train.csv", cli.csv(rows(500)))
        os.mkdir(self.path("test"))
        self.write("test/a.csv", cli.csv(rows(50, 9)))
        self.write("test/b.csv", "")
        several = self.ranks(2, *self.arguments("--channel", "test=test,distribution=sharded"))
        one = self.smtrain(*self.arguments("--test", "test/a.csv", output="one.tar"))
        self.assert_close(several, one)

    def test_shards_of_different_width_are_refused_with_both(self):
        os.mkdir(self.path("shards"))
        self.write("shards/a.csv", cli.csv(rows(200, width=4)))
        self.write("shards/b.csv", cli.csv(rows(200, width=5)))
        result = self.ranks(2, *self.arguments(train="shards,distribution=sharded"), code=2)
        self.assertEqual(len(self.errors(result)), 1)
        self.assertRegex(result.err, r"rank 0 reads 4 features .*a\.csv.*rank 1 reads 5 .*b\.csv")

    def test_feature_dim_is_checked_on_all_ranks(self):
        os.mkdir(self.path("shards"))
        self.write("shards/a.csv", cli.csv(rows(200)))
        self.write("shards/b.csv", cli.csv(rows(200, width=5)))
        result = self.ranks(2, *self.arguments("--feature-dim", "4", train="shards,distribution=sharded"), code=2)
        self.assertEqual(len(self.errors(result)), 1)
        self.assertIn("rank 1: shards/b.csv", result.err)

    def test_streams_are_refused(self):
        os.mkfifo(self.path("fifo"))
        for path in ("-", "fifo", "train.csv,mode=pipe"):
            result = self.ranks(2, *self.arguments(train=path), code=2)
            self.assertEqual(len(self.errors(result)), 1, result)
            self.assertIn("is a stream, which 2 processes cannot share", result.err)

    def test_a_bad_row_on_one_rank_ends_all_with_its_words(self):
        os.mkdir(self.path("shards"))
        self.write("shards/a.csv", cli.csv(rows(900, 1)))
        self.write("shards/b.csv", cli.csv(rows(600, 2)) + "1,2,x,4\n" + cli.csv(rows(300, 3)))
        result = self.ranks(2, *self.arguments(train="shards,distribution=sharded"), code=2)
        self.assertEqual(self.errors(result), ['rank 1: shards/b.csv:601: column 3: "x" is not a number; expected 4 numeric columns'])
        self.assertNotIn("m.tar", self.files())

    def test_continues_from_a_model(self):
        self.write("train.csv", cli.csv(rows(500)))
        self.ranks(2, *self.arguments(output="first.tar"))
        several = self.ranks(2, *self.arguments("--model", "first.tar"))
        self.assert_close(several, self.smtrain(*self.arguments("--model", "first.tar", output="one.tar")))


if __name__ == "__main__":
    unittest.main()
