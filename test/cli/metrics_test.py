"""The published regular expression of every metric of every algorithm finds its line in what real runs print."""

import json
import random
import re

from harness import CliTest

CSV = ["--content-type", "text/csv;label_size=1"]
CHANNELS = ["--train", "train.csv", "--test", "train.csv"]
VALIDATED = [*CHANNELS, "--validation", "train.csv"]
TWICE = ["--epochs", "2", "--mini_batch_size", "40"]


def rows(labels, seed=1):
    """Two features around a centre of the label's own."""
    draw = random.Random(seed)
    return "".join(f"{y},{draw.gauss(3 * y, 1):.4f},{draw.gauss(-y, 1):.4f}\n" for y in labels)


TWO, THREE = [i % 2 for i in range(200)], [i % 3 for i in range(210)]
POSITIVE = [1 + i % 2 for i in range(200)]

# Every metric of xgboost with an objective that it goes with.
BOOSTED = [(TWO, "binary:logistic", "accuracy,auc,aucpr,balanced_accuracy,error,f1,f1_binary,f1_macro,logloss,precision,precision_macro,"
                                    "precision_micro,recall,recall_macro,recall_micro"),
           (THREE, "multi:softprob", "merror,mlogloss"),
           (POSITIVE, "reg:squarederror", "mae,mape,mphe,mse,r2,rmse,rmsle"),
           (TWO, "rank:pairwise", "map,ndcg"),
           (TWO, "count:poisson", "poisson-nloglik"),
           (POSITIVE, "reg:gamma", "gamma-deviance,gamma-nloglik"),
           (TWO, "reg:tweedie", "tweedie-nloglik"),
           (POSITIVE, "survival:aft", "aft-nloglik,interval-regression-accuracy"),
           (POSITIVE, "survival:cox", "cox-nloglik")]

# Of each algorithm: labels of its rows and arguments. All its runs together have to print every metric.
RUNS = {
    "kmeans": [(None, [*CHANNELS, "--k", "2", "--eval_metrics", '["msd","ssd"]'])],
    "knn": [(TWO, [*CHANNELS, *CSV, "--predictor_type", kind, "--k", "3", "--sample_size", "100"]) for kind in ("classifier", "regressor")],
    "pca": [(None, [*CHANNELS, "--num_components", "1"])],
    "rcf": [(TWO, [*CHANNELS, *CSV, "--num_trees", "50"])],
    "factorization-machines": [(TWO, [*CHANNELS, *CSV, *TWICE, "--predictor_type", kind, "--num_factors", "2"])
                               for kind in ("regressor", "binary_classifier")],
    "linear-learner": [(labels, [*channels, *CSV, *TWICE, *task])
                       for labels, task in ((TWO, ["--predictor_type", "binary_classifier"]), (TWO, ["--predictor_type", "regressor"]),
                                            (THREE, ["--predictor_type", "multiclass_classifier", "--num_classes", "3"]))
                       for channels in (VALIDATED, ["--train", "train.csv"])],
    "xgboost": [(labels, [*VALIDATED, *CSV, "--num_round", "1", "--objective", objective, "--eval_metric", metrics,
                          *(["--num_class", "3"] if objective.startswith("multi") else [])])
                for labels, objective, metrics in BOOSTED],
}


class PublishedMetrics(CliTest):
    def log_of(self, algorithm, labels, arguments):
        text = rows(labels or TWO)
        self.write("train.csv", text if labels else re.sub(r"(?m)^\d+,", "", text))
        csv = [] if labels else ["--content-type", "text/csv;label_size=0"]
        return self.smtrain(algorithm, *arguments, *csv, "--log-format", "sagemaker", "-o", "model.tar.gz").out

    def test_each_expression_finds_a_number(self):
        for algorithm in json.loads(self.smtrain("algorithms", "--json").out)["algorithms"]:
            name = algorithm["name"]
            log = "".join(self.log_of(name, *run) for run in RUNS[name])
            for metric in algorithm["specification"]["MetricDefinitions"]:
                with self.subTest(metric["Name"], algorithm=name):
                    # A log service shows a TAB as #011, which the expressions of the service's XGBoost look for.
                    found = re.search(metric["Regex"].replace("#011", "\t"), log)
                    self.assertIsNotNone(found, metric["Regex"])
                    float(found[1])
