"""k-nearest neighbours as a user runs it: files in and out, answers, metadata edited by hand, refusals, stops, models that go on."""

import io
import json
import os
import random
import signal
import struct
import subprocess
import tarfile
import unittest

from harness import CliTest, csv, field, json_lines, text

CSV = ["--content-type", "text/csv;label_size=1"]


def labelled(rows=400, width=4, seed=1, classes=3):
    """Rows around a centre of their class, the class first."""
    draw = random.Random(seed)
    return [(i % classes, *(round(draw.gauss(3 * (i % classes) * (j % 2), 1.0), 4) for j in range(width))) for i in range(rows)]


def record(row):
    """A framed Record with a label, written from the format's description."""
    values = lambda numbers: field(2, field(2, field(1, struct.pack(f"<{len(numbers)}f", *numbers))))  # noqa: E731
    payload = field(1, field(1, b"values") + values(row[1:])) + field(2, field(1, b"values") + values(row[:1]))
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def members(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))


def neighbours(rows, query, k):
    """Positions by distance, the lower one first among equals."""
    return sorted(range(len(rows)), key=lambda i: (squared(rows[i][1:], query), i))[:k]


def vote(labels):
    return min(set(labels), key=lambda y: (-labels.count(y), y))


class KnnTest(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = labelled()
        self.test = labelled(60, seed=2)
        self.write("train.csv", csv(self.rows))
        self.write("test.csv", csv(self.test))
        self.write("requests.csv", csv([row[1:] for row in self.test]))

    def knn(self, *arguments, data="train.csv", output="m.tar.gz", k=5, kind="classifier", sample=1000, **options):
        return self.smtrain("knn", "--train", data, "--k", str(k), "--predictor_type", kind, "--sample_size", str(sample), "-o", output,
                            *arguments, **options)

    def answer(self, *arguments, model="m.tar.gz", data="requests.csv"):
        self.smtrain("transform", "--model", model, "--input", data, "--output", "out", *arguments)
        return self.read("out")

    def metadata(self, model="m.tar.gz"):
        return json.loads(members(self.read(model))["model_algo-1.json"])

    def repack(self, changes, model="m.tar.gz", output="edited.tar.gz"):
        content = {**members(self.read(model)), **changes}
        with tarfile.open(self.path(output), "w:gz") as tar:
            for name, data in content.items():
                if data is None:
                    continue
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


class Answers(KnnTest):
    def test_neighbours_votes_and_distances_are_the_true_ones(self):
        result = self.knn("--test", "test.csv", "--metrics", "metrics.jsonl")
        right = 0
        for line, row in zip(json_lines(text(self.answer("--columns", "predicted_label,vote_share,distances,labels,ids"))), self.test):
            ids = neighbours(self.rows, row[1:], 5)
            labels = [self.rows[i][0] for i in ids]
            self.assertEqual(list(line), ["predicted_label", "vote_share", "distances", "labels", "ids"])
            self.assertEqual(line["ids"], ids)
            self.assertEqual(line["labels"], labels)
            self.assertEqual(line["predicted_label"], vote(labels))
            self.assertAlmostEqual(line["vote_share"], labels.count(vote(labels)) / 5, places=6)
            for a, i in zip(line["distances"], ids):
                self.assertAlmostEqual(a, squared(self.rows[i][1:], row[1:]), places=4)
            right += vote(labels) == row[0]
        metrics = {line["metric"]: line["value"] for line in json_lines(text(self.read("metrics.jsonl")))}
        self.assertAlmostEqual(metrics["test:accuracy"], right / 60)
        self.assertGreater(metrics["test:macro_f_1.000"], 0.8)
        self.assertIn("accuracy by k: 1: ", result.err)
        self.assertIn(f"5: {right / 60:.6g}", result.err)

    def test_shapes_of_the_service(self):
        self.knn(k=2)
        verbose = json.loads(self.answer("--accept", "application/json; verbose=true"))
        self.assertEqual([list(p) for p in verbose["predictions"][:1]], [["predicted_label", "distances", "labels"]])
        self.assertEqual(len(verbose["predictions"][0]["labels"]), 2)
        self.assertRegex(text(self.answer("--accept", "application/json")), r'^\{"predictions":\[\{"predicted_label":[012]\.0\},')
        self.assertRegex(text(self.answer()), r'^\{"predicted_label":[012]\.0\}\n')
        self.assertEqual(json_lines(text(self.answer("--accept", "application/jsonlines;verbose=TRUE")))[0], verbose["predictions"][0])
        self.assertRegex(text(self.answer("--accept", "text/csv")), r"^[012](\.0)?\n")
        binary = self.answer("--accept", "application/x-recordio-protobuf; verbose=true")
        for name in (b"predicted_label", b"distances", b"labels"):
            self.assertEqual(binary.count(name), 60)
        self.knn(k=1)
        self.assertIsInstance(json_lines(text(self.answer("--columns", "labels")))[0]["labels"], list)

    def test_a_regressor_takes_the_mean(self):
        self.write("numbers.csv", csv([(2 * row[1] + row[2], *row[1:]) for row in self.rows]))
        result = self.knn("--test", "numbers.csv", data="numbers.csv", kind="regressor", k=3)
        self.assertRegex(result.err, r"mse by k: 1: 0[,.]")
        first = json_lines(text(self.answer("--accept", "application/jsonlines;verbose=true")))[0]
        self.assertAlmostEqual(first["predicted_label"], sum(first["labels"]) / 3, places=4)
        self.refused("transform", "--model", "m.tar.gz", "--input", "requests.csv", "--output", "x", "--columns", "vote_share", says="vote_share")

    def test_records_and_requests_in_json_answer_alike(self):
        self.knn()
        expected = text(self.answer())
        self.write("train.pbr", b"".join(record(row) for row in self.rows))
        self.knn(data="train.pbr", output="r.tar.gz")
        self.assertEqual(text(self.answer(model="r.tar.gz")), expected)
        rows = [[float(f"{x:.6f}") for x in row[1:]] for row in self.test]
        self.write("r.json", json.dumps({"instances": [{"features": rows[0]}, {"data": {"features": {"values": rows[1]}}}]}))
        self.assertEqual(text(self.answer("--content-type", "application/json", data="r.json")).splitlines(), expected.splitlines()[:2])

    def test_k_and_predictor_type_may_be_edited(self):
        self.knn()
        meta = self.metadata()
        self.assertEqual({name: meta[name] for name in ("k", "predictor_type", "dimension_reduction", "normalize", "version")},
                         {"k": 5, "predictor_type": "classifier", "dimension_reduction": None, "normalize": False, "version": "1.0"})
        self.repack({"model_algo-1.json": json.dumps({**meta, "k": 2, "predictor_type": "regressor"}).encode()})
        edited = json_lines(text(self.answer("--accept", "application/jsonlines;verbose=true", model="edited.tar.gz")))
        for line, row in zip(edited, self.test):
            labels = [self.rows[i][0] for i in neighbours(self.rows, row[1:], 2)]
            self.assertEqual(line["labels"], labels)
            self.assertEqual(line["predicted_label"], sum(labels) / 2)
        for change, says in (({"k": 401}, "1 to 400"), ({"k": None}, '"k" is missing'), ({"predictor_type": "both"}, '"both"')):
            self.repack({"model_algo-1.json": json.dumps({**meta, **change}).encode()})
            self.refused("transform", "--model", "edited.tar.gz", "--input", "requests.csv", "--output", "x", says=["model_algo-1.json", says])

    def test_a_model_without_a_manifest_answers(self):
        self.knn()
        expected = self.answer()
        meta = {k: v for k, v in self.metadata().items() if k not in ("feature_dim", "rows_seen")}
        self.repack({"manifest.json": None, "model.safetensors": None, "model_algo-1.json": json.dumps(meta).encode()})
        self.assertEqual(self.answer(model="edited.tar.gz"), expected)
        self.refused("transform", "--model", "edited.tar.gz", "--input", "requests.csv", "--output", "x", "--columns", "ids", says="ids")
        self.refused("knn", "--train", "train.csv", "--k", "5", "--predictor_type", "classifier", "--sample_size", "1000", "--model", "edited.tar.gz",
                     "-o", "x.tar.gz", says="rows_seen")

    def test_damaged_models_are_refused(self):
        self.knn()
        content = members(self.read("m.tar.gz"))
        for name, data, says in (("model_algo-1", content["model_algo-1"][:-1], "damaged"), ("model_algo-1", b"IxPT" + content["model_algo-1"][4:], "IxPT"),
                                 ("model_algo-1.labels", b"", "model_algo-1.labels"), ("model_algo-1.json", b"[]", "JSON object"),
                                 ("model_algo-1.labels", None, "missing")):
            with self.subTest(name, says=says):
                self.repack({name: data})
                self.refused("transform", "--model", "edited.tar.gz", "--input", "requests.csv", "--output", "x", says=says)

    def test_projections_are_regrown_from_their_seed(self):
        wide = [(row[0], *(row[1 + j % 4] * (1 + j % 3) for j in range(40))) for row in self.rows]
        self.write("wide.csv", csv(wide))
        for kind in ("sign", "fjlt"):
            result = self.knn("--test", "wide.csv", "--dimension_reduction_type", kind, "--dimension_reduction_target", "12", "--seed", "5", data="wide.csv", k=1)
            self.assertIn("accuracy by k: 1: 1", result.err)
            reduction = self.metadata()["dimension_reduction"]
            self.assertEqual(reduction, {"type": kind, "seed": 5, "target_dim": 12, "input_dim": 40, "generator": "philox4x32-10"})
            size = 4 * 12 * 40 if kind == "sign" else 4 * (40 + 12)
            self.assertEqual(len(members(self.read("m.tar.gz"))["model_algo-1.projection"]), size)
            self.assertIn(f"{kind} to 12 numbers, seed 5", self.smtrain("inspect", "m.tar.gz").out)
            answers = json_lines(text(self.answer("--content-type", CSV[1], "--columns", "ids,distances", data="wide.csv")))
            self.assertEqual(sum(line["ids"] == [i] for i, line in enumerate(answers)), 400)

    def test_standard_input_and_pipes(self):
        self.knn()
        expected = members(self.read("m.tar.gz"))
        self.knn(*CSV, data="-", stdin=self.read("train.csv"), output="s.tar.gz")
        self.assertEqual(members(self.read("s.tar.gz"))["model_algo-1"], expected["model_algo-1"])
        os.mkfifo(self.path("pipe_0"))
        writer = subprocess.Popen(["bash", "-c", "cat train.csv > pipe_0"], cwd=self.work)
        self.knn(*CSV, "--input-mode", "pipe", data="pipe", output="p.tar.gz")
        writer.wait(timeout=30)
        self.assertEqual(members(self.read("p.tar.gz"))["model_algo-1"], expected["model_algo-1"])


class Samples(KnnTest):
    def test_the_same_bytes_for_any_number_of_threads(self):
        for kind in ("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"):
            for threads in ("1", "3"):
                self.knn("--index_type", kind, "--threads", threads, "--mini_batch_size", "50", sample=300, output=f"{threads}.tar.gz")
            self.assertEqual(self.read("1.tar.gz"), self.read("3.tar.gz"))

    def test_a_sample_is_drawn_by_the_seed(self):
        self.knn("--seed", "1", sample=40, output="a.tar.gz")
        self.knn("--seed", "1", "--mini_batch_size", "7", sample=40, output="b.tar.gz")
        self.knn("--seed", "2", sample=40, output="c.tar.gz")
        a, b, c = (members(self.read(name))["model_algo-1"] for name in ("a.tar.gz", "b.tar.gz", "c.tar.gz"))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        self.assertIn("400 rows", self.smtrain("inspect", "a.tar.gz").out)

    def test_half_and_half_is_the_whole(self):
        self.write("a.csv", csv(self.rows[:250]))
        self.write("b.csv", csv(self.rows[250:]))
        for kind in ("faiss.Flat", "faiss.IVFFlat"):
            self.knn("--index_type", kind, sample=90)
            self.knn("--index_type", kind, data="a.csv", output="a.tar.gz", sample=90)
            self.knn("--index_type", kind, "--model", "a.tar.gz", data="b.csv", output="b.tar.gz", sample=90)
            for name in ("model_algo-1", "model_algo-1.labels", "model_algo-1.json"):
                self.assertEqual(members(self.read("m.tar.gz"))[name], members(self.read("b.tar.gz"))[name])
        self.write("narrow.csv", csv([row[:4] for row in self.rows]))
        common = ["--k", "5", "--predictor_type", "classifier", "--model", "a.tar.gz", "-o", "x.tar.gz"]
        self.refused("knn", "--train", "narrow.csv", "--sample_size", "90", *common, says=["4 features", "has 3"])
        self.refused("knn", "--train", "b.csv", "--sample_size", "91", *common, says=["keeps 90 of the 250 rows", "sample_size=90"])
        self.refused("knn", "--train", "b.csv", "--sample_size", "90", "--index_metric", "COSINE", *common, says="another shape")
        self.knn("--index_type", "faiss.IVFPQ", output="a.tar.gz")
        self.refused("knn", "--train", "b.csv", "--sample_size", "90", *common, says="codes, not rows")

    def test_a_run_that_is_killed_or_stopped_goes_on_to_the_same_bytes(self):
        self.write("long.csv", csv(labelled(30000)) * 6)
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        command = ["knn", "--train", "long.csv", "--test", "test.csv", "--k", "5", "--predictor_type", "classifier", "--sample_size", "500",
                   "--mini_batch_size", "1000", "--index_type", "faiss.IVFFlat", "-o", "m.tar.gz"]
        self.smtrain(*command)
        unbroken = self.read("m.tar.gz")
        for number in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(number=number, seed=seed):
                os.remove(self.path("m.tar.gz"))
                self.stop_often([*command, "--checkpoint-dir", f"ck-{number}", "--checkpoint-every", "0"], number, lambda: draw.uniform(0, 0.005))
                self.assertEqual(self.read("m.tar.gz"), unbroken)


class Refusals(KnnTest):
    def refuse(self, *arguments, says, data="train.csv", required=("--k", "5", "--predictor_type", "classifier", "--sample_size", "1000")):
        self.refused("knn", "--train", data, "-o", "m.tar.gz", *required, *arguments, says=says)
        self.assertNotIn("m.tar.gz", self.files())

    def test_all_that_is_missing_is_told_together(self):
        self.refuse(required=(), says=["k", "predictor_type", "sample_size"])

    def test_rules_across_hyperparameters_are_told_together(self):
        self.refuse("--dimension_reduction_type", "sign", "--index_type", "faiss.IVFPQ", "--index_metric", "COSINE",
                    says=["dimension_reduction_target: is missing", "faiss.IVFPQ goes with L2 alone"])
        self.refuse("--dimension_reduction_target", "2", says="dimension_reduction_type: is missing")
        self.refuse("--dimension_reduction_type", "fjlt", "--dimension_reduction_target", "4", "--feature_dim", "4", says=["is 4", "less than feature_dim"])
        self.refuse("--dimension_reduction_type", "fjlt", "--dimension_reduction_target", "4", says=["is 4", "rows have 4 features"])
        self.refuse(required=("--k", "9", "--predictor_type", "classifier", "--sample_size", "8"), says=["k: is 9", "sample_size=8"])

    def test_values(self):
        for name, value, says in (("index_type", "faiss.flat", "faiss.Flat"), ("index_metric", "l2", "L2"), ("dimension_reduction_type", "SIGN", "sign"),
                                  ("faiss_index_ivf_nlists", "0", "faiss_index_ivf_nlists"), ("_faiss_index_nprobe", "0", "_faiss_index_nprobe"),
                                  ("epochs", "2", "epochs"), ("n_neighbors", "3", "n_neighbors"), ("mini_batch_size", "0", "mini_batch_size")):
            with self.subTest(name):
                self.refuse(f"--{name}", value, says=says)

    def test_data(self):
        self.refuse("--feature_dim", "3", says=["5 columns", "feature_dim says 3", "label column"])
        self.refuse(required=("--k", "401", "--predictor_type", "classifier", "--sample_size", "1000"), says=["k: 401", "400 rows", "k=400"])
        self.refuse("--index_type", "faiss.IVFFlat", "--faiss_index_ivf_nlists", "401", says=["401 lists", "400 rows", "auto"])
        self.write("few.csv", csv(self.rows[:255]))
        self.refuse("--index_type", "faiss.IVFPQ", data="few.csv", says=["faiss.IVFPQ", "255", "faiss.Flat"])
        for name, content, says in (("nan.csv", "1,2\n0,nan\n", "nan.csv:2"), ("none.csv", "", "none.csv"), ("wide.csv", "1,2\n1,2,3\n", "wide.csv:2")):
            with self.subTest(name):
                self.write(name, content)
                self.refuse(data=name, says=says)
        self.refuse("--content-type", "text/csv;label_size=0", says="label")

    def test_memory_is_told_beforehand(self):
        self.assertIn("a sample of 1,000 rows of 4 numbers takes", self.knn().err)
        self.refused("knn", "--train", "train.csv", "--k", "5", "--predictor_type", "classifier", "--sample_size", "20000000", "--memory-limit", "100M",
                     "-o", "x.tar.gz", says=["20000000 rows × 4 numbers × 4 bytes", "sample_size=", "--memory-limit"])

    def test_what_is_only_warned_of(self):
        self.assertIn("faiss_index_ivf_nlists has no effect", self.knn("--faiss_index_ivf_nlists", "4").err)
        self.assertIn("faiss_index_pq_m has no effect", self.knn("--faiss_index_pq_m", "2", "--index_type", "faiss.IVFFlat").err)
        self.assertIn("learnt badly", self.knn("--index_type", "faiss.IVFFlat").err)
        self.assertIn("padded with zeros to 5", self.knn("--index_type", "faiss.IVFPQ", "--faiss_index_pq_m", "5").err)
        self.write("scales.csv", csv([(row[0], row[1], 5000 * row[2]) for row in self.rows]))
        self.assertIn("times as much as feature 0", self.knn(data="scales.csv").err)
        self.assertNotIn("times as much", self.knn().err)
        self.write("numbers.csv", csv([(row[1], *row[1:]) for row in self.rows]))
        self.assertIn("predictor_type=regressor", self.knn(data="numbers.csv").err)
        self.knn("--feature_dim", "auto", "--epochs", "1", "--_kvstore", "dist_async", "--_num_gpus", "auto", "--_tuning_objective_metric", "")

    def test_lines_of_the_service(self):
        out = self.knn("--test", "test.csv", "--log-format", "sagemaker").out
        for expected in (r"Using per-worker sample size = 1000 \(Available virtual memory = \d+ bytes, GPU free memory = 0 bytes, number of workers = 1\)",
                         r"#progress_metric: host=algo-1, completed 100(\.0)? %", r"Got reservoir sample from algo-1: data=\(400, 4\), labels=\(400,\), NaNs=0",
                         r"Training index\.\.\.", r"Adding data to index\.\.\.", r"#test_score \(algo-1\) : \('accuracy', 0\.\d+\)",
                         r"#test_score \(algo-1\) : \('macro_f_1\.000', 0\.\d+\)", r"#quality_metric: host=algo-1, test accuracy <score>=0\.\d+",
                         r"#quality_metric: host=algo-1, test macro_f_1\.000 <score>=0\.\d+", r'"Algorithm": "AWS/KNN"'):
            self.assertRegex(out, expected)


if __name__ == "__main__":
    unittest.main()
