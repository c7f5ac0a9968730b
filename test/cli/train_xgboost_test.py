"""xgboost as a user meets it: evaluation lines, early stopping, folds, refusals, continued and interrupted runs."""

import ctypes.util
import io
import json
import math
import os
import random
import re
import signal
import tarfile
import time

from harness import SMTRAIN, CliTest, ended_by, text

CSV = ["--content-type", "text/csv;label_size=1"]


def members(model):
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def manifest(model):
    return json.loads(members(model)["manifest.json"])


def table(rows=600, seed=1, classes=2):
    """Labels that two features and their product tell about, with noise."""
    draw = random.Random(seed)
    out = []
    for _ in range(rows):
        x = [round(draw.gauss(0, 1), 4) for _ in range(5)]
        z = x[0] + x[1] * x[2] + draw.gauss(0, 0.6)
        label = int(z > 0) if classes == 2 else (z > -0.6) + (z > 0.6) if classes == 3 else round(z, 4)
        out.append([int(label) if classes else label, *x])
    return "".join(",".join(map(str, row)) + "\n" for row in out)


def lines(log):
    """The evaluation's lines, as they are in the service's log."""
    return [line for line in log.splitlines() if re.match(r"\[\d+\]\t", line)]


class BoostTest(CliTest):
    BASE = ["xgboost", "--train", "train.csv", *CSV, "--num_round", "6"]

    def setUp(self):
        super().setUp()
        self.write("train.csv", table())
        self.write("other.csv", table(seed=2, rows=300))

    def boost(self, *arguments, output="m.tar", objective="binary:logistic", **options):
        given = [] if objective is None else ["--objective", objective]
        return self.smtrain(*self.BASE, *given, *arguments, "-o", output, **options)


