"""Whatever the help texts, the README and share/examples show to people is run here as it stands."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import SMTRAIN, CliTest, hear_signals, json_lines, text

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
EXAMPLES = os.path.join(ROOT, "share", "examples")


class ExampleTest(CliTest):
    """A folder that holds the sample data, in which smtrain is found by its name."""

    def setUp(self):
        super().setUp()
        bin_folder = os.path.join(self.folder, "bin")
        os.mkdir(bin_folder)
        os.symlink(os.path.abspath(SMTRAIN), os.path.join(bin_folder, "smtrain"))
        self.env["PATH"] = bin_folder + os.pathsep + self.env["PATH"]
        for name in ("points.csv", "points-test.csv", "kmeans.job.json", "news.csv", "sales.csv", "ratings.libsvm", "liked.libsvm",
                     "liked-test.libsvm", "ratings-request.json", "documents.pbr", "pca.job.json", "loans.csv", "loans-test.csv",
                     "rents.csv", "load.csv", "load-next.csv", "load-test.csv"):
            shutil.copy(os.path.join(EXAMPLES, "data", name), self.work)


class Help(ExampleTest):
    def examples_of(self, *subcommand):
        """The examples as lines of shell: from the word to the first empty line."""
        out = self.smtrain(*subcommand, "--help").out
        match = re.search(r"(?m)^Examples:\n((?:.+\n)+)", out)
        self.assertTrue(match, out)
        self.assertGreaterEqual(len(re.findall(r"(?m)^  #", match[1])), 2, out)
        return match[1]

    def subcommands(self):
        out = self.smtrain("--help").out
        return [name for part in re.findall(r"(?m)^(?:Algorithms|Other subcommands).*:\n((?:.+\n)+)", out)
                for name in re.findall(r"(?m)^  (\S+)", part)]

    def test_examples_of_every_subcommand(self):
        names = self.subcommands()
        self.assertIn("kmeans", names)
        # What makes the files that others use comes first.
        first = ["kmeans", "factorization-machines", "rcf", "convert"]
        for name in first + [name for name in names if name not in first]:
            with self.subTest(name):
                self.shell("set -eo pipefail\n" + self.examples_of(name))

    def test_examples_of_the_overview(self):
        self.shell("set -eo pipefail\n" + self.examples_of())


class Readme(ExampleTest):
    def blocks(self, language):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", file.read())

    def test_every_block_of_shell_runs_one_after_the_other(self):
        blocks = self.blocks("sh")
        self.assertGreater(len(blocks), 3)
        self.shell("set -eo pipefail\n" + "\n".join(blocks))

    def test_what_it_shows_of_a_session_is_what_happens(self):
        """Blocks of sessions: "$ command", then all that it prints."""
        sessions = self.blocks("console")
        self.assertTrue(sessions)
        self.shell("set -eo pipefail\n" + "\n".join(self.blocks("sh")))
        for command, expected in re.findall(r"(?m)^\$ (.*)\n((?:(?!\$ ).*\n)*)", "".join(sessions)):
            result = self.shell(f"{{ {command}; }} 2>&1", code=None)
            self.assertEqual(result.out, expected, command)


class Documents(ExampleTest):
    def test_the_tree_of_the_container_page(self):
        with open(os.path.join(ROOT, "share", "doc", "container.md"), encoding="utf-8") as file:
            block = "".join(re.findall(r"(?m)^    (.*\n)", file.read()))
        self.assertIn("smtrain train", block)
        self.shell("set -eo pipefail\n" + block)
        self.assertIn("manifest.json", self.files("job/model"))


class SampleData(CliTest):
    def test_the_scripts_make_the_same_files(self):
        for script in ("make_points.py", "make_ratings.py", "make_labelled.py", "make_load.py"):
            self.shell(f"{sys.executable} -B {EXAMPLES}/data/{script} .")
        for name in ("points.csv", "points-test.csv", "ratings.libsvm", "liked.libsvm", "liked-test.libsvm", "ratings-request.json",
                     "loans.csv", "loans-test.csv", "rents.csv", "load.csv", "load-next.csv", "load-test.csv"):
            with open(os.path.join(EXAMPLES, "data", name), "rb") as file:
                self.assertEqual(self.read(name), file.read(), name)


class Makefile(ExampleTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("make"):
            self.skipTest("no make here")
        shutil.copy(os.path.join(EXAMPLES, "make", "Makefile"), self.work)

    def make(self, *arguments, code=0):
        return self.shell("make SMTRAIN=smtrain DATA=. " + " ".join(arguments), code=code)

    def changed_at(self, name):
        return os.stat(self.path(name)).st_mtime_ns

    def test_n_prints_the_commands_and_runs_none(self):
        before = self.files()
        out = self.make("-n").out
        for word in ("smtrain convert", "smtrain kmeans", "smtrain transform"):
            self.assertIn(word, out)
        self.assertEqual(self.files(), before)

    def test_all_makes_the_answers_and_a_second_call_nothing(self):
        self.make()
        self.assertEqual(len(json_lines(text(self.read("points-k4.clusters.jsonl")))), 120)
        self.assertIn("Nothing to be done", self.make().out)

    def test_j4_trains_every_k_and_lists_the_scores(self):
        self.make("sweep", "-j4")
        lines = [line.split(",") for line in text(self.read("sweep.csv")).splitlines()]
        self.assertEqual([k for k, _ in lines], ["2", "3", "4", "5", "6"])
        scores = [float(score) for _, score in lines]
        self.assertGreater(scores[0], scores[2])
        self.assertIn("up to date", self.make("sweep.csv", "-j4").out)

    def test_B_makes_everything_again_with_the_same_bytes(self):
        self.make()
        names = ("points-k4.model.tar.gz", "points-k4.clusters.jsonl")
        before = {name: (self.read(name), self.changed_at(name)) for name in names}
        time.sleep(0.02)
        self.make("-B")
        for name in names:
            self.assertEqual(self.read(name), before[name][0], name)
            self.assertGreater(self.changed_at(name), before[name][1], name)

    def test_what_changed_is_made_again(self):
        self.make()
        before = self.changed_at("points-k4.clusters.jsonl")
        time.sleep(0.02)
        os.utime(self.path("points-test.csv"))
        self.make()
        self.assertGreater(self.changed_at("points-k4.clusters.jsonl"), before)
        self.assertIn("Nothing to be done", self.make().out)

    def test_a_file_that_only_the_depfile_knows_is_heeded(self):
        """The Makefile names the folder, the depfile the files in it."""
        os.mkdir(self.path("parts"))
        rows = text(self.read("points.csv")).splitlines(keepends=True)
        for i in range(2):
            self.write(f"parts/{i}.csv", "".join(rows[300 * i:300 * (i + 1)]))
        self.make("TRAIN=parts")
        before = self.read("points.pbr"), self.read("points-k4.model.tar.gz")
        self.assertIn("Nothing to be done", self.make("TRAIN=parts").out)
        time.sleep(0.02)
        with open(self.path("parts/1.csv"), "a", encoding="utf-8") as file:  # the folder itself does not change
            file.write("50,50,50\n" * 100)
        out = self.make("TRAIN=parts").out
        for word in ("smtrain convert", "smtrain kmeans", "smtrain transform"):
            self.assertIn(word, out)
        self.assertNotEqual(self.read("points.pbr"), before[0])
        self.assertNotEqual(self.read("points-k4.model.tar.gz"), before[1])
        self.assertIn("Nothing to be done", self.make("TRAIN=parts").out)

    def test_a_model_to_start_from_is_heeded(self):
        flags = "FLAGS='--model start.tar.gz'"
        self.make()
        shutil.copy(self.path("points-k4.model.tar.gz"), self.path("start.tar.gz"))
        self.make("-B", flags)
        self.assertIn("Nothing to be done", self.make(flags).out)
        time.sleep(0.02)
        os.utime(self.path("start.tar.gz"))
        out = self.make("-n", flags).out
        self.assertIn("smtrain kmeans", out)
        self.assertNotIn("smtrain convert", out)

    def test_a_file_that_is_gone_is_no_missing_rule(self):
        os.mkdir(self.path("parts"))
        shutil.copy(self.path("points.csv"), self.path("parts/a.csv"))
        shutil.copy(self.path("points.csv"), self.path("parts/b.csv"))
        self.make("TRAIN=parts")
        os.remove(self.path("parts/b.csv"))
        self.assertIn("smtrain convert", self.make("TRAIN=parts").out)

    def test_everything_at_once_and_again(self):
        self.make("-j4", "all", "sweep")
        before = {name: self.read(name) for name in self.files() if name.startswith("points-k") and not name.endswith("metrics.jsonl")}
        self.make("-B", "-j4", "all", "sweep")
        self.assertEqual({name: self.read(name) for name in before}, before)
        self.assertIn("up to date", self.make("sweep.csv", "-j4").out)

    def test_an_interrupt_leaves_targets_whole(self):
        """A make that is stopped in the middle, and one that then goes on."""
        process = subprocess.Popen(["make", "-j4", "SMTRAIN=smtrain", "DATA=.", "all", "sweep"], env=self.environment({}), cwd=self.work,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                                   preexec_fn=hear_signals)
        self.wait_until(lambda: any(name.endswith(".tar.gz") for name in self.files()) or process.poll() is not None)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        for name in self.files():
            if name.endswith(".tar.gz"):
                self.smtrain("inspect", name)
        self.make("-j4", "all", "sweep")
        self.assertIn("up to date", self.make("sweep.csv").out)

    def test_a_failure_leaves_no_target(self):
        self.write("points.csv", "1,2\n3,x\n")
        result = self.make(code=2)
        self.assertIn("points.csv:2", result.err)
        self.assertNotIn("points.pbr", self.files())

    def test_clean(self):
        before = self.files()
        self.make("all", "sweep")
        self.make("clean")
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    unittest.main()
