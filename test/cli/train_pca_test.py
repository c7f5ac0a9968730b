"""PCA as a user runs it: formats in and out, order and shares, refusals, stops, models that go on."""

import io
import json
import os
import random
import resource
import signal
import struct
import sys
import tarfile
import unittest

from harness import CliTest, csv, json_lines, recordio, text

CSV = ["--content-type", "text/csv;label_size=0"]
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "share", "examples", "data")


def cloud(rows=600, width=6, seed=1):
    """Rows whose columns vary less and less, about a mean far away, turned a little so that components are no columns."""
    draw = random.Random(seed)
    table = []
    for _ in range(rows):
        x = [draw.gauss(0, 8 * 0.5 ** j) for j in range(width)]
        table.append(tuple(round(100 + x[j] + 0.3 * x[(j + 1) % width], 6) for j in range(width)))
    return table


def members(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


def ndarrays(data):
    """MXNet's list of named float32 arrays, read from its description."""
    magic, _, count = struct.unpack_from("<QQQ", data)
    assert magic == 0x112
    at, arrays = 24, []
    for _ in range(count):
        version, storage, dims = struct.unpack_from("<IiI", data, at)
        assert version == 0xF993FAC9 and storage == 0
        shape = struct.unpack_from(f"<{dims}q", data, at + 12)
        at += 12 + 8 * dims
        assert struct.unpack_from("<iii", data, at) == (1, 0, 0)
        size = 1
        for s in shape:
            size *= s
        arrays.append((shape, struct.unpack_from(f"<{size}f", data, at + 12)))
        at += 12 + 4 * size
    names, at = [], at + 8
    for _ in range(count):
        length = struct.unpack_from("<Q", data, at)[0]
        names.append(data[at + 8:at + 8 + length].decode())
        at += 8 + length
    return dict(zip(names, arrays))


class PcaTest(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = cloud()
        self.write("train.csv", csv(self.rows))

    def pca(self, *arguments, data="train.csv", output="m.tar.gz", k=2, **options):
        return self.smtrain("pca", "--train", data, *CSV, "--num_components", str(k), "-o", output, *arguments, **options)

    def sidecar(self, output="m.tar.gz"):
        return json.loads(members(self.read(output))["model_algo-1.json"])


class EndToEnd(PcaTest):
    def test_the_strongest_component_comes_last_and_shares_are_told(self):
        result = self.pca("--test", "train.csv", "--metrics", "metrics.jsonl")
        side = self.sidecar()
        self.assertLess(side["singular_values"][0], side["singular_values"][1])
        shares = side["explained_variance_ratio"]
        self.assertGreater(shares[1], 0.6)
        self.assertAlmostEqual(sum(shares), side["explained_variance_ratio_total"])
        self.assertIn("ascending", side["order"])
        self.assertIn("ascending order", result.err)
        self.assertIn(f"2 components keep {100 * sum(shares):.3f} % of the variance of 600 rows", result.err)
        metrics = {line["metric"]: line["value"] for line in json_lines(text(self.read("metrics.jsonl")))}
        self.assertAlmostEqual(metrics["train:explained_variance_ratio"], sum(shares))
        self.assertAlmostEqual(metrics["test:explained_variance_ratio"], sum(shares), places=6)
        self.assertAlmostEqual(metrics["test:reconstruction_mse"] / metrics["train:reconstruction_mse"], 1, places=4)
        out = self.smtrain("inspect", "m.tar.gz").out
        self.assertRegex(out, r"strongest component +1 \(the last\): \d\d\.\d\d % of the variance")

    def test_the_service_s_file_holds_mean_s_and_v(self):
        self.pca()
        arrays = ndarrays(members(self.read("m.tar.gz"))["model_algo-1"])
        self.assertEqual({name: shape for name, (shape, _) in arrays.items()}, {"mean": (1, 6), "s": (2,), "v": (6, 2)})
        mean = [sum(row[j] for row in self.rows) / 600 for j in range(6)]
        for a, b in zip(arrays["mean"][1], mean):
            self.assertAlmostEqual(a, b, places=4)
        last = arrays["v"][1][1::2]
        self.assertGreater(abs(last[0]), 0.9)  # the first column varies most, and is in the last component
        squares = sum(sum((x - m) * v for x, m, v in zip(row, mean, last)) ** 2 for row in self.rows)
        self.assertAlmostEqual(squares ** 0.5 / arrays["s"][1][1], 1, places=4)
        self.pca("--subtract_mean", "false", output="raw.tar.gz")
        self.assertEqual(set(ndarrays(members(self.read("raw.tar.gz"))["model_algo-1"])), {"s", "v"})

    def test_formats_and_modes_agree(self):
        self.write("train.pbr", recordio(self.rows))
        self.pca()
        self.smtrain("pca", "--train", "train.pbr", "--num_components", "2", "--mini_batch_size", "7", "-o", "r.tar.gz")
        self.assertEqual(ndarrays(members(self.read("m.tar.gz"))["model_algo-1"]), ndarrays(members(self.read("r.tar.gz"))["model_algo-1"]))
        self.pca("--algorithm_mode", "randomized", output="s.tar.gz")
        for a, b in zip(self.sidecar()["singular_values"], self.sidecar("s.tar.gz")["singular_values"]):
            self.assertAlmostEqual(a / b, 1, places=6)  # the sketch is as wide as the rows here

    def test_the_same_bytes_for_any_number_of_threads(self):
        for mode in ("regular", "randomized"):
            for threads in ("1", "2", "3"):
                self.pca("--algorithm_mode", mode, "--extra_components", "0", "--threads", threads, output=f"{threads}.tar.gz")
            self.assertEqual(self.read("1.tar.gz"), self.read("2.tar.gz"))
            self.assertEqual(self.read("1.tar.gz"), self.read("3.tar.gz"))

    def test_settings_as_the_service_s_clients_send_them(self):
        self.pca("--feature_dim", "6", "--subtract_mean", "True", "--force_dense", "True", "--_kvstore", "auto", "--epochs", "1")


class Answers(PcaTest):
    def setUp(self):
        super().setUp()
        self.pca()
        self.write("two.csv", csv(self.rows[:2]))
        arrays = ndarrays(members(self.read("m.tar.gz"))["model_algo-1"])
        mean, v = arrays["mean"][1], arrays["v"][1]
        parsed = [[float(f"{x:.6f}") for x in row] for row in self.rows[:2]]
        self.expected = [[sum((x[j] - mean[j]) * v[2 * j + t] for j in range(6)) for t in range(2)] for x in parsed]

    def answer(self, *arguments, model="m.tar.gz", data="two.csv", kind=None):
        self.smtrain("transform", "--model", model, "--input", data, "--content-type", kind or CSV[1], "--output", "out", *arguments)
        return self.read("out")

    def assert_projections(self, rows):
        self.assertEqual(len(rows), 2)
        for row, expected in zip(rows, self.expected):
            self.assertEqual(len(row), 2)
            for a, b in zip(row, expected):
                self.assertAlmostEqual(a, b, places=3)

    def test_json(self):
        answer = json.loads(self.answer("--accept", "application/json"))
        self.assertEqual(list(answer), ["projections"])
        self.assert_projections([p["projection"] for p in answer["projections"]])

    def test_json_lines(self):
        self.assert_projections([line["projection"] for line in json_lines(text(self.answer()))])

    def test_csv(self):
        self.assert_projections([list(map(float, line.split(","))) for line in text(self.answer("--accept", "text/csv")).splitlines()])

    def test_recordio(self):
        data = self.answer("--accept", "application/x-recordio-protobuf")
        self.assertEqual(data.count(b"projection"), 2)
        self.assert_projections([struct.unpack("<2f", part[part.index(b"\x0a\x08") + 2:][:8]) for part in data.split(b"projection")[1:]])

    def test_requests_in_json_dense_and_sparse(self):
        row = [float(f"{x:.6f}") for x in self.rows[0]]
        sparse = {"data": {"features": {"keys": list(range(6)), "shape": [6], "values": row}}}
        self.write("r.json", json.dumps({"instances": [{"features": row}, sparse]}))
        first, second = [p["projection"] for p in json.loads(self.answer("--accept", "application/json", data="r.json", kind="application/json"))["projections"]]
        for a, b, c in zip(first, second, self.expected[0]):
            self.assertAlmostEqual(a, b, places=3)
            self.assertAlmostEqual(a, c, places=3)

    def test_the_service_s_own_artifact_answers_alike(self):
        with tarfile.open(self.path("service.tar.gz"), "w:gz") as tar:
            data = members(self.read("m.tar.gz"))["model_algo-1"]
            info = tarfile.TarInfo("model_algo-1")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        self.assertIn("pca", self.smtrain("inspect", "service.tar.gz").out)
        self.assertEqual(self.answer("--accept", "text/csv", model="service.tar.gz"), self.answer("--accept", "text/csv"))
        self.refused("pca", "--train", "train.csv", *CSV, "--num_components", "2", "--model", "service.tar.gz", "-o", "x.tar.gz",
                     says="running sums")

    def test_another_width_is_refused_with_both(self):
        self.write("narrow.csv", "1,2,3\n")
        self.refused("transform", "--model", "m.tar.gz", "--input", "narrow.csv", *CSV, "--output", "out", says=["3", "6"])


class Refusals(PcaTest):
    def refuse(self, *arguments, says, data="train.csv"):
        self.refused("pca", "--train", data, *CSV, "-o", "m.tar.gz", *arguments, says=says)
        self.assertNotIn("m.tar.gz", self.files())

    def test_settings(self):
        self.refuse(says="num_components")
        for name, value, says in (("num_components", "0", "num_components"), ("mini_batch_size", "0", "mini_batch_size"),
                                  ("extra_components", "-2", "extra_components"), ("algorithm_mode", "exact", "randomized"),
                                  ("epochs", "2", "epochs"), ("num_component", "2", "num_components")):
            with self.subTest(name):
                required = [] if name == "num_components" else ["--num_components", "2"]
                self.refuse(*required, f"--{name}", value, says=says)
        self.refuse("--num_components", "7", "--feature_dim", "6", says=["num_components", "7", "6"])

    def test_data(self):
        self.refuse("--num_components", "7", says=["num_components", "6 features"])
        self.refuse("--num_components", "2", "--feature_dim", "5", says=["5", "6"])
        for name, content, says in (("nan.csv", "1,2\n3,nan\n", "nan.csv:2"), ("text.csv", "1,2\n3,x\n", "text.csv:2"),
                                    ("wide.csv", "1,2\n1,2,3\n", "wide.csv:2"), ("one.csv", "1,2\n", "one row"), ("none.csv", "", "none.csv")):
            with self.subTest(name):
                self.write(name, content)
                self.refuse("--num_components", "1", data=name, says=says)

    def test_memory(self):
        self.write("wide.csv", csv([tuple(range(3000)), tuple(range(1, 3001))]))
        self.refuse("--num_components", "1", "--memory-limit", "100M", data="wide.csv", says=["3000 features", "randomized", "--memory-limit"])
        self.pca("--algorithm_mode", "randomized", "--memory-limit", "100M", data="wide.csv", k=1)

    def test_what_is_only_warned_of(self):
        err = self.pca("--extra_components", "5").err
        self.assertIn("extra_components is ignored", err)
        self.assertIn("mini_batch_size 1000 is larger", self.pca("--mini_batch_size", "1000").err)
        self.assertIn("stable", self.pca("--algorithm_mode", "stable").err)


class GoesOn(PcaTest):
    def test_half_and_half_is_the_whole(self):
        self.write("a.csv", csv(self.rows[:250]))
        self.write("b.csv", csv(self.rows[250:]))
        for mode in ("regular", "randomized"):
            self.pca("--algorithm_mode", mode)
            self.pca("--algorithm_mode", mode, data="a.csv", output="a.tar.gz")
            self.pca("--algorithm_mode", mode, "--model", "a.tar.gz", data="b.csv", output="b.tar.gz")
            whole, parts = self.sidecar(), self.sidecar("b.tar.gz")
            self.assertEqual(parts["rows"], 600)
            for a, b in zip(whole["singular_values"] + whole["explained_variance_ratio"],
                            parts["singular_values"] + parts["explained_variance_ratio"]):
                self.assertLess(abs(a / b - 1), 1e-9)
        self.write("narrow.csv", csv([row[:5] for row in self.rows]))
        self.refused("pca", "--train", "narrow.csv", *CSV, "--num_components", "2", "--algorithm_mode", "randomized", "--model", "a.tar.gz",
                     "-o", "x.tar.gz", says=["6 features", "has 5"])
        self.refused("pca", "--train", "b.csv", *CSV, "--num_components", "2", "--model", "a.tar.gz", "-o", "x.tar.gz",
                     says=["algorithm_mode", "regular", "randomized"])

    def test_a_run_that_is_killed_or_stopped_goes_on_to_the_same_bytes(self):
        self.write("long.csv", csv(cloud(40000)) * 6)
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        for mode in ("regular", "randomized"):
            command = ["pca", "--train", "long.csv", "--test", "train.csv", *CSV, "--num_components", "3", "--algorithm_mode", mode,
                       "--extra_components", "1", "-o", "m.tar.gz"]
            self.smtrain(*command)
            unbroken = self.read("m.tar.gz")
            for number in (signal.SIGKILL, signal.SIGTERM):
                with self.subTest(mode=mode, number=number, seed=seed):
                    os.remove(self.path("m.tar.gz"))
                    self.stop_often([*command, "--checkpoint-dir", f"ck-{mode}-{number}", "--checkpoint-every", "0"], number, lambda: draw.uniform(0, 0.005))
                    self.assertEqual(self.read("m.tar.gz"), unbroken)


class Example(CliTest):
    def test_the_job_of_fifty_thousand_columns_runs_in_bounded_memory(self):
        for name in ("documents.pbr", "pca.job.json"):
            with open(os.path.join(EXAMPLES, name), "rb") as file:
                self.write(name, file.read())
        gib = 1 << 30
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.smtrain("train", "--job", "pca.job.json", "--memory-limit", "1G")
        if before * 1024 < gib:  # of all children so far, the largest
            self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, gib)
        models = [os.path.join(root, name) for root, _, names in os.walk(self.path("results")) for name in names if name.endswith(".tar.gz")]
        self.assertTrue(models, self.files("results"))
        with open(models[0], "rb") as file:
            side = json.loads(members(file.read())["model_algo-1.json"])
        self.assertEqual((side["feature_dim"], side["num_components"], side["rows"]), (50000, 10, 400))
        self.assertGreater(side["explained_variance_ratio_total"], 0.15)
        self.refused("pca", "--train", "documents.pbr", "--num_components", "10", "--memory-limit", "1G", "-o", "x.tar.gz",
                     says=["50000 features", "randomized"])

    def test_the_script_makes_the_same_file(self):
        self.shell(f"{sys.executable} -B {EXAMPLES}/make_documents.py .")
        with open(os.path.join(EXAMPLES, "documents.pbr"), "rb") as file:
            self.assertEqual(self.read("documents.pbr"), file.read())


if __name__ == "__main__":
    unittest.main()
