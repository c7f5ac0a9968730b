"""Cases of bench/run.py that measure linear-learner and factorization-machines on real sets: quality and time beside the peers'."""

import json
import os
import re
import statistics
import tarfile

import measure

# Of the loss curves: how many rows move the weights once. 1: stochastic descent; as many as there are: batch descent.
MINI_BATCHES = {"stochastic": 1, "mini-batch of 100": 100, "mini-batch of 1000": 1000, "batch": 10**9}


def scores(model):
    """The final metrics that a model was saved with."""
    with tarfile.open(model) as tar:
        return json.load(tar.extractfile("manifest.json"))["metrics"]


class LinearCases:
    """Mixed into Bench, whose helpers it uses."""

    def set_of(self, name, suffix="csv"):
        """Train and test file of a real set; None, said, where there is none."""
        paths = [os.path.join(self.o.sets or "", name, f"{part}.{suffix}") for part in ("train", "test")]
        if self.o.sets and all(map(os.path.exists, paths)):
            return [self.warm(path) for path in paths]
        self.title(f"{name}: left out, no --sets with {name}/train.{suffix} and test.{suffix}")
        return None

    def against_linear(self, case, files, ours, kind, metric, wall_target):
        """Pairs of runs; returns the medians of both scores."""
        models = [self.fresh(f"{case}-{i}.tar.gz") for i in range(self.o.pairs)]

        def run(i):
            return [self.o.smtrain, "linear-learner", "--quiet", "--train", files[0], "--test", files[1], *map(str, ours),
                    "--seed", str(i + 1), "-o", models[i]]

        a, b, disturbed = self.pairs(run, lambda _: self.peer("linear.py", kind, *files))
        self.add_pairs(case, a, b, disturbed, wall_target)
        return statistics.median(scores(model)[metric] for model in models), float(b[0].out)

    def case_adult(self):
        files = self.set_of("adult")
        if files:
            self.title("adult, two classes, 32 models, batches of 200, CSV, against LogisticRegression")
            ours, peer = self.against_linear("adult", files, ["--predictor_type", "binary_classifier", "--mini_batch_size", 200], "logistic",
                                             "test:roc_auc_score", 0.25)
            self.add("adult", "test AUC, ours", ours, peer=peer)
            self.add("adult", "test AUC, ours - peer", ours - peer, -0.002, False)

    def case_housing(self):
        files = self.set_of("california_housing")
        if files:
            self.title("California housing, all defaults, CSV, against LinearRegression")
            ours, peer = self.against_linear("housing", files, ["--predictor_type", "regressor"], "least-squares", "test:rmse", None)
            self.add("housing", "test RMSE, ours", ours, peer=peer)
            self.add("housing", "test RMSE, ours / peer", ours / peer, 1.005)

    def case_digits(self):
        files = self.set_of("mnist")
        if files:
            arguments = ["--predictor_type", "multiclass_classifier", "--num_classes", 10]
            for models, target in ((1, 0.4), (32, None)):
                self.title(f"MNIST, ten classes, {models} model{'s' * (models > 1)}, CSV, against SGDClassifier")
                case = f"digits-{models}"
                ours, peer = self.against_linear(case, files, [*arguments, "--num_models", models], "sgd", "test:multiclass_accuracy", target)
                self.add(case, "test accuracy, ours", ours, 0.90, False, peer=peer)
                self.add(case, "test accuracy, ours - peer", ours - peer, 0.01, False)

    def case_curves(self):
        files = self.set_of("adult")
        if not files:
            return
        self.title("adult: loss of the test rows after each epoch, one model, by the rows of a step")
        for name, rows in MINI_BATCHES.items():
            metrics = self.fresh("curve.jsonl")
            run = measure.run([self.o.smtrain, "linear-learner", "--quiet", "--train", files[0], "--validation", files[1], "--predictor_type",
                               "binary_classifier", "--num_models", "1", "--mini_batch_size", str(rows), "--epochs", "15",
                               "--early_stopping_patience", "15", "--metrics", metrics, "-o", self.fresh("curve.tar.gz")])
            with open(metrics, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            curve = [line["value"] for line in lines if line.get("metric") == "validation:objective_loss"]
            print(f"  {name:<20} {run.wall:6.2f} s  " + " ".join(f"{loss:.4f}" for loss in curve))
            self.add("curves", f"{name}: lowest loss", min(curve), curve=curve, wall=run.wall)

    def case_ratings(self):
        """Both with the settings that were best for each; the peer's epochs are those after which its test error rises again."""
        files = self.set_of("movielens", "libsvm")
        if not files:
            return
        self.title("MovieLens, factorization machine of 64 factors, libsvm, against PyTorch")
        model = self.fresh("ratings.tar.gz")

        def ours(seed):
            return [self.o.smtrain, "factorization-machines", "--quiet", "--train", files[0], "--test", files[1], "--feature_dim", "9742",
                    "--predictor_type", "regressor", "--num_factors", "64", "--epochs", "14", "--mini_batch_size", "1000", "--factors_lr", "0.007",
                    "--linear_lr", "0.005", "--bias_lr", "0.025", "--factors_wd", "0.0002", "--linear_wd", "0.00003", "--bias_wd", "0",
                    "--factors_init_sigma", "0.02", "--eps", "0.0001", "--seed", str(seed + 1), "-o", model]

        def peer(seed):
            settings = [64, 9, 1400, 0.0049, 0.0001, 0.014, 0.0000245, 0.00875]
            return ["env", *self.o.peer_env, self.o.torch_python, "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers", "fm.py"),
                    *files, *map(str, [*settings, seed + 1])]

        a, b, disturbed = self.pairs(ours, peer)
        self.add_pairs("ratings", a, b, disturbed, 0.2, peer_name="PyTorch")
        reached = [min(map(float, re.findall(r"test rmse (\S+)", run.out))) for run in b]
        self.add("ratings", "test RMSE, ours", scores(model)["test:rmse"], 0.90)
        self.add("ratings", "test RMSE, ours / peer", scores(model)["test:rmse"] / statistics.median(reached), 1.0)
