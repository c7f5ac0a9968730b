"""The area under the ROC curve of models on one table.

    xgboost_auc.py TEST.csv MODEL...

MODEL: a tarball with xgboost-model, or a model that the package wrote itself. Prints one number per model.
"""

import sys
import tarfile

import numpy as np
import xgboost


def load(path):
    booster = xgboost.Booster()
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            booster.load_model(bytearray(tar.extractfile("xgboost-model").read()))
    else:
        booster.load_model(path)
    return booster


def auc(labels, scores):
    order = np.argsort(scores, kind="stable")
    values, starts, counts = np.unique(scores[order], return_index=True, return_counts=True)
    ranks = np.repeat(starts + (counts + 1) / 2, counts)
    positive = labels[order] > 0
    n = positive.sum()
    return (ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(labels) - n))


def main(test, *models):
    table = np.loadtxt(test, delimiter=",", dtype=np.float32)
    matrix = xgboost.DMatrix(table[:, 1:])
    for model in models:
        print(auc(table[:, 0], load(model).predict(matrix)))


if __name__ == "__main__":
    main(*sys.argv[1:])
