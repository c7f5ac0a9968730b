"""The XGBoost package, from file to model.

    xgboost_train.py TRAIN.csv MODEL ROUNDS THREADS

Debian's package, which has the library that smtrain opens, for equal engines. The CSV is read as float32: by pandas where the
interpreter has it, which is the usual and a fast way, else by numpy. The matrix is made of the array that the reader gives; of
DMatrix and QuantileDMatrix the faster one here is DMatrix. Every round is evaluated on the training rows, as the service and smtrain
do. Prints the seconds that the training took.
"""

import sys
import time

import numpy as np
import xgboost


def read(path):
    try:
        import pandas
    except ImportError:
        return np.loadtxt(path, delimiter=",", dtype=np.float32)
    return pandas.read_csv(path, header=None, dtype=np.float32).to_numpy()


def main(train, model, rounds, threads):
    table = read(train)
    matrix = xgboost.DMatrix(table[:, 1:], label=table[:, 0], nthread=int(threads))
    del table
    settings = {"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "nthread": int(threads), "seed": 0}
    start = time.monotonic()
    booster = xgboost.train(settings, matrix, int(rounds), evals=[(matrix, "train")], verbose_eval=False)
    print(time.monotonic() - start)
    booster.save_model(model)


if __name__ == "__main__":
    main(*sys.argv[1:])
