#!/usr/bin/env python3
"""Makes the labelled sample data of this folder, from a fixed seed: loans of which some fail, and rents of flats.

    python3 make_labelled.py [FOLDER]      FOLDER: where loans.csv, loans-test.csv and rents.csv go (default: the current one)

The label is the first column; there is no header. A loan has the income and the debt of its taker (thousands a year, thousands), the
years at an address and the loans before it; it fails (1) more often with much debt and little income. A flat has its size in square
metres, its rooms, its floor and the minutes to the centre; a rent is close to a sum over these. Only random.random() is used, whose
sequence Python promises to keep, and no function whose last digits differ between C libraries, so that every Python on every
machine writes the same bytes.
"""

import os
import random
import sys

LOANS, TEST_LOANS, RENTS = 500, 200, 300


def nearly_normal(draw):
    """Twelve uniform numbers less six; sum() differs between Pythons."""
    total = -6.0
    for _ in range(12):
        total += draw.random()
    return total


def loan(draw):
    income = max(30 + 12 * nearly_normal(draw), 5.0)
    debt = max(20 + 10 * nearly_normal(draw), 0.0)
    years = int(20 * draw.random())
    before = int(5 * draw.random() * draw.random())
    risk = -0.12 * (income - 30) + 0.15 * (debt - 20) - 0.08 * years - 0.3 * before - 0.4
    failed = 1 if risk + 1.2 * nearly_normal(draw) > 0 else 0
    return f"{failed},{income:.1f},{debt:.1f},{years},{before}"


def rent(draw):
    size = 25 + 90 * draw.random()
    rooms = 1 + int(size / 32 + draw.random())
    floor = int(6 * draw.random())
    minutes = 5 + int(50 * draw.random())
    price = 180 + 7.5 * size + 40 * rooms + 12 * floor - 4 * minutes + 45 * nearly_normal(draw)
    return f"{price:.0f},{size:.1f},{rooms},{floor},{minutes}"


def write(path, count, row, draw):
    with open(path, "w", newline="\n", encoding="ascii") as file:
        for _ in range(count):
            file.write(row(draw) + "\n")


def main(folder="."):
    draw = random.Random(11)
    write(os.path.join(folder, "loans.csv"), LOANS, loan, draw)
    write(os.path.join(folder, "loans-test.csv"), TEST_LOANS, loan, draw)
    write(os.path.join(folder, "rents.csv"), RENTS, rent, draw)


if __name__ == "__main__":
    main(*sys.argv[1:])
