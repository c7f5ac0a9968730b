"""The recipes of share/examples/containers, and what they make: a root that holds smtrain and the libraries they name.

No container engine is needed. The root is made of an installation of the build and of the files of the Debian packages that the
Dockerfile installs, with what these depend on; unshare, mount and chroot do the rest, so it takes root.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import SMTRAIN, CliTest, blobs, csv, text

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
RECIPES = os.path.join(ROOT, "share", "examples", "containers")
USER = 12345


def read_recipe(name):
    with open(os.path.join(RECIPES, name), encoding="utf-8") as file:
        return file.read()


def without_comments(recipe):
    return re.sub(r"(?m)^\s*#.*\n", "", recipe).replace("\\\n", " ")


def packages(recipe):
    """What the last apt-get install of a recipe names: the libraries of the image that runs."""
    words = re.findall(r"apt-get install -y --no-install-recommends ([^&\n]+)", without_comments(recipe))[-1]
    return words.split()


# ---- the recipes as text ---------------------------------------------------------------------------------------------


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.recipe = read_recipe("Dockerfile")
        self.instructions = [line.split(None, 1) for line in without_comments(self.recipe).splitlines() if line.strip()]

    def all(self, name):
        return [rest for word, rest in self.instructions if word == name]

    def test_only_known_instructions_in_two_stages(self):
        known = {"ARG", "FROM", "SHELL", "WORKDIR", "COPY", "RUN", "ENV", "ENTRYPOINT"}
        self.assertEqual({word for word, _ in self.instructions} - known, set())
        self.assertEqual(len(self.all("FROM")), 2)

    def test_the_entry_point_is_in_exec_form(self):
        self.assertEqual([json.loads(rest) for rest in self.all("ENTRYPOINT")], [["smtrain"]])

    def test_base_images_have_tags(self):
        for rest in self.all("ARG"):
            name, _, value = rest.partition("=")
            if name.endswith("_IMAGE"):
                self.assertRegex(value, r"\A[a-z]+:(?!latest)[a-z0-9-]+\Z")

    def test_package_lists_are_removed_where_they_are_fetched(self):
        for rest in self.all("RUN"):
            if "apt-get update" in rest:
                self.assertIn("rm -rf /var/lib/apt/lists/*", rest)

    def test_what_is_copied_is_there(self):
        for rest in self.all("COPY"):
            source = rest.split()[0]
            if not source.startswith("--from="):
                self.assertTrue(os.path.exists(os.path.join(ROOT, source)), source)

    def test_the_ignore_file_keeps_builds_out(self):
        self.assertIn("build", read_recipe("Dockerfile.dockerignore").split())

    def test_hadolint(self):
        if not shutil.which("hadolint"):
            self.skipTest("no hadolint here; the other tests of this class are what is checked")
        done = subprocess.run(["hadolint", os.path.join(RECIPES, "Dockerfile")], capture_output=True)
        self.assertEqual(done.returncode, 0, text(done.stdout + done.stderr))


class Apptainer(unittest.TestCase):
    def setUp(self):
        self.recipe = without_comments(read_recipe("smtrain.def"))

    def section(self, name):
        return re.findall(rf"(?ms)^%{name}\n(.*?)(?=^%|^Bootstrap:|\Z)", self.recipe)

    def test_headers_and_sections_are_known(self):
        sections = re.findall(r"(?m)^%(\S+)", self.recipe)
        self.assertEqual(set(sections), {"files", "post", "environment", "runscript", "test", "help"})
        headers = re.findall(r"(?m)^([A-Z][A-Za-z]+):", re.sub(r"(?ms)^%.*?(?=^Bootstrap|\Z)", "", self.recipe))
        self.assertEqual(headers, ["Bootstrap", "From", "Stage"] * 2)

    def test_the_run_script_leaves_no_shell_in_between(self):
        self.assertEqual([s.strip() for s in self.section("runscript")], ['exec smtrain "$@"'])

    def test_the_scripts_are_shell(self):
        for name in ("post", "environment", "runscript", "test"):
            for script in self.section(name):
                done = subprocess.run(["sh", "-n"], input=script.encode(), capture_output=True)
                self.assertEqual(done.returncode, 0, text(done.stderr))

    def test_both_recipes_install_the_same_libraries(self):
        self.assertEqual(packages(self.recipe), packages(read_recipe("Dockerfile")))
        self.assertEqual(packages(self.recipe), sorted(packages(self.recipe)))


# ---- a root as the recipes make it ---------------------------------------------------------------------------------------


def dpkg_query(fields, package):
    done = subprocess.run(["dpkg-query", "-W", f"-f={fields}", package], capture_output=True)
    return text(done.stdout)


def with_dependencies(names):
    """The packages and what they depend on; those that this machine lacks are left out."""
    todo, found = list(names), set()
    while todo:
        name = todo.pop()
        depends = dpkg_query("${Status}|${Pre-Depends}, ${Depends}", name)
        if name in found or not depends.startswith("install ok installed|"):
            continue
        found.add(name)
        todo += [re.split(r"[ :(|]", part.strip())[0] for part in depends.split("|", 1)[1].split(",") if part.strip()]
    return found


def copy_libraries(root, names):
    """The shared libraries of these packages, links and the dynamic loader included."""
    for package in names:
        done = subprocess.run(["dpkg", "-L", package], capture_output=True)
        for path in text(done.stdout).splitlines():
            if re.search(r"\.so(\.[0-9.]+)?$", path) and not os.path.isdir(path):
                target = root + os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(path, target, follow_symlinks=False)


def make_root(root):
    build = os.path.dirname(os.path.abspath(SMTRAIN))
    subprocess.run(["cmake", "--install", build, "--prefix", "/usr/local"], env=dict(os.environ, DESTDIR=root), check=True,
                   capture_output=True)
    copy_libraries(root, with_dependencies(packages(read_recipe("Dockerfile"))))
    for link in ("lib", "lib64"):  # Debian's /lib is /usr/lib
        if os.path.islink("/" + link):
            os.makedirs(os.path.join(root, "usr", link), exist_ok=True)
            os.symlink("usr/" + link, os.path.join(root, link))
    for folder in ("opt/ml", "tmp", "proc", "dev", "sys"):
        os.makedirs(os.path.join(root, folder))


def isolation_is_missing():
    """Why this machine cannot make a container's surroundings; "" when it can."""
    if os.geteuid() != 0:
        return "it takes root to mount and to become another user"
    for tool in ("unshare", "chroot", "mount", "cmake", "dpkg-query"):
        if not shutil.which(tool):
            return f"no {tool} here"
    done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    return f"unshare and mount are not permitted here: {text(done.stderr).strip()}" if done.returncode else ""


