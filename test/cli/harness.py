"""Runs the built binary as a user would: in a folder of its own, with an environment that holds only what a test sets.

SMTRAIN names the binary. Nothing but the standard library is used.
"""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

SMTRAIN = os.environ.get("SMTRAIN", "")
TIMEOUT_S = 120
NIGHTLY = os.environ.get("SMTRAIN_NIGHTLY") == "1"  # random tests have their full number of rounds


class Result:
    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class CliTest(unittest.TestCase):
    """A test case with a folder, an environment, and calls of the binary."""

    def setUp(self):
        self.assertTrue(os.path.isfile(SMTRAIN), f"SMTRAIN={SMTRAIN!r} is no file")
        self.folder = tempfile.mkdtemp(prefix="smtrain-cli-")
        self.addCleanup(self.remove_folder)
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.work = os.path.join(self.folder, "work")
        os.mkdir(self.work)
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.home, "LC_ALL": "C.UTF-8",
                    "TMPDIR": self.folder, "OMP_WAIT_POLICY": "passive"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LD_LIBRARY_PATH"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def remove_folder(self):
        for root, folders, _ in os.walk(self.folder):
            for name in folders:
                if not os.path.islink(os.path.join(root, name)):  # what a link leads to is not the test's
                    os.chmod(os.path.join(root, name), 0o700)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def write(self, name, data):
        mode = "wb" if isinstance(data, bytes) else "w"
        with open(self.path(name), mode) as file:
            file.write(data)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def environment(self, changes):
        env = dict(self.env)
        for name, value in (changes or {}).items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
        return env

    def start(self, *arguments, env=None, cwd=None, **options):
        """Starts the binary; the caller waits."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("preexec_fn", hear_signals)
        return subprocess.Popen([SMTRAIN, *arguments], env=self.environment(env), cwd=cwd or self.work, **options)

    def smtrain(self, *arguments, code=0, stdin=b"", env=None, cwd=None, timeout=TIMEOUT_S, **options):
        """Runs the binary to its end and checks the exit code; None accepts any."""
        process = self.start(*arguments, env=env, cwd=cwd, stdin=subprocess.PIPE, **options)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"no end after {timeout} s: {arguments}\n{text(out)}\n{text(err)}")
        result = Result(process.returncode, text(out), text(err))
        if code is not None:
            self.assertEqual(result.code, code, f"{arguments}\n{result}")
        return result

    def refused(self, *arguments, says, **options):
        """Runs a command that must exit 2, with all of `says` on standard error and nothing on standard output."""
        result = self.smtrain(*arguments, code=2, **options)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, result.err)
        self.assertEqual(result.out, "")
        self.assert_no_trace(result)
        return result

    def shell(self, command, code=0, env=None, timeout=TIMEOUT_S):
        """A line of bash in which $SMTRAIN is the binary."""
        changes = dict(env or {}, SMTRAIN=SMTRAIN)
        done = subprocess.run(["bash", "-c", command], env=self.environment(changes), cwd=self.work, timeout=timeout,
                              stdin=subprocess.DEVNULL, capture_output=True)
        result = Result(done.returncode, text(done.stdout), text(done.stderr))
        if code is not None:
            self.assertEqual(result.code, code, f"{command}\n{result}")
        return result

    def train(self, *arguments, data="train.csv", output="model.tar.gz", k=3, **options):
        """Trains k-means on a CSV without labels; enough for whatever is not about the algorithm."""
        return self.smtrain("kmeans", "--train", data, "--content-type", "text/csv;label_size=0", "--k", str(k),
                            "-o", output, *arguments, **options)

    def files(self, folder="."):
        return sorted(os.listdir(self.path(folder)))

    def wait_until(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    def assert_no_trace(self, result):
        for word in ("terminate called", "what():", "Segmentation", "core dumped", "Traceback", ".cc:"):
            self.assertNotIn(word, result.err)

    def stop_often(self, command, number, pause):
        """Runs are stopped pause() seconds after they have written another checkpoint; the last one is left alone."""
        folder = self.path(command[command.index("--checkpoint-dir") + 1])
        resumed = 0
        for _ in range(40):
            if resumed == 4:
                break
            before = checkpoints(folder)
            process = self.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and checkpoints(folder) == before:
                time.sleep(0.001)
            time.sleep(pause())
            process.send_signal(number)
            process.wait(timeout=60)
            if process.returncode == 0:  # it was quicker; from the beginning
                shutil.rmtree(folder)
                continue
            self.assertIn(process.returncode, (-number, 75))
            resumed += bool(before)
        self.assertGreater(resumed, 0, "no run was stopped that went on from another")
        self.smtrain(*command)


def checkpoints(folder):
    return sorted(n for n in os.listdir(folder) if n.startswith("checkpoint-") and ".tmp" not in n) if os.path.isdir(folder) else []


def hear_signals():
    """Test runners in the background ignore SIGINT, which their children would inherit."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def text(data):
    return data.decode("utf-8", "replace") if data is not None else ""


# ---- data --------------------------------------------------------------------------------------------------------------

CENTRES = [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)]


def blobs(rows=300, seed=1):
    """Rows around three centres, in turn."""
    draw = random.Random(seed)
    return [tuple(c + draw.gauss(0, 0.5) for c in CENTRES[i % 3]) for i in range(rows)]


def csv(rows):
    return "".join(",".join(f"{x:.6f}" for x in row) + "\n" for row in rows)


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def record(row):
    """One framed Record with dense float32 features, written from the format's description."""
    values = field(1, struct.pack(f"<{len(row)}f", *row))
    payload = field(1, field(1, b"values") + field(2, field(2, values)))
    padding = -len(payload) % 4
    return struct.pack("<II", 0xCED7230A, len(payload)) + payload + b"\0" * padding


def recordio(rows):
    return b"".join(record(row) for row in rows)


def json_lines(out):
    return [json.loads(line) for line in out.splitlines()]


def ended_by(process, number):
    """Whether a process reports the end by a signal, by dying of it or as a shell would."""
    return process.returncode in (-number, 128 + number)

