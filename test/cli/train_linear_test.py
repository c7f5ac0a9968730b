"""linear-learner as a user meets it: tasks, losses, requests and answers, refusals, continued and interrupted runs, the service's log."""

import io
import json
import math
import os
import random
import re
import signal
import struct
import tarfile
import zipfile

from harness import CliTest, ended_by, field, json_lines, text


def members(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def tensors(model):
    """Of model.safetensors, lists of numbers by name."""
    data = members(model)["model.safetensors"]
    size = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        code = {"F32": "f", "F64": "d"}[entry["dtype"]]
        found[name] = list(struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[8 + size + begin:8 + size + end]))
    return found


def params(model):
    """additional-params.json in model_algo-1."""
    with zipfile.ZipFile(io.BytesIO(members(model)["model_algo-1"])) as inner:
        return json.loads(inner.read("additional-params.json"))


def manifest(model):
    return json.loads(members(model)["manifest.json"])


def rows_of(labels, features):
    return "".join(f"{y:g}," + ",".join(f"{x:.6f}" for x in row) + "\n" for y, row in zip(labels, features))


def draws(n, d, seed):
    draw = random.Random(seed)
    return draw, [[draw.gauss(0, 1) for _ in range(d)] for _ in range(n)]


def binary(n=400, seed=1):
    """Label 1 with probability σ(2 a - b + 0.5)."""
    draw, x = draws(n, 2, seed)
    return [1 if draw.random() < 1 / (1 + math.exp(-(2 * a - b + 0.5))) else 0 for a, b in x], x


def numbers(n=400, seed=2):
    """y = 3 + 2 a - b + noise, of features on other scales."""
    draw, x = draws(n, 2, seed)
    return [3 + 2 * a - b + 0.3 * draw.gauss(0, 1) for a, b in x], [[10 + 5 * a, 0.1 * b] for a, b in x]


def classes(n=450, seed=3):
    """Three classes around three centres."""
    draw, x = draws(n, 2, seed)
    centres = [(0, 4), (4, -2), (-4, -2)]
    labels = [draw.randrange(3) for _ in range(n)]
    return labels, [[a + centres[y][0], b + centres[y][1]] for (a, b), y in zip(x, labels)]


def labelled_record(label, row):
    """A framed Record with a dense label and dense features."""
    def entry(number, values):
        return field(number, field(1, b"values") + field(2, field(2, field(1, struct.pack(f"<{len(values)}f", *values)))))
    payload = entry(1, row) + entry(2, [label])
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)


class LinearTest(CliTest):
    def learn(self, *arguments, train="train.csv", output="model.tar.gz", **options):
        return self.smtrain("linear-learner", "--train", train, "-o", output, *arguments, **options)

    def refuse(self, *arguments, says, train="train.csv"):
        return self.refused("linear-learner", "--train", train, "-o", "model.tar.gz", *arguments, says=says)

    def scores(self, *arguments, **options):
        """The final metrics by their published names."""
        self.learn(*arguments, **options)
        return manifest(self.read(options.get("output", "model.tar.gz")))["metrics"]

    def answers(self, input_name, *arguments, model="model.tar.gz"):
        self.smtrain("transform", "--model", model, "--input", input_name, "--output", "answers", *arguments)
        return self.read("answers")


