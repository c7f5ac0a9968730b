"""k-nearest neighbours against the faiss library, where Python has it: faiss opens our indexes and finds our neighbours, and we answer
from indexes that faiss has written; exact neighbours against float64."""

import io
import json
import os
import random
import tarfile
import unittest

from harness import CliTest, json_lines, text
from train_knn_test import members, record

# "np" in a name of faiss's: without polysemous training, which takes most of a minute.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # threads of two libraries would wait for each other

try:
    import faiss
    import numpy as np
except ImportError as error:
    faiss, np = None, None
    print(f"parity_knn_test skips: {error}")

METRICS = {"L2": 1, "INNER_PRODUCT": 0, "COSINE": 0}


@unittest.skipUnless(faiss, "faiss is not installed (python3-faiss)")
class Parity(CliTest):
    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 32)
        print(f"{self.id().rsplit('.', 1)[-1]}: seed {seed}")
        self.draw = np.random.default_rng(seed)

    def data(self, rows, width, queries=60):
        mix = self.draw.normal(size=(width, width)) * 0.7 ** np.arange(width)
        x, q = ((self.draw.normal(size=(n, width)) @ mix + 2).astype(np.float32) for n in (rows, queries))
        y = self.draw.integers(0, 5, size=rows).astype(np.float32)
        self.write("train.pbr", b"".join(record([label, *row]) for label, row in zip(y.tolist(), x.tolist())))
        self.write("requests.jsonl", "".join(json.dumps({"features": row}) + "\n" for row in q.tolist()))
        return x, q, y

    def train(self, *arguments, k=6, output="m.tar"):
        self.smtrain("knn", "--train", "train.pbr", "--k", str(k), "--predictor_type", "classifier", "--sample_size", "100000", "-o", output, *arguments)
        content = members(self.read(output))
        with open(self.path("index"), "wb") as file:
            file.write(content["model_algo-1"])
        return content

    def answers(self, model="m.tar", columns="ids,distances,labels"):
        self.smtrain("transform", "--model", model, "--input", "requests.jsonl", "--columns", columns, "--output", "out")
        lines = json_lines(text(self.read("out")))
        return [np.array([line[name] for line in lines]) for name in columns.split(",")]

    def assert_same(self, ids, scores, their_ids, their_scores):
        """The same neighbours, but for those whose scores faiss, in float32, cannot tell apart."""
        np.testing.assert_allclose(scores, their_scores, rtol=2e-4, atol=2e-4 * np.abs(their_scores).max())
        self.assertLess(np.mean(ids != their_ids), 0.03)

    def unit(self, x):
        return x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)

    def test_flat_is_float64_s_and_faiss_agrees(self):
        for metric in METRICS:
            for rows, width in ((900, 24), (5000, 130)):
                with self.subTest(metric=metric, rows=rows):
                    x, q, _ = self.data(rows, width)
                    self.train("--index_metric", metric)
                    ids, scores = self.answers(columns="ids,distances")
                    if metric == "COSINE":
                        x, q = self.unit(x).astype(np.float32), self.unit(q).astype(np.float32)
                    a, b = q.astype(np.float64), x.astype(np.float64)
                    keys = ((a[:, None] - b[None]) ** 2).sum(-1) if metric == "L2" else -(a @ b.T)
                    true = np.argsort(keys, axis=1, kind="stable")[:, :6]
                    np.testing.assert_allclose(np.take_along_axis(keys, ids, 1), np.take_along_axis(keys, true, 1), rtol=1e-12)
                    if metric != "COSINE":  # whose last bits are not NumPy's
                        np.testing.assert_array_equal(ids, true)
                    index = faiss.read_index(self.path("index"))
                    self.assertEqual((index.ntotal, index.d, index.metric_type), (rows, width, METRICS[metric]))
                    their_scores, their_ids = index.search(np.ascontiguousarray(q), 6)
                    self.assert_same(ids, scores, their_ids, their_scores)

    def test_inverted_files(self):
        for kind, metric, more in (("faiss.IVFFlat", "L2", ["--faiss_index_ivf_nlists", "30"]), ("faiss.IVFFlat", "INNER_PRODUCT", []),
                                   ("faiss.IVFFlat", "COSINE", ["--_faiss_index_nprobe", "3"]), ("faiss.IVFPQ", "L2", []),
                                   ("faiss.IVFPQ", "L2", ["--faiss_index_pq_m", "5", "--faiss_index_ivf_nlists", "9"])):
            with self.subTest(kind=kind, metric=metric, more=more):
                x, q, _ = self.data(3000, 24)
                self.train("--index_type", kind, "--index_metric", metric, *more)
                ids, scores = self.answers(columns="ids,distances")
                index = faiss.read_index(self.path("index"))
                self.assertEqual((index.ntotal, index.nprobe), (3000, 3 if "3" in more else 5))
                q = self.unit(q).astype(np.float32) if metric == "COSINE" else q
                q = np.pad(q, ((0, 0), (0, index.d - q.shape[1])))
                their_scores, their_ids = index.search(np.ascontiguousarray(q), 6)
                self.assert_same(ids, scores, their_ids, their_scores)

    def test_indexes_of_faiss_answer(self):
        x, q, y = self.data(2000, 16)
        content = self.train()
        for key, metric in (("Flat", faiss.METRIC_L2), ("Flat", faiss.METRIC_INNER_PRODUCT), ("IVF20,Flat", faiss.METRIC_L2),
                            ("IVF20,Flat", faiss.METRIC_INNER_PRODUCT), ("IVF10,PQ4np", faiss.METRIC_L2), ("IVF900,Flat", faiss.METRIC_L2)):
            with self.subTest(key, metric=metric):
                index = faiss.index_factory(16, key, metric)
                index.train(x)
                index.add(x[:40] if key.startswith("IVF900") else x)  # few lists hold rows
                if key != "Flat":
                    index.nprobe = 900 if key.startswith("IVF900") else 4
                faiss.write_index(index, self.path("theirs"))
                changed = {**content, "model_algo-1": self.read("theirs"), "model_algo-1.labels": y[:index.ntotal].tobytes()}
                changed.pop("model.safetensors")
                changed["model_algo-1.json"] = json.dumps({"k": 6, "predictor_type": "classifier", "dimension_reduction": None, "normalize": False,
                                                           "version": "1.0"}).encode()
                with tarfile.open(self.path("theirs.tar"), "w") as tar:
                    for name, data in changed.items():
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
                labels, scores = self.answers("theirs.tar", "labels,distances")
                their_scores, their_ids = index.search(q, 6)
                self.assert_same(labels, scores, y[their_ids], their_scores)

    def test_recall_is_faiss_s(self):
        x, q, _ = self.data(6000, 32, queries=200)
        exact = faiss.IndexFlatL2(32)
        exact.add(x)
        true = exact.search(q, 10)[1]
        recall = lambda ids: np.mean([len(set(a) & set(b)) / 10 for a, b in zip(ids, true)])  # noqa: E731
        for kind, key in (("faiss.IVFFlat", "IVF77,Flat"), ("faiss.IVFPQ", "IVF77,PQ16np")):
            self.train("--index_type", kind, k=10)
            ours = recall(self.answers(columns="ids")[0])
            index = faiss.index_factory(32, key)
            index.train(x)
            index.add(x)
            index.nprobe = 5
            theirs = recall(index.search(q, 10)[1])
            print(f"{kind}, 77 lists, 5 looked through: recall@10 {ours:.4f}; faiss's own {theirs:.4f}")
            self.assertGreater(ours, theirs - 0.05)


if __name__ == "__main__":
    unittest.main()
