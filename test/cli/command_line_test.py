"""What the command line accepts and refuses: help, order, spelling, unknown and missing flags (C9 to C11)."""

import json
import unittest

from harness import CliTest, blobs, csv


class Help(CliTest):
    def test_alone_it_prints_the_overview(self):
        alone = self.smtrain()
        self.assertEqual(alone.err, "")
        for arguments in (["help"], ["--help"], ["-h"]):
            self.assertEqual(self.smtrain(*arguments).out, alone.out)

    def test_the_overview_opens_with_usage_and_names_every_subcommand(self):
        out = self.smtrain("--help").out
        self.assertIn("smtrain", out.splitlines()[0].lower())
        for name in ("kmeans", "transform", "convert", "inspect", "algorithms", "info", "completion", "version"):
            self.assertRegex(out, rf"\b{name}\b")

    def test_help_of_a_subcommand_in_every_spelling(self):
        expected = self.smtrain("kmeans", "--help")
        self.assertEqual(expected.err, "")
        for arguments in (["help", "kmeans"], ["--help", "kmeans"], ["kmeans", "-h"], ["kmeans", "-qh"],
                          ["kmeans", "--unknown", "--help"], ["kmeans", "--k", "0", "--help"]):
            self.assertEqual(self.smtrain(*arguments).out, expected.out, arguments)

    def test_help_of_an_algorithm_opens_with_usage_and_two_examples_and_lists_hyperparameters(self):
        out = self.smtrain("kmeans", "--help").out
        self.assertIn("smtrain kmeans", out.splitlines()[0] + out.splitlines()[1])
        self.assertGreaterEqual(out.count("smtrain kmeans"), 3)
        for name in ("--k", "--feature_dim", "--mini_batch_size", "--train", "--output", "--threads", "--seed"):
            self.assertIn(name, out.replace("feature-dim", "feature_dim").replace("mini-batch-size", "mini_batch_size"))

    def test_every_subcommand_has_help(self):
        for name in ("transform", "convert", "inspect", "algorithms", "info", "completion", "version"):
            result = self.smtrain(name, "--help")
            self.assertIn(f"smtrain {name}", result.out)
            self.assertEqual(result.err, "")

    def test_help_works_with_a_broken_environment(self):
        self.smtrain("--help", env={"SMTRAIN_THREADS": "many", "HOME": None})

    def test_help_of_something_unknown_names_the_nearest(self):
        self.refused("help", "kmean", says=["kmean", "did you mean kmeans"])


class Version(CliTest):
    def test_version_is_one_line(self):
        result = self.smtrain("version")
        self.assertRegex(result.out, r"\Asmtrain \d+\.\d+\.\d+\S*\n\Z")
        self.assertEqual(self.smtrain("--version").out, result.out)
        self.assertEqual(result.err, "")


class Algorithms(CliTest):
    def test_the_table_and_json_name_kmeans(self):
        self.assertIn("kmeans", self.smtrain("algorithms").out)
        self.assertIn("kmeans", json.dumps(json.loads(self.smtrain("algorithms", "--json").out)))

    def test_filtered_by_task(self):
        self.assertIn("kmeans", self.smtrain("algorithms", "--task", "clustering").out)
        self.refused("algorithms", "--task", "juggling", says=["juggling", "clustering"])


class Completion(CliTest):
    def test_each_shell_has_a_script(self):
        for shell in ("bash", "zsh", "fish"):
            out = self.smtrain("completion", shell).out
            self.assertIn("smtrain", out)
            self.assertIn("kmeans", out)

    def test_bash_accepts_its_script(self):
        self.shell('source <("$SMTRAIN" completion bash) && complete -p smtrain')

    def test_bash_completes_subcommands_flags_and_values(self):
        script = self.path("completion")
        self.shell(f'"$SMTRAIN" completion bash > {script}')

        def completions(*words):
            line = (f'source {script}; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; '
                    'f=$(complete -p smtrain | sed "s/.*-F \\([^ ]*\\).*/\\1/"); '
                    f'COMP_LINE="{" ".join(words)}"; COMP_POINT=${{#COMP_LINE}}; '
                    f'$f smtrain "${{COMP_WORDS[-1]}}" x; printf "%s\\n" "${{COMPREPLY[@]}}"')
            return [reply.strip() for reply in self.shell(line, code=None).out.splitlines()]

        self.assertIn("kmeans", completions("smtrain", "kme"))
        self.assertTrue(any(c.startswith("--init") for c in completions("smtrain", "kmeans", "--ini")))
        self.assertIn("random", completions("smtrain", "kmeans", "--init_method", "ra"))

    def test_an_unknown_shell_is_refused(self):
        self.refused("completion", "fsh", says=["fsh", "bash", "zsh", "fish"])
        self.refused("completion", says="missing")


