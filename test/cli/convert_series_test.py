"""Tables of time series become DeepAR's records, and back."""

import json
import os
import unittest

from harness import CliTest, text

LONG = ("item,date,sold,price,shop\n"
        "a,2024-03-01,1,2.5,north\na,2024-03-02,,2.5,north\na,2024-03-04,3,2,north\n"
        'b,2024-02-29,4,1,south\nb,2024-03-01,5.25,1,south\n')


class SeriesTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("sales.csv", LONG)

    def convert(self, *arguments, **options):
        return self.smtrain("convert", *arguments, **options)

    def refused(self, *arguments):
        return self.convert(*arguments, code=2).err

    def records(self, name):
        return [json.loads(line) for line in text(self.read(name)).splitlines()]


class Long(SeriesTest):
    COLUMNS = ("--to", "deepar", "--series", "item", "--time", "date", "--value", "sold")

    def test_rows_of_a_series_lie_on_a_grid_with_gaps_missing(self):
        result = self.convert("sales.csv", "sales.json", *self.COLUMNS)
        self.assertEqual(self.records("sales.json"), [
            {"start": "2024-03-01 00:00:00", "target": [1, None, None, 3], "item_id": "a"},
            {"start": "2024-02-29 00:00:00", "target": [4, 5.25], "item_id": "b"}])
        self.assertIn("points are D apart, as the times say", result.err)
        self.assertIn("2 series of 6 points, 2 of them missing (33.3 %)", result.err)

    def test_rows_in_any_order_give_the_same(self):
        self.convert("sales.csv", "sorted.json", *self.COLUMNS)
        header, *rows = LONG.splitlines()
        self.write("mixed.csv", "\n".join([header] + rows[::2] + rows[1::2]) + "\n")
        result = self.convert("mixed.csv", "mixed.json", *self.COLUMNS)
        self.assertIn('mixed.csv:5: series "a" comes again, after others; so everything is read into memory', result.err)
        self.assertEqual(self.records("mixed.json"), self.records("sorted.json"))
        err = self.convert("-", "x.json", *self.COLUMNS, "--content-type", "text/csv;header=true", stdin=self.read("mixed.csv"), code=2).err
        self.assertIn("the columns of a table are looked up before it is read; save it to a file first", err)

    def test_more_than_the_memory_is_refused_with_advice(self):
        rows = [f"s{i // 60 % 2},2024-01-01 {i // 3600 % 24:02}:{i // 60 % 60:02},1" for i in range(0, 3000000, 60)]
        self.write("big.csv", "item,date,sold\n" + "\n".join(rows[:1400] * 520) + "\n")
        err = self.refused("big.csv", "big.json", *self.COLUMNS, "--memory-limit", "64M")
        self.assertIn("the rows of its series do not stand together, and the table takes more memory than half of --memory-limit; sort it", err)
        self.assertFalse(os.path.exists(self.path("big.json")))

    def test_a_header_is_told_where_columns_are_numbered(self):
        result = self.convert("sales.csv", "sales.json", "--to", "deepar", "--series", "0", "--time", "1", "--value", "2")
        self.assertEqual([record["item_id"] for record in self.records("sales.json")], ["a", "b"])
        self.assertIn('the first line is taken as a header: "item,date,sold,price,shop"', result.err)
        header, *rows = LONG.splitlines()
        self.write("bare.csv", "\n".join([header] + rows[::2] + rows[1::2]) + "\n")
        result = self.convert("bare.csv", "bare.json", "--to", "deepar", "--series", "0", "--time", "1", "--value", "2")
        self.assertEqual(self.read("bare.json"), self.read("sales.json"))
        self.assertEqual(result.err.count("taken as a header"), 1)

    def test_features_and_categories(self):
        self.write("full.csv", LONG.replace("2024-03-04", "2024-03-03"))
        more = ("--features", "price", "--categories", "shop")
        self.convert("full.csv", "full.json", *self.COLUMNS, *more, "--save-categories", "c.json")
        self.assertEqual(self.records("full.json"), [
            {"start": "2024-03-01 00:00:00", "target": [1, None, 3], "cat": [0], "dynamic_feat": [[2.5, 2.5, 2]], "item_id": "a"},
            {"start": "2024-02-29 00:00:00", "target": [4, 5.25], "cat": [1], "dynamic_feat": [[1, 1]], "item_id": "b"}])
        self.assertEqual(json.loads(self.read("c.json")), {"shop": ["north", "south"]})
        self.write("b.csv", "\n".join(line for line in LONG.splitlines() if not line.startswith("a")) + "\n")
        self.convert("b.csv", "b.json", *self.COLUMNS, *more, "--categories-from", "c.json")
        self.assertEqual(self.records("b.json")[0]["cat"], [1])
        self.write("new.csv", LONG.replace("south", "east"))
        self.assertIn('new.csv:5: category shop: "east" is not among the texts of c.json',
                      self.refused("new.csv", "n.json", *self.COLUMNS, "--categories", "shop", "--categories-from", "c.json"))
        self.assertIn("number the texts with --save-categories", self.refused("b.csv", "n.json", *self.COLUMNS, *more))
        self.assertIn("no row for 2024-03-03 00:00:00; features must have all values", self.refused("sales.csv", "n.json", *self.COLUMNS, "--features", "price"))

    def test_problems_name_line_and_what_to_do(self):
        for change, words in (
            (("5.25", "many"), 'sales.csv:6: column sold: "many" is not a number'),
            (("2024-03-02", "2.3.2024"), 'sales.csv:3: column date: "2.3.2024": expected a time such as'),
            (("2024-03-02", "2024-03-01"), 'sales.csv:3: series "a": 2024-03-01 00:00:00 is the same point as line 2'),
            (("2024-03-04", "2024-03-04T10:00:00Z"), "it has a time zone"),
            (("a,2024-03-04,3,2,north", "a,2024-03-04,3"), "sales.csv:4: 3 columns, expected 5"),
        ):
            with self.subTest(words):
                self.write("sales.csv", LONG.replace(*change, 1))
                self.assertIn(words, self.refused("sales.csv", "s.json", *self.COLUMNS))
        self.write("sales.csv", LONG)
        self.assertIn("2024-03-02 00:00:00 lies between two points of 2D", self.refused("sales.csv", "s.json", *self.COLUMNS, "--frequency", "2D"))
        self.assertIn('--frequency "daily": expected a positive integer', self.refused("sales.csv", "s.json", *self.COLUMNS, "--frequency", "daily"))
        self.assertIn("there is no such column; did you mean sold?", self.refused("sales.csv", "s.json", *self.COLUMNS[:-1], "solt"))
        self.assertIn("takes the column with the times", self.refused("sales.csv", "s.json", "--to", "deepar", "--value", "sold"))
        self.write("far.csv", LONG.replace("2024-03-04", "9024-03-04"))
        self.assertIn("is it right, and is D the distance of the points", self.refused("far.csv", "s.json", *self.COLUMNS))

    def test_hours_months_and_one_series_without_a_name(self):
        self.write("h.csv", "time,v\n2024-01-01 05:00:00,1\n2024-01-01 04:00:00,2\n2024-01-01 07:00:00,3\n")
        self.convert("h.csv", "h.json", "--to", "deepar", "--time", "time", "--value", "v")
        self.assertEqual(self.records("h.json"), [{"start": "2024-01-01 04:00:00", "target": [2, 1, None, 3]}])
        self.write("m.csv", "2024-01-31,1\n2024-02-29,2\n2024-05-31,3\n")
        self.convert("m.csv", "m.json", "--to", "deepar", "--time", "0", "--value", "1")
        self.assertEqual(self.records("m.json"), [{"start": "2024-01-01 00:00:00", "target": [1, 2, None, None, 3]}])


