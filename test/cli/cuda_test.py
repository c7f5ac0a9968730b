"""Choosing a device: what is said when part of CUDA is missing. Stub libraries stand in for driver and cuBLAS (test/stubs)."""

import os
import shutil
import subprocess
import unittest

from harness import SMTRAIN, CliTest, blobs, csv

MODULE = os.path.join(os.path.dirname(SMTRAIN), "libsmtrain_cuda.so")
STUBS = os.path.join(os.path.dirname(SMTRAIN), "test", "stubs")


class NoModuleTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))
        os.mkdir(self.path("empty"))
        self.env["SMTRAIN_MODULE_PATH"] = self.path("empty")

    def test_cuda_names_the_module_and_the_folders_searched(self):
        result = self.train("--device", "cuda", code=1)
        self.assertIn("--device cuda: module libsmtrain_cuda.so is missing", result.err)
        self.assertIn(self.path("empty"), result.err)
        self.assertEqual(self.files(), ["empty", "train.csv"])

    def test_a_dry_run_warns_since_another_machine_may_have_it(self):
        result = self.train("--device", "cuda", "--dry-run")
        self.assertIn("warning: this machine could not train: --device cuda: module libsmtrain_cuda.so is missing", result.err)
        self.assertNotIn("could not train", self.train("--device", "auto", "--dry-run").err)

    def test_auto_goes_on_and_says_so_in_the_line_about_the_device(self):
        lines = [line for line in self.train("--device", "auto").err.splitlines() if "CUDA" in line]
        self.assertEqual(len(lines), 1)
        self.assertRegex(lines[0], r"device: cpu \(.*; no CUDA module$")

    def test_cpu_does_not_look_for_it(self):
        self.assertNotIn("CUDA", self.train("--device", "cpu").err)

    def test_a_module_of_another_build_is_refused_with_both_stamps(self):
        result = self.train("--device", "cuda", code=1, env={"SMTRAIN_MODULE_PATH": os.path.join(STUBS, "other_module")})
        self.assertIn("belongs to another build of smtrain: it says feedfacefeedface-GNU-1.2.3 (version 0.0.9), expected ", result.err)

    def test_info_says_what_is_missing(self):
        self.assertRegex(self.smtrain("info").out, r"cuda +not available: module libsmtrain_cuda.so is missing")


class LinkTest(unittest.TestCase):
    @unittest.skipUnless(shutil.which("ldd"), "there is no ldd")
    def test_neither_executable_nor_module_links_a_cuda_library(self):
        for path in [SMTRAIN] + [MODULE] * os.path.exists(MODULE):
            out = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
            self.assertIn("libc.so", out)
            for name in ("libcuda", "libcudart", "libcublas", "libnv"):
                self.assertNotIn(name, out, path)


