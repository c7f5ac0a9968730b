"""Tables between their formats by the built binary, and what the readers of Python make of them."""

import gzip
import importlib
import json
import random
import unittest

from harness import CliTest


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class ConvertTables(CliTest):
    """Rows of a label and sparse features, one column never 0."""

    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 30)
        print(f"convert_tables_test: seed {seed}")
        rng = random.Random(seed)
        self.table = []
        for _ in range(300):
            features = [0.0 if rng.random() < 0.6 else round(rng.uniform(-100, 100), rng.randrange(6)) + 0.0 for _ in range(12)]
            features[0] = features[11] = 1.0
            self.table.append((rng.randrange(3), features))
        self.write("rows.csv", "".join(",".join(map(str, [label, *features])) + "\n" for label, features in self.table))

    def convert(self, source, target, *more, content_type=None):
        return self.smtrain("convert", source, target, *(["--content-type", content_type] if content_type else []), *more, code=0)

    def test_round_through_all_formats_gives_the_same_csv(self):
        labelled = "text/csv;label_size=1"
        self.convert("rows.csv", "first.csv", content_type=labelled)
        steps = ("a.libsvm", "b.jsonl.gz", "c.pbr.zst", "d.npy", "e.mtx", "f.svm.gz", "g.csv")
        source, kind = "rows.csv", labelled
        for target in steps:
            self.convert(source, target, content_type=kind)
            source = target
            kind = {"d.npy": "npy;label_size=1", "e.mtx": "mtx;label_size=1", "f.svm.gz": "libsvm;feature_dim=12"}.get(target)
        self.assertEqual(self.read("first.csv"), self.read("g.csv"))

    def test_threads_change_no_byte(self):
        for target in ("t.libsvm", "t.jsonl", "t.npy", "t.mtx"):
            seen = set()
            for threads in ("1", "2", "3"):
                self.convert("rows.csv", target, "--threads", threads, content_type="text/csv;label_size=1")
                seen.add(self.read(target))
            self.assertEqual(len(seen), 1, target)

    def test_weights_and_query_ids(self):
        self.write("ranked.libsvm", "1.0:0.5 qid:3 0:1 2:2\n0.0:2 qid:4 1:1\n")
        self.convert("ranked.libsvm", "ranked.jsonl")
        lines = [json.loads(line) for line in self.read("ranked.jsonl").splitlines()]
        self.assertEqual([(line["label"], line["weight"], line["qid"]) for line in lines], [(1, 0.5, 3), (0, 2, 4)])
        self.convert("ranked.jsonl", "back.libsvm")
        self.assertEqual(self.read("back.libsvm"), self.read("ranked.libsvm"))
        refused = self.smtrain("convert", "ranked.libsvm", "r.csv", "--to", "text/csv;weights=1", code=2)
        self.assertIn("query ids (qid)", refused.err)
        refused = self.smtrain("convert", "ranked.jsonl", "r.parquet", code=2)
        self.assertIn("Parquet has no column for query ids (qid)", refused.err)
        self.assertNotIn("r.parquet", self.files("."))
        self.convert("ranked.libsvm", "r.csv", "--to", "text/csv;weights=1", content_type="libsvm;qid=0")
        self.assertEqual(self.read("r.csv"), b"1,0.5,1,0,2\n0,2,0,1,0\n")
        refused = self.smtrain("convert", "ranked.libsvm", "r.pbr", "--content-type", "libsvm;qid=0", code=2)
        self.assertIn("no field for row weights", refused.err)
        self.assertNotIn("r.pbr", self.files("."))

    def test_a_json_document_is_read_only(self):
        self.write("a.csv", "1,2\n")
        refused = self.smtrain("convert", "a.csv", "a.json", code=2)
        self.assertIn("application/json is read only", refused.err)
        self.assertIn("a name that ends in .jsonl", refused.err)

    def test_a_format_that_counts_its_rows_first_needs_a_plain_file(self):
        for target, where in (("a.npy.gz", "a.npy.gz"), ("-", "standard output")):
            refused = self.smtrain("convert", "rows.csv", target, "--to", "npy", code=2)
            self.assertIn(f"{where}: application/x-npy begins with the number of its rows", refused.err)

    def test_libsvm_from_a_pipe_and_compressed(self):
        self.convert("rows.csv", "p.libsvm", content_type="text/csv;label_size=1")
        data = self.read("p.libsvm")
        self.write("p.libsvm.gz", gzip.compress(data))
        self.convert("p.libsvm.gz", "q.libsvm")
        self.assertEqual(self.read("q.libsvm"), data)
        self.convert("p.libsvm", "whole.pbr")
        self.smtrain("convert", "-", "r.pbr", "--content-type", "text/libsvm", stdin=data, code=0)
        self.assertEqual(self.read("r.pbr"), self.read("whole.pbr"))

    def test_scikit_learn_reads_the_same(self):
        datasets = module("sklearn.datasets")
        if datasets is None:
            self.skipTest("scikit-learn is not installed")
        import numpy
        self.convert("rows.csv", "s.libsvm", content_type="text/csv;label_size=1")
        rows, labels = datasets.load_svmlight_file(self.path("s.libsvm"), dtype=numpy.float32, zero_based=True)
        self.assertEqual(labels.tolist(), [label for label, _ in self.table])
        self.assertTrue((rows.toarray() == numpy.array([f for _, f in self.table], numpy.float32)).all())
        datasets.dump_svmlight_file(rows, labels, self.path("theirs.libsvm"), zero_based=False, comment="made elsewhere", query_id=numpy.arange(300) // 7)
        self.convert("theirs.libsvm", "ours.csv", content_type="libsvm;index_base=1;qid=0")
        self.convert("s.libsvm", "mine.csv")
        self.assertEqual(self.read("ours.csv"), self.read("mine.csv"))

    def test_numpy_and_scipy_read_the_same(self):
        numpy, io = module("numpy"), module("scipy.io")
        if numpy is None or io is None:
            self.skipTest("numpy and scipy are not installed")
        expected = numpy.array([[label, *features] for label, features in self.table], numpy.float32)
        for target in ("n.npy", "n.mtx"):
            self.convert("rows.csv", target)
        self.assertTrue((numpy.load(self.path("n.npy")) == expected).all())
        self.assertTrue((io.mmread(self.path("n.mtx")).toarray().astype(numpy.float32) == expected).all())
        sparse = importlib.import_module("scipy.sparse")
        self.convert("rows.csv", "same.csv")
        numpy.save(self.path("f.npy"), numpy.asfortranarray(expected.astype(numpy.float64)))
        io.mmwrite(self.path("dense.mtx"), expected)
        io.mmwrite(self.path("sparse.mtx"), sparse.csc_matrix(expected))
        for theirs in ("f.npy", "dense.mtx", "sparse.mtx"):
            self.convert(theirs, "back.csv")
            self.assertEqual(self.read("back.csv"), self.read("same.csv"), theirs)


if __name__ == "__main__":
    unittest.main()
