"""Factorization machines as a user trains and asks them: files, logs, metrics, refusals, ranking, artifacts."""

import io
import json
import os
import random
import re
import struct
import tarfile
import unittest
import zipfile

from harness import CliTest, field, json_lines, text

USERS, ITEMS = 20, 15


def ratings(count, seed=1):
    """User, item and a rating that a machine of one factor can explain."""
    draw = random.Random(seed)
    own = random.Random(0)
    users = [own.uniform(-1, 1) for _ in range(USERS)]
    items = [own.uniform(-1, 1) for _ in range(ITEMS)]
    rows = []
    for _ in range(count):
        u, i = draw.randrange(USERS), draw.randrange(ITEMS)
        rows.append((u, USERS + i, round(3 + 2 * users[u] * items[i] + draw.gauss(0, 0.05), 3)))
    return rows


def libsvm(rows):
    return "".join(f"{label:g} {u}:1 {i}:1\n" for u, i, label in rows)


def sparse_record(u, i, label):
    """One framed Record with sparse float32 features, written from the format's description."""
    values = field(1, struct.pack("<2f", 1, 1)) + field(2, bytes([u, i])) + field(3, bytes([USERS + ITEMS]))
    labels = field(1, struct.pack("<f", label))
    payload = field(1, field(1, b"values") + field(2, field(2, values))) + field(2, field(1, b"values") + field(2, field(2, labels)))
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def request(u, i):
    return {"data": {"features": {"keys": [u, i], "shape": [USERS + ITEMS], "values": [1, 1]}}}


