"""linear-learner over ranks: the result of one process that reads the same rows."""

import json
import math
import os
import random
import struct
import tarfile
import unittest

from harness_mpi import MpiTest, cli

WIDTH = 5


def rows(count, seed=5):
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        x = [draw.gauss(j, 1 + j) for j in range(WIDTH)]
        likely = 1 / (1 + math.exp(-(x[0] - 0.5 * x[1] + 0.2 * x[4])))
        lines.append(f"{int(draw.random() < likely)}," + ",".join(f"{v:.4f}" for v in x) + "\n")
    return "".join(lines)


class LinearLearner(MpiTest):
    def arguments(self, *more, train="train.csv", output="m.tar"):
        return ["linear-learner", "--predictor_type", "binary_classifier", "--mini_batch_size", "60", "--epochs", "4", "--seed", "3",
                "--log-format", "json", "--channel", f"train={train}", "--channel", "validation=validation.csv", "-o", output,
                *more]

    def setUp(self):
        super().setUp()
        self.write("validation.csv", rows(211, seed=6))

    def weights(self, name):
        with tarfile.open(self.path(name)) as tar:
            data = tar.extractfile("model.safetensors").read()
        (size,) = struct.unpack_from("<Q", data)
        values = []
        for tensor, entry in sorted(json.loads(data[8:8 + size]).items()):
            if entry.get("dtype") == "F32":
                begin, end = entry["data_offsets"]
                values += struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
        return values

    def scores(self, run):
        """The final metrics of the validation channel."""
        return {line["metric"]: line["value"] for line in cli.json_lines(run.out)
                if line.get("metric", "").startswith("validation:") and "epoch" not in line}

    def test_replicated_channel(self):
        self.write("train.csv", rows(1030))
        for models in ("1", "32"):
            one = self.smtrain(*self.arguments("--num_models", models, output="one.tar"))
            expected = self.weights("one.tar")
            self.assertGreater(len(expected), WIDTH)
            self.assertGreater(max(abs(w) for w in expected), 0.1)
            for ranks in (2, 3):
                several = self.ranks(ranks, *self.arguments("--num_models", models, output=f"m{ranks}.tar"))
                for a, b in zip(self.weights(f"m{ranks}.tar"), expected, strict=True):
                    self.assertLess(abs(a - b), 1e-3)
                scores = self.scores(one)
                self.assertIn("validation:roc_auc_score", scores)
                for name, value in self.scores(several).items():
                    self.assertLess(abs(value - scores[name]), 5e-3, name)
            self.ranks(3, *self.arguments("--num_models", models, output="again.tar"))
            self.assertEqual(self.read("again.tar"), self.read("m3.tar"))

    def test_sharded_channel_repeats_itself(self):
        os.mkdir(self.path("shards"))
        for i, count in enumerate((400, 251, 177)):
            self.write(f"shards/part-{i}.csv", rows(count, i))
        for output in ("a.tar", "b.tar"):
            run = self.ranks(3, *self.arguments(train="shards,distribution=sharded", output=output))
        self.assertEqual(self.read("a.tar"), self.read("b.tar"))
        self.assertGreater(self.scores(run)["validation:roc_auc_score"], 0.7)


if __name__ == "__main__":
    unittest.main()
