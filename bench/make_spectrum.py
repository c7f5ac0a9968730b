"""Makes rows whose variance falls from direction to direction, the same for the same arguments.

    make_spectrum.py FOLDER ROWS COLUMNS

train.csv and train.pbr hold the same rows, without labels; numbers have four digits after the point. Each direction's deviation is 0.97 of
that before; the directions are no columns, and the mean is not at the origin.
"""

import os
import sys

import numpy as np
import pyarrow
from make_blobs import frames
from pyarrow import csv

CHUNK = 50_000


def main(folder, rows, cols):
    os.makedirs(folder, exist_ok=True)
    rows, cols = int(rows), int(cols)
    random = np.random.default_rng(7)
    directions = np.linalg.qr(random.normal(size=(cols, cols)))[0] * (10 * 0.97 ** np.arange(cols))[:, None]
    mean = random.normal(0, 20, cols)
    halves = [os.path.join(folder, name + ".half") for name in ("train.csv", "train.pbr")]
    schema = pyarrow.schema([(f"f{i}", pyarrow.float64()) for i in range(cols)])
    with csv.CSVWriter(halves[0], schema, write_options=csv.WriteOptions(include_header=False)) as text, open(halves[1], "wb") as binary:
        for first in range(0, rows, CHUNK):
            x = np.round(random.normal(size=(min(CHUNK, rows - first), cols)) @ directions + mean, 4)
            text.write_table(pyarrow.table([x[:, i] for i in range(cols)], schema=schema))
            frames(x).tofile(binary)
    for half in halves:
        os.rename(half, half.removesuffix(".half"))


if __name__ == "__main__":
    main(*sys.argv[1:])
