"""Factorization machines over ranks: the result of one process that reads the same rows."""

import json
import os
import random
import struct
import tarfile
import unittest

from harness_mpi import MpiTest, cli

WIDTH = 60


def rows(count, seed=5):
    draw = random.Random(seed)
    lines = []
    for i in range(count):
        keys = sorted(draw.sample(range(WIDTH), 4))
        if i == 0:
            keys[-1] = WIDTH - 1
        lines.append(f"{draw.gauss(1, 1):.3f} " + " ".join(f"{k}:{draw.uniform(-1, 1):.3f}" for k in keys) + "\n")
    return "".join(lines)


class FactorizationMachines(MpiTest):
    def arguments(self, *more, train="train.libsvm", output="m.tar"):
        return ["factorization-machines", "--predictor_type", "regressor", "--num_factors", "5", "--mini_batch_size", "60", "--epochs", "3",
                "--factors_lr", "0.02", "--linear_lr", "0.02", "--factors_init_sigma", "0.1", "--seed", "3", "--log-format", "json",
                "--channel", f"train={train}", "-o", output, *more]

    def numbers(self, name):
        with tarfile.open(self.path(name)) as tar:
            data = tar.extractfile("model.safetensors").read()
        (size,) = struct.unpack_from("<Q", data)
        values = {}
        for tensor, entry in json.loads(data[8:8 + size]).items():
            if entry.get("dtype") == "F32":
                begin, end = entry["data_offsets"]
                values[tensor] = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
        return values

    def test_replicated_channel(self):
        self.write("train.libsvm", rows(530))
        self.write("test.libsvm", rows(101, seed=6))
        one = self.smtrain(*self.arguments("--test", "test.libsvm", output="one.tar"))
        expected = self.numbers("one.tar")
        for ranks in (2, 3):
            several = self.ranks(ranks, *self.arguments("--test", "test.libsvm", output=f"m{ranks}.tar"))
            got = self.numbers(f"m{ranks}.tar")
            self.assertEqual(set(got), set(expected))
            for name in ("v", "w1_weight", "w0_weight"):
                self.assertLess(max(abs(a - b) for a, b in zip(got[name], expected[name])), 1e-4, name)
            value = [[line["value"] for line in cli.json_lines(r.out) if line["metric"] == "test:rmse"][0] for r in (several, one)]
            self.assertLess(abs(value[0] - value[1]), 1e-5 * value[1])
        self.ranks(3, *self.arguments("--test", "test.libsvm", output="again.tar"))
        self.assertEqual(self.read("again.tar"), self.read("m3.tar"))

    def test_sharded_channel_repeats_itself(self):
        os.mkdir(self.path("shards"))
        for i, count in enumerate((200, 131, 77)):
            self.write(f"shards/part-{i}.libsvm", rows(count, i))
        for output in ("a.tar", "b.tar"):
            self.ranks(3, *self.arguments(train="shards,distribution=sharded", output=output))
        self.assertEqual(self.read("a.tar"), self.read("b.tar"))


if __name__ == "__main__":
    unittest.main()
