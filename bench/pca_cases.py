"""Cases of bench/run.py that measure PCA: time, and how much of the variance the components keep, beside scikit-learn's."""

import os
import subprocess
import sys

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
STREAM_ROWS, STREAM_COLUMNS = 1_000_000, 200


class PcaCases:
    """Mixed into Bench, whose helpers it uses."""

    def kept(self, rows, *models):
        """The shares of the variance of the rows, in float64."""
        return [float(share) for share in measure.run(self.peer("kept.py", rows, *models)).out.split()]

    def components(self, source, model, count, mode, content_type):
        return [self.o.smtrain, "pca", "--quiet", "--train", source, "--content-type", content_type, "--num_components", str(count),
                "--algorithm_mode", mode, "-o", model]

    def case_pca(self):
        files = self.set_of("mnist")
        if not files:
            return
        for mode, wall_target, lost_target in (("regular", 0.20, 1e-4), ("randomized", None, 1e-2)):
            self.title(f"MNIST, 50 components, {mode}, CSV, against PCA")
            case, ours, peer = f"pca-{mode}", self.fresh("pca.tar.gz"), self.fresh("pca.npz")
            a, b, disturbed = self.pairs(lambda _: self.components(files[0], ours, 50, mode, "text/csv;label_size=1"),
                                         lambda _: self.peer("pca.py", files[0], peer, 50))
            self.add_pairs(case, a, b, disturbed, wall_target)
            shares = self.kept(files[0], ours, peer)
            self.add(case, "share of the variance kept, ours", shares[0], peer=shares[1])
            self.add(case, "share lost beside the peer's", 1 - shares[0] / shares[1], lost_target)

    def spectrum(self, name):
        folder = self.work("spectrum")
        if not os.path.exists(os.path.join(folder, "train.pbr")):
            print(f"making {STREAM_ROWS} x {STREAM_COLUMNS} rows in {folder}", file=sys.stderr)
            subprocess.run([self.o.python, "-B", os.path.join(HERE, "make_spectrum.py"), folder, str(STREAM_ROWS), str(STREAM_COLUMNS)],
                           check=True)
        return self.warm(os.path.join(folder, name))

    def case_pca_stream(self):
        """Ours reads a pipe, the peer the file."""
        binary = self.spectrum("train.pbr")
        for mode, lost_target in (("regular", 1e-4), ("randomized", 1e-2)):
            self.title(f"1,000,000 x 200 through a pipe, 10 components, {mode}, recordIO, against PCA of the file as one array")
            case, ours, peer = f"pca-stream-{mode}", self.fresh("stream.tar.gz"), self.fresh("stream.npz")
            a, b, disturbed = self.pairs(lambda _: self.piped(binary, ours, mode, "application/x-recordio-protobuf"),
                                         lambda _: self.peer("pca.py", binary, peer, 10))
            self.add_pairs(case, a, b, disturbed, None)
            self.add(case, "peak memory, MB", measure.summary(a)["peak_mb"], 1000)
            shares = self.kept(binary, ours, peer)
            self.add(case, "share lost beside the peer's", 1 - shares[0] / shares[1], lost_target)
            text = measure.run(self.piped(self.spectrum("train.csv"), ours, mode, "text/csv;label_size=0"))
            self.add(case, "the same from CSV: wall, s", text.wall)
            self.add(case, "the same from CSV: peak memory, MB", text.peak_mb, 1000)

    def piped(self, path, model, mode, content_type):
        """CPU time is cat's, too."""
        return ["sh", "-c", 'cat "$0" | "$@"', path, *self.components("-", model, 10, mode, content_type)]
