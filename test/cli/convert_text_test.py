"""Texts become what BlazingText, NTM, LDA, Object2Vec and seq2seq read."""

import gzip
import json
import os
import shutil
import struct
import tarfile
import unittest
import zipfile

from harness import CliTest, text

NEWS = ("kind,title,body\n"
        '1,"The cat, the dog","A ""good"" dog\nsleeps."\n'
        "2,ÜBER alles,the Cat sat\n"
        "1,...,!!\n")


class TextTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("news.csv", NEWS)

    def refused(self, *arguments):
        result = self.smtrain("convert", *arguments, code=2)
        return result.err

    def convert(self, *arguments):
        return self.smtrain("convert", *arguments)


class Counts(TextTest):
    def counts(self, *more):
        return self.convert("news.csv", "counts.csv", "--to", "counts", "--text", "title,body", *more)

    def test_words_are_counted_and_the_vocabulary_is_saved(self):
        result = self.counts("--save-vocabulary", "vocab.txt")
        self.assertEqual(self.read("vocab.txt").decode().split(), ["the", "dog", "cat", "über", "sleeps", "sat", "good", "alles", "a"])
        self.assertEqual(text(self.read("counts.csv")), "2,2,1,0,1,0,1,0,1\n1,0,1,1,0,1,0,1,0\n0,0,0,0,0,0,0,0,0\n")
        self.assertIn("1 document without a word of the vocabulary became rows of zeros", result.err)

    def test_the_vocabulary_is_chosen_and_applied_again(self):
        self.write("stop.txt", "The\nA\n")
        self.counts("--save-vocabulary", "vocab.txt", "--min-count", "2", "--stop-words", "stop.txt")
        self.assertEqual(text(self.read("vocab.txt")), "dog\ncat\n")
        self.write("more.txt", "dog dog bird\n\nCAT\n")
        result = self.convert("more.txt", "more.jsonl", "--to", "counts", "--vocabulary", "vocab.txt")
        rows = [json.loads(line)["data"]["features"] for line in text(self.read("more.jsonl")).splitlines()]
        self.assertEqual(rows, [{"keys": [0], "shape": [2], "values": [2.0]}, {"keys": [1], "shape": [2], "values": [1.0]}])
        self.assertIn("1 of 4 words (25.0 %) are not in the vocabulary", result.err)
        self.counts("--save-vocabulary", "one.txt", "--vocabulary-size", "1", "--keep-case")
        self.assertEqual(text(self.read("one.txt")), "the\n")

    def test_the_bytes_depend_neither_on_threads_nor_on_compression(self):
        self.write("many.txt", "".join(f"word{i % 97} and word{i % 13} Wörter, {i}\n" for i in range(20000)))
        for threads in ("1", "2", "3"):
            self.convert("many.txt", f"c{threads}.pbr.gz", "--to", "counts", "--save-vocabulary", f"v{threads}.txt", "--threads", threads)
            self.convert("many.txt", f"s{threads}.rec.gz", "--to", "seq2seq", "--second", "many.txt", "--save-vocabulary", f"w{threads}", "--threads", threads)
        for other in ("2", "3"):
            for name in ("c{}.pbr.gz", "v{}.txt", "s{}.rec.gz", "w{}/vocab.src.json"):
                self.assertEqual(self.read(name.format(1)), self.read(name.format(other)), name)

    def test_no_vocabulary_named_is_refused_with_what_to_do(self):
        self.assertIn("say --save-vocabulary PATH to keep the numbers", self.refused("news.csv", "c.csv", "--to", "counts", "--text", "1"))
        self.assertFalse(os.path.exists(self.path("c.csv")))

    def test_columns_must_be_named_and_there(self):
        self.assertIn("say which hold the text", self.refused("news.csv", "c.csv", "--to", "counts", "--save-vocabulary", "v"))
        err = self.refused("news.csv", "c.csv", "--to", "counts", "--save-vocabulary", "v", "--text", "boddy")
        self.assertIn('--text "boddy": there is no such column; did you mean body?', err)

    def test_standard_input_takes_a_vocabulary(self):
        self.write("v.txt", "cat\n")
        result = self.smtrain("convert", "-", "-", "--to", "counts", "--vocabulary", "v.txt", "--content-type", "text/plain", code=2)
        self.assertIn("--to", result.err)  # the format of standard output is not known

    def test_documents_as_files_and_as_json(self):
        os.makedirs(self.path("docs", "x"))
        os.makedirs(self.path("docs", "y"))
        self.write("docs/x/1", b"caf\xe9 one\ntwo")
        self.write("docs/y/2", gzip.compress(b"Three three"))
        self.convert("docs", "d.txt", "--to", "blazingtext", "--file-per-document")
        self.assertEqual(text(self.read("d.txt")), "__label__x caf one two\n__label__y three three\n")
        self.write("d.jsonl", '{"t":"One","l":3}\n{"t":"two","l":"b c"}\n')
        self.convert("d.jsonl", "e.txt", "--to", "blazingtext", "--text", "t", "--label", "l")
        self.assertEqual(text(self.read("e.txt")), "__label__3 one\n__label__b_c two\n")


