#!/usr/bin/env python3
"""Measures smtrain against its peers on the same files: whole processes, in pairs, medians of ratios.

scripts/bench calls this. One table on standard output, everything as JSON in a file.
Nothing here fails for being slow; a target that is missed is marked.
"""

import argparse
import filecmp
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys

import measure
from click_cases import ClickCases
from format_cases import FormatCases
from image_cases import ImageCases
from knn_cases import KnnCases
from linear_cases import LinearCases
from pca_cases import PcaCases
from rcf_cases import RcfCases
from xgboost_cases import XgboostCases

HERE = os.path.dirname(os.path.abspath(__file__))
CSV = "text/csv;label_size=0"
ROWS, COLUMNS = 1_000_000, 32


class Bench(FormatCases, ImageCases, LinearCases, ClickCases, PcaCases, KnnCases, RcfCases, XgboostCases):
    def __init__(self, options):
        self.o = options
        self.rows = []

    # ---- helpers ------------------------------------------------------------------------------------------------------

    def work(self, *parts):
        return os.path.join(self.o.work, *parts)

    def peer(self, script, *arguments):
        return ["env", *self.o.peer_env, self.o.python, "-B", os.path.join(HERE, "peers", script), *map(str, arguments)]

    def train(self, *arguments):
        return [self.o.smtrain, "kmeans", "--quiet", *map(str, arguments)]

    def fresh(self, name):
        """A path in the work folder at which nothing is yet."""
        path = self.work(name)
        if os.path.exists(path):
            os.remove(path)
        return path

    def pairs(self, ours, peer):
        return measure.pairs(ours, peer, self.o.pairs, self.o.patience)

    def add(self, case, what, value, target=None, lower_is_better=True, **more):
        met = None if target is None else (value <= target if lower_is_better else value >= target)
        self.rows.append({"case": case, "what": what, "value": round(value, 4), "target": target, "met": met, **more})
        sign = "<=" if lower_is_better else ">="
        print(f"  {what:<44} {value:>10.3f}   " + ("" if target is None else f"target {sign} {target:g}: {'met' if met else 'MISSED'}"),
              flush=True)

    def add_pairs(self, case, ours, peer, disturbed, wall_target, peak_target=None, peer_name="scikit-learn"):
        for name, runs in (("smtrain", ours), (peer_name, peer)):
            s = measure.summary(runs)
            print(f"  {name:<14} wall {s['wall']:8.3f} s   CPU {s['cpu']:8.3f} s   peak {s['peak_mb']:8.1f} MB")
        if disturbed:
            print(f"  ({disturbed} of {len(ours)} pairs ran beside other work)")
        both = {"ours": measure.summary(ours), "peer": measure.summary(peer), "peer_name": peer_name, "disturbed": disturbed}
        self.add(case, "wall, ours / peer", measure.median_ratio(ours, peer, "wall"), wall_target, **both)
        self.add(case, "CPU, ours / peer", measure.median_ratio(ours, peer, "cpu"))
        self.add(case, "peak memory, ours / peer", measure.median_ratio(ours, peer, "peak_mb"), peak_target)

    def title(self, text):
        print(f"\n{text}", flush=True)

    # ---- data ---------------------------------------------------------------------------------------------------------

    def blobs(self, name):
        folder = self.work("blobs")
        if not os.path.exists(os.path.join(folder, "train.csv")):
            print(f"making {ROWS} x {COLUMNS} rows in {folder}", file=sys.stderr)
            subprocess.run([self.o.python, "-B", os.path.join(HERE, "make_blobs.py"), folder, str(ROWS), str(COLUMNS)], check=True)
        return self.warm(os.path.join(folder, name))

    def mnist(self, name):
        path = os.path.join(self.o.sets, "mnist", name) if self.o.sets else ""
        return self.warm(path) if os.path.exists(path) else None

    @staticmethod
    def warm(path):
        """Reads a file once, so that no run pays for the disk."""
        with open(path, "rb") as file:
            while file.read(1 << 24):
                pass
        return path

    # ---- cases --------------------------------------------------------------------------------------------------------

    def kmeans(self, case, train, test, k, epochs, wall_target, peak_target, flags=()):
        """Pairs with seeds 1, 2, ...; each pair's two models are scored on the test rows."""
        def ours(i):
            return self.train("--train", train, "--k", k, "--epochs", epochs, "--mini_batch_size", 5000, "--seed", i + 1,
                              "-o", self.fresh(f"ours-{i}.tar.gz"), *flags)

        def peer(i):
            return self.peer("kmeans.py", train, self.fresh(f"peer-{i}.npy"), k, epochs, 5000, i + 1)

        a, b, disturbed = self.pairs(ours, peer)
        self.add_pairs(case, a, b, disturbed, wall_target, peak_target)
        scores = [statistics.median(float(measure.run(self.peer("score.py", test, self.work(name.format(i)))).out)
                                    for i in range(self.o.pairs)) for name in ("ours-{}.tar.gz", "peer-{}.npy")]
        print(f"  test msd, median of {self.o.pairs} seeds: {scores[0]:.6g} against {scores[1]:.6g}")
        self.add(case, "test msd, ours / peer", scores[0] / scores[1], 1.01, msd=scores)

    def case_mnist(self):
        train = self.mnist("train.pbr")
        if not train:
            return self.title("MNIST: left out, no --sets with mnist/train.pbr")
        self.title("MNIST 60,000 x 784, k 10, 10 epochs, batches of 5000, recordIO")
        self.kmeans("mnist", train, self.mnist("test.pbr"), 10, 10, 0.30, 0.5)

    def case_blobs(self):
        train, test = self.blobs("train.pbr"), self.blobs("test.pbr")
        for factor, target in (("1", 0.20), ("auto", 0.50)):
            self.title(f"1,000,000 x 32, k 100, 5 epochs, extra_center_factor {factor}, recordIO")
            self.kmeans(f"blobs-{factor}", train, test, 100, 5, target, None, ["--extra_center_factor", factor])

    def case_convert(self):
        source = self.blobs("train.csv")
        mb = os.path.getsize(source) / 1e6

        def ours(_):
            return [self.o.smtrain, "convert", "--quiet", source, self.fresh("converted.pbr"), "--content-type", CSV]

        self.title(f"CSV of {mb:.0f} MB to recordIO, against pandas.read_csv")
        a, b, disturbed = self.pairs(ours, lambda _: self.peer("read_pandas.py", source, "float64"))
        self.add_pairs("convert-pandas", a, b, disturbed, None, peer_name="pandas")
        self.add("convert-pandas", "MB/s of smtrain convert", mb / statistics.median(r.wall for r in a))
        alone = [float(r.out) for r in b]
        self.add("convert-pandas", "MB/s of the call read_csv alone", mb / statistics.median(alone))
        self.add("convert-pandas", "times as fast as the call alone", statistics.median(y / x.wall for x, y in zip(a, alone)), 6, False)
        self.title(f"CSV of {mb:.0f} MB to recordIO, against pyarrow.csv.read_csv with all threads")
        a, b, disturbed = self.pairs(ours, lambda _: self.peer("read_pyarrow.py", source, COLUMNS))
        self.add_pairs("convert-pyarrow", a, b, disturbed, 1.0, peer_name="pyarrow")
        self.add("convert-pyarrow", "MB/s of the call read_csv alone", mb / statistics.median(float(r.out) for r in b))

    def case_start(self):
        self.title("from the start to the help text, and to the end of a dry run")
        measure.wait_until_left_alone(self.o.patience)
        runs = [measure.run([self.o.smtrain, "--help"]).wall for _ in range(20)]
        self.add("start", "seconds to --help, median of 20", statistics.median(runs), 0.030)
        data = self.blobs("train.csv")
        runs = [measure.run(self.train("--train", data, "--content-type", CSV, "--k", 100, "--dry-run", "-o", self.fresh("dry.tar.gz"))).wall
                for _ in range(5)]
        self.add("start", "seconds of a dry run, median of 5", statistics.median(runs), 2.0)

    def case_read(self):
        for path, width, target in ((self.mnist("train.pbr"), 784, 2.0), (self.blobs("train.pbr"), COLUMNS, 1.0)):
            if not path:
                continue
            self.title(f"reading recordIO of {width} columns from the page cache")
            measure.wait_until_left_alone(self.o.patience)
            passive = {"OMP_WAIT_POLICY": "passive"}  # as the executable sets it
            result = json.loads(measure.run([self.o.read_rate, path, str(os.cpu_count())], passive).out)
            print(f"  copying memory: {result['copy_1']:.2f} GB/s with one thread, {result['copy_n']:.2f} with {result['threads']}")
            self.add(f"read-{width}", f"GB/s with {result['threads']} threads, median", result["median"], target, False, **result)
            result = json.loads(measure.run([self.o.read_rate, path, "1"], passive).out)
            self.add(f"read-{width}", "GB per CPU second, one thread", result["per_cpu_second"])
            self.add(f"read-{width}", "GB/s with one thread, median", result["median"], **result)

    def case_bytes(self):
        self.title("the same bytes")
        source = self.blobs("train.csv")
        converted = self.fresh("converted.pbr")
        measure.run([self.o.smtrain, "convert", "--quiet", source, converted, "--content-type", CSV])
        first = self.fresh("bytes-first.tar.gz")
        arguments = ["--k", 20, "--epochs", 2, "--seed", 3]
        measure.run(self.train("--train", converted, *arguments, "--threads", 1, "-o", first))
        for threads in (2, 3):
            model = self.fresh("bytes.tar.gz")
            measure.run(self.train("--train", converted, *arguments, "--threads", threads, "-o", model))
            self.add("bytes", f"{threads} threads against 1: same model", float(filecmp.cmp(first, model, False)), 1, False)
        model = self.fresh("bytes.tar.gz")
        measure.run(self.train("--train", source, "--content-type", CSV, *arguments, "-o", model))
        self.add("bytes", "CSV against what convert makes of it: same centres",
                 float(members(first)["model_algo-1"] == members(model)["model_algo-1"]), 1, False)
        self.add("bytes", "CSV against what convert makes of it: same model", float(filecmp.cmp(first, model, False)))


    def case_ranks(self):
        mpirun = shutil.which("mpirun")
        if mpirun is None:
            print("\nranks: skipped, there is no mpirun")
            return
        self.title("two ranks on two cores against one thread: 1,000,000 x 32, k 1000, 40 epochs")
        train = self.blobs("train.pbr")
        arguments = ["--train", train, "--k", 1000, "--epochs", 40, "--mini_batch_size", 5000, "--extra_center_factor", 1, "--threads", 1]
        environment = ["env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"]

        def two(i):
            return [*environment, mpirun, "-n", "2", "--bind-to", "core", *self.train(*arguments, "-o", self.fresh(f"two-{i}.tar.gz"))]

        def one(i):
            return self.train(*arguments, "-o", self.fresh(f"one-{i}.tar.gz"))

        a, b, disturbed = self.pairs(two, one)
        for name, runs in (("two ranks", a), ("one thread", b)):
            s = measure.summary(runs)
            print(f"  {name:<14} wall {s['wall']:8.3f} s   CPU {s['cpu']:8.3f} s   peak {s['peak_mb']:8.1f} MB")
        if disturbed:
            print(f"  ({disturbed} of {len(a)} pairs ran beside other work)")
        both = {"ours": measure.summary(a), "peer": measure.summary(b), "peer_name": "one thread", "disturbed": disturbed}
        self.add("ranks", "wall, one thread / two ranks", measure.median_ratio(b, a, "wall"), 1.7, False, **both)
        self.add("ranks", "CPU, two ranks / one thread", measure.median_ratio(a, b, "cpu"))


