"""pyarrow.parquet.read_table with all its threads: prints the seconds of that call alone, the median of five behind one that is not
counted, as read_rate has them, and the size of the file.

    read_parquet.py FILE.parquet
"""

import os
import statistics
import sys
import time

import pyarrow.parquet


def main(path):
    seconds = []
    for _ in range(6):
        start = time.monotonic()
        table = pyarrow.parquet.read_table(path)
        seconds.append(time.monotonic() - start)
        assert table.num_rows > 0
    print(statistics.median(seconds[1:]), os.path.getsize(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