class NoText(TextTest):
    """What is plainly no text becomes no document."""

    def archive(self, mode):
        folder = self.path("news")
        os.makedirs(folder)
        self.write("news/1", "one two\n" * 200)
        with tarfile.open(self.path("news.tar"), mode) as tar:
            tar.add(folder, "news")
        return "news.tar"

    def test_an_archive_is_refused_with_what_to_do(self):
        for mode in ("w", "w:gz"):
            with self.subTest(mode):
                shutil.rmtree(self.path("news"), ignore_errors=True)
                err = self.refused(self.archive(mode), "o.txt", "--to", "blazingtext")
                self.assertIn("news.tar: looks like a tar archive, expected text; unpack it first", err)
                self.assertFalse(os.path.exists(self.path("o.txt")))
        self.assertIn("news.tar: looks like a tar archive", self.refused("news.tar", "o.txt", "--from", "blazingtext"))
        with zipfile.ZipFile(self.path("news.zip"), "w") as pack:
            pack.writestr("1", "one two\n")
        self.assertIn("news.zip: looks like a zip archive, expected text",
                      self.refused("news.zip", "c.csv", "--to", "counts", "--save-vocabulary", "v"))
        self.write("one.txt", "one\n")
        self.assertIn("news.tar: looks like a tar archive",
                      self.refused("one.txt", "o.rec", "--to", "seq2seq", "--second", "news.tar", "--save-vocabulary", "v"))

    def test_images_and_utf16_are_refused_in_folders_too(self):
        self.write("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\n\xff\xd9")
        self.assertIn("a.jpg: looks like a JPEG image, expected text; leave it out", self.refused("a.jpg", "o.txt", "--to", "blazingtext"))
        os.makedirs(self.path("docs", "x"))
        self.write("docs/x/1", "one\n")
        self.write("docs/x/2", "two\n".encode("utf-16"))
        self.assertIn("2: looks like UTF-16 text, expected text; make it UTF-8 first (iconv",
                      self.refused("docs", "o.txt", "--to", "blazingtext", "--file-per-document"))

    def test_old_text_with_a_control_byte_is_text(self):
        self.write("old.txt", b"caf\xe9 one two three four five six\x0c seven\x1b eight\x08 nine\n")
        self.convert("old.txt", "o.txt", "--to", "blazingtext", "--tokens", "words")
        self.assertEqual(text(self.read("o.txt")), "caf one two three four five six seven eight nine\n")


