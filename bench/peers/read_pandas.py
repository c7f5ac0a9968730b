"""pandas.read_csv of a file without a header as float32, and the time of that call alone on standard output.

    read_pandas.py FILE.csv [float64]
"""

import sys
import time

import numpy as np
import pandas


def main(path, kind="float32"):
    start = time.monotonic()
    frame = pandas.read_csv(path, header=None, dtype=np.dtype(kind))
    print(time.monotonic() - start)
    assert frame.shape[0] > 0


if __name__ == "__main__":
    main(*sys.argv[1:])
