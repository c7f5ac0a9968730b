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

    PEOPLE = "name,age,city,paid\nAnn,31,Bonn,yes\nBo,?,Rome,no\nCy,45,Bonn,yes\nDee,,Bonn,yes\nEd,52,Rome,no\n"

    def test_a_table_with_columns_of_text(self):
        self.write("people.csv", self.PEOPLE)
        result = self.smtrain("inspect", "people.csv", "--label", "paid")
        for line in (r"what +a table with columns of text", r"records +5\n", r"content type +text/csv;header=true", r"label paid +yes: 3 \(60\.0 %\)",
                     r"name +text +0 % +5 ", r"age +text +20\.0 % +4 ", r"city +text +0 % +2 +1\.000 +Bonn 60\.0 %, Rome 40\.0 %", r"paid +text +0 % +2 +- "):
            self.assertRegex(result.out, line)
        self.assertIn('column age: "?" stands 1 times; if it means a missing value, say --missing-text "?"', result.out)
        self.assertEqual(result.err, "")
        # The command of the note does what it says, once the mark is known.
        self.assertIn("smtrain convert people.csv OUT.pbr --label paid --one-hot all --missing median+indicator", result.out)
        self.smtrain("convert", "people.csv", "out.pbr", "--label", "paid", "--one-hot", "all", "--missing", "median+indicator", "--missing-text", "?")
        self.assertRegex(self.smtrain("inspect", "out.pbr").out, r"kmeans +yes")

    def test_a_table_with_columns_of_text_as_json(self):
        self.write("people.csv", self.PEOPLE)
        answer = json.loads(self.smtrain("inspect", "people.csv", "--json", "--label", "age").out)
        self.assertEqual([column["kind"] for column in answer["columns"]], ["text", "text", "text", "text"])
        self.assertEqual(answer["columns"][1]["missing"], 1)
        self.assertEqual(answer["columns"][1]["numbers"]["max"], 52)
        self.assertEqual(answer["columns"][2]["frequent"], [{"value": "Bonn", "count": 3}, {"value": "Rome", "count": 2}])
        self.assertEqual(answer["records"], {"count": 5, "exact": True, "read": 5})

    def test_a_word_among_numbers_is_a_flaw(self):
        self.write("train.csv", csv(blobs(50)) + "1,oops\n")
        result = self.smtrain("inspect", "train.csv", code=2)
        self.assertIn("what is wrong", result.out)
        self.assertIn("train.csv:51", result.err)

    def test_what_it_is_shows_by_its_content(self):
        self.write("notes.txt", "Two young men, outside.\nA girl climbs into a house, and out again, twice.\nThree dogs\n")
        self.write("labelled", "__label__1 good film\n__label__2 bad film\n")
        self.write("series.json", '{"start": "2026-01-01 00:00:00", "target": [1, 2, 3]}\n')
        os.mkdir(self.path("train"))
        self.write("train/part-0.jsonl", '{"in0": [1, 2], "in1": [3], "label": 1}\n')
        self.write("agaricus.txt.test", "1 3:1 9:1\n0 1:1 9:1\n")
        self.write("numbers.txt", "0.5 1.5\n2.5 3.5\n")
        for path, words in (("notes.txt", "text, a document per line"), ("labelled", "BlazingText lines"), ("series.json", "DeepAR series"),
                            ("train", "Object2Vec pairs"), ("agaricus.txt.test", "libsvm"), ("numbers.txt", "CSV text")):
            self.assertIn(words, self.smtrain("inspect", path).out)
        self.refused("convert", "notes.txt", "out.csv", says="is text, a document per line")
        self.refused("convert", "series.json", "out.csv", "--to", "pairs", says=['"pairs" is no kind of data', "object2vec"])

    def test_rows_wider_than_a_block(self):
        row = ",".join(["1.25"] * 300000)
        self.write("wide.csv", (row + "\n") * 3)
        self.assertRegex(self.smtrain("inspect", "wide.csv").out, "features +300,000 dense")
        self.write("named.csv", ",".join(f"column{i}" for i in range(150000)) + "\n" + ",".join(["1"] * 150000) + "\n")
        self.assertRegex(self.smtrain("inspect", "named.csv", "--content-type", "text/csv;header=true").out, "features +150,000 dense")

    def test_advice_can_be_pasted(self):
        self.write("my data's.csv", "a name,la bel\nx,1\ny,2\nx,3\ny,4\n")
        out = self.smtrain("inspect", "my data's.csv", "--label", "la bel").out
        command = out[out.index("smtrain convert"):out.index(" makes a table")]
        self.assertIn("--label 'la bel'", command)
        self.shell(command.replace("smtrain", '"$SMTRAIN"', 1).replace("OUT.pbr", "out.pbr"))
        self.assertIn("out.pbr", self.files())
        self.write("dates.csv", "time,value\n2026-01-01,1\n2026-01-02,2\n")
        self.assertIn("no column would make a feature", self.smtrain("inspect", "dates.csv", "--label", "value").out)

    def test_what_is_wrong_ends_the_count(self):
        self.write("series.json", '{"start": "2026-01-01 00:00:00", "target": [1, 2, 3]}\n{"start": 1}\n')
        self.assertIn("what is wrong ended the reading", self.smtrain("inspect", "series.json", code=2).out)

    def test_many_flaws_are_told_once(self):
        self.write("train.csv", csv(blobs(50)) + "1,oops\n" * 30)
        result = self.smtrain("inspect", "train.csv", code=2)
        self.assertIn("train.csv:60", result.out)
        self.assertIn("train.csv:51", result.err)
        self.assertEqual(len(result.err.splitlines()), 1, result.err)

    def test_a_model(self):
        self.write("train.csv", csv(blobs()))
        self.train()
        self.assertIn("kmeans", self.smtrain("inspect", "model.tar.gz").out)
        self.assertIn("kmeans", json.dumps(json.loads(self.smtrain("inspect", "model.tar.gz", "--json").out)))

    def test_what_it_says_an_algorithm_takes_trains(self):
        self.write("train.csv", csv(blobs()))
        channel = json.loads(self.smtrain("algorithms", "--json").out)["algorithms"][0]["channels"][0]
        self.assertIn("application/x-parquet", channel["extensions"])
        for content_type in channel["content_types"] + channel["extensions"]:
            if content_type == "application/json":  # read, never written
                self.write("data", json.dumps({"instances": [{"features": list(row)} for row in blobs()]}))
            else:
                self.smtrain("convert", "train.csv", "data", "--content-type", "text/csv;label_size=0", "--to", content_type)
            fit = json.loads(self.smtrain("inspect", "data", "--json").out)["algorithms"][0]
            self.assertEqual([fit["fits"], fit["extension"]], [True, content_type in channel["extensions"]], content_type)
            said = ["--content-type", fit["content_type"]] if fit["content_type"] else []
            self.smtrain("kmeans", "--train", "data", *said, "--k", "2", "-o", "m.tar.gz")

    def test_what_no_algorithm_takes_is_refused_with_what_it_takes(self):
        self.write("train.csv", csv(blobs()))
        self.refused("kmeans", "--train", "train.csv", "--content-type", "application/x-recordio", "--k", "2", "-o", "m.tar.gz",
                     says=["channel train: kmeans does not take application/x-recordio; it takes application/x-recordio-protobuf, "
                           "text/csv;label_size=0 and, which the service does not, text/libsvm, application/json"])

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
