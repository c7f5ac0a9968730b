"""scikit-learn's k-nearest neighbours by brute force, from files to answers.

    knn.py TRAIN TEST K OUT.npy

CSV files whose first column is a label, read as float32 by pandas. Writes the predicted labels.
"""

import sys

import numpy as np
import pandas
from sklearn.neighbors import KNeighborsClassifier


def read(path):
    table = pandas.read_csv(path, header=None, dtype=np.float32).to_numpy()
    return np.ascontiguousarray(table[:, 1:]), table[:, 0]


def main(train, test, k, out):
    x, y = read(train)
    model = KNeighborsClassifier(int(k), algorithm="brute").fit(x, y)
    np.save(out, model.predict(read(test)[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
