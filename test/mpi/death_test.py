"""The end of ranks: a killed rank, signals to all, checkpoints over ranks."""

import os
import random
import signal
import subprocess
import time
import unittest

from harness_mpi import MpiTest, cli


def ranks_of(launcher):
    """The processes of the run by rank, found among the children of mpirun."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                parent = int(file.read().rsplit(")", 1)[1].split()[1])
            if parent != launcher:
                continue
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = dict(v.split(b"=", 1) for v in file.read().split(b"\0") if b"=" in v)
        except (OSError, ValueError):
            continue
        rank = variables.get(b"OMPI_COMM_WORLD_RANK")
        if rank is not None:
            found[int(rank)] = int(pid)
    return found


class Endings(MpiTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(7)
        self.write("train.csv", "".join(",".join(f"{draw.gauss(c % 5, 1):.4f}" for c in range(16)) + "\n" for _ in range(20000)))

    def arguments(self, *more, epochs=100000):
        return ["kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "--k", "20", "--mini-batch-size", "500",
                "--epochs", str(epochs), "-o", "m.tar", "-v", *more]

    def run_until(self, condition, *arguments):
        """A run of three ranks that has come to where the condition holds."""
        process = self.start_ranks(3, *arguments)
        self.addCleanup(lambda: process.poll() is None and os.killpg(process.pid, signal.SIGKILL))
        self.wait_until(lambda: process.poll() is not None or condition(process))
        self.assertIsNone(process.poll(), "the run has ended early")
        return process

    def end_of(self, process, seconds):
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - start, seconds)
        return cli.Result(process.returncode, cli.text(out), cli.text(err))

    def checkpoints(self, folder="c"):
        path = self.path(folder)
        return [name for name in (os.listdir(path) if os.path.isdir(path) else []) if not name.startswith(".")]

    def test_a_killed_rank_ends_all_within_ten_seconds(self):
        # A checkpoint of the run's own says that all ranks have come through MPI_Init. Open MPI 4.1's mpirun can lock itself up at its
        # exit when a process dies before that (pmix_rte_finalize waits for a lock that is never given back); the ranks end all the same.
        for rank in (0, 2):
            folder = f"c{rank}"
            process = self.run_until(lambda p: len(ranks_of(p.pid)) == 3 and self.checkpoints(folder), *self.arguments(
                "--checkpoint-dir", folder, "--checkpoint-every", "0s"))
            pids = ranks_of(process.pid)
            os.kill(pids[rank], signal.SIGKILL)
            result = self.end_of(process, 10)
            self.assertNotEqual(result.code, 0)
            self.assertLessEqual(len(self.errors(result)), 1, result)
            self.assertFalse(os.path.exists(self.path("m.tar")))
            self.wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids.values()))

    def test_a_signal_to_all_ranks_leaves_a_checkpoint_from_which_they_go_on(self):
        whole = self.ranks(3, *self.arguments("--checkpoint-dir", "whole", epochs=40))
        unbroken = self.read("m.tar")
        os.remove(self.path("m.tar"))
        for number in (signal.SIGTERM, signal.SIGUSR1):
            before = set(self.checkpoints())
            process = self.run_until(lambda p: len(ranks_of(p.pid)) == 3 and set(self.checkpoints()) - before, *self.arguments(
                "--checkpoint-dir", "c", "--checkpoint-every", "0s", epochs=40))
            for pid in ranks_of(process.pid).values():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            result = self.end_of(process, 20)
            if result.code == 0:  # done before the signals
                break
            self.assertEqual(result.code, 75, result)
            self.assertEqual(self.errors(result), [], result)
            self.assertEqual(result.err.count("smtrain: stopped: "), 1, result)
        self.assertIn("wrote m.tar", whole.err)
        self.ranks(3, *self.arguments("--checkpoint-dir", "c", epochs=40))
        self.assertEqual(self.read("m.tar"), unbroken)

    def test_another_number_of_ranks_does_not_go_on(self):
        self.ranks(2, *self.arguments("--checkpoint-dir", "c", epochs=2))
        result = self.ranks(3, *self.arguments("--checkpoint-dir", "c", epochs=2), code=2)
        self.assertIn("processes", result.err)
        self.assertEqual(sum("belongs to another run" in line for line in self.errors(result)), 1, result)


if __name__ == "__main__":
    unittest.main()
