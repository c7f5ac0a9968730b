"""Every kind of path: files, folders, globs, URIs, standard input, FIFOs, odd names, compression (C11, C15, F2, F7)."""

import gzip
import os
import threading
import unittest

from harness import CliTest, blobs, csv, recordio


class Inputs(CliTest):
    def setUp(self):
        super().setUp()
        self.rows = blobs(900)
        self.data = csv(self.rows)
        self.write("train.csv", self.data)
        self.train(*self.small)
        self.expected = self.read("model.tar.gz")
        os.remove(self.path("model.tar.gz"))

    small = ["--mini_batch_size", "200"]

    def same_model(self, data, *arguments, **options):
        self.train(*self.small, *arguments, data=data, **options)
        self.assertEqual(self.read("model.tar.gz"), self.expected, data)

    def test_standard_input(self):
        self.same_model("-", stdin=self.data.encode())

    def test_process_substitution(self):
        self.shell('"$SMTRAIN" kmeans --train <(cat train.csv) --content-type "text/csv;label_size=0" --k 3 '
                   '--mini_batch_size 200 -o model.tar.gz')
        self.assertEqual(self.read("model.tar.gz"), self.expected)

    def test_a_fifo(self):
        os.mkfifo(self.path("fifo"))
        writer = threading.Thread(target=self.write, args=("fifo", self.data))
        writer.start()
        self.same_model("fifo")
        writer.join()

    def test_several_epochs_over_a_fifo_equal_those_over_a_file(self):
        self.train(*self.small, "--epochs", "3")
        expected = self.read("model.tar.gz")
        self.train(*self.small, "--epochs", "3", data="-", stdin=self.data.encode())
        self.assertEqual(self.read("model.tar.gz"), expected)

    def test_pipe_mode_opens_one_fifo_per_epoch(self):
        self.train(*self.small, "--epochs", "2")
        expected = self.read("model.tar.gz")

        def feed(name):
            try:
                self.write(name, self.data)
            except OSError:  # nobody opened it, or nobody reads on
                pass

        writers = []
        for epoch in range(4):
            os.mkfifo(self.path(f"pipe_{epoch}"))
            writers.append(threading.Thread(target=feed, args=(f"pipe_{epoch}",), daemon=True))
            writers[-1].start()
        self.train(*self.small, "--epochs", "2", "--input-mode", "pipe", data="pipe")
        self.assertEqual(self.read("model.tar.gz"), expected)

    def test_a_folder_a_glob_and_a_uri(self):
        os.mkdir(self.path("parts"))
        lines = self.data.splitlines(keepends=True)
        for i in range(3):
            self.write(f"parts/part-{i}.csv", "".join(lines[i * 300:(i + 1) * 300]))
        for path in ("parts", "parts/", "parts/*.csv", "parts/part-[0-2].csv", "file://" + self.path("parts")):
            self.same_model(path)

    def test_compressed_files_are_seen_by_content(self):
        self.write("data", gzip.compress(self.data.encode()))
        self.same_model("data")
        self.shell("command -v zstd && zstd -q train.csv -o other", code=None)
        if "other" in self.files():
            self.same_model("other")

    def test_odd_names(self):
        for name in ("with space.csv", "new\nline.csv", "-dash.csv", "ä€.csv", "star[1].csv", "quote'\".csv", "back\\slash"):
            self.write(name, self.data)
            self.same_model(name)
            self.same_model("./" + name)

    def test_a_name_that_is_no_utf_8(self):
        with open(os.path.join(os.fsencode(self.work), b"\xff.csv"), "w") as file:
            file.write(self.data)
        self.same_model(b"\xff.csv")
        self.refused("kmeans", "--train", b"\xfe.csv", "--k", "3", "-o", "m.tar", says=".csv")

    def test_carriage_returns_and_a_missing_last_newline(self):
        self.write("dos.csv", self.data.replace("\n", "\r\n").rstrip())
        self.same_model("dos.csv")

    def test_types_by_suffix_and_by_content(self):
        self.write("train.pbr", recordio(self.rows))
        self.write("unnamed", recordio(self.rows))
        self.smtrain("kmeans", "--train", "train.pbr", "--k", "3", "-o", "a.tar")
        self.smtrain("kmeans", "--train", "unnamed", "--k", "3", "-o", "b.tar")
        self.assertEqual(self.read("a.tar"), self.read("b.tar"))

    def test_inputs_are_not_changed(self):
        before = os.stat(self.path("train.csv"))
        self.same_model("train.csv")
        after = os.stat(self.path("train.csv"))
        self.assertEqual((before.st_mtime_ns, before.st_ino, before.st_size),
                         (after.st_mtime_ns, after.st_ino, after.st_size))
        self.assertGreaterEqual(os.stat(self.path("model.tar.gz")).st_mtime_ns, after.st_mtime_ns)

    def test_an_output_that_is_an_input_is_refused(self):
        os.link(self.path("train.csv"), self.path("hard.csv"))
        os.symlink("train.csv", self.path("soft.csv"))
        for output in ("train.csv", "./train.csv", "hard.csv", "soft.csv"):
            self.smtrain("convert", "train.csv", output, "--content-type", "text/csv;label_size=0", "--to", "text/csv", code=2)
        os.rename(self.path("train.csv"), self.path("train.tar"))
        self.refused("kmeans", "--train", "train.tar", "--content-type", "text/csv;label_size=0", "--k", "3", "-o", "train.tar",
                     says="train.tar")
        self.assertEqual(self.read("train.tar").decode(), self.data)

    def test_metrics_and_depfile_never_overwrite_an_input(self):
        os.symlink("train.csv", self.path("soft.csv"))
        for flag in ("--metrics", "--depfile"):
            for path in ("train.csv", "soft.csv"):
                self.refused("kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "--k", "3", "-o",
                             "model.tar", flag, path, says=[flag, path, "--train"])
        self.assertEqual(self.read("train.csv").decode(), self.data)


if __name__ == "__main__":
    unittest.main()
