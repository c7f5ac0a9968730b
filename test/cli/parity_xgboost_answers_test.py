"""xgboost's answers beside those of the Python package of the same library, to the last bit."""

import io
import json
import tarfile
import unittest

from answers_xgboost_test import cells, table
from harness import CliTest

try:
    import numpy as np
    import xgboost
except ImportError:
    xgboost = None


@unittest.skipUnless(xgboost, "the Python package xgboost is not installed")
class Parity(CliTest):
    CASES = (("binary:logistic", "gbtree", 2), ("binary:logitraw", "dart", 2), ("multi:softprob", "gbtree", 3), ("multi:softmax", "gbtree", 3),
             ("reg:squarederror", "gblinear", 2), ("count:poisson", "gbtree", 2))

    def trained(self, objective, booster, classes, *more):
        rows = table(700, classes=classes)
        self.write("train.csv", cells(rows))
        self.write("x.csv", cells(row[1:] for row in rows))
        self.smtrain("xgboost", "--train", "train.csv", "--content-type", "text/csv", "--num_round", "6", "--objective", objective, "--booster",
                     booster, "-o", "m.tar", *(["--num_class", str(classes)] if objective.startswith("multi") else []), *more)
        array = np.array([[np.nan if cell is None else cell for cell in row] for row in rows], dtype=np.float32)
        with tarfile.open(fileobj=io.BytesIO(self.read("m.tar"))) as tar:
            raw = tar.extractfile("xgboost-model").read()
        return xgboost.Booster(model_file=bytearray(raw)), array

    def answers(self, column, *more):
        self.smtrain("transform", "--model", "m.tar", "--input", "x.csv", "--content-type", "text/csv;label_size=0", "--accept",
                     "application/jsonlines", "--output", "out", *more)
        return np.array([json.loads(line)[column] for line in self.read("out").splitlines()], dtype=np.float32)

    def test_scores_and_contributions(self):
        for objective, booster, classes in self.CASES:
            with self.subTest(objective=objective, booster=booster):
                model, array = self.trained(objective, booster, classes)
                matrix = xgboost.DMatrix(array[:, 1:])
                np.testing.assert_array_equal(self.answers("score").ravel(), model.predict(matrix).ravel())
                theirs = model.predict(matrix, pred_contribs=True)
                np.testing.assert_array_equal(self.answers("contribs", "--columns", "contribs").ravel(), theirs.ravel())

    def test_models_have_the_same_bytes(self):
        for method, matrices in (("hist", (xgboost.DMatrix, xgboost.QuantileDMatrix)), ("exact", (xgboost.DMatrix,)), ("approx", (xgboost.DMatrix,))):
            model, array = self.trained("binary:logistic", "gbtree", 2, "--tree_method", method, "--threads", "3")
            for kind in matrices:
                with self.subTest(method=method, matrix=kind.__name__):
                    settings = {"objective": "binary:logistic", "tree_method": method, "seed": 0}
                    theirs = xgboost.train(settings, kind(array[:, 1:], label=array[:, 0]), 6)
                    # What the package says of itself is in its attributes; trees are what counts.
                    ours = json.loads(model.save_raw("json"))["learner"]["gradient_booster"]["model"]
                    self.assertEqual(ours, json.loads(theirs.save_raw("json"))["learner"]["gradient_booster"]["model"])


if __name__ == "__main__":
    unittest.main()