class Training(BoostTest):
    def test_lines_are_those_of_the_engine_with_a_real_tab(self):
        result = self.boost("--validation", "other.csv", "--eval_metric", "error,auc", "--log-format", "sagemaker")
        found = lines(result.out)
        self.assertEqual(len(found), 6)
        for i, line in enumerate(found):
            number = r"0\.\d{5}"
            self.assertRegex(line, rf"^\[{i}\]\ttrain-error:{number}\ttrain-auc:{number}\tvalidation-error:{number}\tvalidation-auc:{number}$")
        self.assertRegex(result.out, r"Train matrix has 600 rows and 5 columns")
        self.assertRegex(result.out, r"Validation matrix has 300 rows")
        self.assertIn("Single node training.", result.out)

    def test_text_has_the_same_lines_and_the_manifest_the_last_scores(self):
        err = self.boost().err
        last = re.search(r"\[5\]\ttrain-logloss:(\S+)", err)
        self.assertAlmostEqual(manifest(self.read("m.tar"))["metrics"]["train:logloss"], float(last[1]), places=5)

    def test_json_has_every_score_of_every_round(self):
        out = self.boost("--validation", "other.csv", "--log-format", "json").out
        scores = [entry for entry in map(json.loads, out.splitlines()) if entry["metric"] == "validation:logloss"]
        self.assertEqual([entry.get("epoch") for entry in scores], [0, 1, 2, 3, 4, 5, None])

    def test_the_seed_is_the_hyperparameter_and_the_flag_at_once(self):
        for seed, output in (("1", "a.tar"), ("2", "b.tar")):
            self.boost("--subsample", "0.5", "--seed", seed, output=output)
        a, b = (members(self.read(name))["xgboost-model"] for name in ("a.tar", "b.tar"))
        self.assertNotEqual(a, b)
        self.assertEqual(manifest(self.read("b.tar"))["hyperparameters"]["seed"], "2")

    def test_the_bytes_are_the_same_for_any_number_of_threads(self):
        for name, more in (("hist", ["--tree_method", "hist", "--subsample", "0.7"]), ("exact", ["--tree_method", "exact"]),
                           ("approx", ["--tree_method", "approx", "--colsample_bynode", "0.6"]),
                           ("dart", ["--booster", "dart", "--rate_drop", "0.3", "--tree_method", "hist"]), ("linear", ["--booster", "gblinear"]),
                           ("coordinates", ["--booster", "gblinear", "--updater", "coord_descent"]), ("metrics", ["--eval_metric", "f1,logloss"])):
            with self.subTest(name):
                for threads in ("1", "2", "5"):
                    self.boost(*more, "--threads", threads, output=f"m{threads}.tar")
                self.assertEqual(self.read("m1.tar"), self.read("m2.tar"))
                self.assertEqual(self.read("m1.tar"), self.read("m5.tar"))

    def test_own_metrics_stand_behind_the_engines(self):
        out = self.boost("--eval_metric", "accuracy,auc,error", "--log-format", "sagemaker").out
        found = re.search(r"\[5\]\ttrain-auc:\S+\ttrain-error:(\S+)\ttrain-accuracy:(\S+)$", out, re.M)
        self.assertAlmostEqual(float(found[1]), 1 - float(found[2]), places=5)

    def test_a_test_channel_is_scored_once(self):
        self.boost("--test", "other.csv", "--eval_metric", "auc")
        metrics = manifest(self.read("m.tar"))["metrics"]
        self.assertEqual(sorted(metrics), ["test:auc", "train:auc"])
        self.assertGreater(metrics["test:auc"], 0.8)

    def test_inspect_tells_what_matters(self):
        self.boost()
        out = self.smtrain("inspect", "m.tar").out
        self.assertRegex(out, r"engine +XGBoost \d+\.\d+\.\d+")
        self.assertRegex(out, r"importance of f0 +weight \d+, gain \S+, cover \S+, total_gain \S+, total_cover \S+")
        self.assertLess(out.index("importance of f0"), out.index("importance of f4"))

    def test_the_importance_of_all_features_is_a_table_and_the_model_json(self):
        self.boost()
        self.smtrain("convert", "m.tar", "importance.csv")
        head, *rows = self.read("importance.csv").decode().splitlines()
        self.assertEqual(head, "weight,gain,cover,total_gain,total_cover")
        rows = [list(map(float, row.split(","))) for row in rows]
        self.assertEqual(len(rows), 5)
        self.assertGreater(rows[0][3], rows[4][3])
        self.assertAlmostEqual(rows[0][0] * rows[0][1], rows[0][3], delta=0.01 * rows[0][3])
        self.smtrain("convert", "m.tar", "model.json")
        model = json.loads(self.read("model.json"))
        self.assertEqual(len(model["learner"]["gradient_booster"]["model"]["trees"]), 6)
        # And back: a folder or tarball with the JSON in it is a model, too.
        with tarfile.open(self.path("json.tar"), "w") as tar:
            tar.add(self.path("model.json"), "xgboost-model")
        for name in ("m.tar", "json.tar"):
            self.smtrain("transform", "--model", name, "--input", "other.csv", *CSV, "--output", name + ".csv")
        self.assertEqual(self.read("m.tar.csv"), self.read("json.tar.csv"))

    def test_weights_of_a_linear_model(self):
        self.boost("--booster", "gblinear")
        self.smtrain("convert", "m.tar", "weights.csv")
        head, *rows = self.read("weights.csv").decode().splitlines()
        self.assertEqual(head, "weight")
        self.assertEqual(max(range(5), key=lambda i: abs(float(rows[i]))), 0)

    def test_the_start_is_recorded(self):
        self.boost()
        self.assertEqual(manifest(self.read("m.tar"))["hyperparameters"]["base_score"], "0.5")


class EarlyStopping(BoostTest):
    def test_the_model_keeps_the_rounds_up_to_the_best(self):
        for booster in ("gbtree", "dart", "gblinear"):
            with self.subTest(booster):
                more = ["--booster", booster, "--num_round", "300", "--early_stopping_rounds", "4", "--eta", "0.9"]
                base = [*self.BASE[:-2], "--validation", "other.csv", "--objective", "binary:logistic", "--eval_metric", "error,logloss"]
                out = self.smtrain(*base, *more, "--log-format", "sagemaker", "-o", "m.tar").out
                losses = [float(re.search(r"validation-logloss:(\S+)", line)[1]) for line in lines(out)]
                best = losses.index(min(losses))
                self.assertEqual(len(losses), best + 5)
                self.assertIn("early stopping goes by validation:logloss, the smaller the better", out)
                # Scored anew, the model is that of the best round.
                self.smtrain("transform", "--model", "m.tar", "--input", "other.csv", *CSV, "--output", "out.csv")
                self.assertAlmostEqual(self.loss("out.csv"), min(losses), places=5)

    def loss(self, answers):
        labels = [int(line[0]) for line in self.read("other.csv").decode().splitlines()]
        scores = [float(line) for line in self.read(answers).decode().splitlines()]
        return -sum(math.log(p if y else 1 - p) for y, p in zip(labels, scores)) / len(labels)

    def test_what_cannot_stop_is_told(self):
        self.assertIn("early_stopping_rounds is ignored: there is no validation channel", self.boost("--early_stopping_rounds", "2").err)

    def test_larger_may_be_better(self):
        err = self.boost("--validation", "other.csv", "--early_stopping_rounds", "2", "--eval_metric", "logloss,auc").err
        self.assertIn("goes by validation:auc, the larger the better", err)

    def test_the_tuners_metric_goes_first(self):
        err = self.boost("--validation", "other.csv", "--early_stopping_rounds", "2", "--eval_metric", "logloss", "--_tuning_objective_metric",
                         "validation:f1").err
        self.assertIn("goes by validation:f1", err)


