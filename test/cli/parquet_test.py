"""Parquet as a user meets it: tables, folders of Spark, pipes; against what pyarrow reads and writes, where Python has it."""

import datetime
import gzip
import os
import random
import shutil
import subprocess
import unittest

from harness import SMTRAIN, CliTest, text

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "parquet")
try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None


def sample(name):
    return os.path.join(DATA, name)


def number(value):
    return f"{value:g}"


class Parquet(CliTest):
    def converted(self, source, *flags, to="out.csv"):
        self.smtrain("convert", source, to, *flags)
        return text(self.read(to))

    def test_a_table_equals_its_csv(self):
        expected = "".join(f"{number(i / 2)},{number(i)},{number(i + 0.125)},{number(i + 0.25)},{number(i + 0.375)}\n" for i in range(50))
        self.assertEqual(self.converted(sample("embeddings.parquet")), expected)
        self.assertEqual(self.converted(sample("embeddings.parquet"), "--threads", "1"), expected)

    def test_a_folder_of_spark_equals_its_csv(self):
        expected = "".join(f"{i % 2},{i},0,{number(i / 4)}\n" for i in range(40))
        for name in ("spark", "spark_sparse"):
            self.assertEqual(self.converted(sample(name)), expected)

    def test_training_is_that_of_the_csv(self):
        csv = self.converted(sample("spark"))
        self.write("train.csv", csv)
        models = []
        for path, kind in ((sample("spark"), "parquet"), ("train.csv", "text/csv;label_size=1")):
            self.smtrain("kmeans", "--train", path, "--content-type", kind, "--k", "3", "--seed", "1", "-o", "m.tar.gz")
            self.smtrain("convert", "m.tar.gz", "centers.csv", "--to", "text/csv;tensor=centers")
            models.append(text(self.read("centers.csv")))
        self.assertEqual(models[0], models[1])

    def test_a_pipe_and_gzip_hold_the_whole_file(self):
        expected = self.converted(sample("embeddings.parquet"))
        with open(sample("embeddings.parquet"), "rb") as file:
            data = file.read()
        piped = subprocess.run([SMTRAIN, "convert", "-", "-", "--content-type", "parquet", "--to", "csv"], input=data, capture_output=True,
                               env=self.env, cwd=self.work, check=True)
        self.assertEqual(text(piped.stdout), expected)
        twice = subprocess.run([SMTRAIN, "convert", "-", "-", "--content-type", "parquet", "--to", "csv"], input=data + data, capture_output=True,
                               env=self.env, cwd=self.work, check=True)
        self.assertEqual(text(twice.stdout), expected + expected)
        self.write("a.parquet.gz", gzip.compress(data))
        self.assertEqual(self.converted("a.parquet.gz"), expected)

    def test_text_columns_are_refused_all_at_once(self):
        result = self.smtrain("convert", sample("series.parquet"), "out.csv", code=2)
        self.assertIn('column "start" is text, "dynamic_feat" is lists of lists; leave such columns out', result.err)
        self.assertIn('--one-hot all', result.err)

    def test_texts_become_fields_of_csv(self):
        names = ("Ann", '"Bo ""Bob"" B"', '"Li, C"', '"two\nlines"', "")
        expected = "name,age,weight,score,member,born,seen,city\n"
        for i in range(30):
            born = datetime.date(1950, 1, 1) + datetime.timedelta(days=400 * i)
            seen = datetime.datetime(2026, 1, 1, 9, 30) + datetime.timedelta(hours=i, microseconds=i % 3)
            score = repr(i / 3).removesuffix(".0")
            expected += (f"{names[i % 5]},{'' if i % 7 == 3 else 20 + i},{50 + i / 10:g},{score},{1 - i % 2},{born},{seen},"
                         f"{('Bonn', 'Rome')[i % 2]}\n")
        self.assertEqual(self.converted(sample("people.parquet")), expected)
        shuffled = self.converted(sample("people.parquet"), "--shuffle")
        self.assertNotEqual(shuffled, expected)
        self.assertEqual(sorted(shuffled), sorted(expected))

    def test_texts_are_encoded_as_those_of_csv(self):
        csv = self.converted(sample("people.parquet"), to="people.csv")
        flags = ("--label", "city", "--one-hot", "name", "--drop", "born,seen", "--missing", "median+indicator", "--missing", "name=0")
        self.assertEqual(self.converted(sample("people.parquet"), *flags, to="a.csv"), self.converted("people.csv", *flags, to="b.csv"))
        self.assertEqual(self.read("a.csv.encoding.json"), self.read("b.csv.encoding.json"))
        with open(sample("people.parquet"), "rb") as file:
            piped = subprocess.run([SMTRAIN, "convert", "-", "c.csv", "--content-type", "parquet", "--apply-encoding", "a.csv.encoding.json"],
                                   stdin=file, capture_output=True, env=self.env, cwd=self.work)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        self.assertEqual(self.read("c.csv"), self.read("a.csv"))
        self.assertEqual(csv.count("\n"), 31 + 6)

    def test_series_and_texts_are_those_of_the_csv(self):
        self.converted(sample("people.parquet"), to="people.csv")
        for to, flags in (("deepar", ("--series", "city", "--time", "seen", "--value", "score", "--frequency", "H")),
                          ("blazingtext", ("--text", "name", "--label", "city"))):
            outputs = []
            for path in (sample("people.parquet"), "people.csv"):
                self.smtrain("convert", path, "out", "--to", to, *flags)
                outputs.append(text(self.read("out")))
            self.assertEqual(*outputs)
            self.assertIn("Rome", outputs[0])

    def test_lists_cannot_be_encoded(self):
        result = self.smtrain("convert", sample("series.parquet"), "out.csv", "--one-hot", "start", code=2)
        self.assertIn('series.parquet: column "target" holds lists', result.err)
        self.assertFalse(os.path.exists(self.path("out.csv")))

    def test_a_row_that_is_missing_is_named(self):
        result = self.smtrain("convert", sample("numbers.parquet"), "out.csv", code=2)
        self.assertIn('numbers.parquet, row 5, column "b": null is not a finite number', result.err)
        self.assertFalse(os.path.exists(self.path("out.csv")))

    def test_inspect_tells_its_columns(self):
        result = self.smtrain("inspect", sample("numbers.parquet"), "--full")
        self.assertIn("Parquet", result.out)
        self.assertIn("700", result.out)

    def test_back_and_forth(self):
        rows = [[random.Random(i).randrange(1000) / 8 for _ in range(7)] for i in range(2000)]
        csv = "".join(",".join(number(x) for x in row) + "\n" for row in rows)
        self.write("a.csv", csv)
        for compression in ("zstd", "snappy", "gzip", "none"):
            self.smtrain("convert", "a.csv", "a.parquet", "--to", f"parquet;compression={compression}")
            self.assertEqual(self.converted("a.parquet"), csv)


