"""Cases of bench/run.py that measure random cut forests: time beside IsolationForest's, how well scores part labels, and a taxi series."""

import datetime
import json
import os
import statistics

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
SETS = ("6_cardio", "38_thyroid", "32_shuttle", "11_donors")
SEEDS = 5
WINDOWS = os.path.join(HERE, os.pardir, os.pardir, "shared", "data", "nab", "labels", "combined_windows.json")
TAXI_START, HALF_HOUR = datetime.datetime(2014, 7, 1), datetime.timedelta(minutes=30)


class RcfCases:
    """Mixed into Bench, whose helpers it uses."""

    def fit_and_score(self, data, seed, scores, content_type="text/csv;label_size=1", flags=("--_shuffle_sample", "true")):
        """Both commands as one process tree. The label is no feature of either."""
        model = self.fresh("forest.tar.gz")
        script = ('smtrain=$0; data=$1; type=$2; model=$3; scores=$4; shift 4; '
                  '"$smtrain" rcf --quiet --train "$data" --content-type "$type" -o "$model" "$@" && '
                  '"$smtrain" transform --quiet --model "$model" --input "$data" --content-type "$type" --accept text/csv --output "$scores"')
        return ["sh", "-c", script, self.o.smtrain, data, content_type, model, scores, "--seed", str(seed), *flags]

    def areas(self, data, *scores):
        return [float(line) for line in measure.run(self.peer("forest.py", "auc", data, *scores)).out.split()]

    def case_adbench(self):
        for name in SETS:
            data = os.path.join(self.o.sets or "", "adbench", name + ".csv")
            if not os.path.exists(data):
                self.title(f"{name}: left out, no --sets with adbench/{name}.csv")
                continue
            self.warm(data)
            self.title(f"{name}: 100 trees of 256 rows, fit and score, against IsolationForest")
            case = f"adbench-{name}"
            a, b, disturbed = self.pairs(lambda i: self.fit_and_score(data, i, self.fresh("ours.csv")),
                                         lambda i: self.peer("forest.py", "isolation", data, self.fresh("isolation.npy"), i))
            self.add_pairs(case, a, b, disturbed, 0.2)
            areas = {kind: [] for kind in ("ours", "plain", "isolation")}
            for seed in range(SEEDS):
                files = {"ours": self.fresh("ours.csv"), "plain": self.fresh("plain.npy"), "isolation": self.fresh("isolation.npy")}
                measure.run(self.fit_and_score(data, seed, files["ours"]))
                for kind in ("plain", "isolation"):
                    measure.run(self.peer("forest.py", kind, data, files[kind], seed))
                for kind, area in zip(files, self.areas(data, *files.values())):
                    areas[kind].append(area)
            mean = {kind: statistics.mean(values) for kind, values in areas.items()}
            error = (sum(statistics.variance(areas[kind]) for kind in ("ours", "plain")) / SEEDS) ** 0.5
            self.add(case, f"AUC, mean of {SEEDS} seeds", mean["ours"], plain=mean["plain"], isolation=mean["isolation"], all=areas)
            self.add(case, "AUC of the plain reading", mean["plain"])
            self.add(case, "AUC of IsolationForest", mean["isolation"])
            self.add(case, "ours from the plain one, in standard errors", abs(mean["ours"] - mean["plain"]) / error, 3)

    def case_taxi(self):
        series = os.path.join(self.o.sets or "", "nyc_taxi", "series.csv")
        if not os.path.exists(series) or not os.path.exists(WINDOWS):
            return self.title("taxi: left out, no --sets with nyc_taxi/series.csv, or no labels of its windows beside the project")
        self.title("New York's taxis, shingles of 48 half hours, 50 trees of 200")
        with open(WINDOWS, encoding="utf-8") as file:
            windows = json.load(file)["realKnownCause/nyc_taxi.csv"]
        flags = ("--_shuffle_sample", "true", "--num_trees", "50", "--num_samples_per_tree", "200", "--shingle", "48")
        ranks = [[] for _ in windows]
        for seed in range(SEEDS):
            out = self.fresh("taxi.csv")
            measure.run(self.fit_and_score(series, seed, out, "text/csv;label_size=0", flags))
            with open(out, encoding="utf-8") as file:
                scores = [float(line) for line in file][47:]  # before that shingles begin in the end of the series
            for window, found in zip(windows, ranks):
                first, last = (int((datetime.datetime.fromisoformat(t.split(".")[0]) - TAXI_START) / HALF_HOUR) - 47 for t in window)
                best = max(scores[first:last + 1])
                found.append(1 + sum(score > best for score in scores))
        for window, found in zip(windows, ranks):
            self.add("taxi", f"rank of the best of {window[0][:10]}, median", statistics.median(found), all=found, of=len(scores))
