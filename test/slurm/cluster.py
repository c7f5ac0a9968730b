"""A Slurm cluster of one node for tests: munged, slurmctld and slurmd of this machine, in a folder of their own, on loopback.

    with OneNode() as slurm:                  starts the daemons and waits until the node is idle
        slurm.run(["srun", "-n2", "hostname"])

Needs root (slurmd starts tasks of other users), Debian's slurmctld, slurmd, slurm-client and munge, and no running Slurm: nothing
of an installed configuration is read. Leaving the block ends exactly the processes that were started here.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmstepd", "srun", "sbatch", "sinfo", "scontrol")
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

CONFIGURATION = """
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,requeue_delay=1
MpiDefault=none
ReturnToService=2
JobRequeue=1
KillWait=30
MinJobAge=300
InactiveLimit=0
SlurmdTimeout=300
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


def missing():
    """Why no cluster can be started here; "" when one can."""
    absent = [name for name in PROGRAMS if name != "slurmstepd" and shutil.which(name, path=SEARCH) is None]
    if absent:
        return "not installed: " + ", ".join(absent) + " (scripts/setup --slurm)"
    return "" if os.geteuid() == 0 else "slurmd needs root"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class OneNode:
    def __init__(self, cpus=None):
        self.cpus = cpus or os.cpu_count()
        self.daemons = []  # (name, process), in the order of their start

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="slurm-", dir="/tmp")  # a socket's name must be short
        os.chmod(self.folder, 0o755)
        try:
            self._configure()
            self._start_munge()
            self._start("slurmctld", "-D", "-f", self.configuration)
            self._start("slurmd", "-D", "-f", self.configuration)
            self._wait(lambda: "idle" in self.run(["sinfo", "-h", "-o", "%T"]).stdout, "an idle node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.daemons:
            self.run(["scancel", "--user=root"])
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline and self.run(["squeue", "-h"]).stdout.strip():
                time.sleep(0.2)
        for _, process in reversed(self.daemons):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.daemons = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self):
        controller_port, node_port = free_ports(2)
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = int(file.readline().split()[1]) // 1024 * 9 // 10
        for name in ("state", "spool"):
            os.mkdir(os.path.join(self.folder, name))
        self.configuration = os.path.join(self.folder, "slurm.conf")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(host=socket.gethostname().split(".")[0], folder=self.folder, cpus=self.cpus,
                                            memory=memory, controller_port=controller_port, node_port=node_port))
        # A file in the place of a GPU: jobs are given it, and find no driver.
        with open(os.path.join(self.folder, "gres.conf"), "w", encoding="ascii") as file:
            file.write("Name=gpu File=/dev/null\n")
        self.environment = {**os.environ, "SLURM_CONF": self.configuration, "PATH": SEARCH}

    def _start_munge(self):
        key = os.path.join(self.folder, "munge.key")
        with open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(os.urandom(128))
        at = lambda name: f"{self.folder}/munge.{name}"
        self._start("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={at('socket')}", f"--pid-file={at('pid')}",
                    f"--seed-file={at('seed')}", f"--log-file={at('log')}")
        self._wait(lambda: os.path.exists(at("socket")), "munge's socket")

    def _start(self, name, *arguments):
        output = open(os.path.join(self.folder, name + ".out"), "wb")
        process = subprocess.Popen([shutil.which(name, path=SEARCH), *arguments], stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True)
        output.close()
        self.daemons.append((name, process))

    def _wait(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            dead = [name for name, process in self.daemons if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                raise RuntimeError(f"no {what}; ended: {dead}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self):
        """The last lines of every daemon, for a test that fails."""
        text = ""
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".log", ".out")):
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    text += f"---- {name}\n" + "".join(file.readlines()[-15:])
        return text

    def run(self, command, timeout=120, **options):
        """A command of the cluster's user; its output is kept as text."""
        return subprocess.run(command, env={**self.environment, **options.pop("environment", {})}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout, check=False, **options)

    def state(self, job):
        """Of a job by scontrol: its fields by name; {} when the job is forgotten."""
        fields = {}
        for word in self.run(["scontrol", "show", "job", str(job)]).stdout.split():
            name, equals, value = word.partition("=")
            if equals:
                fields.setdefault(name, value)
        return fields

    def wait_for(self, job, states=("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"), seconds=120):
        """Waits until the job is in one of the states; its fields."""
        deadline = time.monotonic() + seconds
        while True:
            fields = self.state(job)
            if fields.get("JobState") in states:
                return fields
            if time.monotonic() > deadline:
                raise RuntimeError(f"job {job} is still {fields}\n{self.logs()}")
            time.sleep(0.2)
