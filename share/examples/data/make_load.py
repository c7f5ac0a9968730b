#!/usr/bin/env python3
"""Makes the sample series of this folder: requests to a made-up server, hour after hour, with a rhythm of days and weeks.

    python3 make_load.py [FOLDER]      FOLDER: where load.csv, load-next.csv and load-test.csv go (default: the current one)

One column, a row an hour. load.csv is eight weeks with some odd hours in it, load-next.csv the three days that follow, with a night as busy
as a day. load-test.csv is two other weeks with a label first: 1 for the odd hours, 0 for the others. Only random.random() is used, whose
sequence Python promises to keep, so that every Python on every machine writes the same bytes.
"""

import os
import random
import sys

DAY = [12, 8, 6, 5, 5, 8, 18, 40, 70, 86, 92, 95, 90, 92, 94, 90, 84, 76, 66, 58, 48, 38, 26, 18]


def usual(hour, draw):
    weekend = hour // 24 % 7 >= 5
    level = DAY[hour % 24] * (0.5 if weekend else 1.0)
    return level * (0.9 + 0.2 * draw.random()) + 4 * draw.random()


def series(first, count, odd, draw):
    """Rows of label and value; odd: hour to the factor by which it is off."""
    return [(int(h in odd), round(usual(h, draw) * odd.get(h, 1.0) + (90 if odd.get(h) == 0 else 0), 1)) for h in range(first, first + count)]


def write(path, rows, labelled):
    with open(path, "w", newline="\n", encoding="ascii") as file:
        for label, value in rows:
            file.write(f"{label},{value}\n" if labelled else f"{value}\n")


def main(folder="."):
    draw = random.Random(31)
    weeks = series(0, 8 * 168, {h: 0 for h in range(602, 606)} | {h: 0.1 for h in range(1020, 1025)}, draw)
    after = series(8 * 168, 72, {h: 0 for h in range(8 * 168 + 26, 8 * 168 + 30)}, draw)
    test = series(0, 2 * 168, {h: 0 for h in range(98, 101)} | {h: 0.05 for h in range(202, 206)}, draw)
    write(os.path.join(folder, "load.csv"), weeks, False)
    write(os.path.join(folder, "load-next.csv"), after, False)
    write(os.path.join(folder, "load-test.csv"), test, True)


if __name__ == "__main__":
    main(*sys.argv[1:])
