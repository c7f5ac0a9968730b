"""Cases of bench/run.py that measure the data formats against each other: what a format costs, and what it costs in memory."""

import json
import os
import shutil
import statistics
import subprocess

import measure

CSV = "text/csv;label_size=0"
TABLES = {"csv": CSV, "pbr": "application/x-recordio-protobuf", "libsvm": "text/libsvm", "jsonl": "application/jsonlines",
          "parquet": "application/x-parquet"}


class FormatCases:
    """Mixed into Bench, whose helpers it uses."""

    def table_as(self, suffix):
        """The rows of blobs/train.csv in another format, without labels."""
        source = self.blobs("train.csv")
        if suffix == "csv":
            return source
        path = self.work(f"train.{suffix}")
        if not os.path.exists(path):
            subprocess.run([self.o.smtrain, "convert", "--quiet", source, path, "--content-type", CSV, "--to", TABLES[suffix]], check=True)
        return self.warm(path)

    def one_epoch(self, path, suffix):
        return self.train("--train", path, "--content-type", TABLES[suffix], "--k", 10, "--epochs", 1, "--mini_batch_size", 5000,
                          "--extra_center_factor", 1, "-o", self.fresh("epoch.tar"))

    def case_epoch(self):
        self.title("one epoch of k-means, k 10, from each format of the same 1,000,000 x 32 rows")
        runs = {suffix: [] for suffix in TABLES}
        for _ in range(self.o.pairs):
            for suffix, list_of_runs in runs.items():
                path = self.table_as(suffix)
                measure.wait_until_left_alone(self.o.patience)
                list_of_runs.append(measure.run(self.one_epoch(path, suffix)))
        for suffix, list_of_runs in runs.items():
            size = os.path.getsize(self.table_as(suffix)) / 1e6
            wall = statistics.median(r.wall for r in list_of_runs)
            print(f"  {suffix:<8} {size:7.0f} MB  wall {wall:6.3f} s  {size / wall:6.0f} MB/s")
        self.add("epoch", "wall, recordIO / CSV", measure.median_ratio(runs["pbr"], runs["csv"], "wall"))

    def case_memory(self):
        """Folders of links to one file stand for inputs of 1 and 10 GB."""
        self.title("peak memory of one epoch of k-means over 1 GB and 10 GB")
        for suffix in TABLES:
            path = self.table_as(suffix)
            peaks = {gigabytes: measure.run(self.one_epoch(self.copies(path, gigabytes), suffix)).peak_mb for gigabytes in (1, 10)}
            print(f"  {suffix:<8} {peaks[1]:7.1f} MB over 1 GB, {peaks[10]:7.1f} MB over 10 GB")
            self.add("memory", f"{suffix}: peak over 10 GB / over 1 GB", peaks[10] / peaks[1], 1.1)

    def read_rate(self, path, threads):
        measure.wait_until_left_alone(self.o.patience)
        return json.loads(measure.run([self.o.read_rate, path, str(threads), "5"], {"OMP_WAIT_POLICY": "passive"}).out)

    def against_call(self, case, path, peer, peer_name, target):
        """Rows out of a TableStream with all threads, against the rate of one call in Python."""
        result = self.read_rate(path, os.cpu_count())
        self.add(case, f"GB/s with {result['threads']} threads, median", result["median"], **result)
        self.add(case, "GB per CPU second", result["per_cpu_second"])
        rates = []
        for _ in range(self.o.pairs):
            measure.wait_until_left_alone(self.o.patience)
            seconds, size = map(float, measure.run(peer).out.split())
            rates.append(size / 1e9 / seconds)
        self.add(case, f"GB/s of {peer_name} alone", statistics.median(rates))
        self.add(case, "times as fast", result["median"] / statistics.median(rates), target, False)
        return result

    def case_libsvm(self):
        path = self.work("labelled.libsvm")
        if not os.path.exists(path):
            subprocess.run([self.o.smtrain, "convert", "--quiet", self.blobs("train.csv"), path, "--content-type", "text/csv;label_size=1"], check=True)
        self.title(f"reading libsvm of {os.path.getsize(path) / 1e6:.0f} MB, against scikit-learn's load_svmlight_file")
        self.against_call("libsvm", self.warm(path), self.peer("read_svmlight.py", path), "load_svmlight_file", 4)

    def case_jsonl(self):
        path = self.table_as("jsonl")
        self.title(f"reading JSON Lines of {os.path.getsize(path) / 1e6:.0f} MB, dense features, against Python's json")
        result = self.against_call("jsonl", path, self.peer("read_json.py", path), "json.loads", 10)
        self.add("jsonl", f"GB/s with {result['threads']} threads", result["median"], 0.8, False)

    def case_parquet(self):
        path = self.table_as("parquet")
        self.title(f"reading Parquet of {os.path.getsize(path) / 1e6:.0f} MB as rows, against pyarrow.parquet.read_table, which gives columns")
        self.against_call("parquet", path, self.peer("read_parquet.py", path), "read_table", 1 / 1.3)

    def copies(self, path, gigabytes):
        folder = self.work(f"{gigabytes}-gigabytes")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for i in range(max(1, round(gigabytes * 1e9 / os.path.getsize(path)))):
            os.link(path, os.path.join(folder, f"{i:04}-{os.path.basename(path)}"))
        return folder