@unittest.skipUnless(os.path.exists(MODULE), "the CUDA module was not built (no nvcc, or SMTRAIN_WITH_CUDA=OFF)")
class StubTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("train.csv", csv(blobs()))

    def stubbed(self, *arguments, libraries=("driver", "cublas"), code=0, **variables):
        env = dict(variables, LD_LIBRARY_PATH=":".join(os.path.join(STUBS, name) for name in libraries))
        return self.train(*arguments, code=code, env=env)

    def missing(self, *says, code=1, device="cuda", **options):
        """`--device cuda` ends with one message that holds all of `says`; `auto` trains on the CPU and gives the same reason."""
        err = self.stubbed("--device", device, code=code, **options).err
        errors = [line for line in err.splitlines() if f"--device {device}: " in line]
        self.assertEqual(len(errors), 1, err)
        for part in says:
            self.assertIn(part, errors[0])
        self.assert_no_trace(self.stubbed("--device", device, code=code, **options))
        if device == "cuda":
            lines = [line for line in self.stubbed("--device", "auto", **options).err.splitlines() if "device: cpu" in line]
            self.assertEqual(len(lines), 1)
            for part in says:
                self.assertIn(part, lines[0])

    @unittest.skipIf(os.path.exists("/proc/driver/nvidia/version"), "this machine has a driver")
    def test_no_driver(self):
        result = self.train("--device", "cuda", code=1)
        self.assertIn("--device cuda: no NVIDIA driver: libcuda.so.1: cannot open shared object file", result.err)
        self.assertRegex(self.train("--device", "auto").err, r"device: cpu \(.*; no NVIDIA driver\n")

    def test_an_incomplete_driver(self):
        self.missing("lacks the function cuDeviceTotalMem_v2", libraries=("driver_incomplete", "cublas"))

    def test_a_driver_that_is_too_old_is_named_with_both_versions(self):
        self.missing("serves CUDA 11.4; this build needs CUDA 1", STUB_DRIVER="11040")

    def test_no_device(self):
        self.missing("no CUDA device is visible: the driver says: no CUDA-capable device is detected", STUB_DEVICES="0")
        self.missing("no CUDA device is visible", "stub error (error 3)", STUB_INIT="3")

    def test_no_device_names_cuda_visible_devices(self):
        self.missing('(CUDA_VISIBLE_DEVICES is "")', STUB_INIT="100", CUDA_VISIBLE_DEVICES="")

    def test_a_device_that_does_not_exist_is_the_users_fault(self):
        self.missing("device 2 does not exist: 2 devices are visible, numbered from 0", device="cuda:2", code=2, STUB_DEVICES="2")
        self.missing("device 1 does not exist: 1 device is visible", device="cuda:1", code=2)

    def test_a_device_that_is_too_old(self):
        self.missing("device 0 (Stub 1000) has compute capability 7.0; this build needs 8.0", STUB_MAJOR="7")

    def test_cublas_that_does_not_load(self):
        self.missing("cuBLAS is missing: ", "libcublas.so.", "LD_LIBRARY_PATH", libraries=("driver", "cublas_broken"))

    def test_cublas_of_another_version(self):
        self.missing("says it is version 9.5; this build needs version", STUB_CUBLAS="9")

    def test_cublas_without_a_function(self):
        self.missing("lacks the function cublasSgemm_v2_64", libraries=("driver", "cublas_incomplete"))

    def test_what_cuda_itself_refuses_comes_in_its_words(self):
        result = self.stubbed("--device", "cuda", code=1)
        self.assertRegex(result.err, r"CUDA device 0 \(Stub 1000\): start: .+ \(cudaError\w+\)")
        self.assert_no_trace(result)
        self.assertRegex(self.stubbed("--device", "auto").err, r"device: cpu .*; CUDA is not used: CUDA device 0 .*\(cudaError\w+\)")

    def test_a_process_of_a_launcher_takes_the_device_of_its_local_rank(self):
        ranks = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_LOCAL_RANK": "3",
                 "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}
        env = dict(ranks, STUB_DEVICES="2", LD_LIBRARY_PATH=":".join(os.path.join(STUBS, name) for name in ("driver", "cublas")))
        result = self.train("--device", "cuda", code=None, env=env)
        self.assertIn("CUDA device 1 (Stub 1000)", result.err)

    def test_info_lists_versions_and_devices(self):
        env = {"STUB_DEVICES": "2", "LD_LIBRARY_PATH": ":".join(os.path.join(STUBS, name) for name in ("driver", "cublas"))}
        out = self.smtrain("info", env=env).out
        self.assertRegex(out, r"cuda:1 +Stub 1000, compute capability 9.0, 16.0 GiB")
        self.assertRegex(out, r"NVIDIA driver \(CUDA\) +13.0 .*stubs/driver/libcuda.so.1")
        self.assertRegex(out, r"cuBLAS +\d+.5 .*stubs/cublas/libcublas.so")


if __name__ == "__main__":
    unittest.main()
