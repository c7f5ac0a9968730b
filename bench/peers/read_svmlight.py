"""sklearn.datasets.load_svmlight_file as float32: seconds of that call alone and bytes of the file on standard output.

    read_svmlight.py FILE.libsvm
"""

import os
import sys
import time

from sklearn.datasets import load_svmlight_file


def main(path):
    start = time.monotonic()
    rows, _ = load_svmlight_file(path, dtype="float32", zero_based=True)
    print(time.monotonic() - start, os.path.getsize(path))
    assert rows.shape[0] > 0


if __name__ == "__main__":
    main(*sys.argv[1:])
