"""Training as a user starts it: formats, dry runs, refusals."""

import io
import json
import struct
import tarfile
import unittest

from harness import CENTRES, CliTest, blobs, csv, json_lines, recordio, text


def manifest(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return json.load(tar.extractfile("manifest.json"))


class EndToEnd(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = blobs(600)
        self.write("train.csv", csv(self.rows))
        self.write("train.pbr", recordio(self.rows))

    def answers(self, model, *arguments):
        self.smtrain("transform", "--model", model, "--input", "train.csv", "--content-type", "text/csv;label_size=0",
                     "--output", "answers", *arguments)
        return text(self.read("answers"))

    def test_csv_finds_the_three_blobs(self):
        self.train("--extra_center_factor", "5")
        lines = json_lines(self.answers("model.tar.gz"))
        self.assertEqual(len(lines), 600)
        clusters = [line["closest_cluster"] for line in lines]
        self.assertEqual(len(set(clusters)), 3)
        self.assertTrue(all(c == clusters[i % 3] for i, c in enumerate(clusters)))
        self.assertLess(max(line["distance_to_cluster"] for line in lines), 3)

    def test_recordio_and_csv_agree(self):
        self.train()
        self.smtrain("kmeans", "--train", "train.pbr", "--k", "3", "-o", "r.tar.gz")
        ours, theirs = json_lines(self.answers("model.tar.gz")), json_lines(self.answers("r.tar.gz"))
        self.assertEqual([a["closest_cluster"] for a in ours], [a["closest_cluster"] for a in theirs])

    def test_answers_in_csv(self):
        self.train()
        first = self.answers("model.tar.gz", "--accept", "text/csv").splitlines()[0]
        self.assertRegex(first, r"\A[012]\.0,\d+\.\d+\Z")

    def requests(self, rows):
        """The same rows in the four forms of a request."""
        vectors = [list(map(float, row)) for row in rows]
        dense = [{"features": v} if i % 2 else {"data": {"features": {"values": v}}} for i, v in enumerate(vectors)]
        dense[0] = {"data": {"features": {"keys": [0, 1], "shape": [2], "values": vectors[0]}}}
        self.write("request.csv", csv(rows))
        self.write("request.pbr", recordio(rows))
        self.write("request.json", json.dumps({"instances": dense[1:2] + dense[1:]}))
        self.write("request.jsonl", "".join(json.dumps(d) + "\n" for d in dense))
        return {"request.csv": "text/csv;label_size=0", "request.pbr": "application/x-recordio-protobuf",
                "request.jsonl": "application/jsonlines", "request.json": "application/json"}

    def test_four_forms_of_request_and_four_of_answer_say_the_same(self):
        self.train()
        seen = {}
        exact = [[round(float(v) * 4) / 4 for v in row] for row in self.rows[:7]]  # the same in text and in float32
        for request, kind in self.requests(exact).items():
            for accept in ("application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"):
                self.smtrain("transform", "--model", "model.tar.gz", "--input", request, "--content-type", kind,
                             "--output", "answers", "--accept", accept)
                seen[request, accept] = self.read("answers")
        lines = text(seen["request.csv", "application/jsonlines"])
        answers = json_lines(lines)
        self.assertEqual(len(answers), 7)
        self.assertEqual(list(answers[0]), ["closest_cluster", "distance_to_cluster"])
        self.assertRegex(lines.splitlines()[0], r'\A\{"closest_cluster":\d\.0,"distance_to_cluster":\d+\.\d+\}\Z')
        self.assertEqual(text(seen["request.csv", "application/json"]).strip(),
                         '{"predictions":[' + ",".join(lines.splitlines()) + "]}")
        rows = [line.split(",") for line in text(seen["request.csv", "text/csv"]).splitlines()]
        self.assertEqual([[float(a), float(b)] for a, b in rows], [list(a.values()) for a in answers])
        records = seen["request.csv", "application/x-recordio-protobuf"]
        self.assertEqual(records.count(b"closest_cluster"), 7)
        self.assertEqual(records[:4], b"\x0a\x23\xd7\xce")
        self.assertIn(struct.pack("<f", answers[3]["distance_to_cluster"]), records)
        for accept in ("application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"):
            self.assertEqual(seen["request.csv", accept], seen["request.pbr", accept], accept)
        self.assertEqual(lines, text(seen["request.jsonl", "application/jsonlines"]))
        self.assertEqual(lines.splitlines()[1:], text(seen["request.json", "application/jsonlines"]).splitlines()[1:])

    def test_an_unknown_answer_and_a_wrong_width_are_refused(self):
        self.train()
        base = ["transform", "--model", "model.tar.gz", "--output", "answers"]
        self.refused(*base, "--input", "train.csv", "--accept", "image/png", says="image/png")
        self.write("wide.csv", "1,2,3\n")
        self.refused(*base, "--input", "wide.csv", "--content-type", "text/csv;label_size=0", says=["wide.csv", "3", "2"])

    def test_the_output_is_packed_by_its_suffix(self):
        for name, magic in (("m.tar.gz", b"\x1f\x8b"), ("m.tar.zst", b"\x28\xb5\x2f\xfd"), ("m.tar", b"")):
            self.train(output=name)
            self.assertTrue(self.read(name).startswith(magic), name)
        self.assertIn("manifest.json", tarfile.open(self.path("m.tar")).getnames())
        self.refused("kmeans", "--train", "train.csv", "--k", "3", "-o", "m.zip", says=["m.zip", ".tar.gz"])

    def test_the_manifest_holds_resolved_hyperparameters_and_metrics(self):
        self.train("--test", "train.csv", "--seed", "5")
        held = manifest(self.read("model.tar.gz"))
        self.assertEqual(held["algorithm"], "kmeans")
        hyperparameters = json.dumps(held["hyperparameters"])
        for name in ("k", "feature_dim", "mini_batch_size", "extra_center_factor"):
            self.assertIn(f'"{name}"', hyperparameters)
        self.assertIn("test:msd", json.dumps(held))

    def test_metrics_measure_what_they_say(self):
        out = self.train("--log-format", "json", "--test", "train.csv", "--extra_center_factor", "5").out
        values = [line for line in json_lines(out) if "test:msd" in json.dumps(line)]
        numbers = [v for v in values[-1].values() if isinstance(v, float)]
        # Two coordinates of variance 0.25 around the right centres.
        self.assertTrue(any(0.3 < n < 0.7 for n in numbers), values)

    def test_another_seed_is_another_run_and_the_same_seed_is_the_same(self):
        self.train("--seed", "1")
        first = self.read("model.tar.gz")
        self.train("--seed", "1")
        self.assertEqual(self.read("model.tar.gz"), first)
        self.train("--seed", "2")
        self.assertNotEqual(self.read("model.tar.gz"), first)

    def test_training_goes_on_from_a_model_or_says_why_not(self):
        self.train()
        result = self.train("--model", "model.tar.gz", output="second.tar.gz", code=None)
        self.assertIn(result.code, (0, 2))
        self.assertEqual("second.tar.gz" in self.files(), result.code == 0)

    def test_feature_dim_is_checked_against_the_data(self):
        self.train("--feature_dim", "2")
        self.refused("kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "--k", "3",
                     "--feature_dim", "3", "-o", "m.tar", says=["train.csv", "feature_dim"])


class Refusals(CliTest):
    """Broken input exits 2, names the place, leaves no output; a dry run says the same (F13)."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))

    def check(self, *arguments, says, data="train.csv", k="3"):
        command = ["kmeans", "--train", data, "--content-type", "text/csv;label_size=0", "--k", k, "-o", "m.tar", *arguments]
        self.refused(*command, says=says)
        self.refused(*command, "--dry-run", says=says)
        self.assertFalse([name for name in self.files() if "m.tar" in name])

    def test_a_word_where_a_number_should_be(self):
        self.write("bad.csv", "1,2\n3,abc\n")
        self.check(data="bad.csv", says=["bad.csv:2", '"abc"'])

    def test_a_row_of_another_width(self):
        self.write("bad.csv", "1,2\n3,4,5\n")
        self.check(data="bad.csv", says=["bad.csv:2", "2", "3"])

    def test_an_empty_file(self):
        self.write("bad.csv", "")
        self.check(data="bad.csv", says="bad.csv")

    def test_a_missing_file_and_an_empty_folder(self):
        self.check(data="none.csv", says="none.csv")
        self.check(data="none*.csv", says="none*.csv")

    def test_what_several_checks_meet_is_told_once(self):
        command = ["kmeans", "--train", "none.csv", "--k", "3", "-o", "m.tar"]
        for extra in ([], ["--dry-run"]):
            self.assertEqual(self.smtrain(*command, *extra, code=2).err, "smtrain: error: none.csv: No such file or directory\n")

    def test_recordio_cut_short(self):
        from harness import recordio
        self.write("bad.pbr", recordio(blobs(20))[:-7])
        self.refused("kmeans", "--train", "bad.pbr", "--k", "3", "-o", "m.tar", says="bad.pbr")

    def test_binary_rubbish(self):
        self.write("bad.csv", bytes(range(256)) * 20)
        self.check(data="bad.csv", says="bad.csv")

    def test_truncated_gzip(self):
        import gzip
        self.write("bad.csv.gz", gzip.compress(csv(blobs(5000)).encode())[:-20000])
        self.refused("kmeans", "--train", "bad.csv.gz", "--content-type", "text/csv;label_size=0", "--k", "3", "-o", "m.tar",
                     says="bad.csv.gz")

    def test_every_bad_hyperparameter_of_a_stage_at_once(self):
        self.check("--epochs", "many", "--mini_batch_size", "1.5", k="three", says=["k", "epochs", "mini_batch_size"])
        self.check("--epochs", "0", "--local_lloyd_tol", "2", k="0", says=["k", "epochs", "local_lloyd_tol"])

    def test_a_required_hyperparameter_that_is_missing(self):
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", says="k")

    def test_an_unknown_hyperparameter_of_a_file_names_the_nearest(self):
        self.write("hp.json", json.dumps({"mini_batch_sise": "5"}))
        self.check("--hyperparameters", "hp.json", says=["mini_batch_sise", "mini_batch_size"])

    def test_an_unknown_channel(self):
        self.check("--channel", "tset=train.csv", says=["tset", "test"])

    def test_a_device_that_is_not_there(self):
        result = self.train("--device", "cuda", code=None)
        self.assertIn(result.code, (0, 1, 2))
        if result.code:
            self.assertIn("cuda", result.err.lower())
        self.refused("kmeans", "--train", "train.csv", "--k", "3", "-o", "m.tar", "--device", "tpu", says="tpu")

    def test_a_dry_run_writes_nothing(self):
        self.train("--dry-run", "--metrics", "metrics.jsonl", "--depfile", "m.d")
        self.assertEqual([n for n in self.files() if n.startswith("model")], [])


if __name__ == "__main__":
    unittest.main()
