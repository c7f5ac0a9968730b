"""Anomaly scores of a CSV file whose first column is a label, from file to scores, and how well they part the labels.

    forest.py isolation DATA.csv SCORES.npy SEED     scikit-learn's IsolationForest, 100 trees of 256 rows
    forest.py plain DATA.csv SCORES.npy SEED         random cut forests read plainly from the literature: NumPy, float64, a shuffled sample
    forest.py auc DATA.csv SCORES...                 the area under the ROC curve of each; .npy, or a number a line

Labels are left out by the reader of the first two: pandas with float32, which is faster here than float64 or pyarrow's reader.
"""

import sys

import numpy as np

TREES, SAMPLES = 100, 256


def features(path):
    import pandas
    with open(path, encoding="utf-8") as file:
        columns = file.readline().count(",") + 1
    return pandas.read_csv(path, header=None, dtype=np.float32, usecols=range(1, columns)).to_numpy()


def isolation(data, out, seed):
    from sklearn.ensemble import IsolationForest
    x = features(data)
    np.save(out, -IsolationForest(n_estimators=TREES, max_samples=SAMPLES, random_state=int(seed)).fit(x).score_samples(x))


class Node:
    """A node of a tree over the rows of `points`."""

    def __init__(self, points, random):
        self.low, self.high, self.mass = points.min(axis=0), points.max(axis=0), len(points)
        sides = self.high - self.low
        self.leaf = not sides.any()
        if self.leaf:
            return
        self.dim = random.choice(len(sides), p=sides / sides.sum())
        while True:
            self.cut = random.uniform(self.low[self.dim], self.high[self.dim])
            left = points[:, self.dim] <= self.cut
            if not left.all():
                break
        self.left, self.right = Node(points[left], random), Node(points[~left], random)

    def ask(self, q, depth):
        """s of each query."""
        outside = np.maximum(np.maximum(self.low - q, q - self.high), 0).sum(axis=1)
        if self.leaf:
            equal = 1 / (depth + np.log2(self.mass)) if depth + np.log2(self.mass) > 0 else 0.5 / np.log2(self.mass + 1)
            return np.where(outside > 0, 1 / (depth + 1), equal)
        s = np.empty(len(q))
        left = q[:, self.dim] <= self.cut
        for side, child in ((left, self.left), (~left, self.right)):
            if side.any():
                s[side] = child.ask(q[side], depth + 1)
        p = outside / ((self.high - self.low).sum() + outside)
        return p / (depth + 1) + (1 - p) * s


def plain(data, out, seed):
    sys.setrecursionlimit(10 * SAMPLES)
    x = features(data).astype(np.float64)
    random = np.random.default_rng(int(seed))
    each = min(SAMPLES, len(x) // TREES)
    sample = x[random.permutation(len(x))[:TREES * each]]
    scores = np.zeros(len(x))
    for t in range(TREES):
        scores += Node(sample[t * each:(t + 1) * each], random).ask(x, 0) * np.log2(each + 1) / TREES
    np.save(out, scores)


def auc(data, *files):
    import pandas
    from sklearn.metrics import roc_auc_score
    labels = pandas.read_csv(data, header=None, usecols=[0]).to_numpy()[:, 0]
    for path in files:
        print(roc_auc_score(labels, np.load(path) if path.endswith(".npy") else np.loadtxt(path)))


if __name__ == "__main__":
    {"isolation": isolation, "plain": plain, "auc": auc}[sys.argv[1]](*sys.argv[2:])
