"""Outputs are whole or absent, the same wherever they are made, and known to make (F1 to F8)."""

import os
import random
import signal
import stat
import subprocess
import time
import unittest

from harness import NIGHTLY, CliTest, blobs, csv, text

TRAIN = ["kmeans", "--content-type", "text/csv;label_size=0", "--k", "3"]


class WholeOrAbsent(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs(3000)))

    def test_killed_at_any_time_the_output_is_old_or_new(self):
        start = time.monotonic()
        self.train()
        duration = time.monotonic() - start
        new = self.read("model.tar.gz")
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        outcomes = set()
        for _ in range(100 if NIGHTLY else 25):
            self.write("model.tar.gz", b"old")
            process = self.start(*TRAIN, "--train", "train.csv", "-o", "model.tar.gz")
            time.sleep(draw.uniform(0, duration * 1.1))
            process.kill()
            process.communicate()
            held = self.read("model.tar.gz")
            self.assertIn(held, (b"old", new), f"seed {seed}")
            outcomes.add(held)
        self.assertIn(b"old", outcomes)

    def test_an_existing_output_is_replaced_and_nothing_is_left_beside_it(self):
        self.write("model.tar.gz", b"old")
        self.train()
        self.assertNotEqual(self.read("model.tar.gz"), b"old")
        self.assertEqual(self.files(), ["model.tar.gz", "train.csv"])

    def test_a_failure_keeps_the_old_output(self):
        self.write("model.tar.gz", b"old")
        self.write("late.csv", csv(blobs(3000)) + "1,x\n")
        self.train(data="late.csv", code=2)
        self.assertEqual(self.read("model.tar.gz"), b"old")
        self.assertEqual(self.files(), ["late.csv", "model.tar.gz", "train.csv"])

    def test_a_folder_that_is_not_there_is_named_before_training(self):
        self.refused(*TRAIN, "--train", "train.csv", "-o", "none/m.tar.gz", says="none")

    def test_a_folder_without_permission(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        os.mkdir(self.path("closed"), 0o500)
        self.refused(*TRAIN, "--train", "train.csv", "-o", "closed/m.tar.gz", says="closed")

    def test_a_full_disk_is_the_machines_fault_and_named(self):
        result = self.smtrain("convert", "train.csv", "/dev/full", "--content-type", "text/csv;label_size=0", "--to",
                              "application/x-recordio-protobuf", code=1)
        self.assertIn("/dev/full", result.err)
        self.assertIn("No space left", result.err)

    def test_a_full_file_system_keeps_nothing(self):
        os.mkdir(self.path("small"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", self.path("small")], capture_output=True)
        if mounted.returncode:
            self.skipTest("cannot mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", self.path("small")])
        result = self.smtrain("convert", "train.csv", "small/out.pbr", "--content-type", "text/csv;label_size=0", code=1)
        self.assertIn("out.pbr", result.err)
        self.assertIn("No space left", result.err)
        self.assertEqual(self.files("small"), [])

    def test_a_file_size_limit_keeps_nothing(self):
        result = self.shell('ulimit -f 8; "$SMTRAIN" convert train.csv out.pbr --content-type "text/csv;label_size=0"', code=1)
        self.assertIn("out.pbr", result.err)
        self.assertEqual(self.files(), ["train.csv"])

    def test_standard_output_as_output(self):
        self.train()
        command = ["transform", "--model", "model.tar.gz", "--input", "train.csv", "--content-type", "text/csv;label_size=0"]
        self.smtrain(*command, "--output", "answers")
        self.assertEqual(self.smtrain(*command, "--output", "-").out, text(self.read("answers")))

    def test_umask_is_obeyed(self):
        for mask, expected in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
            self.train(umask=mask)
            self.assertEqual(stat.S_IMODE(os.stat(self.path("model.tar.gz")).st_mode), expected)
            os.remove(self.path("model.tar.gz"))


class SameBytes(CliTest):
    def test_from_another_folder_at_another_time_under_another_umask(self):
        self.write("train.csv", csv(blobs()))
        self.train()
        os.mkdir(self.path("elsewhere"))
        time.sleep(1.1)
        self.train(data="../train.csv", output="m.tar.gz", cwd=self.path("elsewhere"), umask=0o077)
        self.assertEqual(self.read("model.tar.gz"), self.read("elsewhere/m.tar.gz"))

    def test_many_jobs_in_one_folder(self):
        self.write("train.csv", csv(blobs()))
        self.train()
        expected = self.read("model.tar.gz")
        jobs = [self.start(*TRAIN, "--train", "train.csv", "-o", f"m{i % 4}.tar.gz") for i in range(8)]
        for job in jobs:
            _, err = job.communicate(timeout=120)
            self.assertEqual(job.returncode, 0, text(err))
        self.assertEqual(self.files(), ["m0.tar.gz", "m1.tar.gz", "m2.tar.gz", "m3.tar.gz", "model.tar.gz", "train.csv"])
        for i in range(4):
            self.assertEqual(self.read(f"m{i}.tar.gz"), expected)


class Make(CliTest):
    MAKEFILE = """\
.DELETE_ON_ERROR:
model.tar.gz:
\t$(SMTRAIN) kmeans -q --train 'with space.csv' --test parts --content-type 'text/csv;label_size=0' --k 3 \\
\t  --hyperparameters hp.json --depfile model.d -o $@
-include model.d
"""

    def make(self, *arguments):
        return self.shell("make SMTRAIN=\"$SMTRAIN\" " + " ".join(arguments))

    def test_the_depfile_names_every_file_read(self):
        self.write("Makefile", self.MAKEFILE)
        self.write("with space.csv", csv(blobs()))
        os.mkdir(self.path("parts"))
        self.write("parts/a.csv", csv(blobs(30)))
        self.write("parts/b.csv", csv(blobs(30)))
        self.write("hp.json", '{"epochs": "2"}')
        self.make()
        self.assertIn("up to date", self.make().out)
        for name in ("with space.csv", "parts/a.csv", "parts/b.csv", "hp.json"):
            before = os.stat(self.path("model.tar.gz")).st_mtime_ns
            time.sleep(0.02)
            os.utime(self.path(name))
            self.make()
            self.assertGreater(os.stat(self.path("model.tar.gz")).st_mtime_ns, before, name)
            self.assertIn("up to date", self.make().out)


if __name__ == "__main__":
    unittest.main()
