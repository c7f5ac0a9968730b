"""linear-learner against scikit-learn: coefficients at the exact optimum of the same objective, on the scale of the data.

Batch descent with a rate that is cut towards the end comes as near to the optimum as float32 allows, so that what is compared is the
objective itself: the losses, what wd means, the standard deviations, and how weights are folded back to the features as they are. All
passes are one epoch over rows that repeat: of several epochs the one with the lowest loss would be kept, and that loss leaves wd out.
"""

import unittest

from harness import CliTest
from train_linear_test import manifest, members, rows_of, tensors

try:
    import numpy as np
    from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
    from sklearn.metrics import mean_pinball_loss
    MISSING = None
except ImportError as error:
    MISSING = f"scikit-learn is not installed ({error})"

N, D = 300, 4
PASSES = 1200
WD = 1e-3


def setUpModule():
    if MISSING:
        raise unittest.SkipTest(MISSING)


def features(seed):
    """Correlated columns of very different scales, away from zero."""
    draw = np.random.RandomState(seed)
    x = draw.randn(N, D)
    x[:, 1] += 0.5 * x[:, 0]
    return draw, (x * [1, 100, 0.01, 3] + [5, -300, 0, 40]).astype(np.float32).astype(float)


def scaled(x):
    mean, std = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / std, mean, std


class Parity(CliTest):
    def learn(self, y, x, *flags):
        self.write("train.csv", PASSES * "".join(f"{label!r}," + ",".join(map(repr, row)) + "\n" for label, row in zip(y.tolist(), x.tolist())))
        return self.learn_file("train.csv", *flags)

    def learn_file(self, name, *flags):
        self.smtrain("linear-learner", "--train", name, "--num_models", "1", "--mini_batch_size", str(N), "--num_point_for_scaler", str(N - 1),
                     "--epochs", "1", "--learning_rate", "0.1", "--lr_scheduler_step", "4", "--lr_scheduler_factor", "0.97",
                     "--lr_scheduler_minimum_lr", "1e-6", "-o", "model.tar.gz", *flags)
        found = tensors(self.read("model.tar.gz"))
        return np.array(found["weights"]).reshape(-1, D), np.array(found["bias"])

    def assert_same(self, ours, exact, mean, std, tolerance):
        """Weights within `tolerance` of the largest, both per standard deviation; scores at the mean of the data likewise."""
        (w, b), (v, c) = ours, exact
        size = np.abs(v).max()
        self.assertLess(np.abs(w * std - v).max(), tolerance * size, f"{w * std} for {v}")
        self.assertLess(np.abs(b + w @ mean - c).max(), tolerance * max(size, np.abs(c).max()))

    def test_logistic(self):
        draw, x = features(1)
        z, mean, std = scaled(x)
        y = (draw.rand(N) < 1 / (1 + np.exp(-z @ [1.5, -1, 0.5, 0] + 0.7))).astype(float)
        for wd in (WD, 0.1):
            exact = LogisticRegression(C=1 / (N * wd), tol=1e-10, max_iter=10000).fit(z, y)
            ours = self.learn(y, x, "--predictor_type", "binary_classifier", "--wd", str(wd))
            self.assert_same(ours, (exact.coef_, exact.intercept_), mean, std, 2e-3)
            metrics = manifest(self.read("model.tar.gz"))["metrics"]
            accuracy = ((z @ exact.coef_[0] + exact.intercept_[0] > 0) == (y == 1)).mean()
            self.assertGreaterEqual(metrics["train:binary_classification_accuracy"], accuracy - 0.002)  # the threshold is calibrated

    def test_squared_loss(self):
        draw, x = features(2)
        z, mean, std = scaled(x)
        y = (7 + z @ [3, -2, 1, 0] + 0.5 * draw.randn(N)).astype(np.float32).astype(float)
        for wd in (0, 0.2):
            # In units of the label's standard deviation: mean of e² + wd / 2 |w|².
            exact = Ridge(alpha=N * wd / 2, tol=1e-12).fit(z, y)
            ours = self.learn(y, x, "--predictor_type", "regressor", "--wd", str(wd))
            self.assert_same(ours, (exact.coef_, exact.intercept_), mean, std, 1e-3)

    def test_softmax(self):
        draw, x = features(3)
        z, mean, std = scaled(x)
        scores = z @ draw.randn(D, 3) + draw.gumbel(size=(N, 3))
        y = scores.argmax(axis=1).astype(float)
        exact = LogisticRegression(C=1 / (N * WD), tol=1e-10, max_iter=10000).fit(z, y)
        w, b = self.learn(y, x, "--predictor_type", "multiclass_classifier", "--num_classes", "3", "--wd", str(WD))
        # Softmax knows differences alone: nothing decides what all classes have in common but wd, which takes long.
        at_mean = b + w @ mean
        w = w - w.mean(axis=0)
        self.assert_same((w, at_mean - at_mean.mean() - w @ mean), (exact.coef_, exact.intercept_ - exact.intercept_.mean()), mean, std, 5e-3)

    def test_quantile_loss(self):
        draw, x = features(4)
        z, _, _ = scaled(x)
        y = (z @ [3, -2, 1, 0] + draw.exponential(size=N)).astype(np.float32).astype(float)
        for q in (0.5, 0.9):
            exact = QuantileRegressor(quantile=q, alpha=0).fit(z, y)
            w, b = self.learn(y, x, "--predictor_type", "regressor", "--loss", "quantile_loss", "--quantile", str(q), "--wd", "0")
            loss = mean_pinball_loss(y, x @ w[0] + b[0], alpha=q)
            self.assertLess(loss, 1.002 * mean_pinball_loss(y, exact.predict(z), alpha=q))

    def test_sparse_rows_have_the_same_optimum(self):
        draw, x = features(5)
        x = np.where(draw.rand(N, D) < 0.6, 0, x)
        z, mean, std = scaled(x)
        y = (draw.rand(N) < 1 / (1 + np.exp(-z @ [1.5, -1, 0.5, 0]))).astype(float)
        exact = LogisticRegression(C=1 / (N * WD), tol=1e-10, max_iter=10000).fit(z, y)
        rows = "".join(f"{label:g} " + " ".join(f"{j}:{v!r}" for j, v in enumerate(row) if v != 0) + "\n" for label, row in zip(y, x.tolist()))
        self.write("train.svm", PASSES * rows)
        ours = self.learn_file("train.svm", "--feature_dim", str(D), "--predictor_type", "binary_classifier", "--wd", str(WD))
        self.assert_same(ours, (exact.coef_, exact.intercept_), mean, std, 5e-3)


class ServiceFiles(CliTest):
    def test_the_weights_of_both_files_are_the_same(self):
        draw, x = features(6)
        self.write("train.csv", rows_of((x[:, 0] > 5).astype(float), x))
        self.smtrain("linear-learner", "--train", "train.csv", "--predictor_type", "binary_classifier", "-o", "model.tar.gz")
        weights = np.array(tensors(self.read("model.tar.gz"))["weights"], dtype="<f4").tobytes()
        self.assertIn(weights, members(self.read("model.tar.gz"))["model_algo-1"])
