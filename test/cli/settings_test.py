"""Where settings come from, and that a run needs nothing of its environment (C12, C13, C15)."""

import json
import os
import unittest

from harness import CliTest, blobs, csv


class Precedence(CliTest):
    """One value set at all levels, removed one by one (C12): flag, variable, job file, user config, default."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))

    def origin(self, name, *flags, env=None):
        """Value and origin of a setting as --dry-run -v shows them."""
        result = self.train("--dry-run", "-v", *flags, env=env)
        lines = [line for line in result.err.splitlines() if name in line.replace("_", "-")]
        self.assertTrue(lines, f"no line about {name}\n{result}")
        return "\n".join(lines)

    def config(self, settings, folder=None):
        folder = folder or os.path.join(self.home, ".config")
        os.makedirs(os.path.join(folder, "smtrain"), exist_ok=True)
        with open(os.path.join(folder, "smtrain", "config.json"), "w") as file:
            json.dump(settings, file)

    def test_seed_at_all_levels(self):
        self.config({"seed": 14})
        self.write("job.json", json.dumps({"smtrain_seed": "13"}))
        job, variable, flag = ["--hyperparameters", "job.json"], {"SMTRAIN_SEED": "12"}, ["--seed", "11"]
        self.assertRegex(self.origin("seed", *flag, *job, env=variable), r"\b11\b.*flag")
        self.assertRegex(self.origin("seed", *job, env=variable), r"\b12\b.*SMTRAIN_SEED")
        self.assertRegex(self.origin("seed", *job), r"\b13\b.*job\.json|\b13\b.*(job|hyperparameters)")
        self.assertRegex(self.origin("seed"), r"\b14\b.*config")
        self.config({})
        self.assertRegex(self.origin("seed"), r"default")

    def test_the_value_is_used_not_only_shown(self):
        models = {}
        for name, flags, env in (("flag", ["--seed", "7"], {}), ("variable", [], {"SMTRAIN_SEED": "7"}), ("none", [], {})):
            self.train(*flags, "--init_method", "random", env=env)
            models[name] = self.read("model.tar.gz")
        self.assertEqual(models["flag"], models["variable"])
        self.assertNotEqual(models["flag"], models["none"])

    def test_xdg_config_home_comes_before_home(self):
        self.config({"seed": 21})
        self.config({"seed": 22}, os.path.join(self.folder, "xdg"))
        self.assertRegex(self.origin("seed", env={"XDG_CONFIG_HOME": os.path.join(self.folder, "xdg")}), r"\b22\b")

    def test_hyperparameters_of_flags_win_over_the_file(self):
        self.write("hp.json", json.dumps({"k": "5", "epochs": "2", "mini_batch_size": 50}))
        result = self.smtrain("kmeans", "--train", "train.csv", "--content-type", "text/csv;label_size=0", "-o", "m.tar",
                              "--hyperparameters", "hp.json", "--k", "2", "--dry-run", "-v")
        self.assertRegex(result.err, r"(?m)\bk\b.*\b2\b.*flag")
        self.assertRegex(result.err, r"(?m)\bepochs\b.*\b2\b.*hp\.json|\bepochs\b.*\b2\b.*hyperparameters")

    def test_bad_settings_are_refused_together_and_named(self):
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--k", "3", "--threads", "0", "--seed", "x",
                     says=["threads", "seed"])
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--k", "3", env={"SMTRAIN_THREADS": "many"},
                     says=["SMTRAIN_THREADS", "many"])

    def test_a_broken_configuration_is_named(self):
        self.config({"sede": 3})
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--k", "3", says=["config.json", "sede"])
        with open(os.path.join(self.home, ".config", "smtrain", "config.json"), "w") as file:
            file.write("{")
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--k", "3", says=["config.json"])

    def test_a_variable_that_names_no_setting_is_warned_about(self):
        result = self.train(env={"SMTRAIN_THREDS": "2"})
        self.assertIn("SMTRAIN_THREDS", result.err)
        self.assertIn("THREADS", result.err.upper().replace("SMTRAIN_THREDS", ""))

    def test_hyperparameters_file_that_is_no_object_is_refused(self):
        for text in ("[]", "{", '{"k": {"a": 1}}', ""):
            self.write("hp.json", text)
            self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--hyperparameters", "hp.json", says="hp.json")
        self.refused("kmeans", "--train", "train.csv", "-o", "m.tar", "--hyperparameters", "none.json", says="none.json")


class Environment(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))
        self.train()
        self.expected = self.read("model.tar.gz")

    def test_an_empty_environment(self):
        self.train(env={name: None for name in self.env})
        self.assertEqual(self.read("model.tar.gz"), self.expected)

    def test_home_unset_or_not_there(self):
        self.train(env={"HOME": None})
        self.train(env={"HOME": "/nonexistent"})

    def test_a_read_only_home_and_working_folder(self):
        os.mkdir(self.path("out"))
        read_only = self.path("ro")
        os.mkdir(read_only)
        for folder in (self.home, read_only):
            os.chmod(folder, 0o500)
        self.train(data=self.path("train.csv"), output=self.path("out", "m.tar.gz"), cwd=read_only)
        self.assertEqual(os.listdir(read_only), [])
        self.assertEqual(os.listdir(self.home), [])

    def test_a_locale_with_decimal_commas(self):
        self.train(env={"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"})
        self.assertEqual(self.read("model.tar.gz"), self.expected)

    def test_nothing_is_written_outside_the_output(self):
        self.train(output="m.tar.gz", env={"TMPDIR": self.path("none")})
        self.assertEqual(self.files(), ["m.tar.gz", "model.tar.gz", "train.csv"])


class Threads(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs(3000)))

    def test_the_same_bytes_on_any_number_of_threads(self):
        models = set()
        for threads in ("1", "2", "3"):
            self.train("--threads", threads, "--mini_batch_size", "700")
            models.add(self.read("model.tar.gz"))
        self.assertEqual(len(models), 1)

    def test_omp_num_threads_and_slurm_lower_the_default(self):
        for name in ("OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
            result = self.train("--dry-run", "-v", env={name: "1"})
            self.assertRegex(result.err, rf"threads.*\b1\b.*{name}")


if __name__ == "__main__":
    unittest.main()
