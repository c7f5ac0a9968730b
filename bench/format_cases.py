"""Cases of bench/run.py that measure the data formats against each other: what a format costs, and what it costs in memory."""

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

    def copies(self, path, gigabytes):
        folder = self.work(f"{gigabytes}-gigabytes")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for i in range(max(1, round(gigabytes * 1e9 / os.path.getsize(path)))):
            os.link(path, os.path.join(folder, f"{i:04}-{os.path.basename(path)}"))
        return folder
