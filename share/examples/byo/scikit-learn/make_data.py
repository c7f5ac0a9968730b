#!/usr/bin/env python3
"""Writes the iris data that scikit-learn brings: iris.csv in two files, label first."""

import os
import sys

from sklearn.datasets import load_iris

folder = sys.argv[1] if len(sys.argv) > 1 else "iris"
os.makedirs(folder, exist_ok=True)
data = load_iris()
for part in range(2):
    with open(os.path.join(folder, f"part-{part}.csv"), "w", encoding="utf-8") as file:
        for label, row in list(zip(data.target, data.data))[part::2]:
            file.write(",".join([str(label)] + [str(x) for x in row]) + "\n")
