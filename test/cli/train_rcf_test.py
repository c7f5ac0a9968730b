"""Random cut forests as a user runs them: samples, scores, shingles, refusals, stops, models that go on."""

import io
import json
import math
import os
import random
import shutil
import signal
import struct
import tarfile
import unittest
import zipfile

from harness import SMTRAIN, CliTest, csv, json_lines, recordio, text

CSV = ["--content-type", "text/csv;label_size=0"]
TEST = ["--content-type", "test=text/csv;label_size=1"]
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "share", "examples", "data")
ALL = "score,depth,attribution,predicted_anomaly"


def crowd(rows=2000, width=3, seed=1, odd=0):
    """Rows around the origin, the last `odd` of them far away."""
    draw = random.Random(seed)
    table = [tuple(draw.gauss(0, 1) for _ in range(width)) for _ in range(rows)]
    for i in range(rows - odd, rows):
        table[i] = tuple(x + 8 for x in table[i])
    return table


def members(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


class Forest:
    """model_algo-1, read by its description."""

    def __init__(self, model):
        self.zip = zipfile.ZipFile(io.BytesIO(members(model)["model_algo-1"]))
        self.facts = json.loads(self.zip.read("forest.json"))

    def array(self, name):
        data = self.zip.read(name + ".npy")
        assert data[:8] == b"\x93NUMPY\x01\x00"
        size = struct.unpack_from("<H", data, 8)[0]
        header = eval(data[10:10 + size].decode(), {"__builtins__": {}})
        assert not header["fortran_order"]
        numbers = struct.unpack(f"<{math.prod(header['shape'])}{ {'<i4': 'i', '<i8': 'q', '<f4': 'f'}[header['descr']] }", data[10 + size:])
        if len(header["shape"]) == 1:
            return list(numbers)
        return [numbers[i:i + header["shape"][1]] for i in range(0, len(numbers), header["shape"][1])]


class RcfTest(CliTest):
    def rcf(self, *arguments, data="train.csv", output="m.tar.gz", trees=50, samples=32, **options):
        return self.smtrain("rcf", "--train", data, *CSV, "--num_trees", str(trees), "--num_samples_per_tree", str(samples), "-o", output,
                            *arguments, **options)

    def transform(self, *arguments, model="m.tar.gz", data="train.csv", output="out", **options):
        self.smtrain("transform", "--model", model, "--input", data, "--content-type", "text/csv;label_size=0", "--output", output, *arguments,
                     **options)
        return text(self.read(output))

    def scores(self, *arguments, **options):
        return [float(line) for line in self.transform("--accept", "text/csv", *arguments, **options).splitlines()]

    def forest(self, output="m.tar.gz"):
        return Forest(self.read(output))


class EndToEnd(RcfTest):
    def test_far_rows_score_highest_and_the_cut_off_is_told(self):
        self.write("train.csv", csv(crowd()))
        self.write("test.csv", "".join(f"{int(i >= 195)},{line}\n" for i, line in enumerate(csv(crowd(200, seed=2, odd=5)).split())))
        result = self.rcf("--test", "test.csv", *TEST, "--metrics", "metrics.jsonl")
        metrics = {line["metric"]: line["value"] for line in json_lines(text(self.read("metrics.jsonl"))) if line["metric"].startswith("test:")}
        self.assertEqual(metrics["test:recall"], 1)
        self.assertGreater(metrics["test:f1"], 0.7)
        self.assertEqual(set(metrics), {"test:" + m for m in ("accuracy", "precision", "recall", "f1", "negative_precision", "negative_recall",
                                                              "negative_f1")})
        facts = self.forest().facts
        self.assertIn(f"mean + 3 deviations = {facts['train_score_cutoff']:.4f}", result.err)
        self.assertAlmostEqual(facts["train_score_cutoff"], facts["train_score_mean"] + 3 * facts["train_score_deviation"])
        out = self.smtrain("inspect", "m.tar.gz").out
        self.assertIn(f"{facts['train_score_cutoff']:.4f}", out)
        self.rcf("--test", "test.csv", *TEST, "--eval_metrics", '["accuracy"]', "--metrics", "one.jsonl")
        self.assertEqual([m["metric"] for m in json_lines(text(self.read("one.jsonl"))) if m["metric"].startswith("test:")], ["test:accuracy"])

    def test_the_metrics_are_those_of_the_scores(self):
        self.write("train.csv", csv(crowd()))
        table = crowd(300, seed=3, odd=12)
        labels = [int(i >= 290 or i % 40 == 0) for i in range(300)]
        self.write("rows.csv", csv(table))
        self.write("test.csv", "".join(f"{y},{line}\n" for y, line in zip(labels, csv(table).split())))
        self.rcf("--test", "test.csv", *TEST, "--metrics", "metrics.jsonl")
        found = {line["metric"][5:]: line["value"] for line in json_lines(text(self.read("metrics.jsonl"))) if line["metric"].startswith("test:")}
        scores = self.scores(data="rows.csv")
        mean = sum(scores) / 300
        cut = mean + 3 * math.sqrt(sum((s - mean) ** 2 for s in scores) / 300)
        above = [s > cut for s in scores]
        tp = sum(a and y for a, y in zip(above, labels))
        fp, fn = sum(above) - tp, sum(labels) - tp
        tn = 300 - tp - fp - fn
        self.assertTrue(tp and fp + fn)
        for name, expected in (("accuracy", (tp + tn) / 300), ("precision", tp / (tp + fp)), ("recall", tp / (tp + fn)),
                               ("f1", 2 * tp / (2 * tp + fp + fn)), ("negative_precision", tn / (tn + fn)), ("negative_recall", tn / (tn + fp)),
                               ("negative_f1", 2 * tn / (2 * tn + fp + fn))):
            self.assertAlmostEqual(found[name], expected, msg=name)

    def test_the_sample_is_every_row_in_order_where_there_are_few(self):
        table = [(float(i), float(i * i % 7)) for i in range(1030)]
        self.write("train.csv", csv(table))
        err = self.rcf().err
        self.assertIn("1,030 rows are fewer than num_trees x num_samples_per_tree = 1,600: each tree gets 20 instead of 32", err)
        self.assertIn("the last 30 in none", err)
        forest = self.forest()
        self.assertEqual(forest.array("points"), table)
        self.assertEqual(forest.array("tree"), [i // 20 if i < 1000 else -1 for i in range(1030)])
        self.assertEqual(forest.facts["num_samples_in_forest"], 1000)
        self.rcf("--_shuffle_sample", "true", output="s.tar.gz")
        mixed = self.forest("s.tar.gz").array("points")
        self.assertNotEqual(mixed, table)
        self.assertEqual(sorted(mixed), sorted(table))

    def test_the_sample_of_a_longer_stream_is_fair(self):
        self.write("train.csv", csv([(float(i),) for i in range(64000)]))
        counts = [0] * 8
        for seed in range(5):
            self.rcf("--seed", str(seed))
            rows = [int(p[0]) for p in self.forest().array("points")]
            self.assertEqual(len(set(rows)), 1600)
            for row in rows:
                counts[row // 8000] += 1
        for count in counts:
            self.assertLess(abs(count - 1000), 150)  # 5 deviations

    def test_the_trees_are_as_they_are_described(self):
        self.write("train.csv", csv(crowd()))
        self.rcf()
        forest = self.forest()
        offset, dim, cut, right, mass, point, points = map(forest.array, ("tree_offset", "cut_dim", "cut_value", "right_child", "mass", "point", "points"))
        self.assertEqual(len(offset), 51)
        for t in range(50):
            first = offset[t]
            self.assertEqual(mass[first], 32)
            for row in range(32 * t, 32 * t + 32):
                at = 0
                while dim[first + at] >= 0:
                    at = at + 1 if points[row][dim[first + at]] <= cut[first + at] else right[first + at]
                self.assertEqual(points[point[first + at]], points[row])

    def test_the_same_bytes_for_any_number_of_threads_and_kernels(self):
        self.write("train.csv", csv(crowd(3000, 9)))
        answers = set()
        for threads in ("1", "2", "3"):
            self.rcf("--threads", threads, output=f"{threads}.tar.gz", samples=64)
            answers.add(self.transform("--threads", threads, model=f"{threads}.tar.gz"))
        answers.add(self.transform(model="1.tar.gz", env={"SMTRAIN_KERNELS": "baseline"}))
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.read("1.tar.gz"), self.read("2.tar.gz"))
        self.assertEqual(self.read("1.tar.gz"), self.read("3.tar.gz"))
        self.rcf("--_seed", "9", output="9.tar.gz", samples=64)
        self.assertNotEqual(self.forest("9.tar.gz").array("cut_value"), self.forest("1.tar.gz").array("cut_value"))

    def test_formats_agree(self):
        table = [tuple(struct.unpack("<f", struct.pack("<f", x))[0] for x in row) for row in crowd()]
        self.write("train.csv", "".join(",".join(f"{x!r}" for x in row) + "\n" for row in table))
        self.write("train.pbr", recordio(table))
        self.rcf()
        self.smtrain("rcf", "--train", "train.pbr", "--num_trees", "50", "--num_samples_per_tree", "32", "-o", "r.tar.gz")
        self.assertEqual(members(self.read("m.tar.gz"))["model_algo-1"], members(self.read("r.tar.gz"))["model_algo-1"])

    def test_a_pipe(self):
        self.write("train.csv", csv(crowd()))
        self.rcf()
        self.shell("cat train.csv | \"$SMTRAIN\" rcf --train - --content-type 'text/csv;label_size=0' --num_trees 50 --num_samples_per_tree 32 "
                   "-o p.tar.gz", env={"SMTRAIN": os.path.abspath(SMTRAIN)})
        self.assertEqual(members(self.read("m.tar.gz"))["model_algo-1"], members(self.read("p.tar.gz"))["model_algo-1"])

    def test_the_service_s_log(self):
        self.write("train.csv", csv(crowd()))
        out = self.rcf("--log-format", "sagemaker").out
        for line in ("Verifying hyperparamemters...", "Validating memory limits...", "2000 samples gathered"[5:], "Random Cut Forest built: ",
                     "ForestInfo{num_trees: 50, num_samples_in_forest: 1600, num_samples_per_tree: 32, sample_dim: 3, shingle_size: 1, trees_num_nodes: [63, ",
                     '"Algorithm": "RandomCutForest"', "Test data is not provided."):
            self.assertIn(line, out)

    def test_settings_as_the_service_s_clients_send_them(self):
        self.write("train.csv", csv(crowd()))
        err = self.rcf("--feature_dim", "3", "--mini_batch_size", "1000", "--force_dense", "True", "--epochs", "1", "--_ftp_port", "8999",
                       "--_kvstore", "dist_async", "--_num_kv_servers", "auto", "--_tuning_objective_metric", "test:f1").err
        self.assertNotIn("warning", err)
        self.assertIn("mini_batch_size 500 is ignored", self.rcf("--mini_batch_size", "500").err)


class Answers(RcfTest):
    def setUp(self):
        super().setUp()
        self.table = crowd(odd=20)
        self.write("train.csv", csv(self.table))
        self.rcf()

    def test_formats(self):
        scores = self.scores()
        lines = json_lines(self.transform())
        self.assertEqual([list(line) for line in lines[:2]], [["score"], ["score"]])
        self.assertEqual([line["score"] for line in lines], scores)
        whole = json.loads(self.transform("--accept", "application/json"))
        self.assertEqual(list(whole), ["scores"])
        self.assertEqual([line["score"] for line in whole["scores"]], scores)
        self.transform("--accept", "application/x-recordio-protobuf")
        self.assertEqual(self.read("out").count(b"score"), 2000)
        self.assertGreater(min(scores[-20:]), max(scores[:-20]) * 0.9)

    def test_requests_dense_and_sparse(self):
        self.write("r.json", '{"instances":[{"features":[0.5,0,0]},{"data":{"features":{"keys":[0],"shape":[3],"values":[0.5]}}}]}')
        self.smtrain("transform", "--model", "m.tar.gz", "--input", "r.json", "--accept", "application/json", "--output", "out")
        first, second = json.loads(self.read("out"))["scores"]
        self.assertEqual(first, second)

    def test_why_a_row_is_anomalous(self):
        self.write("one.csv", "0,25,0\n0,0,0\n")
        odd, usual = json_lines(self.transform("--accept", "application/jsonlines; verbose=true", data="one.csv"))
        self.assertEqual(list(odd), ["score", "depth", "attribution"])
        for line in (odd, usual):
            self.assertAlmostEqual(sum(line["attribution"]) / line["score"], 1, places=5)
        self.assertGreater(odd["attribution"][1], 0.9 * odd["score"])
        self.assertGreater(odd["score"], 2 * usual["score"])
        self.assertLess(odd["depth"], usual["depth"])
        by_name = json_lines(self.transform("--columns", ALL, data="one.csv"))
        self.assertEqual([line["predicted_anomaly"] for line in by_name], [1, 0])
        self.assertEqual(by_name[0]["score"], odd["score"])
        plain = self.transform("--columns", "predicted_anomaly,score", "--accept", "text/csv", data="one.csv").split()
        self.assertEqual([line.split(",")[0] for line in plain], ["1", "0"])

    def test_the_cut_off_is_the_stored_one(self):
        cut = self.forest().facts["train_score_cutoff"]
        for line in json_lines(self.transform("--columns", "score,predicted_anomaly")):
            self.assertEqual(line["predicted_anomaly"], int(line["score"] > cut))

    def test_another_width_is_refused_with_both(self):
        self.write("narrow.csv", "1,2\n")
        self.refused("transform", "--model", "m.tar.gz", "--input", "narrow.csv", *CSV, "--output", "out", says=["2", "3"])
        self.refused("transform", "--model", "m.tar.gz", "--input", "train.csv", *CSV, "--output", "out", "--columns", "scores", says=["score"])


class Series(RcfTest):
    def setUp(self):
        super().setUp()
        for name in ("load.csv", "load-next.csv", "load-test.csv"):
            shutil.copy(os.path.join(EXAMPLES, name), self.path(name))

    def test_shingles_are_what_joined_rows_are(self):
        series = [float(line) for line in text(self.read("load.csv")).split()]
        joined = [tuple(series[i:i + 24]) for i in range(len(series) - 23)]
        self.write("joined.csv", "".join(",".join(map(str, row)) + "\n" for row in joined))
        self.rcf("--shingle", "24", data="load.csv", samples=20)
        self.rcf(data="joined.csv", output="joined.tar.gz", samples=20)
        ours, theirs = self.forest(), self.forest("joined.tar.gz")
        for name in ("tree_offset", "cut_dim", "cut_value", "mass", "point", "points"):
            self.assertEqual(ours.array(name), theirs.array(name))
        self.assertEqual(ours.facts["shingle"], 24)
        self.assertEqual([row[0] for row in ours.array("last_rows")], [struct.unpack("<f", struct.pack("<f", x))[0] for x in series[-23:]])

    def test_answers_go_on_where_the_series_ended(self):
        self.rcf("--shingle", "24", data="load.csv")
        scores = self.scores(data="load-next.csv")
        series = text(self.read("load.csv")).split() + text(self.read("load-next.csv")).split()
        self.assertEqual(len(scores), 72)
        self.rcf(data="load.csv", output="plain.tar.gz")  # has another forest: the joined rows are scored by the first
        joined = [",".join(series[i - 23:i + 1]) for i in range(len(series) - 72, len(series))]
        self.write("joined.csv", "".join(line + "\n" for line in joined))
        model = members(self.read("m.tar.gz"))["model_algo-1"]
        self.assertEqual(self.scores(model=self.without_shingle(model), data="joined.csv"), scores)
        odd = max(range(72), key=lambda i: scores[i])
        self.assertIn(odd, range(26, 54))  # the night of load-next.csv that make_load.py makes busy

    def without_shingle(self, artifact):
        """The same forest, of plain rows of 24 columns."""
        source = zipfile.ZipFile(io.BytesIO(artifact))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as target:
            for name in source.namelist():
                data = source.read(name)
                if name == "forest.json":
                    facts = json.loads(data)
                    facts.update(shingle=1, feature_dim=24)
                    data = json.dumps(facts).encode()
                if name != "last_rows.npy":
                    target.writestr(name, data)
        self.write_tar("unshingled.tar.gz", {"model_algo-1": out.getvalue()})
        return "unshingled.tar.gz"

    def write_tar(self, name, files):
        with tarfile.open(self.path(name), "w:gz") as tar:
            for member, data in files.items():
                info = tarfile.TarInfo(member)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))

    def test_a_labelled_series(self):
        err = self.rcf("--shingle", "4", "--test", "load-test.csv", *TEST, data="load.csv", samples=26).err
        self.assertRegex(err, r"of 333 rows are above it, 7 are labelled anomalous")  # 336 rows; each shingle has the label of its last

    def test_refusals(self):
        self.refused("rcf", "--train", "load.csv", *CSV, "--shingle", "0", "-o", "m.tar.gz", says="shingle")
        self.refused("rcf", "--train", "load.csv", *CSV, "--shingle", "2000", "-o", "m.tar.gz", says=["fewer than the 2000 of a shingle"])
        self.refused("rcf", "--train", "load.csv", *CSV, "--shingle", "5000", "--feature_dim", "3", "-o", "m.tar.gz", says=["shingle", "15000", "10000"])


class Learns(RcfTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(crowd(3000)))
        self.later = [tuple(x + 6 for x in row) for row in crowd(9000, seed=4)]
        self.write("later.csv", csv(self.later))
        self.rcf()

    def test_what_was_odd_becomes_usual(self):
        before = self.scores(data="later.csv")
        scores = self.scores("--update", "--updated-model", "u.tar.gz", data="later.csv")
        self.assertAlmostEqual(scores[0], before[0], places=5)
        self.assertGreater(min(scores[:20]), 2)
        self.assertLess(sum(scores[-500:]) / 500, 0.7 * sum(before[-500:]) / 500)
        after = self.scores(model="u.tar.gz", data="later.csv")
        self.assertLess(sum(after) / 9000, 0.7 * sum(before) / 9000)
        self.assertEqual(self.scores(data="later.csv"), before)  # the model that was given stays as it is
        old, new = self.forest().facts, self.forest("u.tar.gz").facts
        self.assertEqual((old["total_rows_seen"], new["total_rows_seen"]), (3000, 12000))
        self.assertGreater(new["train_score_deviation"], 0)
        self.assertNotIn("test:", self.smtrain("inspect", "u.tar.gz").out)

    def test_the_same_bytes_for_any_number_of_threads_and_in_parts(self):
        self.write("a.csv", csv(self.later[:2500]))
        self.write("b.csv", csv(self.later[2500:]))
        said = set()
        for threads in ("1", "2", "3"):
            said.add(self.transform("--update", "--updated-model", f"{threads}.tar.gz", "--threads", threads, "--columns", ALL, data="later.csv"))
        self.assertEqual(len(said), 1)
        parts = self.transform("--update", "--updated-model", "a.tar.gz", "--columns", ALL, data="a.csv")
        parts += self.transform("--update", "--updated-model", "a.tar.gz", "--columns", ALL, data="b.csv", model="a.tar.gz")  # replaces it
        self.assertEqual([line["score"] for line in json_lines(parts)], [line["score"] for line in json_lines(said.pop())])
        for name in ("2.tar.gz", "3.tar.gz", "a.tar.gz"):
            self.assertEqual(members(self.read(name))["model_algo-1"], members(self.read("1.tar.gz"))["model_algo-1"])

    def test_training_goes_on_from_a_model_that_has_learnt(self):
        self.transform("--update", "--updated-model", "u.tar.gz", data="later.csv")
        self.rcf("--model", "u.tar.gz", output="m2.tar.gz")
        self.assertEqual(self.forest("m2.tar.gz").facts["total_rows_seen"], 15000)

    def test_a_series(self):
        shutil.copy(os.path.join(EXAMPLES, "load.csv"), self.path("load.csv"))
        shutil.copy(os.path.join(EXAMPLES, "load-next.csv"), self.path("load-next.csv"))
        self.rcf("--shingle", "24", data="load.csv", output="s.tar.gz", samples=20)
        scores = self.scores("--update", "--updated-model", "t.tar.gz", data="load-next.csv", model="s.tar.gz")
        self.assertEqual(len(scores), 72)
        series = [float(x) for x in text(self.read("load-next.csv")).split()]
        for (found,), expected in zip(self.forest("t.tar.gz").array("last_rows"), series[-23:]):
            self.assertAlmostEqual(found, expected, places=4)

    def test_refusals(self):
        arguments = ["transform", "--input", "later.csv", *CSV, "--output", "out"]
        self.refused(*arguments, "--model", "m.tar.gz", "--updated-model", "u.tar.gz", says="--updated-model goes with --update")
        self.refused(*arguments, "--model", "m.tar.gz", "--update", "--updated-model", "u.zip", says="u.zip")
        self.refused(*arguments, "--model", "m.tar.gz", "--update", "--updated-model", "later.csv", says="later.csv")
        self.smtrain("kmeans", "--train", "train.csv", *CSV, "--k", "2", "-o", "k.tar.gz")
        self.refused(*arguments, "--model", "k.tar.gz", "--update", says=["--update", "kmeans", "rcf"])


class Refusals(RcfTest):
    def refuse(self, *arguments, says, data="train.csv"):
        self.refused("rcf", "--train", data, *CSV, "-o", "m.tar.gz", *arguments, says=says)
        self.assertNotIn("m.tar.gz", self.files())

    def test_settings(self):
        self.write("train.csv", csv(crowd(200)))
        for name, value, says in (("num_trees", "49", ["num_trees", "50", "1000"]), ("num_trees", "1001", ["num_trees", "1000"]),
                                  ("num_samples_per_tree", "2049", ["num_samples_per_tree", "2048"]), ("num_samples_per_tree", "0", "num_samples_per_tree"),
                                  ("feature_dim", "10001", ["feature_dim", "10000"]), ("feature_dim", "4", ["4", "3"]),
                                  ("eval_metics", '["accuracy"]', "did you mean --eval_metrics"), ("eval_metrics", "[]", "eval_metrics"),
                                  ("eval_metrics", '["f1"]', "precision_recall_fscore"), ("num_tree", "50", "num_trees")):
            with self.subTest(name, value=value):
                self.refuse(f"--{name}", value, says=says)

    def test_lists_as_the_service_has_them(self):
        self.write("train.csv", csv(crowd(200)))
        self.write("h.json", '{"eval_metrics": "[accuracy", "num_trees": "50"}')
        self.refuse("--hyperparameters", "h.json", says="eval_metrics")

    def test_data(self):
        for name, content, says in (("nan.csv", "1,2\n3,nan\n", "nan.csv:2"), ("text.csv", "1,2\n3,x\n", "text.csv:2"),
                                    ("wide.csv", "1,2\n1,2,3\n", "wide.csv:2"), ("none.csv", "", "none.csv"),
                                    ("few.csv", csv(crowd(99)), ["99 rows for 100 trees", "at least 100"])):
            with self.subTest(name):
                self.write(name, content)
                self.refuse(data=name, says=says)
        self.write("label.csv", "".join(f"{i},1,2\n" for i in range(9)))
        self.refuse("--feature_dim", "4", data="label.csv", says=["label_size"])

    def test_labels_of_the_test_channel(self):
        self.write("train.csv", csv(crowd(200)))
        for content, says in (("2,1,1,1\n", ["label 2.0 is not 0 or 1", "test.csv:1"]), ("0,1,1,1\n0.5,1,1,1\n", ["test.csv:2", "0.5"]),
                              ("1,2,3\n", ["3"])):
            self.write("test.csv", content)
            self.refuse("--test", "test.csv", *TEST, says=says)
        self.write("test.csv", "1,1,1\n")
        self.refuse("--test", "test.csv", "--content-type", "test=text/csv;label_size=0", says=["no label", "test.csv:1"])

    def test_memory(self):
        self.write("wide.csv", csv([tuple(range(3000))] * 2))
        self.refuse("--num_trees", "1000", "--num_samples_per_tree", "2048", "--memory-limit", "8G", data="wide.csv",
                    says=["1000 trees", "2048", "3000", "--memory-limit"])

    def test_what_is_only_warned_of(self):
        self.write("train.csv", csv(crowd(70)))
        self.assertIn("trees of one point each are trivial", self.rcf().err)
        self.write("train.csv", "1,2,3\n" * 200)
        self.assertIn("all rows are equal", self.rcf().err)
        self.write("odd.csv", "1,2,3\n1,2,4\n")
        equal, other = self.scores(data="odd.csv")
        self.assertEqual(equal, 0.5)
        self.assertAlmostEqual(other, math.log2(5), places=6)
        self.write("train.csv", csv([(x, 1000 * y, z) for x, y, z in crowd(200)]))
        self.assertRegex(self.rcf().err, r"feature 2 has 99\.\d % of the sum of all features' ranges")
        self.write("train.csv", csv(crowd(2000)))
        self.assertNotIn("warning", self.rcf().err)
        self.write("test.csv", "0,1,1,1\n0,1,2,1\n")
        self.assertIn("all labels of the test channel are 0", self.rcf("--test", "test.csv", *TEST).err)
        self.write("test.csv", "0,1,1,1\n1,1,2,1\n")
        self.assertIn("50.0 % of the test channel is anomalous", self.rcf("--test", "test.csv", *TEST).err)
        self.write("train.csv", "".join(f"0,{line}\n" for line in csv(crowd(2000)).split()))
        err = self.smtrain("rcf", "--train", "train.csv", "--content-type", "text/csv;label_size=1", "--num_trees", "50",
                           "--num_samples_per_tree", "32", "-o", "m.tar.gz").err
        self.assertIn("1 label per row, which is ignored", err)


class GoesOn(RcfTest):
    def test_half_and_half_is_the_whole(self):
        table = crowd(5000)
        for name, rows in (("train.csv", table), ("a.csv", table[:700]), ("b.csv", table[700:1900]), ("c.csv", table[1900:])):
            self.write(name, csv(rows))
        self.rcf()
        self.rcf(data="a.csv", output="a.tar.gz")
        self.rcf("--model", "a.tar.gz", data="b.csv", output="b.tar.gz")
        self.rcf("--model", "b.tar.gz", data="c.csv", output="c.tar.gz")
        self.assertEqual(members(self.read("c.tar.gz"))["model_algo-1"], members(self.read("m.tar.gz"))["model_algo-1"])
        self.refused("rcf", "--train", "c.csv", *CSV, "--num_trees", "60", "--num_samples_per_tree", "32", "--model", "b.tar.gz", "-o", "x.tar.gz",
                     says=["1600", "1920"])
        self.smtrain("rcf", "--train", "b.csv", *CSV, "--num_trees", "60", "--num_samples_per_tree", "32", "--model", "a.tar.gz", "-o", "x.tar.gz")
        self.write("narrow.csv", csv([row[:2] for row in table]))
        self.refused("rcf", "--train", "narrow.csv", *CSV, "--model", "a.tar.gz", "-o", "x.tar.gz", says=["3 features", "2 features"])

    def test_a_series_goes_on(self):
        series = csv([(round(random.Random(i).random(), 3),) for i in range(900)]).split()
        for name, rows in (("train.csv", series), ("a.csv", series[:333]), ("b.csv", series[333:])):
            self.write(name, "".join(line + "\n" for line in rows))
        self.rcf("--shingle", "7", samples=8)
        self.rcf("--shingle", "7", data="a.csv", output="a.tar.gz", samples=8)
        self.rcf("--shingle", "7", "--model", "a.tar.gz", data="b.csv", output="b.tar.gz", samples=8)
        self.assertEqual(members(self.read("b.tar.gz"))["model_algo-1"], members(self.read("m.tar.gz"))["model_algo-1"])

    def test_a_run_that_is_killed_or_stopped_goes_on_to_the_same_bytes(self):
        self.write("train.csv", csv(crowd(3000)))
        self.write("long.csv", csv(crowd(90000, 6)) * 3)
        self.write("test.csv", "".join(f"0,{line}\n" for line in csv(crowd(9000, 6)).split()))
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        for more in ([], ["--shingle", "3"]):
            command = ["rcf", "--train", "long.csv", "--test", "test.csv", *CSV, *TEST, "--num_trees", "50", "-o", "m.tar.gz", *more]
            self.smtrain(*command)
            unbroken = self.read("m.tar.gz")
            for number in (signal.SIGKILL, signal.SIGTERM):
                with self.subTest(number=number, seed=seed, more=more):
                    os.remove(self.path("m.tar.gz"))
                    self.stop_often([*command, "--checkpoint-dir", f"ck-{len(more)}-{number}", "--checkpoint-every", "0"], number, lambda: draw.uniform(0, 0.01))
                    self.assertEqual(self.read("m.tar.gz"), unbroken)


if __name__ == "__main__":
    unittest.main()
