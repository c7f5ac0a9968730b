"""Makes a table of events with two kinds to tell apart: 28 columns, the label first, the same for the same arguments.

    make_events.py FOLDER ROWS

train.csv, and test.csv with a tenth as many rows. The kind depends on products, thresholds and a distance, and on chance: no model
tells all of them. Numbers have six digits after the point.
"""

import os
import sys

import numpy as np

COLUMNS = 28


def draw(rows, random):
    x = random.normal(0, 1, (rows, COLUMNS))
    x[:, 7:14] = np.abs(x[:, 7:14])
    x[:, 14:21] = random.gamma(2.0, 0.5, (rows, 7))
    margin = (1.2 * x[:, 0] * x[:, 1] - 0.8 * (x[:, 8] > 1) * x[:, 2] + 0.9 * np.sin(2 * x[:, 3]) + 0.6 * (x[:, 14] - x[:, 15])
              - 0.5 * np.hypot(x[:, 4], x[:, 5]) + 0.3 * x[:, 20] * x[:, 6] + 0.4)
    y = random.random(rows) < 1 / (1 + np.exp(-margin))
    return y.astype(np.int64), np.round(x, 6)


def write(path, y, x):
    np.savetxt(path + ".half", np.column_stack([y, x]), fmt=",".join(["%d"] + ["%.6f"] * COLUMNS))
    os.rename(path + ".half", path)


def main(folder, rows):
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(11)
    write(os.path.join(folder, "test.csv"), *draw(int(rows) // 10, random))
    write(os.path.join(folder, "train.csv"), *draw(int(rows), random))


if __name__ == "__main__":
    main(*sys.argv[1:])
