"""PCA against scikit-learn, where Python has it: components up to sign, singular values, shares of the variance."""

import io
import random
import tarfile
import unittest

from harness import CliTest, csv, recordio
from train_pca_test import ndarrays

try:
    import numpy as np
    from sklearn.decomposition import PCA
except ImportError:
    PCA = None


@unittest.skipUnless(PCA, "scikit-learn is not installed")
class Parity(CliTest):
    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 32)
        print(f"{self.id().rsplit('.', 1)[-1]}: seed {seed}")
        self.draw = np.random.default_rng(seed)

    def cloud(self, rows, width, fall=0.85):
        mix = np.linalg.qr(self.draw.normal(size=(width, width)))[0]
        return (self.draw.normal(size=(rows, width)) * fall ** np.arange(width) @ mix * 9 + 30).astype(np.float32)

    def train(self, x, k, *arguments):
        self.write("train.pbr", recordio(x.tolist()))
        self.smtrain("pca", "--train", "train.pbr", "--num_components", str(k), "-o", "m.tar.gz", *arguments)
        with tarfile.open(fileobj=io.BytesIO(self.read("m.tar.gz"))) as tar:
            arrays = ndarrays(tar.extractfile("model_algo-1").read())
        return {name: np.array(numbers).reshape(shape) for name, (shape, numbers) in arrays.items()}

    def test_regular(self):
        for rows, width, k in ((500, 12, 5), (2500, 40, 40), (60, 30, 8)):
            with self.subTest(rows=rows, width=width, k=k):
                x = self.cloud(rows, width)
                ours, theirs = self.train(x, k), PCA(k, svd_solver="full").fit(x.astype(np.float64))
                s, v = ours["s"][::-1], ours["v"][:, ::-1].T
                np.testing.assert_allclose(s, theirs.singular_values_, rtol=1e-5)
                np.testing.assert_allclose(ours["mean"][0], theirs.mean_, rtol=1e-5)
                np.testing.assert_allclose(np.abs(np.sum(v * theirs.components_, axis=1)), 1, rtol=1e-5)
                kept = np.sum(((x - theirs.mean_) @ v.T) ** 2) / np.sum((x - theirs.mean_) ** 2)
                self.assertAlmostEqual(kept, theirs.explained_variance_ratio_.sum(), places=6)

    def test_randomized_keeps_nearly_as_much_variance(self):
        x = self.cloud(6000, 120, fall=0.97)
        ours, theirs = self.train(x, 10, "--algorithm_mode", "randomized"), PCA(10, svd_solver="full").fit(x.astype(np.float64))
        kept = np.sum(((x - theirs.mean_) @ ours["v"]) ** 2) / np.sum((x - theirs.mean_) ** 2)
        self.assertGreater(kept, theirs.explained_variance_ratio_.sum() * 0.99)
        np.testing.assert_allclose(ours["v"].T @ ours["v"], np.eye(10), atol=1e-5)

    def test_projections(self):
        x = self.cloud(300, 9)
        self.train(x, 4)
        self.write("x.csv", csv(x.tolist()))
        self.smtrain("transform", "--model", "m.tar.gz", "--input", "x.csv", "--content-type", "text/csv;label_size=0", "--output", "z.csv",
                     "--accept", "text/csv")
        z = np.loadtxt(self.path("z.csv"), delimiter=",")[:, ::-1]
        np.testing.assert_allclose(np.abs(z), np.abs(PCA(4, svd_solver="full").fit_transform(x.astype(np.float64))), atol=2e-3)


if __name__ == "__main__":
    unittest.main()
