#!/usr/bin/env python3
"""Time to the first mini-batch and to the model of a training container, File mode against Pipe mode, from a source of a given rate.

    bench/first_batch.py SMTRAIN [--megabytes 500] [--rate 200] [--runs 5] [--columns 32]

The source is a CSV file that gives so many MB/s (0: as fast as it can). In File mode everything is copied into the tree before the program
starts, in Pipe mode it runs through the FIFO while the program works. Times count from the beginning of the copy, or of the program.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

CHUNK = 1 << 20
FIRST = b'"Meta": "init_train_data_iter"'


def make_source(path, megabytes, columns):
    draw = random.Random(1)
    block = "".join(",".join(f"{draw.gauss(0, 1):.6f}" for _ in range(columns)) + "\n" for _ in range(4000)).encode()
    with open(path, "wb") as file:
        for _ in range(max(1, round(megabytes * 1e6 / len(block)))):
            file.write(block)


def pour(source, target, rate):
    """Copies at most so many MB/s."""
    start, done = time.monotonic(), 0
    with open(source, "rb") as file, open(target, "wb") as out:
        while chunk := file.read(CHUNK):
            out.write(chunk)
            done += len(chunk)
            ahead = done / (rate * 1e6) - (time.monotonic() - start) if rate else 0
            if ahead > 0:
                time.sleep(ahead)


def make_tree(mode, root):
    os.makedirs(os.path.join(root, "input/config"))
    os.makedirs(os.path.join(root, "input/data"))
    files = {"hyperparameters": {"k": "100", "extra_center_factor": "1"},
             "inputdataconfig": {"train": {"ContentType": "text/csv;label_size=0", "TrainingInputMode": mode}}}
    for name, content in files.items():
        with open(os.path.join(root, f"input/config/{name}.json"), "w", encoding="utf-8") as file:
            json.dump(content, file)


def measure(smtrain, mode, source, rate, root):
    """Seconds to the first mini-batch and to the end."""
    make_tree(mode, root)
    start = time.monotonic()
    if mode == "File":
        os.mkdir(os.path.join(root, "input/data/train"))
        pour(source, os.path.join(root, "input/data/train/part-0.csv"), rate)
    else:
        fifo = os.path.join(root, "input/data/train_0")
        os.mkfifo(fifo)
        threading.Thread(target=pour, args=(source, fifo, rate), daemon=True).start()
    env = dict(os.environ, SMTRAIN_ALGORITHM="kmeans")
    process = subprocess.Popen([smtrain, "train", "--root", root], env=env, stdout=subprocess.PIPE)
    first = None
    for line in process.stdout:
        if first is None and FIRST in line:
            first = time.monotonic() - start
    if process.wait() != 0:
        raise SystemExit(f"{mode}: exit {process.returncode}")
    return first, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("smtrain")
    for name, default in (("--megabytes", 500), ("--rate", 200), ("--runs", 5), ("--columns", 32)):
        parser.add_argument(name, type=int, default=default)
    o = parser.parse_args()
    work = tempfile.mkdtemp(prefix="smtrain-first-batch-")
    try:
        source = os.path.join(work, "source.csv")
        make_source(source, o.megabytes, o.columns)
        times = {"File": [], "Pipe": []}
        for i in range(o.runs):
            for mode, runs in times.items():
                root = os.path.join(work, f"{mode}-{i}")
                runs.append(measure(o.smtrain, mode, source, o.rate, root))
                shutil.rmtree(root)
    finally:
        shutil.rmtree(work)
    print(f"{o.megabytes} MB of CSV, {o.columns} columns, source {o.rate or 'unlimited'} MB/s, median of {o.runs}")
    for mode, runs in times.items():
        first, end = (statistics.median(run[i] for run in runs) for i in (0, 1))
        print(f"  {mode:<5} first mini-batch after {first:7.3f} s, model after {end:7.3f} s")


if __name__ == "__main__":
    main()
