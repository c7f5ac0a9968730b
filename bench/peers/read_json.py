"""json.loads of the first lines of a file: seconds of the loop and bytes of these lines on standard output.

    read_json.py FILE.jsonl [LINES]
"""

import itertools
import json
import sys
import time


def main(path, lines=200_000):
    with open(path, "rb") as file:
        texts = list(itertools.islice(file, int(lines)))
    start = time.monotonic()
    for line in texts:
        json.loads(line)
    print(time.monotonic() - start, sum(map(len, texts)))


if __name__ == "__main__":
    main(*sys.argv[1:])