class Tables(TextTest):
    """How a table stands is found out, whether its columns are named or numbered."""

    def test_a_header_is_told_where_columns_are_numbered(self):
        self.write("h.csv", "id,t,y\n1,aa bb,x\n2,cc,y\n")
        result = self.convert("h.csv", "-", "--to", "blazingtext", "--text", "1", "--label", "2")
        self.assertEqual(result.out, "__label__x aa bb\n__label__y cc\n")
        self.assertIn('the first line is taken as a header: "id,t,y"', result.err)
        result = self.convert("h.csv", "-", "--to", "blazingtext", "--text", "1", "--content-type", "text/csv;header=false")
        self.assertEqual(result.out, "t\naa bb\ncc\n")

    def test_where_nothing_tells_a_header_there_is_one_warning(self):
        self.write("h.csv", "t,y\naa bb,x\ncc,y\n")
        result = self.convert("h.csv", "c.csv", "--to", "counts", "--text", "0", "--save-vocabulary", "v")
        self.assertEqual(result.err.count("nothing tells whether the first"), 1)
        self.assertEqual(text(self.read("v")).split(), ["t", "cc", "bb", "aa"])
        result = self.convert("h.csv", "c.csv", "--to", "counts", "--text", "t", "--save-vocabulary", "v")
        self.assertNotIn("nothing tells", result.err)

    def test_columns_are_found_in_a_file_whose_name_tells_nothing(self):
        self.write("sick.txt", "id\tA\tB\n1\tone dog\tthe dog\n2\ta cat\ta cat\n")
        result = self.convert("sick.txt", "p.jsonl", "--to", "object2vec", "--text", "A", "--second-text", "B", "--save-vocabulary", "v.json")
        self.assertIn("the fields are separated by tabs, as the first line has them", result.err)
        self.assertEqual(len(text(self.read("p.jsonl")).splitlines()), 2)
        self.write("rows.txt", '{"t":"One"}\n')
        self.assertEqual(self.convert("rows.txt", "-", "--to", "blazingtext", "--text", "t").out, "one\n")
        self.write("lines.txt", "one two\nthree\n")
        self.assertIn("is read as lines of text, which have no columns t; is it a table (--content-type text/csv, or text/tab-separated-values)?",
                      self.refused("lines.txt", "-", "--to", "blazingtext", "--text", "t"))

    def test_the_delimiter_is_told_by_the_first_line(self):
        self.write("h.csv", "t;n\naa, bb;1\n")
        result = self.convert("h.csv", "-", "--to", "blazingtext", "--text", "t", "--tokens", "words")
        self.assertEqual(result.out, "aa bb\n")


