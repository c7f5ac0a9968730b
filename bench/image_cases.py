"""The case of bench/run.py that measures images: JPEG decoding on one core, against djpeg of the same library."""

import json
import os
import resource
import shutil
import statistics
import subprocess

import measure


class ImageCases:
    """Mixed into Bench, whose helpers it uses."""

    def case_jpeg(self):
        self.title("decoding a JPEG of 12 megapixels on one core, against djpeg")
        if shutil.which("djpeg") is None:
            print("  djpeg is not installed (libjpeg-turbo-progs): scripts/setup --bench")
            return
        picture = self.work("picture.jpg")
        if not os.path.exists(picture):
            subprocess.run([self.o.jpeg_rate, "--make", picture], check=True)
        ratios = []
        for _ in range(self.o.pairs):
            measure.wait_until_left_alone(self.o.patience)
            ours = json.loads(subprocess.run([self.o.jpeg_rate, picture], capture_output=True, text=True, check=True).stdout)
            ratios.append(ours["median"] / statistics.median(self.djpeg_seconds(picture) for _ in range(5)))
        self.add("jpeg", "megapixels per CPU second", ours["megapixels"] / ours["median"])
        self.add("jpeg", "CPU time / djpeg's", statistics.median(ratios), 1.3)

    @staticmethod
    def djpeg_seconds(picture):
        """CPU time of the process, which also writes the pixels, to nowhere."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["djpeg", "-ppm", "-outfile", os.devnull, picture], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
