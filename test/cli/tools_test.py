"""convert, inspect, info and documents."""

import json
import os
import struct
import unittest

from harness import CliTest, blobs, csv, recordio, text


class Convert(CliTest):
    def test_csv_to_recordio_and_back(self):
        rows = [(1.5, -2.0), (0.25, 3e10)]
        self.write("a.csv", "1.5,-2\n0.25,3e10\n")
        self.smtrain("convert", "a.csv", "b.pbr", "--content-type", "text/csv;label_size=0")
        self.assertEqual(self.read("b.pbr"), recordio(rows))
        self.smtrain("convert", "b.pbr", "c.csv")
        back = [[float(x) for x in line.split(",")] for line in text(self.read("c.csv")).splitlines()]
        self.assertEqual([struct.pack("<2f", *row) for row in back], [struct.pack("<2f", *row) for row in rows])

    def test_from_standard_input_to_standard_output(self):
        result = self.smtrain("convert", "-", "-", "--content-type", "text/csv;label_size=0", "--to", "text/csv",
                              stdin=b"1,2\n3,4\n")
        self.assertEqual([line.split(",") for line in result.out.splitlines()],
                         [["1.0", "2.0"], ["3.0", "4.0"]] if "." in result.out else [["1", "2"], ["3", "4"]])

    def test_broken_input_leaves_nothing(self):
        self.write("a.csv", "1,2\n3,x\n")
        self.refused("convert", "a.csv", "b.pbr", "--content-type", "text/csv;label_size=0", says=["a.csv:2", '"x"'])
        self.assertEqual(self.files(), ["a.csv"])

    def test_an_unknown_type_is_refused(self):
        self.write("a.csv", "1,2\n")
        self.refused("convert", "a.csv", "b.xyz", says="b.xyz")
        self.refused("convert", "a.csv", "b.csv", "--to", "text/cvs", says="text/cvs")


class Inspect(CliTest):
    def test_a_data_file(self):
        self.write("train.csv", csv(blobs(123)))
        result = self.smtrain("inspect", "train.csv", "--content-type", "text/csv;label_size=0", "--full")
        self.assertIn("123", result.out)
        json.loads(self.smtrain("inspect", "train.csv", "--json").out)

    def test_a_model(self):
        self.write("train.csv", csv(blobs()))
        self.train()
        self.assertIn("kmeans", self.smtrain("inspect", "model.tar.gz").out)
        self.assertIn("kmeans", json.dumps(json.loads(self.smtrain("inspect", "model.tar.gz", "--json").out)))

    def test_a_closed_pipe_ends_quietly(self):
        self.write("train.csv", csv(blobs()))
        self.assertEqual(self.shell('"$SMTRAIN" inspect train.csv | true', code=None).err, "")

    def test_what_is_not_there(self):
        self.refused("inspect", "none", says="none")

    def test_a_broken_model(self):
        self.write("train.csv", csv(blobs()))
        self.train()
        self.write("cut.tar.gz", self.read("model.tar.gz")[:-100])
        self.refused("inspect", "cut.tar.gz", says="cut.tar.gz")
        self.refused("transform", "--model", "cut.tar.gz", "--input", "train.csv", "--output", "o", says="cut.tar.gz")
        self.assertNotIn("o", self.files())


class Info(CliTest):
    def test_text_and_json(self):
        out = self.smtrain("info").out
        for word in ("OpenBLAS", "thread", "CPU", "memory"):
            self.assertIn(word.lower(), out.lower())
        json.loads(self.smtrain("info", "--json").out)

    def test_one_openmp_runtime(self):
        out = self.smtrain("info").out
        self.assertEqual(len({word for word in out.split() if "libgomp" in word or "libiomp" in word or "libomp" in word}), 1)

    def test_threads_and_their_origin(self):
        self.assertIn("OMP_NUM_THREADS", self.smtrain("info", env={"OMP_NUM_THREADS": "1"}).out)


class Documents(CliTest):
    def test_all_documents_are_written(self):
        self.smtrain("documents", "share")
        found = [name for _, _, names in os.walk(self.path("share")) for name in names]
        self.assertTrue(any("kmeans" in name for name in found), found)

    def test_man_pages_have_no_warnings(self):
        self.smtrain("documents", "share")
        pages = [os.path.join(root, name) for root, _, names in os.walk(self.path("share")) for name in names
                 if name.endswith(".1")]
        self.assertTrue(pages)
        if self.shell("command -v groff", code=None).code:
            self.skipTest("no groff here")
        for page in pages:
            self.assertEqual(self.shell(f"groff -man -Tutf8 -ww {page} > /dev/null").err, "", page)


if __name__ == "__main__":
    unittest.main()