class Fm(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = ratings(1500)
        self.write("train.libsvm", libsvm(self.rows))
        self.write("test.libsvm", libsvm(ratings(300, 2)))
        self.write("liked.libsvm", libsvm([(u, i, 1 if y > 3 else 0) for u, i, y in self.rows]))
        self.write("liked-test.libsvm", libsvm([(u, i, 1 if y > 3 else 0) for u, i, y in ratings(300, 2)]))

    def fm(self, *more, train="train.libsvm", kind="regressor", output="m.tar", epochs=30, **options):
        return self.smtrain("factorization-machines", "--train", train, "--predictor_type", kind, "--num_factors", "4", "--epochs", str(epochs),
                            "--mini_batch_size", "100", "--factors_lr", "0.02", "--linear_lr", "0.02", "--factors_init_sigma", "0.1",
                            "-o", output, *more, **options)

    def metrics(self, result):
        return {line["metric"]: line["value"] for line in json_lines(result.out) if "batch" not in line}


class Training(Fm):
    def test_regression_learns_the_interaction(self):
        result = self.fm("--test", "test.libsvm", "--log-format", "json")
        self.assertLess(self.metrics(result)["test:rmse"], 0.15)  # the noise is 0.05, the ratings deviate by 0.7
        with tarfile.open(self.path("m.tar")) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))
        self.assertEqual(manifest["hyperparameters"]["feature_dim"], "35")
        self.assertIn("test:rmse", manifest["metrics"])

    def test_recordio_gives_the_model_of_the_same_rows_as_libsvm(self):
        self.write("train.pbr", b"".join(sparse_record(*row) for row in self.rows))
        self.fm(output="a.tar", epochs=2)
        self.fm(train="train.pbr", output="b.tar", epochs=2)
        with tarfile.open(self.path("a.tar")) as a, tarfile.open(self.path("b.tar")) as b:
            self.assertEqual(a.extractfile("model.safetensors").read(), b.extractfile("model.safetensors").read())

    def test_what_the_service_does_not_take_is_said(self):
        self.write("train.pbr", b"".join(sparse_record(*row) for row in self.rows))
        self.assertIn("train: an extension: the service's factorization-machines takes application/x-recordio-protobuf alone",
                      self.fm(epochs=1).err)
        self.assertNotIn("an extension", self.fm(train="train.pbr", epochs=1).err)

    def test_threads_do_not_matter(self):
        models = []
        for threads in (1, 2, 3):
            self.fm("--threads", str(threads), output="t.tar", epochs=2)
            models.append(self.read("t.tar"))
        self.assertEqual(models[0], models[1])
        self.assertEqual(models[0], models[2])

    def test_binary_metrics_in_the_service_s_log(self):
        out = self.fm("--test", "liked-test.libsvm", "--log-format", "sagemaker", "--batch_metrics_publish_interval", "10",
                      train="liked.libsvm", kind="binary_classifier", epochs=2).out
        for line in (r"\[Sparse network\] Building a sparse network\.",
                     r"#quality_metric: host=algo-1, epoch=0, batch=0 train binary_classification_accuracy <score>=\S+",
                     r"#quality_metric: host=algo-1, epoch=1, batch=10 train binary_classification_cross_entropy <loss>=\S+",
                     r"#quality_metric: host=algo-1, epoch=0, train binary_f_1\.000 <score>=\S+",
                     r"#progress_metric: host=algo-1, completed 50\.0 % of epochs",
                     r"#throughput_metric: host=algo-1, train throughput=\S+ records/second",
                     r"#test_score \(algo-1\) : \('binary_classification_accuracy', [\d.]+\)",
                     r"#quality_metric: host=algo-1, test binary_f_1\.000 <score>=\S+",
                     r'"Algorithm": "factorization-machines"'):
            self.assertRegex(out, rf"(?m){line}")
        self.assertEqual(len(re.findall(r"epoch=0, batch=\d+ train binary_classification_accuracy", out)), 2)

    def test_regression_metrics_have_their_names(self):
        out = self.fm("--test", "test.libsvm", "--log-format", "sagemaker", epochs=1).out
        for name in ("rmse", "mse", "absolute_loss"):
            self.assertRegex(out, rf"epoch=0, batch=0 train {name} <loss>=\S+")
            self.assertRegex(out, rf"epoch=0, train {name} <loss>=\S+")
        self.assertRegex(out, r"#test_score \(algo-1\) : \('rmse', [\d.]+\)")

    def test_one_half_and_then_the_other_come_near_both(self):
        half = len(self.rows) // 2
        self.write("a.libsvm", libsvm(self.rows[:half]) + f"3 {USERS + ITEMS - 1}:1\n")
        self.write("b.libsvm", libsvm(self.rows[half:]) + f"3 {USERS + ITEMS - 1}:1\n")
        whole = self.metrics(self.fm("--test", "test.libsvm", "--log-format", "json"))["test:rmse"]
        first = self.metrics(self.fm("--test", "test.libsvm", "--log-format", "json", train="a.libsvm", output="a.tar"))["test:rmse"]
        both = self.metrics(self.fm("--test", "test.libsvm", "--log-format", "json", "--model", "a.tar", train="b.libsvm"))["test:rmse"]
        self.assertLess(both, first + 0.02)
        self.assertLess(abs(both - whole), 0.05)

    def test_a_stopped_run_goes_on_to_the_same_model(self):
        self.fm(epochs=60, output="whole.tar")
        stopped = self.fm("--checkpoint-dir", "c", "--checkpoint-every", "0s", "--max-runtime", "0.15s", epochs=60, output="m.tar", code=None)
        while stopped.code == 75:
            stopped = self.fm("--checkpoint-dir", "c", "--checkpoint-every", "1h", epochs=60, output="m.tar", code=None)
        self.assertEqual(stopped.code, 0, stopped)
        self.assertEqual(self.read("m.tar"), self.read("whole.tar"))

    def test_refusals(self):
        for arguments, says in (((), "Missing required hyperparameter: num_factors"),
                                (("--num_factors", "2", "--predictor_type", "regression"), "regressor"),
                                (("--num_factors", "2", "--predictor_type", "regressor", "--epoch", "3"), "epochs"),
                                (("--num_factors", "2", "--predictor_type", "regressor", "--feature_dim", "9"), "9"),
                                (("--num_factors", "2", "--predictor_type", "binary_classifier"), "train.libsvm:1: label")):
            self.refused("factorization-machines", "--train", "train.libsvm", "-o", "m.tar", *arguments, says=says)
        self.fm(epochs=1)
        self.refused("factorization-machines", "--train", "liked.libsvm", "--predictor_type", "binary_classifier", "--num_factors", "4",
                     "--model", "m.tar", "-o", "n.tar", says="the start model is a regressor")


