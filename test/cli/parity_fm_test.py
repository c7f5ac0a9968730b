"""Factorization machines against PyTorch: the same start, the same mini-batches, nearly the same parameters."""

import json
import os
import random
import struct
import subprocess
import sys
import tarfile
import unittest

from harness import CliTest

ROWS, WIDTH, FACTORS, BATCH, EPOCHS = 300, 25, 6, 20, 4

# Reads a job from standard input, writes the parameters to standard output. Dense rows: torch.optim.Adam, whose decay enters the
# gradient as ours does; sparse rows: SparseAdam, which moves what has a gradient alone, and knows no decay.
PEER = r"""
import json, sys
import torch

job = json.load(sys.stdin)
x, y = torch.tensor(job["x"]), torch.tensor(job["y"])
v, w = (torch.nn.Embedding.from_pretrained(torch.tensor(job[name]), freeze=False, sparse=job["sparse"]) for name in ("v", "w"))
w0 = torch.nn.Parameter(torch.tensor(job["w0"]))
adams = [torch.optim.Adam([w0], lr=job["lr"][2], weight_decay=job["wd"][2])]
if job["sparse"]:
    adams += [torch.optim.SparseAdam([m.weight], lr=lr) for m, lr in ((v, job["lr"][0]), (w, job["lr"][1]))]
else:
    adams += [torch.optim.Adam([m.weight], lr=lr, weight_decay=wd) for m, lr, wd in ((v, job["lr"][0], job["wd"][0]), (w, job["lr"][1], job["wd"][1]))]
size = job["batch"]

def scores(rows):
    # Of a sparse network only features that occur in the mini-batch are looked up.
    used = rows.ne(0).any(0).nonzero().squeeze(1) if job["sparse"] else torch.arange(rows.shape[1])
    part, own_v, own_w = rows[:, used], v(used), w(used)
    sums = part @ own_v
    return w0 + (part @ own_w).squeeze(1) + 0.5 * (sums ** 2 - (part ** 2) @ (own_v ** 2)).sum(1)

for epoch in range(job["epochs"]):
    for first in range(0, len(y), size):
        f, labels = scores(x[first:first + size]), y[first:first + size]
        if job["binary"]:
            loss = torch.nn.functional.binary_cross_entropy_with_logits(f, labels)
        else:
            loss = 0.5 * torch.mean((f - labels) ** 2)
        for adam in adams:
            adam.zero_grad()
        loss.backward()
        for adam in adams:
            adam.step()
json.dump({"v": v.weight.tolist(), "w": w.weight.tolist(), "w0": w0.tolist()}, sys.stdout)
"""


def python_with_torch():
    """An interpreter that imports torch: this one, or Debian's."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return ""


PYTHON = python_with_torch()


def read_tensors(path):
    with tarfile.open(path) as tar:
        data = tar.extractfile("model.safetensors").read()
    (size,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        flat = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
        columns = entry["shape"][1] if len(entry["shape"]) == 2 else 0
        tensors[name] = [list(flat[i:i + columns]) for i in range(0, len(flat), columns)] if columns else list(flat)
    return tensors


@unittest.skipIf(not PYTHON, "no Python here imports torch (python3-torch, scripts/setup --byo)")
class PyTorch(CliTest):
    RATES, DECAYS = (0.01, 0.02, 0.05), (0.003, 0.002, 0.001)

    def rows(self, sparse, binary):
        draw = random.Random(4)
        x = [[round(draw.gauss(0, 1), 3) if draw.random() < (0.15 if sparse else 0.8) else 0.0 for _ in range(WIDTH)] for _ in range(ROWS)]
        x[0][WIDTH - 1] = 1.0
        y = [float(draw.random() < 0.5) if binary else round(draw.gauss(1, 1), 2) for _ in range(ROWS)]
        if sparse:
            lines = [f"{label:g} " + " ".join(f"{j}:{value!r}" for j, value in enumerate(row) if value) for row, label in zip(x, y)]
            return x, y, self.write("train.libsvm", "\n".join(lines) + "\n")
        return x, y, self.write("train.csv", "".join(",".join(map(repr, [label, *row])) + "\n" for row, label in zip(x, y)))

    def parameters(self, data, binary, rates, decays, epochs):
        arguments = []
        for name, rate, decay in zip(("factors", "linear", "bias"), rates, decays):
            arguments += [f"--{name}_lr", str(rate), f"--{name}_wd", str(decay)]
        self.smtrain("factorization-machines", "--train", data, "--predictor_type", "binary_classifier" if binary else "regressor",
                     "--num_factors", str(FACTORS), "--mini_batch_size", str(BATCH), "--epochs", str(epochs), "--factors_init_sigma", "0.2",
                     "-o", "m.tar", *arguments)
        return read_tensors(self.path("m.tar"))

    def compare(self, sparse, binary):
        x, y, data = self.rows(sparse, binary)
        decays = (0, 0, self.DECAYS[2]) if sparse else self.DECAYS
        start = self.parameters(data, binary, (0, 0, 0), decays, 1)
        job = {"x": x, "y": y, "v": start["v"], "w": start["w1_weight"], "w0": start["w0_weight"], "lr": self.RATES, "wd": decays,
               "sparse": sparse, "binary": binary, "batch": BATCH, "epochs": EPOCHS}
        done = subprocess.run([PYTHON, "-c", PEER], input=json.dumps(job), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        peer = json.loads(done.stdout)
        ours = self.parameters(data, binary, self.RATES, decays, EPOCHS)
        flat = lambda rows: [value for row in rows for value in row]
        for got, expected, before in ((flat(ours["v"]), flat(peer["v"]), flat(start["v"])), (flat(ours["w1_weight"]), flat(peer["w"]), flat(start["w1_weight"])),
                                      (ours["w0_weight"], peer["w0"], start["w0_weight"])):
            moved = max(abs(a - b) for a, b in zip(expected, before))
            self.assertGreater(moved, 0.1)
            self.assertLess(max(abs(a - b) for a, b in zip(got, expected)), 2e-3 * moved)

    def test_dense_rows(self):
        for binary in (False, True):
            with self.subTest(binary=binary):
                self.compare(False, binary)

    def test_sparse_rows(self):
        for binary in (False, True):
            with self.subTest(binary=binary):
                self.compare(True, binary)


if __name__ == "__main__":
    unittest.main()
