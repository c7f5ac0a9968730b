"""The case of bench/run.py that measures sparse rows: a linear model of a click log with 2^20 features, from a file and from a stream."""

import json
import os
import statistics
import subprocess

import measure

ROWS, TEST_ROWS = 10_000_000, 500_000
FEATURES = 1 << 20
EPOCHS = 2
BATCHES = (1000, 10_000)
MEMORY_LIMIT_MB = 512  # of the stream, whose rows take 3,200 MB


class ClickCases:
    """Mixed into Bench, whose helpers it uses."""

    def clicks(self, name, rows, first):
        """A part of the log, and what its hidden model scores on it."""
        path = self.work(name)
        told = path + ".json"
        if not os.path.exists(told):
            made = subprocess.run([self.o.make_clicks, path, str(rows), "1", str(first)], stderr=subprocess.PIPE, text=True, check=True)
            with open(told, "w", encoding="utf-8") as file:
                file.write(made.stderr)
        with open(told, encoding="utf-8") as file:
            return self.warm(path), json.load(file)

    def click_model(self, train, output, metrics, *arguments):
        """Leaves the initial epochs' rates and the scores in `metrics`; --normalize_data auto: sparse rows stay as they are."""
        return [self.o.smtrain, "linear-learner", "--quiet", "--train", train, "--predictor_type", "binary_classifier", "--num_models", "1",
                "--feature_dim", str(FEATURES), "--normalize_data", "auto", "--threads", "2", "--metrics", metrics, "-o", output,
                *map(str, arguments)]

    def click_run(self, name, command):
        """`command` takes the paths of the model and of the metrics; returns the run, rows/s of each epoch, and other metrics by name."""
        model, metrics = self.fresh(f"{name}.tar.gz"), self.fresh(f"{name}.jsonl")
        if not measure.wait_until_left_alone(self.o.patience):
            print("  (beside other work)")
        run = measure.run(command(model, metrics))
        with open(metrics, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        rates = [line["value"] for line in lines if line["metric"] == "train:throughput"]
        return run, rates, {line["metric"]: line["value"] for line in lines}

    def case_clicks(self):
        train, best = self.clicks("clicks.pbr", ROWS, 0)
        test, best_test = self.clicks("clicks-test.pbr", TEST_ROWS, 2 * ROWS)
        size = os.path.getsize(train)
        self.title(f"logistic regression on {ROWS} x 39 clicks in {FEATURES} features, recordIO of {size / 1e6:.0f} MB, two threads")
        print(f"  the hidden model: AUC {best['best_auc']:.4f} in training, {best_test['best_auc']:.4f} in the test")
        for batch in BATCHES:
            self.click_epochs(batch, train, test, best_test["best_auc"])
        self.click_stream(train)

    def click_epochs(self, batch, train, test, best):
        runs = [self.click_run("clicks", lambda model, metrics: self.click_model(
            train, model, metrics, "--test", test, "--mini_batch_size", batch, "--epochs", EPOCHS)) for _ in range(self.o.pairs)]
        case = f"clicks-{batch}"
        for epoch in range(EPOCHS):
            rates = [rates[epoch] for _, rates, _ in runs]
            self.add(case, f"million rows/s of epoch {epoch + 1}, batches of {batch}", statistics.median(rates) / 1e6, 1, False)
        # Two epochs, and three more readings that judge the weights, their mean, and what was chosen.
        cpu = statistics.median(run.cpu for run, _, _ in runs)
        self.add(case, "million readings of a row per CPU second", (EPOCHS + 3) * ROWS / 1e6 / cpu)
        self.add(case, "wall seconds of the process", statistics.median(run.wall for run, _, _ in runs))
        self.add(case, "test AUC short of the hidden model's", best - runs[0][2]["test:roc_auc_score"], 0.02)

    def click_stream(self, train):
        """One epoch from standard input; rows beyond the limit are spooled to scratch for the readings that follow."""
        self.title(f"the same from a pipe, --memory-limit {MEMORY_LIMIT_MB}M")

        def command(model, metrics):
            ours = self.click_model("-", model, metrics, "--mini_batch_size", 1000, "--epochs", 1, "--memory-limit", f"{MEMORY_LIMIT_MB}M")
            return ["sh", "-c", 'cat "$0" | "$@"', train, *ours]

        run, rates, _ = self.click_run("clicks-stream", command)
        self.add("clicks-stream", "million rows/s of the epoch", rates[0] / 1e6, 1, False)
        self.add("clicks-stream", "peak MB / memory limit", run.peak_mb / MEMORY_LIMIT_MB, 1)