class Folds(BoostTest):
    def test_models_and_predictions_of_rows_left_out(self):
        result = self.boost("--_kfold", "3", "--_num_cv_round", "2", "--log-format", "sagemaker")
        files = members(self.read("m.tar"))
        self.assertEqual([name for name in files if name.startswith("xgboost-model")], [f"xgboost-model-{i}" for i in range(6)])
        rows = [list(map(float, line.split(","))) for line in files["predictions.csv"].decode().splitlines()]
        self.assertEqual(len(rows), 600)
        self.assertEqual([int(row[0]) for row in rows], [int(line[0]) for line in self.read("train.csv").decode().splitlines()])
        self.assertGreater(sum(row[0] == row[2] for row in rows) / 600, 0.75)
        self.assertTrue(all(re.fullmatch(r"-?\d+\.\d{6}(,-?\d+\.\d{6}){2}", line) for line in files["predictions.csv"].decode().splitlines()))
        found = lines(result.out)
        self.assertEqual(len(found), 37)
        self.assertTrue(found[-1].startswith("[6]\ttrain-logloss:"))
        last = [float(re.search(r"validation-logloss:(\S+)", found[6 * i + 5])[1]) for i in range(6)]
        self.assertAlmostEqual(float(re.search(r"validation-logloss:(\S+)", found[-1])[1]), sum(last) / 6, delta=2e-5)
        self.smtrain("transform", "--model", "m.tar", "--input", "other.csv", *CSV, "--output", "out.csv")
        self.assertEqual(len(self.read("out.csv").splitlines()), 300)

    def test_a_number_has_no_class(self):
        self.write("train.csv", table(classes=0))
        self.boost("--_kfold", "2", "--validation", "train.csv", objective=None)
        rows = members(self.read("m.tar"))["predictions.csv"].decode().splitlines()
        self.assertEqual(len(rows), 1200)
        self.assertTrue(all(row.count(",") == 1 for row in rows))


class Container(BoostTest):
    def test_results_of_folds_lie_beside_the_model(self):
        for folder in ("config", "data/train"):
            os.makedirs(self.path("ml", "input", folder))
        self.write("ml/input/data/train/train.csv", table(300))
        values = {"num_round": "3", "objective": "binary:logistic", "_kfold": "2", "smtrain_algorithm": "xgboost"}
        self.write("ml/input/config/hyperparameters.json", json.dumps(values))
        config = {"train": {"TrainingInputMode": "File", "ContentType": "text/csv", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}}
        self.write("ml/input/config/inputdataconfig.json", json.dumps(config))
        out = self.smtrain("train", "--root", "ml").out
        self.assertEqual(len(lines(out)), 7)
        self.assertEqual(self.files("ml/output/data"), ["predictions.csv"])
        self.assertEqual(self.files("ml/model"), ["manifest.json", "xgboost-model-0", "xgboost-model-1"])


