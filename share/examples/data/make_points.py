#!/usr/bin/env python3
"""Makes the sample data of this folder: rows around four centres, in a fixed order from a fixed seed.

    python3 make_points.py [FOLDER]      FOLDER: where points.csv and points-test.csv go (default: the current one)

Three columns without a header or a label. Only random.random() is used, whose sequence Python promises to keep, and the numbers
are rounded to three digits, so that every Python on every machine writes the same bytes.
"""

import os
import random
import sys

CENTRES = [(-4.0, 0.0, 2.0), (5.0, 1.0, -3.0), (0.0, 6.0, 4.0), (1.0, -5.0, -1.0)]
SPREAD = 0.8


def nearly_normal(draw):
    """Twelve uniform numbers less six, without a logarithm that differs between C libraries; sum() differs between Pythons."""
    total = -6.0
    for _ in range(12):
        total += draw.random()
    return total


def around(centre, draw):
    return [c + SPREAD * nearly_normal(draw) for c in centre]


def rows(count, draw):
    for _ in range(count):
        yield around(CENTRES[int(draw.random() * len(CENTRES))], draw)


def write(path, count, draw):
    with open(path, "w", newline="\n", encoding="ascii") as file:
        for row in rows(count, draw):
            file.write(",".join(f"{x:.3f}" for x in row) + "\n")


def main(folder="."):
    draw = random.Random(20)
    write(os.path.join(folder, "points.csv"), 600, draw)
    write(os.path.join(folder, "points-test.csv"), 120, draw)


if __name__ == "__main__":
    main(*sys.argv[1:])
