"""Runs whole processes and measures them: wall and CPU seconds, peak memory; in pairs, on a machine that is left alone."""

import os
import statistics
import subprocess
import sys
import time

SPIN = 3_000_000


class Run:
    """One finished process."""

    def __init__(self, wall, usage, out):
        self.wall = wall
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss / 1024
        self.out = out


def run(command, env=None):
    """Runs a command to its end; one that fails ends the benchmark with its messages."""
    # This process stays small: Linux counts the memory of whoever starts a process into that process's peak.
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **(env or {})))
    out, err = process.stdout.read(), process.stderr.read()  # both are short
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}\nexit {process.returncode}\n{err.decode()}")
    return Run(wall, usage, out.decode())


def spin_seconds(children):
    """Wall seconds until so many processes have each counted to SPIN."""
    start = time.monotonic()
    pids = []
    for _ in range(children):
        pid = os.fork()
        if pid == 0:
            n = 0
            while n < SPIN:
                n += 1
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    return time.monotonic() - start


def is_left_alone():
    """Whether two spinning processes take as long as one, within 15 %."""
    one = min(spin_seconds(1) for _ in range(2))
    return spin_seconds(2) <= 1.15 * one


def wait_until_left_alone(patience):
    """True as soon as nobody else uses the machine; False when that has not happened within so many seconds."""
    end = time.monotonic() + patience
    while not is_left_alone():
        if time.monotonic() > end:
            return False
        time.sleep(2)
    return True


def summary(runs):
    return {name: round(statistics.median(getattr(r, name) for r in runs), 4) for name in ("wall", "cpu", "peak_mb")}


def pairs(ours, peer, count, patience):
    """Runs two commands in turn, `count` times, and returns both lists of runs and how many pairs were disturbed.

    `ours` and `peer` take the number of the pair and return a command; each pair begins with the other one.
    """
    lists, disturbed = ([], []), 0
    for i in range(count):
        disturbed += not wait_until_left_alone(patience)
        for side in ((0, 1) if i % 2 == 0 else (1, 0)):
            lists[side].append(run((ours, peer)[side](i)))
    return lists[0], lists[1], disturbed


def median_ratio(ours, peer, name):
    """Median over the pairs of ours / peer."""
    return statistics.median(getattr(a, name) / getattr(b, name) for a, b in zip(ours, peer))
