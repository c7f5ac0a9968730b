"""xgboost beside the Python package of the same library: the same lines, the same predictions to the last bit."""

import contextlib
import io
import re
import tarfile
import unittest

from harness import CliTest
from train_xgboost_test import CSV, lines, table

try:
    import numpy as np
    import xgboost
except ImportError:
    xgboost = None

ROUNDS = 7
# Of each task: hyperparameters as both take them.
RUNS = [(2, {"objective": "binary:logistic"}),
        (2, {"objective": "binary:logistic", "subsample": 0.5, "colsample_bynode": 0.6, "seed": 7}),
        (2, {"objective": "binary:logistic", "tree_method": "hist", "eval_metric": ["auc", "error"]}),
        (2, {"objective": "binary:logitraw", "tree_method": "approx", "max_bin": 16}),
        (2, {"objective": "binary:hinge", "tree_method": "exact", "max_depth": 3}),
        (2, {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.3, "sample_type": "weighted"}),
        (3, {"objective": "multi:softprob", "num_class": 3, "tree_method": "hist", "eval_metric": ["merror", "mlogloss"]}),
        (3, {"objective": "multi:softmax", "num_class": 3, "num_parallel_tree": 2}),
        (0, {"objective": "reg:squarederror", "eval_metric": ["rmse"]}),
        (0, {"objective": "reg:squarederror", "eval_metric": ["mae"], "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 9}),
        (0, {"objective": "reg:absoluteerror", "tree_method": "hist"}),
        (0, {"objective": "reg:pseudohubererror", "gamma": 0.1, "lambda": 2.5, "alpha": 0.3}),
        (0, {"objective": "reg:squarederror", "booster": "gblinear", "updater": "coord_descent"}),
        (0, {"objective": "reg:squarederror", "monotone_constraints": "(1,0,0,-1,0)", "tree_method": "hist"}),
        (0, {"objective": "reg:squarederror", "interaction_constraints": "[[0, 1], [2, 3, 4]]", "tree_method": "hist"}),
        (2, {"objective": "count:poisson", "max_delta_step": 0.7}),
        (2, {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}),
        (2, {"objective": "rank:pairwise", "eval_metric": ["ndcg@5", "map"]})]


@unittest.skipUnless(xgboost, "the Python package xgboost is not installed")
class Parity(CliTest):
    def learn(self, hyperparameters, *more):
        arguments = []
        for name, value in hyperparameters.items():
            arguments += ["--" + name, ",".join(value) if isinstance(value, list) else str(value)]
        out = self.smtrain("xgboost", "--train", "train.csv", "--validation", "other.csv", *CSV, "--num_round", str(ROUNDS), *arguments, *more,
                           "--log-format", "sagemaker", "-o", "m.tar").out
        with tarfile.open(fileobj=io.BytesIO(self.read("m.tar"))) as tar:
            return lines(out), tar.extractfile("xgboost-model").read()

    def matrix(self, name):
        rows = np.loadtxt(self.path(name), delimiter=",", dtype=np.float32)
        return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])

    def peer(self, hyperparameters, matrices, **options):
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            model = xgboost.train({"seed": 0, **hyperparameters}, matrices[0], ROUNDS,
                                  evals=[(matrices[0], "train"), (matrices[1], "validation")], **options)
        return [line for line in told.getvalue().splitlines() if re.match(r"\[\d+\]\t", line)], model

    def both(self, classes, hyperparameters, *more, **options):
        self.write("train.csv", table(500, seed=3, classes=classes))
        self.write("other.csv", table(200, seed=4, classes=classes))
        matrices = self.matrix("train.csv"), self.matrix("other.csv")
        ours, raw = self.learn(hyperparameters, *more)
        theirs, model = self.peer(hyperparameters, matrices, **options)
        return ours, xgboost.Booster(model_file=bytearray(raw)), theirs, model, matrices

    def test_lines_and_predictions(self):
        for classes, hyperparameters in RUNS:
            with self.subTest(**hyperparameters):
                ours, loaded, theirs, model, matrices = self.both(classes, hyperparameters)
                self.assertEqual(ours, theirs)
                self.assertEqual(len(ours), ROUNDS)
                for matrix in matrices:
                    np.testing.assert_array_equal(loaded.predict(matrix), model.predict(matrix))
                    np.testing.assert_array_equal(loaded.predict(matrix, output_margin=True), model.predict(matrix, output_margin=True))

    def test_early_stopping_keeps_the_same_rounds(self):
        ours, loaded, theirs, model, matrices = self.both(
            2, {"objective": "binary:logistic", "eta": 0.9, "eval_metric": ["error", "logloss"]}, "--early_stopping_rounds", "2",
            callbacks=[xgboost.callback.EarlyStopping(rounds=2, data_name="validation", metric_name="logloss", save_best=True)])
        self.assertEqual(ours, theirs)
        self.assertEqual(loaded.num_boosted_rounds(), model.num_boosted_rounds())
        np.testing.assert_array_equal(loaded.predict(matrices[1]), model.predict(matrices[1]))

    def test_bytes_are_those_of_the_same_rounds(self):
        self.write("train.csv", table(500, seed=3))
        self.write("other.csv", table(200, seed=4))
        settings = {"objective": "binary:logistic", "subsample": 0.5}
        _, raw = self.learn(settings)
        matrix = self.matrix("train.csv")
        model = xgboost.Booster({**settings, "seed": 0}, [matrix])
        for i in range(ROUNDS):
            model.update(matrix, i)
        self.assertEqual(raw, bytes(model.save_raw("ubj")))

    def test_own_metrics_are_those_of_scikit_learn(self):
        from sklearn import metrics
        self.write("train.csv", table(500, seed=3, classes=3))
        self.write("other.csv", table(200, seed=4, classes=3))
        names = ["accuracy", "balanced_accuracy", "f1", "precision_macro", "precision_micro", "recall_macro"]
        ours, raw = self.learn({"objective": "multi:softprob", "num_class": 3, "eval_metric": names})
        matrix = self.matrix("other.csv")
        predicted = xgboost.Booster(model_file=bytearray(raw)).predict(matrix).argmax(axis=1)
        truth = matrix.get_label()
        expected = [metrics.accuracy_score(truth, predicted), metrics.balanced_accuracy_score(truth, predicted),
                    metrics.f1_score(truth, predicted, average="macro"), metrics.precision_score(truth, predicted, average="macro"),
                    metrics.precision_score(truth, predicted, average="micro"), metrics.recall_score(truth, predicted, average="macro")]
        for name, value in zip(names, expected):
            self.assertEqual(re.search(rf"validation-{name}:(\S+)", ours[-1])[1], f"{value:.5f}", name)