class Tasks(LinearTest):
    def setUp(self):
        super().setUp()
        self.write("binary.csv", rows_of(*binary()))
        self.write("numbers.csv", rows_of(*numbers()))
        self.write("classes.csv", rows_of(*classes()))

    def test_two_classes_with_all_defaults(self):
        scores = self.scores("--predictor_type", "binary_classifier", train="binary.csv")
        self.assertGreater(scores["train:binary_classification_accuracy"], 0.78)
        model = self.read("model.tar.gz")
        self.assertEqual(manifest(model)["hyperparameters"]["num_models"], "32")
        self.assertEqual(params(model)["predictor_type"], "binary_classifier")
        self.assertGreater(tensors(model)["weights"][0], 0)
        self.assertLess(tensors(model)["weights"][1], 0)

    def test_losses_of_two_classes(self):
        for loss in ("logistic", "hinge_loss"):
            with self.subTest(loss):
                scores = self.scores("--predictor_type", "binary_classifier", "--loss", loss, "--num_models", "1", "--learning_rate", "0.05",
                                     "--mini_batch_size", "50", "--validation", "binary.csv", train="binary.csv")
                self.assertGreater(scores["validation:binary_classification_accuracy"], 0.78)
                self.assertGreater(scores["validation:roc_auc_score"], 0.87)

    def test_several_classes(self):
        for balance in ("false", "true"):
            scores = self.scores("--predictor_type", "multiclass_classifier", "--num_classes", "3", "--balance_multiclass_weights", balance,
                                 "--mini_batch_size", "50", "--test", "classes.csv", train="classes.csv")
            self.assertGreater(scores["test:multiclass_accuracy"], 0.97)
            self.assertGreater(scores["test:macro_recall"], 0.97)
            self.assertEqual(scores["test:multiclass_top_k_accuracy"], 1)

    REGRESSION = ("--predictor_type", "regressor", "--num_models", "1", "--learning_rate", "0.05", "--mini_batch_size", "40",
                  "--epochs", "60", "--early_stopping_patience", "60", "--test", "numbers.csv")

    def test_losses_of_regression_find_the_coefficients_on_the_scale_of_the_data(self):
        for loss in ("squared_loss", "absolute_loss", "huber_loss", "eps_insensitive_squared_loss", "eps_insensitive_absolute_loss",
                     "quantile_loss"):
            with self.subTest(loss):
                scores = self.scores(*self.REGRESSION, "--loss", loss, train="numbers.csv")
                self.assertLess(scores["test:rmse"], 0.33)
                found = tensors(self.read("model.tar.gz"))
                a, b = found["weights"]
                self.assertAlmostEqual(a, 2 / 5, delta=0.02)
                self.assertAlmostEqual(b, -1 / 0.1, delta=0.6)
                self.assertAlmostEqual(found["bias"][0], 3 - 2 * 10 / 5, delta=0.25)

    def test_a_high_quantile_lies_above_the_labels(self):
        self.learn(*self.REGRESSION, "--loss", "quantile_loss", "--quantile", "0.9", train="numbers.csv")
        labels, x = numbers()
        self.write("x.csv", "".join(",".join(f"{v:.6f}" for v in row) + "\n" for row in x))
        answers = json_lines(text(self.answers("x.csv", "--content-type", "text/csv;label_size=0")))
        share = sum(a["score"] > y for a, y in zip(answers, labels)) / len(labels)
        self.assertAlmostEqual(share, 0.9, delta=0.04)

    def test_every_optimizer_learns(self):
        for optimizer, rate in (("adam", "0.05"), ("sgd", "0.05"), ("rmsprop", "0.01"), ("adagrad", "0.5")):
            with self.subTest(optimizer):
                scores = self.scores(*self.REGRESSION[:4], "--optimizer", optimizer, "--learning_rate", rate, "--mini_batch_size", "40",
                                     "--epochs", "60", "--test", "numbers.csv", train="numbers.csv")
                self.assertLess(scores["test:rmse"], 0.4)

    def test_strong_regularisation_shrinks_weights(self):
        sizes = {}
        for name, flags in {"none": [], "wd": ["--wd", "10"], "l1": ["--l1", "10"]}.items():
            self.learn(*self.REGRESSION[:-2], *flags, train="numbers.csv")
            sizes[name] = [abs(w) for w in tensors(self.read("model.tar.gz"))["weights"]]
        self.assertLess(max(sizes["wd"]), 0.3 * max(sizes["none"]))
        self.assertEqual(sizes["l1"], [0, 0])

    def test_neither_scaling_nor_bias(self):
        self.learn(*self.REGRESSION[:-2], "--use_bias", "false", "--normalize_data", "false", train="numbers.csv")
        self.assertEqual(tensors(self.read("model.tar.gz"))["bias"], [0])

    def test_mini_batches_of_one_row_and_of_all(self):
        for size in ("1", "400", "100000"):
            scores = self.scores("--predictor_type", "regressor", "--num_models", "2", "--mini_batch_size", size, "--epochs", "5",
                                 train="numbers.csv")
            self.assertIn("train:mse", scores)

    def test_threads_change_no_byte(self):
        for kind, extra in (("binary", ["--predictor_type", "binary_classifier"]),
                            ("classes", ["--predictor_type", "multiclass_classifier", "--num_classes", "3"])):
            models = []
            for threads in ("1", "2", "5"):
                self.learn(*extra, "--threads", threads, "--epochs", "3", "--mini_batch_size", "64", train=f"{kind}.csv")
                models.append(self.read("model.tar.gz"))
            self.assertEqual(models[0], models[1])
            self.assertEqual(models[0], models[2])

    def test_recordio_and_csv_give_the_same_model(self):
        labels, x = binary()
        exact = [[round(v * 64) / 64 for v in row] for row in x]  # the same in text and in float32
        self.write("b.csv", rows_of(labels, exact))
        self.write("b.pbr", b"".join(labelled_record(y, row) for y, row in zip(labels, exact)))
        self.learn("--predictor_type", "binary_classifier", "--epochs", "2", train="b.csv", output="c.tar.gz")
        self.learn("--predictor_type", "binary_classifier", "--epochs", "2", train="b.pbr", output="r.tar.gz")
        self.assertEqual(members(self.read("c.tar.gz"))["model.safetensors"], members(self.read("r.tar.gz"))["model.safetensors"])

    def test_sparse_rows_learn_what_dense_ones_do(self):
        labels, x = numbers()
        self.write("n.svm", "".join(f"{y:.6f} " + " ".join(f"{j}:{v:.6f}" for j, v in enumerate(row)) + "\n" for y, row in zip(labels, x)))
        self.learn(*self.REGRESSION, train="n.svm", output="s.tar.gz")
        self.assertAlmostEqual(tensors(self.read("s.tar.gz"))["weights"][0], 0.4, delta=0.05)
        self.assertLess(manifest(self.read("s.tar.gz"))["metrics"]["test:rmse"], 0.4)

    def test_features_of_sparse_rows_are_divided_by_their_deviation_when_asked(self):
        self.write("rare.svm", "".join(f"{i % 2} 0:1 {i % 1000 + 1}:1\n" for i in range(1000)))
        job = ["--predictor_type", "binary_classifier", "--epochs", "1"]
        self.assertIn("multiplied by up to 31.6", self.learn(*job, train="rare.svm", output="d.tar.gz").err)
        self.assertNotIn("multiplied", self.learn(*job, "--normalize_data", "auto", train="rare.svm", output="a.tar.gz").err)
        divided = [manifest(self.read(model))["hyperparameters"]["normalize_data"] for model in ("d.tar.gz", "a.tar.gz")]
        self.assertEqual(divided, ["true", "false"])
        self.learn(*self.REGRESSION, "--normalize_data", "auto", train="numbers.csv", output="n.tar.gz")
        self.assertEqual(manifest(self.read("n.tar.gz"))["hyperparameters"]["normalize_data"], "true")

    def test_weighed_positives_find_more_of_them(self):
        labels, x = binary(2000)
        draw = random.Random(9)
        rare = [(y, row) for y, row in zip(labels, x) if y == 0 or draw.random() < 0.1]
        self.write("rare.csv", rows_of([y for y, _ in rare], [row for _, row in rare]))
        recall = {}
        for weight in ("1.0", "balanced", "auto"):
            scores = self.scores("--predictor_type", "binary_classifier", "--positive_example_weight_mult", weight, "--num_models", "1",
                                 "--binary_classifier_model_selection_criteria", "loss_function", "--learning_rate", "0.05",
                                 "--mini_batch_size", "50", train="rare.csv")
            recall[weight] = scores["train:recall"]
        self.assertGreater(recall["balanced"], recall["1.0"] + 0.2)
        self.assertGreater(recall["auto"], recall["1.0"])

    def test_a_tuning_job_trains_one_model(self):
        self.write("hp.json", json.dumps({"predictor_type": "regressor", "num_models": "8", "_tuning_objective_metric": "validation:mse"}))
        result = self.learn("--hyperparameters", "hp.json", train="numbers.csv")
        self.assertEqual(manifest(self.read("model.tar.gz"))["hyperparameters"]["num_models"], "1")
        self.assertIn("num_models has no effect", result.err)


