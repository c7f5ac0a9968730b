"""Cases of bench/run.py that measure XGBoost: the same engine behind another way in and out, beside the Python package."""

import os
import re
import statistics
import subprocess
import sys

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS, ROUNDS, THREADS = 400_000, 100, 2


class XgboostCases:
    """Mixed into Bench, whose helpers it uses."""

    def events(self, name):
        folder = self.work("events")
        if not os.path.exists(os.path.join(folder, "train.csv")):
            print(f"making {ROWS} x 28 rows in {folder}", file=sys.stderr)
            subprocess.run([self.o.python, "-B", os.path.join(HERE, "make_events.py"), folder, str(ROWS)], check=True)
        return self.warm(os.path.join(folder, name))

    def package(self, script, *arguments):
        """With an interpreter that has the package of the library's version."""
        return ["env", *self.o.peer_env, self.o.xgboost_python, "-B", os.path.join(HERE, "peers", script), *map(str, arguments)]

    def boost(self, train, model, rounds=ROUNDS):
        # The log, which has the time at its lines' beginning, goes where measure.run() keeps it.
        return ["sh", "-c", '"$0" "$@" 2>&1', self.o.smtrain, "xgboost", "-v", "--train", train, "--content-type", "text/csv", "--objective", "binary:logistic",
                "--tree_method", "hist", "--max_depth", "6", "--num_round", str(rounds), "--threads", str(THREADS), "-o", model]

    def case_xgboost(self):
        """What is not training: the process without what the package does in train(), which is to find the bins and to make the rounds."""
        if subprocess.run([self.o.xgboost_python, "-c", "import xgboost"], capture_output=True).returncode:
            return self.title(f"XGBoost: left out, {self.o.xgboost_python} has no package xgboost (--xgboost-python)")
        train, test = self.events("train.csv"), self.events("test.csv")
        ours, peer = self.fresh("events.tar.gz"), self.fresh("events.ubj")
        self.title(f"400,000 x 28, {ROUNDS} rounds, depth 6, hist, {THREADS} threads, CSV, against the Python package")
        a, b, disturbed = self.pairs(lambda _: self.boost(train, self.fresh("events.tar.gz")),
                                     lambda _: self.package("xgboost_train.py", train, peer, ROUNDS, THREADS))
        self.add_pairs("xgboost", a, b, disturbed, 0.75, 0.6, peer_name="xgboost")
        scores = [float(line) for line in measure.run(self.package("xgboost_auc.py", test, ours, peer)).out.split()]
        self.add("xgboost", "AUC of the test rows", scores[0], peer=scores[1])
        self.add("xgboost", "AUC: difference from the peer's", abs(scores[0] - scores[1]), 0.00005)
        rest = [[run.wall - self.trained(run.out) for run in a], [run.wall - float(run.out) for run in b]]
        self.add("xgboost", "seconds that are not training, ours", statistics.median(rest[0]), peer=statistics.median(rest[1]))
        self.add("xgboost", "what is not training, ours / peer", statistics.median(x / y for x, y in zip(*rest)), 0.3)

    @staticmethod
    def trained(log):
        """Seconds from the last row read to the last round."""
        read, last = (float(re.search(r"\[ *([0-9.]+)s\] " + line, log).group(1)) for line in (r"train: [0-9,]+ rows read", rf"\[{ROUNDS - 1}\]"))
        return last - read
