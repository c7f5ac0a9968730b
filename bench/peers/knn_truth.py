"""The k nearest rows in float64, the lower row first among equals, and how many of them answers hold.

    knn_truth.py TRAIN TEST K TRUTH.npy ANSWERS.jsonl...

Makes TRUTH.npy where there is none. Of each file of answers, JSON Lines with ids, the share of the true neighbours that are among them.
"""

import json
import os
import sys

import knn
import numpy as np


def nearest(x, q, k):
    x, out = x.astype(np.float64), []
    squares = (x * x).sum(axis=1)
    for row in np.array_split(q.astype(np.float64), max(len(q) // 100, 1)):
        likely = np.argpartition(squares - 2 * row @ x.T, 4 * k, axis=1)[:, :4 * k]
        likely.sort(axis=1)
        distances = ((x[likely] - row[:, None]) ** 2).sum(axis=2)  # direct: exact to the last bits
        out.append(np.take_along_axis(likely, np.argsort(distances, axis=1, kind="stable")[:, :k], 1))
    return np.concatenate(out)


def main(train, test, k, truth, *answers):
    if not os.path.exists(truth):
        np.save(truth, nearest(knn.read(train)[0], knn.read(test)[0], int(k)))
    true = np.load(truth)
    for path in answers:
        with open(path, encoding="utf-8") as file:
            ids = [json.loads(line)["ids"] for line in file]
        print(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(ids, true.tolist())]))


if __name__ == "__main__":
    main(*sys.argv[1:])
