#!/usr/bin/env python3
"""Makes the sample data of recommendation in this folder, in a fixed order from a fixed seed.

    python3 make_ratings.py [FOLDER]     FOLDER: where the files go (default: the current one)

ratings.libsvm: ratings of 25 films (features 40 to 64) by 40 users (features 0 to 39), 1 to 5 in halves. liked.libsvm and
liked-test.libsvm: whether a rating is 4 or more. ratings-request.json: two users' requests as a client sends them. Only
random.random() is used, whose sequence Python promises to keep, so that every Python on every machine writes the same bytes.
"""

import json
import os
import random
import sys

USERS, FILMS, TASTES = 40, 25, 3


def ratings(draw):
    users = [[2 * draw.random() - 1 for _ in range(TASTES)] for _ in range(USERS)]
    films = [[2 * draw.random() - 1 for _ in range(TASTES)] for _ in range(FILMS)]
    quality = [2.5 + 1.5 * draw.random() for _ in range(FILMS)]
    pairs = [(u, f) for u in range(USERS) for f in range(FILMS) if draw.random() < 0.8]
    for i in range(len(pairs) - 1, 0, -1):
        j = int(draw.random() * (i + 1))
        pairs[i], pairs[j] = pairs[j], pairs[i]
    for u, f in pairs:
        taste = sum(a * b for a, b in zip(users[u], films[f]))
        score = quality[f] + 1.5 * taste + 0.6 * (draw.random() - 0.5)
        yield u, f, min(max(int(2 * score + 0.5), 2), 10) / 2


def write(folder, name, rows):
    with open(os.path.join(folder, name), "w", newline="\n", encoding="ascii") as file:
        for user, film, label in rows:
            file.write(f"{label:g} {user}:1 {USERS + film}:1\n")


def request(user, film):
    return {"data": {"features": {"keys": [user, USERS + film], "shape": [USERS + FILMS], "values": [1, 1]}}}


def main(folder="."):
    rows = list(ratings(random.Random(20)))
    liked = [(u, f, 1 if score >= 4 else 0) for u, f, score in rows]
    write(folder, "ratings.libsvm", rows)
    write(folder, "liked.libsvm", liked[:-150])
    write(folder, "liked-test.libsvm", liked[-150:])
    with open(os.path.join(folder, "ratings-request.json"), "w", newline="\n", encoding="ascii") as file:
        json.dump({"instances": [request(0, 3), request(7, 20)]}, file)
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