class Sentences(TextTest):
    def test_lines_with_labels_and_marks_as_tokens(self):
        result = self.convert("news.csv", "train.txt", "--to", "blazingtext", "--text", "title,body", "--label", "kind")
        self.assertEqual(text(self.read("train.txt")), '__label__1 the cat , the dog a " good " dog sleeps .\n'
                                                       "__label__2 über alles the cat sat\n__label__1 . . . ! !\n")
        self.assertNotIn("left out", result.err)
        result = self.convert("news.csv", "words.txt", "--to", "blazingtext", "--text", "2", "--content-type", "text/csv;header=true",
                              "--tokens", "words", "--keep-case")
        self.assertEqual(text(self.read("words.txt")), "A good dog sleeps\nthe Cat sat\n")
        self.assertIn("1 document without words left out", result.err)

    def test_words_outside_of_a_vocabulary_are_dropped(self):
        self.write("v.txt", "cat\nthe\n")
        self.convert("news.csv", "t.txt", "--to", "blazingtext", "--text", "body", "--vocabulary", "v.txt")
        self.assertEqual(text(self.read("t.txt")), "the cat\n")

    def test_manifest_and_back(self):
        self.convert("news.csv", "train.jsonl.gz", "--to", "blazingtext", "--text", "body", "--label", "kind")
        lines = gzip.decompress(self.read("train.jsonl.gz")).decode().splitlines()
        self.assertEqual(json.loads(lines[0]), {"source": 'a " good " dog sleeps .', "label": 1})
        self.convert("train.jsonl.gz", "back.txt", "--from", "blazingtext")
        self.assertEqual(text(self.read("back.txt")), '__label__1 a " good " dog sleeps .\n__label__2 the cat sat\n__label__1 ! !\n')
        self.convert("back.txt", "again.jsonl.gz", "--from", "blazingtext")
        self.assertEqual(gzip.decompress(self.read("again.jsonl.gz")).decode().splitlines(), lines)

    def test_text_does_not_become_a_label(self):
        self.write("a.txt", "this __label__9 is no label\n")
        self.convert("a.txt", "b.txt", "--to", "blazingtext", "--tokens", "blanks")
        self.assertEqual(text(self.read("b.txt")), "this label__9 is no label\n")

    def test_labelled_lines_are_not_taken_for_text(self):
        self.write("ag.txt", "\n__label__3 fears for t n pension\n__label__4 the race\n")
        err = self.refused("ag.txt", "d.txt", "--to", "blazingtext")
        self.assertIn("ag.txt:2: the line begins with __label__, as BlazingText's labelled lines do; --from blazingtext keeps labels", err)
        self.assertFalse(os.path.exists(self.path("d.txt")))
        err = self.refused("ag.txt", "c.csv", "--to", "counts", "--save-vocabulary", "v")
        self.assertIn("take the labels off first; --from documents takes the labels as words", err)
        self.convert("ag.txt", "d.txt", "--to", "blazingtext", "--from", "blazingtext")
        self.assertEqual(text(self.read("d.txt")), "__label__3 fears for t n pension\n__label__4 the race\n")
        self.convert("ag.txt", "d.txt", "--to", "blazingtext", "--from", "documents", "--tokens", "blanks")
        self.assertEqual(text(self.read("d.txt")), "label__3 fears for t n pension\nlabel__4 the race\n")


def records(data):
    """The integers of seq2seq's records, by hand: a frame, then map entries of varints."""
    def varint(at):
        shift = value = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, at

    at = 0
    while at < len(data):
        magic, length = struct.unpack_from("<II", data, at)
        assert magic == 0xCED7230A
        end, record = at + 8 + length, {}
        inner = at + 8
        while inner < end:
            _, inner = varint(inner + 1)                    # an entry of features
            size, inner = varint(inner + 1)                 # its key
            key, inner = data[inner:inner + size].decode(), inner + size
            _, inner = varint(inner + 1)                    # its value
            assert data[inner] == 0x3A                      # int32_tensor
            _, inner = varint(inner + 1)
            size, inner = varint(inner + 1)                 # packed values
            ids, stop = [], inner + size
            while inner < stop:
                value, inner = varint(inner)
                ids.append(value)
            record[key] = ids
        yield record
        at = end + (-length) % 4


