"""Standard streams, colour, closed pipes, signals (C1 to C8)."""

import json
import os
import signal
import subprocess
import time
import unittest

from harness import CliTest, blobs, csv, ended_by, json_lines, text

ESC = "\x1b"


def script(command):
    """A command line under a terminal, through script(1)."""
    return f"script -qec {command!r} /dev/null"


class Streams(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))

    def test_text_format_leaves_standard_output_empty(self):
        result = self.train()
        self.assertEqual(result.out, "")
        self.assertNotEqual(result.err, "")

    def test_json_format_prints_only_json_on_both_streams(self):
        result = self.train("--log-format", "json", "--test", "train.csv")
        lines = json_lines(result.out)
        self.assertTrue(any("test:msd" in json.dumps(line) for line in lines), result)
        json_lines(result.err)

    def test_sagemaker_format_prints_the_published_lines(self):
        out = self.train("--log-format", "sagemaker", "--test", "train.csv").out
        self.assertRegex(out, r"#quality_metric: host=\S+, test msd <loss>=\d+\.\d+")
        self.assertRegex(out, r"#progress_metric: host=\S+, completed 100(\.0)? %")
        self.assertRegex(out, r"(?m)^#metrics \{")
        for line in out.splitlines():
            if line.startswith("#metrics "):
                json.loads(line[len("#metrics "):])

    def test_sagemaker_log_holds_arguments_errors_accuracy_and_timing(self):
        out = self.train("--log-format", "sagemaker", "--test", "train.csv", "--epochs", "2").out
        prefix = r"(?m)^\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] "
        for line in (r"Docker entrypoint called with argument\(s\): .*kmeans.*--k 3", r'Merging with provided configuration: \{.*"k": "3"',
                     r'Final configuration: \{.*"epochs": "2".*"local_lloyd_tol"', r"processed a total of \d+ examples",
                     r"'extra_center_factor' was set to 'auto', evaluated to \d+\.", r"local kmeans attempt #0\. Current mean square distance",
                     r"#quality_metric: host=algo-1, train msd <loss>=", r"#throughput_metric: host=algo-1, train throughput=\S+ records/second"):
            self.assertRegex(out, prefix + line)
        metrics = [json.loads(line[len("#metrics "):]) for line in out.splitlines() if line.startswith("#metrics ")]
        timed = {name for m in metrics for name in m["Metrics"]}
        for name in ("initialize.time", "update.time", "finalize.time", "model.serialize.time", "setuptime", "totaltime"):
            self.assertIn(name, timed)
        failed = self.smtrain("kmeans", "--train", "train.csv", "--k", "x", "-o", "m.tar", "--log-format", "sagemaker", code=2)
        self.assertRegex(failed.out, r"(?m)^\[.* ERROR \d+\] Hyperparameter k: 'x' is not an integer$")
        self.assertIn("Hyperparameter k: 'x' is not an integer", failed.err)

    def test_quiet_is_silent_on_success_and_speaks_on_failure(self):
        result = self.train("-q")
        self.assertEqual((result.out, result.err), ("", ""))
        self.refused("kmeans", "-q", "--train", "none.csv", "--k", "3", "-o", "m.tar", says="none.csv")

    def test_verbose_adds_the_resolved_settings(self):
        plain, verbose = self.train(), self.train("-v")
        self.assertGreater(len(verbose.err), len(plain.err))
        self.assertIn("local_lloyd_tol", verbose.err)

    def test_quiet_and_verbose_exclude_each_other(self):
        self.refused("kmeans", "-q", "-v", "--train", "train.csv", "--k", "3", "-o", "m.tar", says=["--quiet", "--verbose"])

    def test_metrics_go_to_their_own_file(self):
        self.train("--metrics", "metrics.jsonl", "--test", "train.csv")
        lines = json_lines(text(self.read("metrics.jsonl")))
        self.assertTrue(any("test:msd" in json.dumps(line) for line in lines), lines)

    def test_a_piped_log_has_neither_colour_nor_carriage_returns(self):
        err = self.train("-v").err
        self.assertNotIn(ESC, err)
        self.assertNotIn("\r", err)

    def test_force_color_and_no_color(self):
        forced = self.train(env={"FORCE_COLOR": "1"}).err
        self.assertIn(ESC, forced)
        for arguments, env in ((["--no-color"], {"FORCE_COLOR": "1"}), ([], {"NO_COLOR": "1"})):
            self.assertNotIn(ESC, self.train(*arguments, env=env).err)

    def test_a_terminal_has_colour_unless_told_otherwise(self):
        command = '"$SMTRAIN" kmeans --train train.csv --content-type "text/csv;label_size=0" --k 3 -o m.tar'
        self.assertIn(ESC, self.shell(script(command), env={"TERM": "xterm"}).out)
        for env in ({"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}):
            self.assertNotIn(ESC + "[3", self.shell(script(command), env=env).out)

    def test_a_closed_pipe_ends_quietly(self):
        for command in ('"$SMTRAIN" kmeans --help', '"$SMTRAIN" completion bash', '"$SMTRAIN" algorithms --json'):
            result = self.shell(f"set -o pipefail; {command} | true", code=None)
            self.assertEqual(result.err, "", command)

    def test_lost_output_is_no_success(self):
        for redirection in ("> /dev/full", ">&-"):
            result = self.shell(f'"$SMTRAIN" version {redirection}', code=None)
            self.assertEqual(result.code, 1, redirection)
            self.assertNotEqual(result.err, "")

    def test_closed_standard_streams_do_not_end_up_in_files(self):
        self.shell('"$SMTRAIN" kmeans --train train.csv --content-type "text/csv;label_size=0" --k 3 -o m.tar.gz '
                   '<&- >&- 2>&-')
        self.train()
        self.assertEqual(self.read("m.tar.gz"), self.read("model.tar.gz"))

    def test_dash_on_a_terminal_says_what_it_waits_for(self):
        command = '"$SMTRAIN" kmeans --train - --content-type "text/csv;label_size=0" --k 1 -o m.tar'
        shell = f"(sleep 1; printf '1,2\\n\\004') | {script(command)}"
        out = self.shell(shell, code=None, env={"TERM": "xterm"}).out
        self.assertRegex(out, r"standard input|stdin")


class Signals(CliTest):
    """A run that is stopped leaves the old output and says by which signal (C7)."""

    def setUp(self):
        super().setUp()
        os.mkfifo(self.path("slow"))
        self.write("model.tar.gz", b"old")

    def start_on_fifo(self, **options):
        """A training run that waits for its data."""
        process = self.start("kmeans", "--train", "slow", "--content-type", "text/csv;label_size=0", "--k", "3", "-o",
                             "model.tar.gz", **options)
        writer = os.open(self.path("slow"), os.O_RDWR)
        self.addCleanup(os.close, writer)
        os.write(writer, csv(blobs(30)).encode())
        time.sleep(0.5)
        self.assertIsNone(process.poll(), "ended before its input did")
        return process

    def stop(self, process, number, seconds=20):
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail(f"still running {seconds} s after signal {number}: {process.communicate()}")
        self.assertTrue(ended_by(process, number), (process.returncode, err))
        self.assertEqual(self.read("model.tar.gz"), b"old")
        self.assertEqual(self.files(), ["model.tar.gz", "slow"])
        return text(err)

    def test_an_interrupt_while_reading_a_fifo(self):
        self.assertIn("SIGINT", self.stop(self.start_on_fifo(), signal.SIGINT))

    def test_termination_and_hang_up(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            self.stop(self.start_on_fifo(), number)

    def test_two_interrupts_quit_at_once(self):
        process = self.start_on_fifo()
        process.send_signal(signal.SIGINT)
        self.stop(process, signal.SIGINT, seconds=2)

    def test_a_stopped_and_continued_run_goes_on(self):
        process = self.start_on_fifo()
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        self.stop(process, signal.SIGTERM)

    def test_nohup_survives_a_hang_up(self):
        process = self.start_on_fifo(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(process.poll(), "SIGHUP was ignored when the run began, and stopped it all the same")
        self.stop(process, signal.SIGTERM)

    def test_an_interrupt_in_the_middle_of_computing(self):
        self.write("big.csv", csv(blobs(20000)))
        process = self.start("kmeans", "--train", "big.csv", "--content-type", "text/csv;label_size=0", "--k", "200",
                             "--epochs", "100000", "-o", "model.tar.gz")
        time.sleep(1)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertTrue(ended_by(process, signal.SIGINT), process.returncode)
        self.assertEqual(self.read("model.tar.gz"), b"old")


if __name__ == "__main__":
    unittest.main()
