"""convert: columns, encodings, order and parts."""

import collections
import gzip
import json
import os
import random
import signal
import struct
import subprocess
import unittest

from harness import NIGHTLY, SMTRAIN, CliTest, text

CITIES = ["Basel", "Bern", "Chur", "Genève, GE", "Zug"]


def people(rows, seed, missing=0.0):
    """Rows of a table as people have it: age, city, size, id of a person, answer."""
    draw = random.Random(seed)
    table = []
    for i in range(rows):
        age = "" if draw.random() < missing else str(draw.randrange(1, 90))
        answer = "yes" if draw.random() < 0.1 else "no"
        table.append([age, draw.choice(CITIES), f"{draw.gauss(170, 9):.2f}", f"p{draw.randrange(rows // 10)}", answer])
    return table


def quoted(value):
    return '"' + value + '"' if "," in value else value


def as_csv(table, header=True):
    lines = [["age", "city", "size", "person", "answer"]] * header + table
    return "".join(",".join(quoted(value) for value in row) + "\n" for row in lines)


def csv_of_numbers():
    return "".join(f"{i % 3},{i},{i % 7}\n" for i in range(300))


class Prepare(CliTest):
    def lines(self, name):
        data = self.read(name)
        return text(gzip.decompress(data) if name.endswith(".gz") else data).splitlines()

    def numbers(self, name):
        return [[float(x) for x in line.split(",")] for line in self.lines(name)]


class Columns(Prepare):
    def test_numbers_one_hot_and_classes(self):
        table = people(500, 1)
        self.write("a.csv", as_csv(table))
        result = self.smtrain("convert", "a.csv", "out.csv", "--label", "answer", "--drop", "person", "--one-hot", "city")
        expected = [[float(answer == "yes"), float(age), *(float(city == c) for c in CITIES), float(size)]
                    for age, city, size, _, answer in table]
        for found, wanted in zip(self.numbers("out.csv"), expected, strict=True):
            for a, b in zip(found, wanted, strict=True):
                self.assertAlmostEqual(a, b, places=4)
        self.assertIn('"no" = 0, "yes" = 1', result.err)
        encoding = json.loads(self.read("out.csv.encoding.json"))
        self.assertEqual(encoding["features"][1]["categories"], CITIES)

    def test_new_data_get_the_same_columns(self):
        self.write("a.csv", as_csv(people(200, 2, missing=0.2)))
        self.smtrain("convert", "a.csv", "out.csv", "--label", "answer", "--drop", "person", "--ordinal", "all", "--missing", "mean+indicator",
                     "--save-encoding", "e.json")
        self.assertNotIn("out.csv.encoding.json", self.files())
        mean = json.loads(self.read("e.json"))["features"][0]["fill"]
        self.write("new.csv", "size,city,age\n170,Bern,\n171,Sion,7\n")
        result = self.smtrain("convert", "new.csv", "-", "--to", "text/csv", "--apply-encoding", "e.json")
        rows = [[float(x) for x in line.split(",")] for line in result.out.splitlines()]
        self.assertEqual([row[1:] for row in rows], [[1, 1, 170], [0, -1, 171]])
        self.assertAlmostEqual(rows[0][0], mean, places=3)
        for part in ['column "city": 1 value that the encoding does not know, such as "Sion"', "new.csv:3"]:
            self.assertIn(part, result.err)
        self.refused("convert", "new.csv", "x.csv", "--apply-encoding", "e.json", "--drop", "age", says="it says all about columns")
        self.refused("convert", "new.csv", "x.csv", "--apply-encoding", "new.csv", says="new.csv: is no encoding")

    def test_other_formats_out_and_parts(self):
        self.write("a.csv", as_csv(people(400, 3)))
        common = ["--label", "answer", "--one-hot", "city", "--drop", "person"]
        self.smtrain("convert", "a.csv", "out.csv", *common)
        self.smtrain("convert", "a.csv", "out.pbr", *common, "--split", "train=0.75,test", "--stratify", "answer", "--group", "person")
        rows = []
        for part in ("train", "test"):
            self.smtrain("convert", f"out-{part}.pbr", f"{part}.csv", "--to", "text/csv")
            rows += self.lines(f"{part}.csv")
        self.assertEqual(collections.Counter(rows), collections.Counter(self.lines("out.csv")))
        self.assertIn("out.pbr.encoding.json", self.files())

    def test_what_cannot_be_is_refused_and_leaves_nothing(self):
        self.write("a.csv", as_csv(people(50, 4, missing=0.3)))
        before = self.files()
        self.refused("convert", "a.csv", "out.csv", "--label", "answer",
                     says=['column "age"', "missing value", 'column "city": holds text', '--one-hot "city"'])
        self.refused("convert", "a.csv", "out.csv", "--label", "answr", says='did you mean answer?')
        self.refused("convert", "a.csv", "out.csv", "--columns", "age", "--drop", "city", says="exclude each other")
        self.refused("convert", "-", "out.csv", "--label", "0", "--content-type", "text/csv", stdin=b"1,2\n", says="reading the input twice")
        self.refused("convert", "a.csv", "{}.csv", "--columns", "size", "--folds", "2", says="--save-encoding")
        self.refused("convert", "a.csv", "out.csv", "--columns", "size", "--save-encoding", "a.csv", says="the same file")
        self.write("b.jsonl", '{"features": [1]}\n')
        self.refused("convert", "b.jsonl", "out.csv", "--label", "0", says="are for CSV")
        os.remove(self.path("b.jsonl"))
        self.assertEqual(self.files(), before)