def members(path):
    import tarfile
    with tarfile.open(path) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar}


def versions(python):
    code = ("import sys, numpy, sklearn, pandas, pyarrow; print(*(f'{m.__name__} {m.__version__}' "
            "for m in (numpy, sklearn, pandas, pyarrow)), 'Python ' + sys.version.split()[0], sep=', ')")
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = ("mnist", "blobs", "convert", "read", "start", "bytes", "ranks", "epoch", "memory", "libsvm", "jsonl", "jpeg", "parquet",
             "adult", "housing", "digits", "curves", "ratings", "clicks", "pca", "pca-stream", "knn", "adbench", "taxi", "xgboost")
    parser.add_argument("--smtrain", default="build/release/smtrain")
    parser.add_argument("--read-rate", default="build/release/bench/read_rate")
    parser.add_argument("--jpeg-rate", default="build/release/bench/jpeg_rate")
    parser.add_argument("--make-clicks", default="build/release/bench/make_clicks")
    parser.add_argument("--python", default=sys.executable, help="an interpreter with numpy, scikit-learn, pandas, pyarrow")
    parser.add_argument("--torch-python", default="/usr/bin/python3", help="an interpreter with PyTorch and numpy (Debian's python3-torch)")
    parser.add_argument("--xgboost-python", default="/usr/bin/python3",
                        help="an interpreter with the package of the XGBoost library (Debian's python3-xgboost), and pandas where it is to read")
    parser.add_argument("--work", default=os.path.join(HERE, os.pardir, "build", "bench-data"), help="for data and models")
    parser.add_argument("--sets", help="a folder of real sets: mnist/train.pbr and test.pbr, adult/train.csv and test.csv, ...")
    parser.add_argument("--cases", default=",".join(cases), help="which of: %(default)s")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for a machine that is left alone")
    parser.add_argument("--peer-env", action="append", default=[], metavar="NAME=VALUE",
                        help="for the peers; OMP_WAIT_POLICY=passive is kind to them on a machine that is not left alone")
    parser.add_argument("--json", help="where all numbers go (default: bench.json in the work folder)")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    chosen = options.cases.split(",")
    for name in chosen:
        if name not in cases:
            parser.error(f"case {name!r} is not one of: {', '.join(cases)}")
    machine = {"peer environment": " ".join(options.peer_env) or "as it is", "cpu": cpu_name(), "cpus": len(os.sched_getaffinity(0)), "peers": versions(options.python),
               "smtrain": measure.run([options.smtrain, "version"]).out.strip()}
    print("\n".join(f"{key}: {value}" for key, value in machine.items()), flush=True)
    bench = Bench(options)
    for name in chosen:
        getattr(bench, f"case_{name.replace('-', '_')}")()
    path = options.json or os.path.join(options.work, "bench.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "pairs": options.pairs, "results": bench.rows}, file, indent=1)
    missed = [f"{row['case']}: {row['what']}" for row in bench.rows if row["met"] is False]
    print(f"\n{len(bench.rows)} figures in {os.path.relpath(path)}; targets missed: {'; '.join(missed) or 'none'}")


if __name__ == "__main__":
    main()