class WideAndRows(SeriesTest):
    def test_a_column_per_series(self):
        self.write("w.csv", "date,x,y\n2024-01-01,1,\n2024-01-02,2,5\n")
        self.convert("w.csv", "w.json", "--to", "deepar", "--layout", "wide", "--time", "date")
        self.assertEqual(self.records("w.json"), [{"start": "2024-01-01 00:00:00", "target": [1, 2], "item_id": "x"},
                                                  {"start": "2024-01-01 00:00:00", "target": [None, 5], "item_id": "y"}])
        self.write("n.csv", "1,2\n3,4\n")
        self.assertIn("say when its series begin (--start", self.refused("n.csv", "n.json", "--to", "deepar", "--layout", "wide"))
        self.convert("n.csv", "n.json", "--to", "deepar", "--layout", "wide", "--start", "2024-01-01", "--frequency", "H")
        self.assertEqual([r["target"] for r in self.records("n.json")], [[1, 3], [2, 4]])
        self.assertEqual([r["item_id"] for r in self.records("n.json")], ["0", "1"])

    def test_a_row_per_series_that_may_end_early(self):
        self.write("r.csv", '"id","v1","v2","v3"\n"W1",1,2,3\n"W2",4,,\n"W3",5,NA,6\n"W4",7\n')
        self.convert("r.csv", "r.json", "--to", "deepar", "--layout", "rows", "--series", "id", "--start", "2000-01-03", "--frequency", "W")
        self.assertEqual([(r["item_id"], r["target"]) for r in self.records("r.json")],
                         [("W1", [1, 2, 3]), ("W2", [4]), ("W3", [5, None, 6]), ("W4", [7])])


