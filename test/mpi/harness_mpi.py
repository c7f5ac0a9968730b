"""Runs the built binary on several ranks of this machine under mpirun; the tests say why they skip where that cannot be.

SMTRAIN names the binary, GROUP_CHECK the program of test/mpi/group_check.cc ("" when the build has no MPI).
"""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "cli"))
import harness as cli  # noqa: E402

MPIRUN = shutil.which("mpirun")
GROUP_CHECK = os.environ.get("GROUP_CHECK", "")
# Tests may share two cores, and run as root in a container.
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "OMPI_MCA_hwloc_base_binding_policy": "none", "OMPI_MCA_btl_base_warn_component_unused": "0"}


def missing():
    if not GROUP_CHECK:
        return "this build has no MPI module (SMTRAIN_WITH_MPI, libopenmpi-dev)"
    return "" if MPIRUN else "mpirun is not installed (openmpi-bin)"


@unittest.skipIf(missing(), missing())
class MpiTest(cli.CliTest):
    def setUp(self):
        super().setUp()
        self.env.update(ENVIRONMENT)
        self.env["SMTRAIN_MODULE_PATH"] = os.environ.get("SMTRAIN_MODULE_PATH", "")

    def start_ranks(self, ranks, *arguments, env=None, program=None):
        """mpirun with so many ranks; the caller waits."""
        command = [MPIRUN, "-n", str(ranks), program or cli.SMTRAIN, *arguments]
        return subprocess.Popen(command, env=self.environment(env), cwd=self.work, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def ranks(self, ranks, *arguments, code=0, env=None, program=None, timeout=cli.TIMEOUT_S):
        process = self.start_ranks(ranks, *arguments, env=env, program=program)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"no end after {timeout} s: {arguments}\n{cli.text(out)}\n{cli.text(err)}")
        result = cli.Result(process.returncode, cli.text(out), cli.text(err))
        if code is not None:
            self.assertEqual(result.code, code, f"{ranks} ranks: {arguments}\n{result}")
        return result

    def errors(self, result):
        """The errors that smtrain reported, without what the launcher says."""
        found = []
        for line in result.err.splitlines():
            if line.startswith("smtrain: error: "):
                found.append(line.removeprefix("smtrain: error: "))
            elif line.startswith("{") and json.loads(line)["level"] == "error":
                found.append(json.loads(line)["message"])
        return found
