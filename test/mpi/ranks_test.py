"""Ranks as a user meets them: what is printed once, how errors of one rank end all, what is refused."""

import os
import unittest

import harness_mpi as harness
from harness_mpi import MpiTest, cli

POINTS = "".join(f"{i % 7},{i % 5},{i % 11}\n" for i in range(3000))


class Collectives(MpiTest):
    def test_ranks_agree_on_sums_bytes_and_texts(self):
        for ranks in (2, 3):
            for arguments in ([], ["64", "5003"], ["1000"]):
                result = self.ranks(ranks, *arguments, program=harness.GROUP_CHECK)
                self.assertIn(f"{ranks} ranks agree", result.out)


class Output(MpiTest):
    def train_on(self, ranks, *arguments, data="train.csv", **options):
        return self.ranks(ranks, "kmeans", "--train", data, "--content-type", "text/csv;label_size=0", "-o", "m.tar.gz",
                          *arguments, **options)

    def test_one_rank_prints_and_writes(self):
        self.write("train.csv", POINTS)
        result = self.train_on(3, "--k", "3", "--log-format", "json", "--metrics", "m.jsonl", "--depfile", "m.d")
        alone = self.smtrain("kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "-o", "one.tar.gz", "--k", "3",
                             "--log-format", "json", "--metrics", "one.jsonl")
        self.assertEqual(len(result.out.splitlines()), len(alone.out.splitlines()))
        self.assertEqual(len(self.read("m.jsonl").splitlines()), len(self.read("one.jsonl").splitlines()))
        self.assertEqual(self.read("m.d"), b"m.tar.gz: \\\n  train.csv\n\ntrain.csv:\n")
        self.assertEqual(sum("wrote m.tar.gz" in line for line in result.err.splitlines()), 1)
        self.assertEqual([name for name in os.listdir(self.work) if "m.tar" in name], ["m.tar.gz"])
        self.assertEqual(self.train_on(2, "--k", "3", "-q").err, "")

    def test_info_names_the_library(self):
        result = self.ranks(1, "info")
        self.assertRegex(result.out, r"MPI +Open MPI v\d|MPI +MPICH")

    def test_what_all_ranks_find_wrong_is_said_once(self):
        self.write("train.csv", POINTS)
        result = self.train_on(3, code=2)
        self.assertEqual(len(self.errors(result)), 1)
        self.assertIn("smtrain: error: Missing required hyperparameter: k", result.err)
        self.assertEqual(len(self.errors(self.train_on(2, "--k", "3", "--nonsense", "1", code=2))), 1)

    def test_threads_are_shared_out(self):
        self.write("train.csv", POINTS)
        cpus = len(os.sched_getaffinity(0))
        result = self.train_on(2, "--k", "3")
        self.assertRegex(result.err, rf" {max(cpus // 2, 1)} threads? \(affinity mask, shared\)")
        warned = self.train_on(2, "--k", "3", "--threads", str(cpus + 1))
        self.assertRegex(warned.err, "warning: .* threads asked for .*--bind-to none.*--cpus-per-task")


class Refused(cli.CliTest):
    def test_tasks_that_cannot_find_each_other(self):
        self.write("train.csv", POINTS)
        step = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0", "SLURM_STEP_TASKS_PER_NODE": "4"}
        result = self.refused("kmeans", "--train", "train.csv", "--k", "3", "-o", "m.tar.gz", env=step,
                              says=["srun started 4 tasks", "srun --mpi=pmix", "mpirun"])
        self.assertEqual(len(result.err.splitlines()), 1)
        other = self.smtrain("kmeans", "--train", "train.csv", "--k", "3", "-o", "m.tar.gz", code=2,
                             env=dict(step, SLURM_PROCID="3", SLURM_LOCALID="3"))
        self.assertEqual(other.err, "")
        self.assertFalse(os.path.exists(self.path("m.tar.gz")))

    def test_a_batch_script_with_several_tasks_is_one_process(self):
        self.write("train.csv", POINTS)
        self.smtrain("kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "--k", "3", "-o", "m.tar.gz",
                     env={"SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_JOB_ID": "7"})

    def test_a_missing_module_is_named(self):
        self.write("train.csv", POINTS)
        result = self.smtrain("kmeans", "--train", "train.csv", "--k", "3", "-o", "m.tar.gz", code=1,
                              env={"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "SMTRAIN_MODULE_PATH": self.folder,
                                   "OMPI_COMM_WORLD_LOCAL_SIZE": "2"})
        self.assertIn("libsmtrain_mpi.so is missing", result.err)
        self.assertIn("SMTRAIN_MODULE_PATH", result.err)


if __name__ == "__main__":
    unittest.main()