class Back(SeriesTest):
    def test_to_a_long_table_and_back_again(self):
        self.write("full.csv", LONG.replace("2024-03-04", "2024-03-03"))
        self.convert("full.csv", "a.json", *Long.COLUMNS, "--features", "price", "--categories", "shop", "--save-categories", "c.json")
        self.convert("a.json", "b.csv", "--from", "deepar", "--frequency", "D")
        self.assertEqual(text(self.read("b.csv")).splitlines()[:3], ["item_id,time,value,feature_0,cat_0", "a,2024-03-01 00:00:00,1.0,2.5,0",
                                                                    "a,2024-03-02 00:00:00,,2.5,0"])
        self.convert("b.csv", "c.json.gz", "--to", "deepar", "--series", "item_id", "--time", "time", "--value", "value", "--features", "feature_0",
                     "--categories", "cat_0")
        self.convert("c.json.gz", "d.json", "--from", "deepar")
        self.assertEqual(self.read("a.json"), self.read("d.json"))

    def test_to_a_wide_table_and_back_again(self):
        self.write("a.json", '{"start":"2024-01-02","target":[1,null,3.5],"item_id":"x, y"}\n{"start":"2024-01-01","target":[7]}\n')
        self.convert("a.json", "b.csv", "--from", "deepar", "--frequency", "D", "--layout", "wide")
        self.assertEqual(text(self.read("b.csv")), 'time,"x, y",1\n2024-01-01 00:00:00,,7.0\n2024-01-02 00:00:00,1.0,\n2024-01-03 00:00:00,,\n'
                                                   "2024-01-04 00:00:00,3.5,\n")
        self.convert("b.csv", "c.json", "--to", "deepar", "--layout", "wide", "--time", "time")
        self.assertEqual([r["target"] for r in self.records("c.json")], [[None, 1, None, 3.5], [7, None, None, None]])

    def test_the_frequency_must_be_said(self):
        self.write("a.json", '{"start":"2024-01-02","target":[1]}\n')
        self.assertIn("say the distance of their points with --frequency", self.refused("a.json", "b.csv", "--from", "deepar"))
        self.assertIn("is written as CSV or TSV", self.refused("a.json", "b.pbr", "--from", "deepar", "--frequency", "D"))

    def test_the_bytes_do_not_depend_on_threads(self):
        rows = "".join(f"s{i // 50},2024-01-{1 + i % 28:02},{i}\n" for i in range(0, 40000) if i % 50 < 28)
        self.write("many.csv", "item,date,sold\n" + rows)
        for threads in ("1", "2", "3"):
            self.convert("many.csv", f"m{threads}.json.gz", *Long.COLUMNS, "--threads", threads)
            self.convert(f"m{threads}.json.gz", f"m{threads}.csv.gz", "--from", "deepar", "--frequency", "D", "--threads", threads)
        for other in ("2", "3"):
            for suffix in ("json.gz", "csv.gz"):
                self.assertEqual(self.read(f"m1.{suffix}"), self.read(f"m{other}.{suffix}"))


if __name__ == "__main__":
    unittest.main()