# As `docker run --read-only --user 12345 --cap-drop ALL -v JOB:/opt/ml IMAGE train`.
SURROUNDINGS = """
set -e
mount --bind "$ROOT" "$ROOT"
mount --bind "$JOB" "$ROOT/opt/ml"
mount -t tmpfs none "$ROOT/tmp"
chmod 1777 "$ROOT/tmp"
mount -t proc none "$ROOT/proc"
mount -o remount,bind,ro "$ROOT"
eval "$BEFORE"
exec chroot --userspec=12345:12345 "$ROOT" /usr/local/bin/smtrain "$@"
"""


# As `mpirun -n 2 apptainer run IMAGE kmeans`: the processes, temporaries and devices are the machine's.
SHARED_SURROUNDINGS = """
set -e
mount --bind "$ROOT" "$ROOT"
for folder in /tmp /dev /proc /sys; do mount --rbind $folder "$ROOT$folder"; done
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" /usr/local/bin/smtrain "$@"
"""


class Container(CliTest):
    @classmethod
    def setUpClass(cls):
        why = isolation_is_missing()
        if why:
            raise unittest.SkipTest(why)
        cls.root = tempfile.mkdtemp(prefix="smtrain-root-")
        os.chmod(cls.root, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.root, ignore_errors=True)
        make_root(cls.root)

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        self.rows = blobs(600)
        self.put("input/config/hyperparameters.json", json.dumps({"k": "3"}))
        self.put("input/data/train/part-0.csv", csv(self.rows))
        self.describe("File")
        os.chown(self.path("job"), USER, USER)

    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path("job", name)), exist_ok=True)
        self.write("job/" + name, data)

    def describe(self, mode):
        self.put("input/config/inputdataconfig.json",
                 json.dumps({"train": {"TrainingInputMode": mode, "ContentType": "text/csv;label_size=0"}}))

    def start_container(self, *arguments, before="true"):
        """unshare's child is the first process of the container: a shell that becomes smtrain."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOT": self.root, "JOB": self.path("job"), "BEFORE": before,
               "SMTRAIN_ALGORITHM": "kmeans"}
        return subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", SURROUNDINGS, "sh", *arguments],
                                env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, code=0):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, text(out) + text(err))
        return text(out), text(err)

    def first_process(self, process):
        """The process number, here, of the container's first process, once it is smtrain."""
        def children():
            with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
                return [int(word) for word in file.read().split()]
        def is_smtrain():
            try:
                return any(os.readlink(f"/proc/{child}/exe").endswith("/smtrain") for child in children())
            except OSError:
                return False
        self.wait_until(is_smtrain)
        return children()[0]

    def status(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)

    def owners(self):
        return {os.lstat(os.path.join(folder, name)).st_uid
                for top in ("model", "output") for folder, folders, files in os.walk(self.path("job", top))
                for name in folders + files}

    def test_train_needs_nothing_but_the_tree(self):
        before = {name: os.stat(os.path.join(self.root, name)).st_mtime_ns for name in os.listdir(self.root)}
        self.finish(self.start_container("train"))
        self.train(data="job/input/data/train/part-0.csv")
        os.mkdir(self.path("plain"))
        self.shell("tar -xzf model.tar.gz -C plain")
        self.assertEqual(self.files("job/model"), self.files("plain"))
        for name in self.files("plain"):
            self.assertEqual(self.read("job/model/" + name), self.read("plain/" + name), name)
        self.assertEqual(self.owners(), {USER})
        self.assertEqual({name: os.stat(os.path.join(self.root, name)).st_mtime_ns for name in os.listdir(self.root)}, before)

    def test_a_failure_belongs_to_the_user_too(self):
        self.put("input/config/hyperparameters.json", "{}")
        _, err = self.finish(self.start_container("train"), code=2)
        self.assertIn("Missing required hyperparameter: k", err)
        self.assertIn("Missing required hyperparameter: k", text(self.read("job/output/failure")))
        self.assertEqual(self.owners(), {USER})

    def test_a_tree_of_someone_else_is_refused(self):
        os.chown(self.path("job"), 0, 0)
        _, err = self.finish(self.start_container("train"), code=2)
        self.assertIn("cannot write /opt/ml/output/failure: No such file or directory", err)
        self.assertIn("folder \"/opt/ml\" cannot be written", err)

    def waiting(self, **options):
        """A container that waits for its data."""
        self.describe("Pipe")
        os.mkfifo(self.path("job/input/data/train_0"), 0o644)
        os.chmod(self.path("job/input/data/train_0"), 0o644)
        process = self.start_container("train", **options)
        self.addCleanup(process.kill)
        pid = self.first_process(process)
        self.wait_until(lambda: int(self.status(pid)["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1)
        return process, pid

    def test_the_surroundings_are_those_of_a_container(self):
        process, pid = self.waiting()
        status = self.status(pid)
        self.assertEqual(status["NSpid"].split()[-1], "1")
        self.assertEqual(set(status["Uid"].split()), {str(USER)})
        self.assertEqual(int(status["CapEff"], 16), 0)
        os.kill(pid, signal.SIGTERM)
        process.communicate(timeout=20)

    def test_the_first_process_hears_sigterm(self):
        process, pid = self.waiting()
        start = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        process.communicate(timeout=20)
        self.assertLess(time.monotonic() - start, 10)
        self.assertNotIn(process.returncode, (0, -signal.SIGKILL))

    def test_the_first_process_reaps_orphans(self):
        # The outer of the two shells ends at once, so that the inner one's parent becomes the first process.
        process, pid = self.waiting(before="(sh -c 'sleep 0.5' &)")
        def zombies():
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [self.status(child)["State"] for child in file.read().split()]
        self.wait_until(lambda: not zombies())  # one that is not waited for stays
        os.kill(pid, signal.SIGTERM)
        process.communicate(timeout=20)

    @unittest.skipUnless(shutil.which("mpirun"), "no mpirun here")
    @unittest.skipUnless(tempfile.gettempdir() == "/tmp", "the test's files are not in /tmp, which the containers share")
    def test_two_ranks_under_a_launcher_outside(self):
        if not os.path.exists(os.path.join(self.root, "usr/local/lib/smtrain/libsmtrain_mpi.so")):
            self.skipTest("this build has no MPI module")
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "ROOT": self.root, "OMPI_ALLOW_RUN_AS_ROOT": "1",
               "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
               "OMPI_MCA_hwloc_base_binding_policy": "none"}
        done = subprocess.run(
            ["mpirun", "-n", "2", "unshare", "--mount", "sh", "-c", SHARED_SURROUNDINGS, "sh", "kmeans", "--k", "3",
             "--train", self.path("job/input/data/train"), "--content-type", "text/csv;label_size=0", "--mini_batch_size", "200",
             "-v", "-o", self.path("ranks.tar.gz")], env=env, cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, text(done.stdout + done.stderr))
        self.assertRegex(text(done.stderr), "ranks = 2 ")
        self.assertEqual(text(done.stderr).count("wrote " + self.path("ranks.tar.gz")), 1)


if __name__ == "__main__":
    unittest.main()
