"""smtrain train --job where things go wrong around the program: descendants that stay, runners that are killed, odd names, full disks."""

import json
import os
import signal
import time
import unittest

from harness import hear_signals
from job_test import WAIT_S, JobTest, is_running


def descendants_of_a_script(path):
    """Writes its own pid and that of a child in its group, and waits for both."""
    return f"sleep 1000 & echo $! > {path}.part; mv {path}.part {path}; echo ready; wait"


class Descendants(JobTest):
    def pid(self, name="pid"):
        self.wait_until(lambda: os.path.exists(self.path(name)))
        return int(self.read(name))

    def test_the_whole_group_ends_with_a_killed_runner(self):
        process = self.start_job(self.program(descendants_of_a_script(self.path("pid"))))
        pid = self.pid()
        process.kill()
        process.communicate(timeout=WAIT_S)
        self.wait_until(lambda: not is_running(pid))

    def test_what_left_the_group_ends_with_the_job(self):
        # A daemon that goes on writing holds neither the end of the job nor the machine.
        noise = f"echo $$ > {self.path('pid')}; while :; do echo noise; sleep 0.01; done"
        self.write("noise.sh", noise)
        begun = time.monotonic()
        self.job(self.program(f"setsid sh {self.path('noise.sh')} & until [ -s {self.path('pid')} ]; do sleep 0.01; done; echo last"))
        self.assertLess(time.monotonic() - begun, 20)
        self.assertIn("last", self.log().splitlines())
        self.assertFalse(is_running(self.pid()))

    def test_a_program_inherits_no_descriptor(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            os.set_inheritable(file.fileno(), True)
            self.job(self.program("ls -l /proc/$$/fd"), pass_fds=[file.fileno()])
        self.assertNotIn("secret", self.log())
        self.assertNotIn("results", self.log())
        self.assertNotIn("socket", self.log())

    def test_a_runner_whose_caller_ignores_ends_of_children(self):
        def ignore():
            hear_signals()
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        self.job(self.program("echo done"), preexec_fn=ignore, timeout=20)

    def test_a_runner_with_closed_streams(self):
        self.write("job.json", json.dumps(self.program("echo to-out; echo to-err >&2; wc -c")))
        self.shell("$SMTRAIN train --job job.json <&- >&- 2>&-")
        self.assertEqual(self.log().split(), ["to-out", "to-err", "0"])


if __name__ == "__main__":
    unittest.main()