class UnknownAndMissing(CliTest):
    def test_unknown_subcommand_names_the_nearest(self):
        self.refused("kmaens", says=["kmaens", "did you mean kmeans"])

    def test_unknown_flag_names_the_nearest(self):
        self.refused("kmeans", "--mini_batch_sise", "5", says=["--mini_batch_sise", "did you mean --mini_batch_size"])
        self.refused("kmeans", "--tarin=x", says=["--tarin", "did you mean --train"])
        self.refused("version", "-x", says="-x")

    def test_a_flag_before_the_subcommand_that_nobody_knows(self):
        self.refused("--foo", "kmeans", says="--foo")

    def test_all_problems_of_a_command_line_are_reported_together(self):
        self.refused("kmeans", "--kk", "3", "--input-mode", "fiel", "--channel", "oops", "-q", "-v",
                     says=["--kk", "fiel", "did you mean file", "oops", "--train", "--output", "exclude each other"])

    def test_a_required_flag_that_is_missing(self):
        self.refused("kmeans", says=["--train", "--output"])
        self.refused("transform", says=["--model", "--input", "--output"])
        self.refused("convert", "a", says="missing")

    def test_a_flag_given_twice_is_refused_with_both_values(self):
        self.refused("kmeans", "--k", "3", "--k", "4", says=["--k", '"3"', '"4"'])
        self.refused("kmeans", "-o", "a", "--output=b", says=["--output", '"a"', '"b"'])

    def test_a_flag_without_its_value(self):
        self.refused("kmeans", "--k", says="--k needs a value")
        self.refused("kmeans", "-o", says="--output needs a value")
        self.refused("kmeans", "--train", "--k", "3", says=["--train needs a value", "--k"])

    def test_a_value_for_a_flag_that_takes_none(self):
        self.refused("version", "--quiet=yes", says="--quiet takes no value")

    def test_too_many_arguments(self):
        self.refused("convert", "a", "b", "c", says='"c"')
        self.refused("kmeans", "train.csv", says='"train.csv"')


class Spelling(CliTest):
    """The same run in many spellings; what differs is refused or writes another model."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))

    def test_any_order_dash_underscore_equals_and_short_forms(self):
        self.train("--mini_batch_size", "100")
        expected = self.read("model.tar.gz")
        common = ["--train", "train.csv", "--k", "3", "--content-type", "text/csv;label_size=0"]
        for arguments in (["kmeans", *common, "--mini-batch-size=100", "-oother.tar.gz"],
                          ["kmeans", "-o", "other.tar.gz", "--mini_batch-size", "100", *common],
                          ["--mini_batch_size", "100", "-q", "kmeans", "--output=other.tar.gz", *common],
                          ["-o", "other.tar.gz", "--k=3", "kmeans", *common[:2], "--content_type", common[5],
                           "--mini_batch_size", "100", "--"],
                          ["kmeans", "--channel", "train=train.csv,type=text/csv;label_size=0", "--k", "3",
                           "--mini_batch_size=100", "-o", "other.tar.gz"]):
            self.smtrain(*arguments)
            self.assertEqual(self.read("other.tar.gz"), expected, arguments)

    def test_values_may_begin_with_a_dash(self):
        self.refused("kmeans", "--train", "train.csv", "--k", "-1", "-o", "m.tar", says=["-1", "k"])
        self.refused("kmeans", "--train", "train.csv", "--k=-1", "-o", "m.tar", says=["-1", "k"])

    def test_double_dash_ends_options(self):
        self.write("-in.csv", csv(blobs(10)))
        self.smtrain("convert", "--to", "application/x-recordio-protobuf", "--content-type", "text/csv;label_size=0",
                     "--", "-in.csv", "-out.pbr")
        self.assertIn("-out.pbr", self.files())


class Channels(CliTest):
    def test_what_is_wrong_with_channels_is_said(self):
        base = ["kmeans", "--k", "3", "-o", "m.tar"]
        self.refused(*base, "--channel", "train", says=["--channel", "NAME=PATH"])
        self.refused(*base, "--channel", "train=x,mode=pip", says=["mode", '"pip"', "did you mean pipe"])
        self.refused(*base, "--channel", "train=x,distribution=all", says=["distribution", "replicated"])
        self.refused(*base, "--train", "x", "--channel", "train=y", says=["train", "twice"])
        self.refused(*base, "--train", "x", "--content-type", "tarin=text/csv", says=["tarin", "did you mean train"])
        self.refused(*base, "--train", "x", "--content-type", "csv", "--content-type", "json", says="twice")
        self.refused(*base, "--train=", says="no path")

    def test_a_path_may_hold_commas_equal_signs_and_option_names(self):
        for name in ("a,b=c.csv", "x,mode=odd.csv"):
            self.write(name, csv(blobs(60)))
            spelled = name.replace(",mode=", ",,mode=")
            self.smtrain("kmeans", "--channel", f"train={spelled},type=text/csv;label_size=0,mode=file", "--k", "2",
                         "-o", "m.tar")


if __name__ == "__main__":
    unittest.main()