class Pairs(TextTest):
    def setUp(self):
        super().setUp()
        self.write("en", "A dog\n\nA cat runs\nx\n")
        self.write("de", "Ein Hund\nleer\nEin Ein Kater\ny\n")

    def test_seq2seq_records_and_both_vocabularies(self):
        result = self.convert("en", "train.rec", "--to", "seq2seq", "--second", "de", "--save-vocabulary", "vocab")
        source, target = (json.loads(self.read(f"vocab/vocab.{side}.json")) for side in ("src", "trg"))
        self.assertEqual([list(v)[:4] for v in (source, target)], [["<pad>", "<unk>", "<s>", "</s>"]] * 2)
        self.assertEqual([list(v.values()) for v in (source, target)], [list(range(9)), list(range(9))])
        self.assertEqual(list(target)[4:], ["Ein", "y", "leer", "Kater", "Hund"])
        self.assertIn("1 pair without words left out", result.err)
        found = list(records(self.read("train.rec")))
        self.assertEqual([r["target"] for r in found], [[4, 8], [4, 4, 7], [5]])
        self.assertEqual([r["source"] for r in found], [[source[w] for w in line.split()] for line in ("A dog", "A cat runs", "x")])
        self.write("en2", "A bird\n")
        self.write("de2", "Ein Vogel\n")
        self.convert("en2", "val.rec", "--to", "seq2seq", "--second", "de2", "--vocabulary", "vocab")
        self.assertEqual(list(records(self.read("val.rec"))), [{"source": [4, 1], "target": [4, 1]}])

    def test_records_are_told_by_their_content(self):
        self.convert("en", "t.rec", "--to", "seq2seq", "--second", "de", "--save-vocabulary", "v")
        self.write("t", self.read("t.rec"))
        for name in ("t.rec", "t"):
            result = self.smtrain("inspect", name)
            self.assertIn("seq2seq records", result.out)
            self.assertIn("source vocabulary", result.out)
        self.assertIn("seq2seq records", self.refused("t.rec", "t.csv"))

    def test_files_must_have_as_many_lines(self):
        self.write("short", "one\n")
        err = self.refused("en", "t.rec", "--to", "seq2seq", "--second", "short", "--save-vocabulary", "v")
        self.assertIn("en has more lines than short, which has 1; line by line they must belong together", err)
        self.assertEqual(self.files(), ["de", "en", "news.csv", "short"])

    def test_object2vec_pairs_with_classes(self):
        self.write("sick.tsv", "id\ta\tb\tjudgment\n1\tA dog\tthe dog\tYES\n2\tcat\ta cat\tNO\n")
        command = ("sick.tsv", "p.jsonl", "--to", "object2vec", "--text", "a", "--second-text", "b", "--label", "judgment", "--save-vocabulary", "v.json")
        self.convert(*command, "--label-names", "NO,YES")
        ids = json.loads(self.read("v.json"))
        rows = [json.loads(line) for line in text(self.read("p.jsonl")).splitlines()]
        self.assertEqual(rows, [{"label": 1, "in0": [ids["a"], ids["dog"]], "in1": [ids["the"], ids["dog"]]},
                                {"label": 0, "in0": [ids["cat"]], "in1": [ids["a"], ids["cat"]]}])
        self.assertIn('sick.tsv:2: label "YES": is no number; name the classes in their order', self.refused(*command))
        self.assertIn('sick.tsv:3: label "NO": is none of the --label-names YES', self.refused(*command, "--label-names", "YES"))

    def test_what_makes_no_sense_is_refused_with_what_to_do(self):
        for words, arguments in (
            ("take two texts each: name the second one's file", ("en", "t.rec", "--to", "seq2seq", "--save-vocabulary", "v")),
            ("take one text each; leave out --second", ("en", "t.txt", "--to", "blazingtext", "--second", "de")),
            ("give one of them", ("en", "t.rec", "--to", "seq2seq", "--second", "de", "--save-vocabulary", "v", "--vocabulary", "w")),
            ("with --vocabulary they are those it has", ("en", "t.csv", "--to", "counts", "--vocabulary", "w", "--min-count", "2")),
            ("contradict each other", ("en", "t.csv", "--to", "counts", "--vocabulary", "w", "--keep-case", "--lower-case")),
            ("expected a whole number", ("en", "t.csv", "--to", "counts", "--save-vocabulary", "w", "--min-count", "few")),
            ("is no folder", ("en", "t.rec", "--to", "seq2seq", "--second", "de", "--vocabulary", "en")),
            ("it can become: blazingtext, counts, object2vec, seq2seq", ("en", "t.csv", "--from", "documents")),
            ("have no labels", ("news.csv", "t.csv", "--to", "counts", "--text", "1", "--label", "0", "--save-vocabulary", "w")),
            ("both are the same file", ("en", "en", "--to", "blazingtext")),
        ):
            with self.subTest(words):
                self.assertIn(words, self.refused(*arguments))


if __name__ == "__main__":
    unittest.main()
