"""Makes the synthetic sets: rows around 100 centres, the same for the same arguments.

    make_blobs.py FOLDER ROWS COLUMNS

train.csv and train.pbr hold the same rows, test.pbr a tenth as many. Numbers have four digits after the point, as exported
tables have. The clusters overlap: their centres vary as much as the rows of each. With clusters far apart (three times as much) the
score depends on how many of them the random start happens to hit, and changes by a tenth from seed to seed, for every program.
"""

import os
import struct
import sys

import numpy as np
import pyarrow
from pyarrow import csv

CENTRES = 100


def field(number, payload):
    n, length = len(payload), bytearray()
    while n > 127:
        length.append(n & 127 | 128)
        n >>= 7
    length.append(n)
    return bytes([number << 3 | 2]) + bytes(length) + payload


def frames(x):
    """Every row as a recordIO frame; all frames have one size, so that they are made as one array."""
    rows, cols = x.shape
    marker = struct.pack("<f", 1.5) * cols
    message = field(1, field(1, b"values") + field(2, field(2, field(1, marker))))
    frame = struct.pack("<II", 0xCED7230A, len(message)) + message + b"\0" * (-len(message) % 4)
    at = frame.index(marker)
    out = np.tile(np.frombuffer(frame, np.uint8), (rows, 1))
    out[:, at:at + 4 * cols] = np.ascontiguousarray(x, "<f4").view(np.uint8)
    return out


def draw(rows, cols, centres, random):
    x = centres[random.integers(0, CENTRES, rows)] + random.normal(0, 1.0, (rows, cols))
    return np.round(x, 4)


def main(folder, rows, cols):
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(7)
    centres = random.normal(0, 1.0, (CENTRES, int(cols)))
    train, test = (draw(n, int(cols), centres, random) for n in (int(rows), int(rows) // 10))
    frames(test).tofile(os.path.join(folder, "test.pbr"))
    frames(train).tofile(os.path.join(folder, "train.pbr"))
    table = pyarrow.table({f"f{i}": train[:, i] for i in range(train.shape[1])})
    half = os.path.join(folder, "train.csv.half")
    csv.write_csv(table, half, csv.WriteOptions(include_header=False))
    os.rename(half, os.path.join(folder, "train.csv"))


if __name__ == "__main__":
    main(*sys.argv[1:])