class Delimiters(Prepare):
    def test_text_under_another_delimiter_is_refused_with_what_to_do(self):
        self.write("a.tsv", "t\tn\na\t1\nb\t2\n")
        err = self.smtrain("convert", "a.tsv", "a.csv", "--shuffle", code=2).err
        self.assertIn('a.tsv:2: "a" is not a number; rows with text are copied as they stand, when the output has the delimiter', err)
        self.assertNotIn("header=true", err)
        self.smtrain("convert", "a.tsv", "b.tsv", "--shuffle", "--content-type", "text/tab-separated-values;header=true")
        self.assertEqual(sorted(self.lines("b.tsv")), ["a\t1", "b\t2", "t\tn"])
        self.write("n.tsv", "1\t2\n3\t4\n")
        self.smtrain("convert", "n.tsv", "n.csv", "--shuffle")
        self.assertEqual(sorted(self.lines("n.csv")), ["1,2", "3,4"])


class Parts(Prepare):
    def test_every_record_comes_once_in_order_and_as_it_stands(self):
        table = people(3000, 5)
        self.write("a.csv", as_csv(table))
        self.smtrain("convert", "a.csv", "out.csv", "--split", "train=80,validation=10,test=10")
        parts = {name: self.lines(f"out-{name}.csv") for name in ("train", "validation", "test")}
        wanted = as_csv(table).splitlines()
        for name, part in parts.items():
            self.assertEqual(part[0], wanted[0])
            left = iter(wanted)
            self.assertTrue(all(line in left for line in part), f"{name} is not in the order of the input")
        self.assertEqual(sum((collections.Counter(part[1:]) for part in parts.values()), collections.Counter()),
                         collections.Counter(wanted[1:]))
        self.assertEqual([len(part) - 1 for part in parts.values()], [2400, 300, 300])

    def test_strata_and_groups(self):
        self.write("a.csv", as_csv(people(4000, 6)))
        self.smtrain("convert", "a.csv", "f/{}/a.csv", "--folds", "4", "--stratify", "answer")
        folds = [self.lines(f"f/fold{i}/a.csv")[1:] for i in range(4)]
        yes = [sum(line.endswith(",yes") for line in fold) for fold in folds]
        self.assertLessEqual(max(yes) - min(yes), 1)
        self.assertLessEqual(max(map(len, folds)) - min(map(len, folds)), 2)
        self.smtrain("convert", "a.csv", "g.csv.gz", "--split", "a=0.5,b=0.3,c=0.2", "--group", "person")
        groups = [{line.split(",")[-2] for line in self.lines(f"g-{name}.csv.gz")[1:]} for name in "abc"]
        self.assertEqual(sum(map(len, groups)), len(set.union(*groups)))
        for group, share in zip(groups, (0.5, 0.3, 0.2)):
            self.assertAlmostEqual(len(group) / 400, share, delta=0.02)

    def test_the_same_for_any_threads_and_memory_and_another_for_another_seed(self):
        self.write("a.csv", as_csv(people(20000, 7), header=False))
        ways = {}
        for name, options in {"one": ["--threads", "1"], "three": ["--threads", "3"], "little": ["--memory-limit", "64M"],
                              "seed": ["--seed", "1"]}.items():
            os.mkdir(self.path(name))
            for out in ("out.csv.zst", "out.pbr"):
                self.smtrain("convert", "a.csv", f"{name}/{out}", "--shuffle", "--split", "a=0.6,b=0.4", "--stratify", "4", *options,
                             *(["--one-hot", "1", "--label", "4", "--drop", "3"] if out.endswith(".pbr") else []))
            ways[name] = [self.read(f"{name}/{file}") for file in self.files(name)]
        self.assertEqual(len(ways["one"]), 5)
        self.assertEqual(ways["one"], ways["three"])
        self.assertEqual(ways["one"], ways["little"])
        self.assertNotEqual(ways["one"], ways["seed"])

    def test_numbers_are_parted_by_their_columns(self):
        draw = random.Random(8)
        rows = [(draw.randrange(3), draw.randrange(20), i) for i in range(900)]
        self.write("a.csv", "".join(f"{a},{b},{c}\n" for a, b, c in rows))
        self.smtrain("convert", "a.csv", "a.pbr", "--content-type", "text/csv;label_size=1")
        for source, options in (("a.pbr", ["label", "0"]), ("a.csv", ["0", "1"])):
            self.smtrain("convert", source, "out.jsonl", "--split", "x=0.5,y=0.5", "--stratify", options[0], "--shuffle",
                         "--content-type", "text/csv;label_size=1" if source == "a.csv" else "application/x-recordio-protobuf")
            parts = []
            for name in "xy":
                self.smtrain("convert", f"out-{name}.jsonl", "part.csv", "--to", "text/csv")
                parts.append([int(float(line.split(",")[-1])) for line in self.lines("part.csv")])
            self.assertEqual(sorted(parts[0] + parts[1]), list(range(900)))
            counts = [collections.Counter(rows[i][0] for i in part) for part in parts]
            for label in range(3):
                self.assertLessEqual(abs(counts[0][label] - counts[1][label]), 1)
            self.smtrain("convert", source, "out.jsonl", "--folds", "3", "--group", options[1],
                         "--content-type", "text/csv;label_size=1" if source == "a.csv" else "application/x-recordio-protobuf")
            groups = []
            for i in range(3):
                self.smtrain("convert", f"out-fold{i}.jsonl", "part.csv", "--to", "text/csv")
                groups.append({int(float(line.split(",")[-2])) for line in self.lines("part.csv")})
            self.assertEqual(sum(map(len, groups)), 20)
            self.assertEqual(len(set.union(*groups)), 20)

    def test_weights_and_queries_come_along(self):
        self.write("a.libsvm", "".join(f"{i % 2}:{i + 0.5} qid:{i // 10} 0:1 {i % 7 + 1}:{i}\n" for i in range(60)))
        self.smtrain("convert", "a.libsvm", "whole.jsonl")
        self.smtrain("convert", "a.libsvm", "out.jsonl", "--shuffle", "--split", "a=0.5,b=0.5", "--stratify", "label")
        parts = self.lines("out-a.jsonl") + self.lines("out-b.jsonl")
        self.assertNotEqual(parts, self.lines("whole.jsonl"))
        self.assertEqual(sorted(parts), sorted(self.lines("whole.jsonl")))
        self.assertEqual(len(json.loads(parts[0])), len(json.loads(self.lines("whole.jsonl")[0])))
        self.assertIn("qid", parts[0])

    def test_shards_and_their_manifest(self):
        self.write("a.csv", "".join(f"{i},{i}\n" for i in range(100)))
        self.smtrain("convert", "a.csv", "s/{}.csv", "--shards", "3", "--manifest", "m.json", "--depfile", "d.mk")
        self.assertEqual(self.files("s"), ["00000.csv", "00001.csv", "00002.csv"])
        self.assertEqual(self.lines("s/00001.csv")[:3], ["1,1", "4,4", "7,7"])
        self.assertEqual(json.loads(self.read("m.json")),
                         [{"prefix": f"file://{os.path.realpath(self.path('s'))}/"}, "00000.csv", "00001.csv", "00002.csv"])
        self.assertEqual(text(self.read("d.mk")).count("s/0000"), 3)

    def test_records_of_lines(self):
        series = [{"start": "2020-01-01", "target": [i, None], "cat": [i % 5, 0]} for i in range(200)]
        self.write("a.jsonl", "".join(json.dumps(s) + "\n" for s in series))
        self.smtrain("convert", "a.jsonl", "out.jsonl", "--from", "deepar", "--to", "deepar", "--split", "a=0.5,b=0.5", "--stratify", "cat")
        parts = [[json.loads(line) for line in self.lines(f"out-{name}.jsonl")] for name in "ab"]
        self.assertEqual(sorted(s["target"][0] for part in parts for s in part), list(range(200)))
        self.assertEqual({n for part in parts for n in collections.Counter(s["cat"][0] for s in part).values()}, {20})
        self.write("a.txt", "".join(f"__label__{i % 2} word {i}\n" for i in range(90)) + "__label__0 last")
        self.smtrain("convert", "a.txt", "out.txt", "--from", "blazingtext", "--to", "blazingtext", "--folds", "3", "--stratify", "label",
                     "--shuffle")
        lines = [line for i in range(3) for line in self.lines(f"out-fold{i}.txt")]
        self.assertEqual(sorted(lines), sorted(self.lines("a.txt")))
        self.assertNotEqual(lines, sorted(lines))
        self.refused("convert", "a.jsonl", "x.jsonl", "--from", "deepar", "--to", "deepar", "--folds", "2", "--group", "nothing",
                     says=["a.jsonl:1", '"nothing"', "--group"])

    def test_tails(self):
        series = [{"start": "2020-01-01", "target": list(range(n)), "dynamic_feat": [list(range(n))]} for n in (5, 2, 9)]
        self.write("s.jsonl", "".join(json.dumps(s) + "\n" for s in series))
        result = self.smtrain("convert", "s.jsonl", "{}/s.jsonl", "--from", "deepar", "--to", "deepar", "--tail", "3")
        self.assertEqual([json.loads(line) for line in self.lines("test/s.jsonl")], series)
        cut = [dict(s, target=s["target"][:-3], dynamic_feat=[s["target"][:-3]]) for s in series if len(s["target"]) > 3]
        self.assertEqual([json.loads(line) for line in self.lines("train/s.jsonl")], cut)
        self.assertIn("1 of 3 series", result.err)
        self.smtrain("convert", "s.jsonl", "guessed.jsonl", "--tail", "3")
        self.assertEqual(self.read("guessed-train.jsonl"), self.read("train/s.jsonl"))
        self.write("a.csv", "shop,day\n" + "".join(f"{i % 3},{i}\n" for i in range(30)))
        self.smtrain("convert", "a.csv", "a-{}.csv", "--tail", "4")
        self.assertEqual(self.lines("a-test.csv"), ["shop,day", "2,26", "0,27", "1,28", "2,29"])
        self.smtrain("convert", "a.csv", "b.pbr", "--tail", "2", "--group", "shop", "--columns", "day", "--label", "shop")
        self.smtrain("convert", "b-test.pbr", "b.csv")
        self.assertEqual(self.lines("b.csv"), ["0,24", "1,25", "2,26", "0,27", "1,28", "2,29"])
        self.refused("convert", "-", "c.csv", "--content-type", "text/csv", "--tail", "2", stdin=b"1\n2\n3\n", says="no stream")
        self.refused("convert", "a.csv", "c.csv", "--tail", "2", "--shuffle", says="in their order")

    def test_standard_input(self):
        result = self.smtrain("convert", "-", "-", "--content-type", "text/csv", "--to", "text/csv", "--shuffle",
                              stdin=b"1,2\n3,4\n5,6\n7,8\n")
        self.assertEqual(sorted(result.out.splitlines()), ["1,2", "3,4", "5,6", "7,8"])
        self.smtrain("convert", "-", "out.csv", "--content-type", "text/csv", "--folds", "2", stdin=b"1,2\n3,4\n")
        self.assertEqual(sorted(self.lines("out-fold0.csv") + self.lines("out-fold1.csv")), ["1,2", "3,4"])

    def test_refusals(self):
        self.write("a.csv", "1,2\n3,4\n")
        for options, says in (
                (["--split", "a=0.5,b=0.4"], "the sum 0.9; expected 1"),
                (["--split", "a=0.5,a=0.5"], "given twice"),
                (["--split", "a=1"], "two parts"),
                (["--split", "a=0.5,b=x"], '"x" is no share'),
                (["--split", "a/b=0.5,c=0.5"], "no name of a part"),
                (["--folds", "1001"], "expected 2 to 1000"),
                (["--folds", "2", "--shards", "2"], "exclude each other"),
                (["--stratify", "0"], "--split or --folds"),
                (["--group", "0"], "give one of them"),
                (["--manifest", "m"], "--shards"),
                (["--folds", "2", "--stratify", "2"], "there are 2 columns"),
                (["--folds", "2", "--stratify", "x"], "have no names")):
            self.refused("convert", "a.csv", "out.csv", *options, says=says)
        self.refused("convert", "a.csv", "-", "--to", "text/csv", "--folds", "2", says="standard output")
        self.refused("convert", "a.csv", "{}.csv", "--shuffle", says="name of a part")
        os.rename(self.path("a.csv"), self.path("out-fold1.csv"))
        self.refused("convert", "out-fold1.csv", "out.csv", "--folds", "2", says="the same file")
        self.assertEqual(self.files(), ["out-fold1.csv"])

    def test_numbers_are_whole_and_in_range(self):
        self.write("a.csv", "1,2\n3,4\n")
        for flag, least in (("folds", 2), ("shards", 2), ("tail", 1), ("resize", 1), ("quality", 0), ("skip-bad-images", 0),
                            ("max-image-pixels", 1), ("min-count", 1), ("vocabulary-size", 1)):
            for value in ("x", "2.5", "3d", "16x", " 4", "", str(least - 1), "99999999999999999999", "-99999999999999999999"):
                expected = f"from {least}\n" if value != "9" * 20 else f"of at most {2**63 - 1}\n"
                with self.subTest(flag=flag, value=value):
                    self.refused("convert", "a.csv", "out.csv", f"--{flag}={value}", says=f'--{flag} "{value}": expected a whole number {expected}')
        self.assertEqual(self.files(), ["a.csv"])

    def test_a_broken_record_leaves_nothing(self):
        self.write("a.csv", "1,2\n" * 5000 + "3\n")
        self.refused("convert", "a.csv", "out.csv", "--folds", "3", "--shuffle", says=["a.csv:5001", "expected 2"])
        self.assertEqual(self.files(), ["a.csv"])


    def start_in_parts(self, output):
        """A conversion that waits for more input, all of its temporaries being there."""
        process = self.start("convert", "-", output, "--content-type", "text/csv;label_size=0", "--split", "a=0.5,b=0.5",
                             stdin=subprocess.PIPE)
        process.stdin.write(b"1,2\n3,4\n" * 100_000)
        process.stdin.flush()
        return process

    def temporaries(self):
        return [name for _, _, names in os.walk(self.work) for name in names if ".tmp-" in name]

    def test_parts_of_libsvm_are_as_wide_as_the_whole(self):
        # The largest index is that of one record, which one part alone can have.
        self.write("a.libsvm", "".join(f"{i % 2} 0:{i + 1} 1:2\n" for i in range(40)) + "1 0:1 11:5\n")
        for suffix in ("pbr", "csv", "jsonl", "parquet", "npy", "mtx"):
            self.smtrain("convert", "a.libsvm", f"out.{suffix}", "--split", "train=0.75,test=0.25")
            widths = [json.loads(self.smtrain("inspect", f"out-{part}.{suffix}", "--json", "--content-type",
                                              {"csv": "text/csv;label_size=1", "npy": "application/x-npy;label_size=1",
                                               "mtx": "application/x-matrix-market;label_size=1"}.get(suffix, suffix if suffix != "pbr" else
                                                                                                   "recordio-protobuf")).out)["feature_dim"]
                      for part in ("train", "test")]
            self.assertEqual(widths, [12, 12], suffix)
        self.smtrain("convert", "a.libsvm", "out.libsvm", "--split", "train=0.75,test=0.25")
        widths = [json.loads(self.smtrain("inspect", f"out-{part}.libsvm", "--json", "--content-type", "text/libsvm;feature_dim=12").out)
                  ["feature_dim"] for part in ("train", "test")]
        self.assertEqual(widths, [12, 12])

    def test_a_shuffle_takes_every_kind_from_a_pipe(self):
        self.write("a.csv", csv_of_numbers())
        kinds = {"text/csv": "csv", "text/libsvm": "libsvm", "application/x-recordio-protobuf": "pbr", "application/jsonlines": "jsonl"}
        for content_type, suffix in kinds.items():
            self.smtrain("convert", "a.csv", f"b.{suffix}", "--content-type", "text/csv;label_size=1")
            self.smtrain("convert", f"b.{suffix}", f"file.{suffix}", "--shuffle", "--content-type", content_type)
            piped = self.shell(f"cat b.{suffix} | $SMTRAIN convert - - --content-type '{content_type}' --to '{content_type}' --shuffle > piped",
                               code=None)
            self.assertEqual(piped.code, 0, f"{suffix}: {piped}")
            self.assertEqual(self.read("piped"), self.read(f"file.{suffix}"), suffix)
            self.assertNotEqual(self.read("piped"), self.read(f"b.{suffix}"), suffix)
        for kind in ("deepar", "manifest", "blazingtext", "object2vec"):
            data = b"".join(b'{"start":"2020-01-01","target":[%d],"x-ref":"/a/%d","y":1}\n' % (i, i) for i in range(50))
            out = self.smtrain("convert", "-", "-", "--from", kind, "--to", kind, "--shuffle", stdin=data).out.encode()
            self.assertEqual(sorted(out.splitlines()), sorted(data.splitlines()), kind)
            self.assertNotEqual(out, data, kind)

    def test_parts_appear_together_or_not_at_all(self):
        self.write("out-a.csv", "old\n")
        process = self.start_in_parts("out.csv")
        self.wait_until(lambda: len(self.temporaries()) == 2)
        os.mkdir(self.path("out-b.csv"))  # the second part cannot have its name any more
        err = text(process.communicate()[1])
        self.assertIn("out-b.csv", err)
        self.assertIn(process.returncode, (1, 2))
        self.assertEqual(self.files(), ["out-a.csv", "out-b.csv"])
        self.assertEqual(self.read("out-a.csv"), b"old\n")

    def test_interrupted_parts_leave_nothing(self):
        for signals in (1, 2):
            process = self.start_in_parts("deep/er/{}/x.csv")
            self.wait_until(lambda: len(self.temporaries()) == 2)
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
            process.communicate()
            self.assertEqual(self.files(), [])

    def test_an_interrupted_folder_leaves_nothing(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "images", "rgb.png"), "rb") as file:
            image = file.read()
        payload = struct.pack("<IfQQ", 0, 1.0, 7, 0) + image
        record = struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * (-len(payload) % 4)
        for signals in (1, 2):
            process = self.start("convert", "-", "out", "--from", "image-records", "--to", "images", stdin=subprocess.PIPE)
            process.stdin.write(record * ((24 << 20) // len(record)))
            process.stdin.flush()
            self.wait_until(lambda: any(name.endswith(".png") for _, _, names in os.walk(self.work) for name in names))
            for _ in range(signals):
                process.send_signal(signal.SIGINT)
            process.communicate()
            self.assertEqual(self.files(), [])


class Memory(Prepare):
    def peak(self, *arguments):
        """Peak resident bytes of a run."""
        code = ("import os, resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
                "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        done = subprocess.run(["python3", "-c", code, SMTRAIN, *arguments], cwd=self.work, env=self.env, check=True, capture_output=True)
        return int(done.stdout) * 1024

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "memory under a sanitizer is not the program's")
    def test_a_shuffle_keeps_to_its_memory(self):
        row = ",".join(str(i) for i in range(20))
        megabytes = 1000 if NIGHTLY else 120
        with open(self.path("a.csv"), "w", encoding="ascii") as file:
            for i in range(megabytes * 1_000_000 // (len(row) + 10)):
                file.write(f"{i},{row}\n")
        peak = self.peak("convert", "a.csv", "out.csv", "--shuffle", "--memory-limit", "64M", "--threads", "2")
        self.assertLess(peak, 100 << 20)
        self.smtrain("convert", "a.csv", "in-memory.csv", "--shuffle", "--memory-limit", "4G")
        self.assertEqual(self.read("out.csv"), self.read("in-memory.csv"))


class SharedPaths(Prepare):
    """No output may be a file that is read, or one that is written, too."""

    def setUp(self):
        super().setUp()
        self.write("t.txt", "the cat sat\na dog\n")
        self.write("n.csv", "y,city\n1,Bern\n0,Chur\n1,Zug\n")
        self.write("sa.csv", "item,date,sold,shop\na,2024-01-01,1,north\na,2024-01-02,2,north\n")
        self.write("p.csv", "1,2\n3,4\n5,6\n7,8\n")
        self.write("stop.txt", "the\n")

    def shared(self, *arguments, both):
        """Refused with both flags and leaving every file as it was."""
        before = {name: self.read(name) for name in self.files()}
        result = self.smtrain("convert", *arguments, code=None)
        self.assertEqual({name: self.read(name) for name in self.files()}, before)
        self.assertEqual(result.code, 2, result)
        for part in ("the same file", *both):
            self.assertIn(part, result.err)
        self.assert_no_trace(result)

    def test_an_input_is_no_output(self):
        series = ("--to", "deepar", "--series", "item", "--time", "date", "--value", "sold", "--categories", "shop")
        os.symlink("p.csv", self.path("link.csv"))
        os.link(self.path("p.csv"), self.path("hard.csv"))
        self.shared("t.txt", "o.svm", "--to", "counts", "--save-vocabulary", "t.txt", both=['IN "t.txt"', '--save-vocabulary "t.txt"'])
        self.shared("n.csv", "o.csv", "--label", "y", "--one-hot", "all", "--depfile", "n.csv", both=['IN "n.csv"', '--depfile "n.csv"'])
        self.shared("n.csv", "o.csv", "--label", "y", "--one-hot", "all", "--save-encoding", "n.csv", both=["IN", "--save-encoding"])
        self.shared("sa.csv", "o.json", *series, "--save-categories", "sa.csv", both=['IN "sa.csv"', '--save-categories "sa.csv"'])
        self.shared("p.csv", "s.csv", "--shards", "2", "--manifest", "link.csv", both=['IN "p.csv"', '--manifest "link.csv"'])
        self.shared("p.csv", "o.svm", "--depfile", "hard.csv", both=['IN "p.csv"', '--depfile "hard.csv"'])
        self.shared("*.csv", "o.svm", "--depfile", "./p.csv", both=["IN", '--depfile "./p.csv"'])

    def test_what_is_read_beside_the_input_is_no_output(self):
        self.smtrain("convert", "n.csv", "o.csv", "--label", "y", "--one-hot", "all", "--save-encoding", "e.csv")
        self.smtrain("convert", "t.txt", "o.svm", "--to", "counts", "--save-vocabulary", "v.svm")
        self.shared("n.csv", "e.csv", "--apply-encoding", "e.csv", both=['OUT "e.csv"', '--apply-encoding "e.csv"'])
        self.shared("t.txt", "v.svm", "--to", "counts", "--vocabulary", "v.svm", both=['OUT "v.svm"', '--vocabulary "v.svm"'])
        self.shared("t.txt", "stop.txt", "--to", "blazingtext", "--save-vocabulary", "v", "--stop-words", "stop.txt",
                    both=['OUT "stop.txt"', '--stop-words "stop.txt"'])
        self.write("cl.json", "cat\ndog\n")
        os.mkdir(self.path("..", "boxes"))
        box = {"file": "a.jpg", "image_size": [{"width": 9, "height": 9, "depth": 3}], "annotations": [], "categories": []}
        self.write("../boxes/a.json", json.dumps(box))
        self.shared("../boxes", "cl.json", "--from", "boxes", "--to", "coco", "--classes", "cl.json", both=['OUT "cl.json"', '--classes "cl.json"'])

    def test_no_two_outputs_are_one(self):
        series = ("--to", "deepar", "--series", "item", "--time", "date", "--value", "sold", "--categories", "shop")
        self.shared("p.csv", "s.csv", "--shards", "2", "--manifest", "s-00000.csv", both=['OUT "s-00000.csv"', "--manifest"])
        self.shared("p.csv", "o.csv", "--depfile", "o.csv", both=["OUT", "--depfile"])
        self.shared("p.csv", "o.csv", "--depfile", "../work/o.csv", both=['OUT "o.csv"', '--depfile "../work/o.csv"'])
        self.shared("n.csv", "o.pbr", "--label", "y", "--one-hot", "all", "--save-encoding", "o.pbr", both=["OUT", "--save-encoding"])
        self.shared("n.csv", "o.pbr", "--label", "y", "--one-hot", "all", "--depfile", "o.pbr.encoding.json", both=["--save-encoding", "--depfile"])
        self.shared("t.txt", "o.svm", "--to", "counts", "--save-vocabulary", "o.svm", both=["OUT", "--save-vocabulary"])
        self.shared("sa.csv", "o.json", *series, "--save-categories", "o.json", both=["OUT", "--save-categories"])

    def test_devices_may_be_shared(self):
        self.smtrain("convert", "p.csv", "/dev/null", "--to", "text/csv", "--depfile", "/dev/null")


if __name__ == "__main__":
    unittest.main()