class Refusals(BoostTest):
    def refuse(self, *arguments, says, objective="binary:logistic", **options):
        return self.refused(*self.BASE, "--objective", objective, *arguments, "-o", "m.tar", says=says, **options)

    def test_names_and_values(self):
        self.refuse("--etaa", "1", says='unknown flag "--etaa"; did you mean --eta?')
        self.write("h.json", '{"etaa": "1"}')
        self.refuse("--hyperparameters", "h.json", says="Extraneous hyperparameter found: etaa; did you mean eta?")
        self.refuse("--eta", "2", says="Hyperparameter eta: 2.0 is not in [0, 1]")
        self.refuse("--rate_drop", "0.5", says=["Hyperparameter rate_drop", "belongs to booster dart"])
        self.refuse("--eval_metric", "acc", says="is not one of: accuracy")
        self.refuse(says="num_class: required by objective multi:softmax", objective="multi:softmax")
        self.refuse("--tree_method", "gpu_hist", says="needs an XGBoost with CUDA")
        self.refused("xgboost", "--train", "train.csv", *CSV, "-o", "m.tar", says="Missing required hyperparameter: num_round")

    def test_the_engine_may_lack_cuda(self):
        result = self.boost("--device", "cuda", code=None)
        self.assertRegex(result.err, r"--device cuda: XGBoost \S+ (\(\S*libxgboost\S*\) was built without CUDA|chooses its device)")
        self.assertIn(result.code, (1, 2))

    def test_labels_are_named_by_line(self):
        self.write("train.csv", table() + "2,1,1,1,1,1\n")
        self.refuse(says=["train.csv:601: label 2 with objective binary:logistic", "in [0, 1]"])
        self.refuse("--num_class", "2", objective="multi:softmax", says="train.csv:601: label 2")
        self.write("train.csv", table() + "-3,1,1,1,1,1\n")
        self.refuse(objective="count:poisson", says="train.csv:601: label -3")

    def test_one_class_has_no_area(self):
        self.write("train.csv", "".join("1," + line[2:] + "\n" for line in table().splitlines()))
        self.refuse("--eval_metric", "auc", says="channel train: all labels are 1")

    def test_the_engine_may_be_missing(self):
        result = self.boost(env={"SMTRAIN_XGBOOST_LIB": "/nonexistent.so"}, code=1)
        self.assertIn("libxgboost cannot be opened: /nonexistent.so", result.err)
        self.assertIn("SMTRAIN_XGBOOST_LIB names it", result.err)
        self.assert_no_trace(result)
        self.smtrain("kmeans", "--help", env={"SMTRAIN_XGBOOST_LIB": "/nonexistent.so"})

    def test_a_library_that_is_another_is_told(self):
        zlib = ctypes.util.find_library("z")
        result = self.boost(env={"SMTRAIN_XGBOOST_LIB": zlib}, code=1)
        self.assertIn("lacks the function XGBoostVersion: it is too old, or not libxgboost", result.err)

    def test_a_second_openmp_runtime_is_refused_by_name(self):
        stub = os.path.join(os.path.dirname(SMTRAIN), "test", "stubs", "second_openmp", "libxgboost.so")
        result = self.boost(env={"SMTRAIN_XGBOOST_LIB": stub}, code=1)
        self.assertIn(f"{stub} brings an OpenMP runtime of its own, ", result.err)
        self.assertIn("libgomp-second.so", result.err)

    def test_a_pickle_is_never_opened(self):
        with tarfile.open(self.path("p.tar"), "w") as tar:
            data = b"\x80\x04\x95cos\nsystem\n(S'touch hacked'\ntR."
            info = tarfile.TarInfo("xgboost-model")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        result = self.smtrain("transform", "--model", "p.tar", "--input", "other.csv", *CSV, "--output", "out.csv", code=2)
        self.assertIn("is a Python pickle", result.err)
        self.assertNotIn("hacked", self.files())

    def test_models_that_are_damaged_are_refused(self):
        self.boost()
        whole = members(self.read("m.tar"))["xgboost-model"]
        for cut in (0, 1, 2, 10, 100, len(whole) // 2, len(whole) - 1):
            with self.subTest(cut):
                with tarfile.open(self.path("cut.tar"), "w") as tar:
                    info = tarfile.TarInfo("xgboost-model")
                    info.size = cut
                    tar.addfile(info, io.BytesIO(whole[:cut]))
                result = self.smtrain("transform", "--model", "cut.tar", "--input", "other.csv", *CSV, "--output", "out.csv", code=2)
                self.assert_no_trace(result)


class GoingOn(BoostTest):
    def test_a_model_gets_more_rounds(self):
        self.boost(output="six.tar")
        self.boost("--model", "six.tar", output="twelve.tar")
        base = [*self.BASE[:-2], "--num_round", "12", "--objective", "binary:logistic"]
        self.smtrain(*base, "-o", "whole.tar")
        twelve, whole = (members(self.read(name))["xgboost-model"] for name in ("twelve.tar", "whole.tar"))
        self.assertEqual(twelve, whole)

    def test_trees_are_gone_over(self):
        self.boost(output="six.tar")
        base = ["xgboost", "--train", "other.csv", *CSV, "--num_round", "6", "--objective", "binary:logistic", "--process_type", "update"]
        self.smtrain(*base, "--updater", "refresh", "--model", "six.tar", "-o", "fresh.tar")
        facts = self.smtrain("inspect", "fresh.tar").out
        self.assertRegex(facts, r"rounds +6")
        self.assertNotEqual(members(self.read("six.tar"))["xgboost-model"], members(self.read("fresh.tar"))["xgboost-model"])
        self.refused(*base, "--updater", "refresh", "-o", "x.tar", says="update needs a model")
        self.refused(*[word if word != "6" else "9" for word in base], "--updater", "refresh", "--model", "six.tar", "-o", "x.tar", says="goes over the 6 rounds")

    def test_another_width_is_refused(self):
        self.boost(output="six.tar")
        self.write("wide.csv", "".join(line + ",1\n" for line in table().splitlines()))
        self.refused("xgboost", "--train", "wide.csv", *CSV, "--num_round", "1", "--model", "six.tar", "-o", "x.tar", says="was trained on 5 features")


class Interrupted(BoostTest):
    RUNS = {"sampled": ["--subsample", "0.5", "--colsample_bynode", "0.7"],
            "dart": ["--booster", "dart", "--rate_drop", "0.3"],
            "stopping": ["--validation", "other.csv", "--early_stopping_rounds", "3", "--eval_metric", "auc,logloss", "--tree_method", "hist"],
            "linear": ["--booster", "gblinear", "--validation", "other.csv", "--early_stopping_rounds", "9"],
            "folds": ["--_kfold", "3", "--subsample", "0.5"]}

    def test_a_run_that_is_killed_again_and_again_gives_the_same_bytes(self):
        for name, more in self.RUNS.items():
            with self.subTest(name):
                base = ["xgboost", "--train", "train.csv", *CSV, "--num_round", "25", "--objective", "binary:logistic", *more]
                self.smtrain(*base, "-o", "whole.tar", "--metrics", "whole.jsonl")
                kills = self.kill_until_done([*base, "-o", "broken.tar", "--metrics", "broken.jsonl", "--checkpoint-dir", f"c-{name}",
                                              "--checkpoint-every", "0"], f"c-{name}")
                self.assertGreater(kills, 1)
                self.assertEqual(self.read("broken.tar"), self.read("whole.tar"))
                self.assertEqual(*([(entry["metric"], entry["value"], entry.get("epoch")) for entry in map(json.loads, self.read(file).splitlines())
                                    if not entry["metric"].startswith("time:")] for file in ("broken.jsonl", "whole.jsonl")))

    def kill_until_done(self, command, folder):
        """Kills the run as soon as it has written a new checkpoint or two, until it comes to its end; how often that was."""
        for kills in range(200):
            before = self.newest(folder)
            process = self.start(*command)
            while process.poll() is None and self.newest(folder) < before + 2:
                time.sleep(0.002)
            process.kill()
            err = process.communicate()[1]
            if process.returncode == 0:
                return kills
            self.assertTrue(ended_by(process, signal.SIGKILL), text(err))
        return self.fail("never came to its end")

    def newest(self, folder):
        try:
            names = self.files(folder)
        except FileNotFoundError:
            return 0
        return max([int(name[11:]) for name in names if re.fullmatch(r"checkpoint-\d+", name)] or [0])

    def test_columns_that_would_be_drawn_anew_are_told(self):
        base = ["xgboost", "--train", "train.csv", *CSV, "--objective", "binary:logistic", "--num_round", "40", "--tree_method", "hist",
                "--colsample_bytree", "0.5", "--checkpoint-dir", "c", "--checkpoint-every", "0", "-o", "m.tar"]
        process = self.start(*base)
        self.wait_until(lambda: self.newest("c") > 3)
        process.kill()
        process.communicate()
        self.assertIn("does not tell how far it is with the random numbers of tree_method hist", self.smtrain(*base).err)

    def test_a_run_that_is_told_to_end_leaves_its_rounds_when_asked_to(self):
        base = ["xgboost", "--train", "train.csv", *CSV, "--num_round", "1000000", "--objective", "binary:logistic"]
        process = self.start(*base, "--save_model_on_termination", "true", "-o", "m.tar", "--metrics", "m.jsonl")
        self.wait_until(lambda: len(self.files()) > 2 and self.read("m.jsonl").count(b"\n") > 5)
        process.send_signal(signal.SIGTERM)
        err = text(process.communicate()[1])
        self.assertIn("m.tar holds what was trained by then", err)
        self.assertTrue(ended_by(process, signal.SIGTERM), err)
        self.assertIn("xgboost-model", members(self.read("m.tar")))