class Thresholds(LinearTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", rows_of(*binary(600)))
        self.write("validation.csv", rows_of(*binary(400, seed=8)))

    def run_with(self, criterion, *flags):
        return self.learn("--predictor_type", "binary_classifier", "--num_models", "2", "--validation", "validation.csv",
                          "--binary_classifier_model_selection_criteria", criterion, *flags)

    def metric(self, name):
        return manifest(self.read("model.tar.gz"))["metrics"]["validation:" + name]

    def test_targets_are_held_on_the_validation_rows(self):
        self.run_with("precision_at_target_recall", "--target_recall", "0.95")
        self.assertGreaterEqual(self.metric("recall"), 0.95)
        self.run_with("recall_at_target_precision", "--target_precision", "0.9")
        self.assertGreaterEqual(self.metric("precision"), 0.9)

    def test_the_criterion_in_the_model_is_the_metric_of_the_log(self):
        for criterion, name, flags in (("accuracy", "binary_classification_accuracy", []), ("f_beta", "binary_f_beta", ["--f_beta", "2"]),
                                       ("f1", "binary_f_beta", [])):
            self.run_with(criterion, *flags)
            self.assertAlmostEqual(params(self.read("model.tar.gz"))["criterion_value"], self.metric(name), places=9)

    def test_the_warning_is_about_the_model_that_is_kept(self):
        self.write("train.csv", rows_of(*binary(300, 8)))
        self.write("validation.csv", rows_of(*binary(60, 9)))
        for epochs in ("1", "2", "5", "9"):
            result = self.run_with("recall_at_target_precision", "--target_precision", "0.999999", "--learning_rate", "3", "--epochs", epochs,
                                   "--early_stopping_patience", "20", "--mini_batch_size", "10")
            warned = re.search(r"with precision (\S+)", result.err)
            if warned:
                self.assertEqual(warned[1], f"{self.metric('precision'):.4g}")
            else:
                self.assertEqual(self.metric("precision"), 1)

    def test_a_target_out_of_reach_is_a_warning_with_its_rows(self):
        self.write("train.csv", "0,1,2\n1,1,2\n" * 150)  # rows that nothing tells apart
        self.write("validation.csv", self.read("train.csv"))
        result = self.run_with("recall_at_target_precision", "--target_precision", "0.9")
        self.assertIn("no threshold reaches target_precision 0.9 on the 300 rows of validation that it was found on, 150 of them with label 1; "
                      "the one that comes nearest was taken, with precision 0.5", result.err)

    def test_inspect_shows_threshold_bias_and_weights_with_their_names(self):
        labels, x = binary(600)
        self.write("named.csv", "failed,income,debt\n" + rows_of(labels, x))
        self.learn("--content-type", "text/csv;header=true", "--predictor_type", "binary_classifier", train="named.csv")
        out = self.smtrain("inspect", "model.tar.gz").out
        threshold = params(self.read("model.tar.gz"))["threshold"]
        self.assertRegex(out, rf"threshold +{re.escape(repr(threshold))} \(accuracy 0\.\d+ where it was chosen\)")
        self.assertRegex(out, r"largest weights +income \d\.\d+, debt -\d\.\d+")
        self.assertRegex(out, r"bias +-?\d")

    def test_convert_writes_the_coefficients_with_their_names(self):
        labels, x = binary(600)
        self.write("named.csv", "failed,income,debt\n" + rows_of(labels, x))
        self.learn("--content-type", "text/csv;header=true", "--predictor_type", "binary_classifier", train="named.csv")
        found = tensors(self.read("model.tar.gz"))
        self.smtrain("convert", "model.tar.gz", "weights.csv")
        header, line = text(self.read("weights.csv")).splitlines()
        self.assertEqual(header, "income,debt,bias")
        for value, exact in zip(line.split(","), found["weights"] + found["bias"]):
            self.assertAlmostEqual(float(value), exact, places=6)
        self.smtrain("convert", "model.tar.gz", "bare.csv", "--to", "text/csv;header=false")
        self.assertEqual(text(self.read("bare.csv")), line + "\n")
        self.smtrain("convert", "model.tar.gz", "weights.npy")
        self.assertEqual(len(self.read("weights.npy")) % 64, 12)

    def test_answers_follow_the_stored_threshold(self):
        self.run_with("precision_at_target_recall", "--target_recall", "0.99")
        threshold = params(self.read("model.tar.gz"))["threshold"]
        self.assertLess(threshold, 0.4)
        answers = json_lines(text(self.answers("validation.csv")))
        self.assertEqual([a["predicted_label"] for a in answers], [int(a["score"] >= threshold) for a in answers])
        self.assertIn((1, True), {(a["predicted_label"], a["score"] < 0.5) for a in answers})


class Answers(LinearTest):
    EXACT = [[0.5, -1.25], [2.0, 0.75], [-3.0, 0.125]]

    def every_answer(self):
        vectors = self.EXACT
        self.write("q.csv", "".join(",".join(map(str, v)) + "\n" for v in vectors))
        self.write("q.jsonl", "".join(json.dumps({"features": v}) + "\n" for v in vectors))
        self.write("q.json", json.dumps({"instances": [{"data": {"features": {"values": v}}} for v in vectors]}))
        self.write("q.sparse.jsonl", "".join(json.dumps({"data": {"features": {"keys": [0, 1], "shape": [2], "values": v}}}) + "\n"
                                             for v in vectors))
        kinds = {"q.csv": "text/csv;label_size=0", "q.jsonl": "application/jsonlines", "q.json": "application/json",
                 "q.sparse.jsonl": "application/jsonlines"}
        seen = {}
        for request, kind in kinds.items():
            for accept in ("application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"):
                seen[request, accept] = self.answers(request, "--content-type", kind, "--accept", accept)
        for request in ("q.jsonl", "q.json"):
            for accept in ("application/json", "application/jsonlines", "text/csv", "application/x-recordio-protobuf"):
                self.assertEqual(seen[request, accept], seen["q.csv", accept])
        dense, sparse = (json_lines(text(seen[name, "application/jsonlines"])) for name in ("q.csv", "q.sparse.jsonl"))
        for a, b in zip(dense, sparse):
            self.assertEqual(a.get("predicted_label"), b.get("predicted_label"))
        return seen

    def rendered(self):
        seen = self.every_answer()
        lines = text(seen["q.csv", "application/jsonlines"])
        self.assertEqual(text(seen["q.csv", "application/json"]).strip(), '{"predictions":[' + ",".join(lines.splitlines()) + "]}")
        csv_rows = [line.split(",") for line in text(seen["q.csv", "text/csv"]).splitlines()]
        return lines.splitlines(), json_lines(lines), csv_rows, seen["q.csv", "application/x-recordio-protobuf"]

    def test_two_classes(self):
        self.write("train.csv", rows_of(*binary()))
        self.learn("--predictor_type", "binary_classifier", "--num_models", "1")
        lines, answers, csv_rows, records = self.rendered()
        for line in lines:
            self.assertRegex(line, r'\A\{"score":0\.\d+,"predicted_label":[01]\}\Z')
        self.assertEqual(csv_rows, [[str(a["predicted_label"]), repr(a["score"])] for a in answers])
        self.assertEqual((records.count(b"predicted_label"), records.count(b"score")), (3, 3))

    def test_several_classes(self):
        self.write("train.csv", rows_of(*classes()))
        self.learn("--predictor_type", "multiclass_classifier", "--num_classes", "3", "--num_models", "1")
        _, answers, csv_rows, records = self.rendered()
        for answer, row in zip(answers, csv_rows):
            self.assertAlmostEqual(sum(answer["score"]), 1, places=5)
            self.assertEqual(answer["predicted_label"], answer["score"].index(max(answer["score"])))
            self.assertEqual([float(v) for v in row], [answer["predicted_label"], *answer["score"]])
        self.assertEqual(records.count(b"predicted_label"), 3)

    def test_numbers(self):
        self.write("train.csv", rows_of(*numbers()))
        self.learn("--predictor_type", "regressor", "--num_models", "1")
        lines, answers, csv_rows, records = self.rendered()
        self.assertRegex(lines[0], r'\A\{"score":-?\d+\.\d+\}\Z')
        self.assertEqual([float(v) for v, in csv_rows], [a["score"] for a in answers])
        self.assertEqual(records.count(b"predicted_label"), 0)

    def test_a_tarball_of_the_service_answers_the_same(self):
        self.write("train.csv", rows_of(*binary()))
        self.learn("--predictor_type", "binary_classifier", "--num_models", "1")
        with tarfile.open(self.path("service.tar.gz"), "w:gz") as tar:
            data = members(self.read("model.tar.gz"))["model_algo-1"]
            info = tarfile.TarInfo("model_algo-1")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        ours = self.answers("train.csv")
        self.assertEqual(self.answers("train.csv", model="service.tar.gz"), ours)
        self.assertIn("linear-learner", self.smtrain("inspect", "service.tar.gz").out)

    def test_rows_of_another_width_are_refused(self):
        self.write("train.csv", rows_of(*binary()))
        self.learn("--predictor_type", "binary_classifier", "--num_models", "1")
        self.write("wide.csv", "1,2,3,4,5\n")
        self.refused("transform", "--model", "model.tar.gz", "--input", "wide.csv", "--content-type", "text/csv;label_size=0", "--output",
                     "answers", says="wide.csv:1")


class Refusals(LinearTest):
    def with_labels(self, *labels):
        self.write("train.csv", "".join(f"{y},{i % 7},{i % 5}\n" for i, y in enumerate(labels * 20)))

    def test_labels_of_two_classes(self):
        self.with_labels(0, 1, -1)
        self.refuse("--predictor_type", "binary_classifier", says=["train.csv:3", "label -1", "write 0 for -1"])
        self.with_labels(1, 2)
        self.refuse("--predictor_type", "binary_classifier", says=["train.csv:2", "label 2", "subtract 1"])
        self.with_labels(0, 1, 0.5)
        self.refuse("--predictor_type", "binary_classifier", says=["train.csv:3", "0.5", "neither 0 nor 1"])

    def test_labels_of_several_classes(self):
        several = ["--predictor_type", "multiclass_classifier", "--num_classes", "3"]
        self.with_labels(1, 2, 3)
        self.refuse(*several, says=["train.csv:3", "label 3 with num_classes=3", "subtract 1"])
        self.with_labels(0, 1, 7)
        self.refuse(*several, says=["train.csv:3", "label 7", "0 … 2"])
        self.with_labels(0, 1.5, 2)
        self.refuse(*several, says=["train.csv:2", "label 1.5"])

    def test_a_label_deep_in_the_data_or_in_another_channel(self):
        self.with_labels(*([0, 1] * 300))
        good = self.read("train.csv")
        self.write("bad.csv", good + b"2,1,1\n")
        flags = ["--predictor_type", "binary_classifier", "--num_point_for_scaler", "100", "--mini_batch_size", "50"]
        self.refuse(*flags, train="bad.csv", says="bad.csv:12001")
        self.refuse(*flags, "--validation", "bad.csv", says="bad.csv:12001")
        self.refuse(*flags, "--test", "bad.csv", says="bad.csv:12001")

    def test_widths_and_values(self):
        self.with_labels(0, 1)
        self.refuse("--predictor_type", "binary_classifier", "--feature_dim", "5", says=["train.csv:1", "5"])
        self.write("wide.csv", "0,1,2,3,4\n1,2,3,4,5\n")
        self.refuse("--predictor_type", "binary_classifier", "--validation", "wide.csv", says="wide.csv:1")
        self.write("train.csv", "0,1,2\n1,nan,3\n")
        self.refuse("--predictor_type", "binary_classifier", says="train.csv:2")
        self.write("train.csv", "")
        self.refuse("--predictor_type", "binary_classifier", says="train.csv")

    def test_two_labels_a_row(self):
        self.with_labels(0, 1)
        self.refuse("--predictor_type", "binary_classifier", "--content-type", "text/csv;label_size=2", says="label")
        self.refuse("--predictor_type", "binary_classifier", "--content-type", "text/csv;label_size=0", says="label")

    def test_hyperparameters_before_any_data(self):
        for flags, says in (([], "Missing required hyperparameter: predictor_type"),
                            (["--predictor_type", "multiclass_classifier"], "num_classes: required"),
                            (["--predictor_type", "multiclass_classifier", "--num_classes", "2"], "binary_classifier"),
                            (["--predictor_type", "regressor", "--loss", "logistic"], "does not belong to predictor_type regressor"),
                            (["--predictor_type", "regressor", "--learning_rate", "-1"], "learning_rate"),
                            (["--predictor_type", "classifier"], "is not one of")):
            self.refuse(*flags, says=says, train="absent.csv")

    def test_a_rate_that_is_too_high_is_named(self):
        self.write("train.csv", rows_of(*numbers()))
        self.refuse("--predictor_type", "regressor", "--optimizer", "sgd", "--learning_rate", "1e30", "--num_models", "1", "--mini_batch_size",
                    "10", says="lower learning_rate")

    def test_models_that_diverge_are_left_out_and_the_rest_is_kept(self):
        self.write("train.csv", rows_of(*numbers()))
        result = self.learn("--predictor_type", "regressor", "--optimizer", "sgd", "--wd", "0", "--mini_batch_size", "10", "--momentum", "0.999999",
                            "--epochs", "4", "--use_lr_scheduler", "false", code=None)
        self.assertIn(result.code, (0, 2))

    def test_warnings(self):
        self.with_labels(0, 1)
        result = self.learn("--predictor_type", "binary_classifier", "--quantile", "0.3", "--epochs", "1")
        self.assertIn("quantile has no effect", result.err)
        self.assertIn("mini_batch_size 1000 is larger than the data", result.err)
        self.with_labels(0)
        result = self.learn("--predictor_type", "binary_classifier", "--positive_example_weight_mult", "balanced", "--epochs", "1")
        self.assertIn("all bear the same label", result.err)
        self.assertIn("none of the first 20 rows has label 1", result.err)


class Continued(LinearTest):
    FLAGS = ["--predictor_type", "regressor", "--num_models", "1", "--learning_rate", "0.02", "--mini_batch_size", "20"]

    def setUp(self):
        super().setUp()
        labels, x = numbers(1000)
        self.write("all.csv", rows_of(labels, x))
        self.write("a.csv", rows_of(labels[:500], x[:500]))
        self.write("b.csv", rows_of(labels[500:], x[500:]))

    def test_half_and_half_come_to_what_the_whole_does(self):
        whole = self.scores(*self.FLAGS, "--epochs", "20", "--test", "all.csv", train="all.csv")["test:rmse"]
        self.learn(*self.FLAGS, "--epochs", "20", train="a.csv", output="a.tar.gz")
        short = self.scores(*self.FLAGS, "--epochs", "2", "--model", "a.tar.gz", "--test", "all.csv", train="b.csv")["test:rmse"]
        fresh = self.scores(*self.FLAGS, "--epochs", "2", "--test", "all.csv", train="b.csv")["test:rmse"]
        self.assertLess(short, 1.05 * whole)
        self.assertGreater(fresh, 1.4 * whole)

    def test_another_width_task_or_number_of_classes_is_refused_with_both_values(self):
        self.learn(*self.FLAGS, "--epochs", "1", train="a.csv", output="a.tar.gz")
        self.write("wide.csv", "1,2,3,4\n2,3,4,5\n")
        self.refuse(*self.FLAGS, "--model", "a.tar.gz", train="wide.csv", says=["2 features", "has 3"])
        self.write("classes.csv", rows_of(*classes()))
        several = ["--predictor_type", "multiclass_classifier", "--epochs", "1", "--num_classes"]
        self.refuse(*several, "3", "--model", "a.tar.gz", train="classes.csv", says=["regressor", "multiclass_classifier"])
        self.learn(*several, "3", train="classes.csv", output="c.tar.gz")
        self.refuse(*several, "4", "--model", "c.tar.gz", train="classes.csv", says=["3 classes", "num_classes is 4"])


class Interrupted(LinearTest):
    COMMAND = ["linear-learner", "--train", "train.csv", "--validation", "validation.csv", "--predictor_type", "binary_classifier", "--num_models",
               "4", "--mini_batch_size", "10", "--epochs", "60", "--early_stopping_patience", "100"]

    def setUp(self):
        super().setUp()
        self.write("train.csv", rows_of(*binary(3000)))
        self.write("validation.csv", rows_of(*binary(200, seed=5)))
        self.smtrain(*self.COMMAND, "-o", "whole.tar.gz")

    def run_to_the_end(self, number):
        """Stops the run again and again, with other checkpoints each time; returns how often."""
        command = [*self.COMMAND, "-o", "model.tar.gz", "--checkpoint-dir", "ck", "--checkpoint-every", "0.01"]
        for stops in range(40):
            process = self.start(*command)
            before = set(os.listdir(self.path("ck"))) if os.path.isdir(self.path("ck")) else set()
            self.wait_until(lambda: process.poll() is not None or (os.path.isdir(self.path("ck")) and
                            any(n.startswith("checkpoint-") for n in set(os.listdir(self.path("ck"))) - before)))
            if process.poll() is None and stops < 12:
                process.send_signal(number)
            _, err = process.communicate(timeout=60)
            if process.returncode == 0:
                return stops
            self.assertTrue(process.returncode == 75 or (number == signal.SIGKILL and ended_by(process, number)), text(err))
        return self.fail("never came to its end")

    def test_a_run_that_is_stopped_again_and_again_gives_the_same_bytes(self):
        self.assertGreater(self.run_to_the_end(signal.SIGTERM), 0)
        self.assertEqual(self.read("model.tar.gz"), self.read("whole.tar.gz"))

    def test_a_run_that_is_killed_again_and_again_gives_the_same_bytes(self):
        self.assertGreater(self.run_to_the_end(signal.SIGKILL), 0)
        self.assertEqual(self.read("model.tar.gz"), self.read("whole.tar.gz"))


class ServiceLog(LinearTest):
    def log_of(self, *arguments):
        return self.learn("--log-format", "sagemaker", "--epochs", "3", "--mini_batch_size", "50", *arguments).out

    def final(self, log, channel):
        """What follows #quality_metric of a channel without an epoch, in order."""
        return re.findall(rf"#quality_metric: host=algo-1, {channel} (\S+) <(loss|score)>=\S+", log)

    def test_two_classes(self):
        self.write("train.csv", rows_of(*binary()))
        log = self.log_of("--predictor_type", "binary_classifier", "--validation", "train.csv", "--test", "train.csv")
        for epoch in range(3):
            for channel in ("train", "validation"):
                line = rf"#quality_metric: host=algo-1, epoch={epoch}, {channel} binary_classification_cross_entropy_objective <loss>=0\.\d+"
                self.assertEqual(len(re.findall(line, log)), 1, line)
            self.assertEqual(len(re.findall(rf"#early_stopping_criteria_metric: host=algo-1, epoch={epoch}, criteria=sampled_accuracy, value=0\.\d+",
                                            log)), 1)
        self.assertRegex(log, r"\] Epoch 0: Loss improved\. Updating best model")
        names = [("binary_classification_cross_entropy_objective", "loss"), ("binary_classification_accuracy", "score"), ("binary_f_1.000", "score"),
                 ("precision", "score"), ("recall", "score"), ("roc_auc_score", "score")]
        for channel in ("validation", "test"):
            self.assertEqual(self.final(log, channel), names)
            for name, _ in names:
                self.assertRegex(log, rf"#{channel}_score \(algo-1\) : \('{re.escape(name)}', \d\.\d+\)")
        self.assertNotIn("#train_score", log)
        best = re.search(r"Best model found for hyperparameters: (\{.*\})", log)
        self.assertEqual(list(json.loads(best[1])), ["lr_scheduler_step", "wd", "optimizer", "lr_scheduler_factor", "l1", "learning_rate",
                                                     "lr_scheduler_minimum_lr"])

    def test_several_classes_and_numbers(self):
        self.write("train.csv", rows_of(*classes()))
        log = self.log_of("--predictor_type", "multiclass_classifier", "--num_classes", "3", "--num_models", "1")
        self.assertEqual([name for name, _ in self.final(log, "train")],
                         ["multiclass_cross_entropy_objective", "multiclass_accuracy", "multiclass_top_k_accuracy_3", "dcg", "macro_recall",
                          "macro_precision", "macro_f_1.000", "multiclass_balanced_accuracy", "multiclass_log_loss"])
        self.assertIn("#train_score (algo-1) : ('multiclass_accuracy', ", log)
        self.write("train.csv", rows_of(*numbers()))
        log = self.log_of("--predictor_type", "regressor", "--num_models", "1", "--loss", "absolute_loss")
        self.assertEqual(self.final(log, "train"), [("absolute_loss_objective", "loss"), ("mse", "loss"), ("absolute_loss", "loss"), ("rmse", "loss")])

    def test_losses_of_all_models_are_in_lines_of_their_own(self):
        self.write("train.csv", rows_of(*binary()))
        log = self.log_of("--predictor_type", "binary_classifier", "--num_models", "3")
        lines = [json.loads(line[len("#metrics "):]) for line in log.splitlines() if line.startswith("#metrics ")]
        models = [(line["Dimensions"]["epoch"], line["Dimensions"]["model"]) for line in lines if "model" in line["Dimensions"]
                  and "train_binary_classification_cross_entropy_objective" in line["Metrics"]]
        self.assertEqual(models, [(epoch, model) for epoch in models_epochs(models) for model in range(3)])


def models_epochs(models):
    return sorted({epoch for epoch, _ in models})
