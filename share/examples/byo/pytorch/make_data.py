#!/usr/bin/env python3
"""Writes the digits that scikit-learn brings, 8 x 8 pixels of 0 to 16: digits/train.csv and digits/test.csv, label first."""

import os
import sys

from sklearn.datasets import load_digits

folder = sys.argv[1] if len(sys.argv) > 1 else "digits"
os.makedirs(folder, exist_ok=True)
data = load_digits()
rows = [",".join([str(label)] + [str(int(x)) for x in row]) for label, row in zip(data.target, data.data)]
for name, part in (("train", [r for i, r in enumerate(rows) if i % 4]), ("test", rows[::4])):
    with open(os.path.join(folder, name + ".csv"), "w", encoding="utf-8") as file:
        file.write("\n".join(part) + "\n")