@unittest.skipIf(pyarrow is None, "Python has no pyarrow; the committed samples are its own")
class Pyarrow(CliTest):
    def test_what_smtrain_writes(self):
        rows = [[random.Random(i).choice((i / 8, 0.5, -3.0)) for _ in range(5)] for i in range(3000)]
        self.write("a.csv", "x,y,z,u,v\n" + "".join(",".join(number(x) for x in row) + "\n" for row in rows))
        for compression in ("zstd", "snappy", "gzip", "none"):
            self.smtrain("convert", "a.csv", "a.parquet", "--content-type", "text/csv;header=true;label=u", "--to", f"parquet;compression={compression}")
            table = pyarrow.parquet.ParquetFile(self.path("a.parquet"), page_checksum_verification=True).read()
            self.assertEqual(table.column_names, ["label", "x", "y", "z", "v"])
            for name, column in (("label", 3), ("x", 0), ("y", 1), ("z", 2), ("v", 4)):
                self.assertEqual(table[name].to_pylist(), [row[column] for row in rows])

    def test_what_pyarrow_writes(self):
        draw = random.Random(5)
        encodings = ("PLAIN", "BYTE_STREAM_SPLIT", None)
        for _ in range(12):
            rows = draw.randrange(1, 5000)
            columns = {f"c{k}": pyarrow.array([draw.randrange(1000) / 8 for _ in range(rows)], draw.choice((pyarrow.float32(), pyarrow.float64())))
                       for k in range(draw.randrange(2, 6))}
            encoding = draw.choice(encodings)
            pyarrow.parquet.write_table(
                pyarrow.table(columns), self.path("a.parquet"), use_dictionary=encoding is None,
                column_encoding=None if encoding is None else dict.fromkeys(columns, encoding), data_page_version=draw.choice(("1.0", "2.0")),
                compression=draw.choice(("none", "snappy", "gzip", "zstd")), row_group_size=draw.randrange(1, 3000),
                data_page_size=draw.randrange(64, 20000), write_page_index=draw.random() < 0.5)
            self.smtrain("convert", "a.parquet", "a.csv")
            expected = "".join(",".join(number(x) for x in row) + "\n" for row in zip(*(c.to_pylist() for c in columns.values())))
            self.assertEqual(text(self.read("a.csv")), expected)


if __name__ == "__main__":
    unittest.main()
