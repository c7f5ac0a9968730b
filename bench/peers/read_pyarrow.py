"""pyarrow.csv.read_csv of a file without a header as float32, with all its threads, and the time of that call alone.

    read_pyarrow.py FILE.csv COLUMNS
"""

import sys
import time

import pyarrow
from pyarrow import csv


def main(path, columns):
    names = [f"f{i}" for i in range(int(columns))]
    start = time.monotonic()
    table = csv.read_csv(path, read_options=csv.ReadOptions(column_names=names),
                         convert_options=csv.ConvertOptions(column_types={name: pyarrow.float32() for name in names}))
    print(time.monotonic() - start)
    assert table.num_rows > 0


if __name__ == "__main__":
    main(*sys.argv[1:])
