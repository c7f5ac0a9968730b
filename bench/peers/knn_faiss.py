"""Seconds of faiss's own exact search, the call alone: the best of three.

    knn_faiss.py INDEX TEST K         INDEX: an index file; TEST: a CSV whose first column is a label
"""

import sys
import time

import faiss
import numpy as np


def main(index, test, k):
    index = faiss.read_index(index)
    queries = np.ascontiguousarray(np.loadtxt(test, delimiter=",", dtype=np.float32)[:, 1:])
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        index.search(queries, int(k))
        seconds.append(time.perf_counter() - start)
    print(min(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