class Answers(Fm):
    def setUp(self):
        super().setUp()
        self.fm()
        self.fm(train="liked.libsvm", kind="binary_classifier", output="b.tar")
        self.write("q.json", json.dumps({"instances": [request(1, 22), request(2, 30)]}))

    def transform(self, *more, model="m.tar", data="q.json"):
        self.smtrain("transform", "--model", model, "--input", data, "--output", "answers", *more)
        return text(self.read("answers"))

    def test_forms_of_answers(self):
        self.assertRegex(self.transform("--accept", "application/json"),
                         r'\A\{"predictions":\[\{"score":\d\.\d+\},\{"score":\d\.\d+\}\]\}\Z')
        for line in self.transform(model="b.tar").splitlines():
            self.assertRegex(line, r'\A\{"score":[01]\.\d+(e-\d+)?,"predicted_label":[01]\}\Z')
            answer = json.loads(line)
            self.assertEqual(answer["predicted_label"], int(answer["score"] >= 0.5))
        self.refused("transform", "--model", "m.tar", "--input", "q.json", "--output", "x", "--accept", "text/csv",
                     says="factorization-machines answers in: application/json")

    def test_dense_and_sparse_requests_have_the_same_answers(self):
        dense = [0.0] * (USERS + ITEMS)
        dense[1] = dense[22] = 1.0
        self.write("dense.jsonl", json.dumps({"features": dense}) + "\n")
        self.write("sparse.jsonl", json.dumps(request(1, 22)) + "\n")
        self.assertEqual(self.transform(data="dense.jsonl"), self.transform(data="sparse.jsonl"))

    def test_csv_is_answered_when_it_is_asked_for(self):
        self.write("q.csv", ",".join("1" if i in (1, 22) else "0" for i in range(USERS + ITEMS)) + "\n")
        self.refused("transform", "--model", "m.tar", "--input", "q.csv", "--output", "x", says=["does not answer", "--content-type"])
        asked = self.transform("--content-type", "text/csv;label_size=0", data="q.csv")
        self.assertEqual(asked.splitlines()[0], self.transform().splitlines()[0])

    def test_a_feature_that_is_not_there_is_refused(self):
        self.write("far.jsonl", json.dumps({"data": {"features": {"keys": [1, 99], "shape": [USERS + ITEMS], "values": [1, 1]}}}) + "\n")
        self.refused("transform", "--model", "m.tar", "--input", "far.jsonl", "--output", "x", says=["far.jsonl", "99"])

    def test_the_best_items_of_a_user(self):
        best = json_lines(self.transform("--top", "3", "--candidates", f"{USERS}-{USERS + ITEMS - 1}"))
        self.write("all.jsonl", "".join(json.dumps(request(1, USERS + i)) + "\n" for i in range(ITEMS)))
        scores = [line["score"] for line in json_lines(self.transform(data="all.jsonl"))]
        order = sorted(range(ITEMS), key=lambda i: -scores[i])[:3]
        self.assertEqual(best[0]["items"], [USERS + i for i in order])
        for got, i in zip(best[0]["scores"], order):
            self.assertAlmostEqual(got, scores[i], places=4)
        for arguments, says in ((("--top", "3"), "--candidates"), (("--top", "3", "--candidates", "20-35"), "0 to 34"),
                                (("--top", "0", "--candidates", "20-30"), "expected 1 to"), (("--top", "3", "--candidates", "x"), "range")):
            self.refused("transform", "--model", "m.tar", "--input", "q.json", "--output", "x", *arguments, says=says)


class Artifact(Fm):
    def test_the_service_s_files(self):
        self.fm(epochs=2)
        with tarfile.open(self.path("m.tar")) as tar:
            archive = zipfile.ZipFile(io.BytesIO(tar.extractfile("model_algo-1").read()))
        self.assertIsNone(archive.testzip())
        self.assertEqual(archive.namelist(), ["symbol.json", "params", "meta.json"])
        meta = json.loads(archive.read("meta.json"))
        self.assertEqual(meta["training_parameters"]["feature_dim"], "35")
        self.assertEqual((meta["predictor_type"], meta["num_factors"], meta["format_version"]), ("regressor", 4, 1))
        graph = json.loads(archive.read("symbol.json"))
        self.assertEqual({graph["nodes"][i]["name"] for i in graph["arg_nodes"]}, {"data", "v", "w1_weight", "w0_weight", "out_label"})
        params = archive.read("params")
        self.assertEqual(params[:24], struct.pack("<QQQ", 0x112, 0, 3))
        for name in (b"arg:v", b"arg:w1_weight", b"arg:w0_weight"):
            self.assertIn(struct.pack("<Q", len(name)) + name, params)

    def test_a_tarball_of_the_service_answers_alike_and_trains_on(self):
        self.fm(epochs=2)
        with tarfile.open(self.path("m.tar")) as tar, tarfile.open(self.path("service.tar.gz"), "w:gz") as out:
            out.addfile(tar.getmember("model_algo-1"), tar.extractfile("model_algo-1"))
        self.write("q.json", json.dumps({"instances": [request(1, 22)]}))
        for model in ("m.tar", "service.tar.gz"):
            self.smtrain("transform", "--model", model, "--input", "q.json", "--output", model + ".answers")
        self.assertEqual(self.read("m.tar.answers"), self.read("service.tar.gz.answers"))
        self.assertIn("moments of Adam", self.fm("--model", "service.tar.gz", epochs=1).err)

    def test_factors_are_exported(self):
        self.fm(epochs=2)
        self.smtrain("convert", "m.tar", "v.csv", "--to", "text/csv;tensor=v")
        rows = text(self.read("v.csv")).splitlines()
        self.assertEqual((len(rows), len(rows[0].split(","))), (USERS + ITEMS, 4))
        self.smtrain("convert", "m.tar", "w.npy", "--to", "application/x-npy;tensor=w1_weight")
        self.assertEqual(os.path.getsize(self.path("w.npy")), 128 + 4 * (USERS + ITEMS))
        self.assertIn("factors", self.smtrain("inspect", "m.tar").out)


if __name__ == "__main__":
    unittest.main()
