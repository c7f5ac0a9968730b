#!/usr/bin/env python3
"""Time to the first batch of a program of one's own in a training job: File, FastFile and Pipe mode.

    bench/job_first_batch.py SMTRAIN [--megabytes 400] [--runs 5] [--other FOLDER]

The program is a shell script that reads 1000 lines. Its data are CSV files, drawn with a fixed seed, in TMPDIR. FOLDER (default /dev/shm)
lies on another file system, where File mode has to copy; on the same one it links. Times count from the start of smtrain until the
program has read its lines, and until the job has ended; medians. The page cache is warm.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time

PROGRAM = """
if [ -p "${SM_CHANNEL_TRAIN}_0" ]; then exec 3< "${SM_CHANNEL_TRAIN}_0"; else exec 3< "$SM_CHANNEL_TRAIN/part-0.csv"; fi
head -n 1000 <&3 > /dev/null
date +%s.%N > "$FIRST"
"""


def make_data(folder, megabytes, files=4):
    os.mkdir(folder)
    draw = random.Random(1)
    block = "".join(",".join(f"{draw.gauss(0, 1):.6f}" for _ in range(32)) + "\n" for _ in range(4000)).encode()
    for part in range(files):
        with open(os.path.join(folder, f"part-{part}.csv"), "wb") as file:
            for _ in range(max(1, round(megabytes * 1e6 / files / len(block)))):
                file.write(block)


def measure(smtrain, folder, mode, workdir):
    """Seconds to the first batch and to the end of the job."""
    first = os.path.join(folder, "first")
    request = {
        "TrainingJobName": "bench",
        "AlgorithmSpecification": {"TrainingInputMode": mode, "ContainerEntrypoint": ["/bin/sh", os.path.join(folder, "program.sh")]},
        "InputDataConfig": [{"ChannelName": "train", "ContentType": "text/csv",
                             "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "data/"}}}],
        "OutputDataConfig": {"S3OutputPath": "results"},
        "ResourceConfig": {"InstanceCount": 1},
        "Environment": {"FIRST": first},
    }
    job = os.path.join(folder, "job.json")
    with open(job, "w", encoding="utf-8") as file:
        json.dump(request, file)
    start = time.time()
    subprocess.run([smtrain, "train", "--job", job, "--overwrite", "-q", "--workdir", workdir], check=True)
    end = time.time()
    with open(first, encoding="ascii") as file:
        return float(file.read()) - start, end - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("smtrain")
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--other", default="/dev/shm")
    arguments = parser.parse_args()
    folder, other = tempfile.mkdtemp(), tempfile.mkdtemp(dir=arguments.other)
    try:
        make_data(os.path.join(folder, "data"), arguments.megabytes)
        with open(os.path.join(folder, "program.sh"), "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        print(f"{'mode':<28}{'first batch, s':>16}{'whole job, s':>16}")
        cases = [("File, linked", "File", os.path.join(folder, "work")), ("File, copied", "File", other),
                 ("FastFile", "FastFile", other), ("Pipe", "Pipe", other)]
        for name, mode, workdir in cases:
            times = [measure(os.path.abspath(arguments.smtrain), folder, mode, workdir) for _ in range(arguments.runs)]
            first, whole = (statistics.median(t[i] for t in times) for i in (0, 1))
            print(f"{name:<28}{first:>16.3f}{whole:>16.3f}", flush=True)
    finally:
        shutil.rmtree(folder)
        shutil.rmtree(other)


if __name__ == "__main__":
    main()
