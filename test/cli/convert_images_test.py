"""`smtrain convert` of images, as a user runs it: folders, lists and records; what is refused."""

import json
import os
import struct
import unittest

from harness import CliTest

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "images")
MAGIC = struct.pack("<I", 0xCED7230A)


def sample(name):
    with open(os.path.join(SAMPLES, name), "rb") as file:
        return file.read()


def records(data):
    """The (flag, labels, id, image) of MXNet's records, read by the format's description."""
    at = 0
    while at < len(data):
        parts = []
        while True:
            magic, word = struct.unpack_from("<II", data, at)
            assert magic == 0xCED7230A, at
            length = word & 0x1FFFFFFF
            parts.append(data[at + 8:at + 8 + length])
            at += 8 + (length + 3) // 4 * 4
            if word >> 29 in (0, 3):
                break
        payload = MAGIC.join(parts)
        flag, label, number, _ = struct.unpack_from("<IfQQ", payload)
        labels = struct.unpack_from(f"<{flag}f", payload, 24) if flag else (label,)
        yield flag, labels, number, payload[24 + 4 * flag:]


class ConvertImagesTest(CliTest):
    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        self.write(name, data)

    def images(self):
        for i, name in enumerate(("rgb.jpg", "grey.jpg", "rgb.png", "progressive.jpg", "palette8.png", "cmyk.jpg")):
            self.put(f"images/{'ab'[i % 2]}/{name}", sample(name))

    def test_the_way_of_im2rec(self):
        self.images()
        self.smtrain("convert", "images", "train.lst")
        lines = self.read("train.lst").decode().splitlines()
        self.assertEqual(len(lines), 6)
        self.smtrain("convert", "train.lst", "train.rec", "--root", "images")
        index = self.read("train.idx").decode().splitlines()
        for line, (flag, labels, number, image), entry in zip(lines, records(self.read("train.rec")), index):
            key, label, path = line.split("\t")
            self.assertEqual((flag, labels, number), (0, (float(label),), int(key)))
            self.assertEqual(image, self.read(os.path.join("images", path)))
            self.assertEqual(entry.split("\t")[0], key)
            offset = int(entry.split("\t")[1])
            self.assertEqual(self.read("train.rec")[offset:offset + 4], MAGIC)
        self.smtrain("convert", "train.rec", "back")
        self.assertEqual(self.files("back"), ["0000", "0001", "images.lst"])
        self.smtrain("convert", "back/images.lst", "again.rec")
        self.assertEqual(self.read("again.rec"), self.read("train.rec"))

    def test_records_are_seen_by_their_bytes(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        os.rename(self.path("train.rec"), self.path("data"))
        self.smtrain("convert", "data", "other.rec", "--encoding", "png")
        for _, _, _, image in records(self.read("other.rec")):
            self.assertTrue(image.startswith(b"\x89PNG"))

    def test_threads_and_compression_change_nothing(self):
        self.images()
        self.smtrain("convert", "images", "one.rec", "--resize", "12", "--threads", "1")
        self.smtrain("convert", "images", "four.rec", "--resize", "12", "--threads", "4")
        self.assertEqual(self.read("one.rec"), self.read("four.rec"))
        self.smtrain("convert", "one.rec", "packed.rec.gz")
        self.assertEqual(self.files(), ["four.idx", "four.rec", "images", "one.idx", "one.rec", "packed.rec.gz"])
        self.smtrain("convert", "packed.rec.gz", "plain.rec")
        self.assertEqual(self.read("plain.rec"), self.read("one.rec"))

    def test_through_pipes(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        self.shell("cat train.rec | $SMTRAIN convert - - --from image-records --to application/x-recordio > out.rec")
        self.assertEqual(self.read("out.rec"), self.read("train.rec"))

    def test_bad_images_are_named(self):
        self.images()
        self.put("images/a/cut.jpg", sample("rgb.jpg")[:-100])
        self.refused("convert", "images", "a.rec", says=["images/a/cut.jpg", "cut off", "--skip-bad-images"])
        self.put("images/a/cut.jpg", b"<html>not found</html>")
        self.refused("convert", "images", "a.rec", says=["images/a/cut.jpg", "XML or HTML", "expected a JPEG or PNG"])
        self.assertEqual(self.files(), ["images"])
        result = self.smtrain("convert", "images", "a.rec", "--skip-bad-images", "1")
        self.assertIn("cut.jpg", result.err)
        self.assertEqual(len(list(records(self.read("a.rec")))), 6)
        self.refused("convert", "images", "b.rec", "--max-image-pixels", "600", says=["29 x 21", "--max-image-pixels"])

    def test_an_empty_image_is_named(self):
        self.images()
        self.put("images/b/none.jpg", b"")
        for output in ("out.lst", "out.manifest", "out.rec", "copy"):
            self.refused("convert", "images", output, says=["images/b/none.jpg", "empty"])
        self.refused_but_told("inspect", "images", says=["images/b/none.jpg", "empty"])
        self.assertEqual(self.files(), ["images"])
        self.smtrain("convert", "images", "out.rec", "--skip-bad-images", "1")
        self.assertEqual(len(list(records(self.read("out.rec")))), 6)

    def refused_but_told(self, *arguments, says):
        """inspect prints what there is, and what is wrong."""
        result = self.smtrain(*arguments, code=2)
        for part in says:
            self.assertIn(part, result.err)

    def test_records_to_the_list_of_their_folder(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        self.smtrain("convert", "train.rec", "folder")
        self.smtrain("convert", "train.rec", "train.lst")
        self.assertEqual(self.read("train.lst"), self.read("folder/images.lst"))

    def test_records_to_a_folder_with_a_manifest_and_back(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        self.refused("convert", "train.rec", "train.manifest", says=["records hold images", "--to manifest", "images.manifest"])
        self.smtrain("convert", "train.rec", "folder", "--to", "manifest")
        self.assertEqual(self.files("folder"), ["0000", "0001", "images.manifest"])
        self.smtrain("convert", "folder/images.manifest", "back.rec")
        self.assertEqual([(labels, image) for _, labels, _, image in records(self.read("back.rec"))],
                         [(labels, image) for _, labels, _, image in records(self.read("train.rec"))])
        self.smtrain("convert", "train.rec", "other", "--to", "manifest", "--ref-prefix", "s3://bucket/x", "--attribute-names", "image-ref,kind")
        line = json.loads(self.read("other/images.manifest").splitlines()[0])
        self.assertEqual(sorted(line), ["image-ref", "kind"])
        self.assertTrue(line["image-ref"].startswith("s3://bucket/x/000"), line)

    def test_lists_are_shuffled_and_split(self):
        lines = [f"{i}\t{i % 2}\ta/{i}.jpg" for i in range(200)]
        self.write("all.lst", "\n".join(lines) + "\n")
        self.smtrain("convert", "all.lst", "mixed.lst", "--shuffle")
        mixed = self.read("mixed.lst").decode().splitlines()
        self.assertEqual(sorted(mixed), sorted(lines))
        self.assertNotEqual(mixed, lines)
        self.smtrain("convert", "all.lst", "part.lst", "--split", "a=0.5,b=0.5", "--stratify", "label")
        parts = [self.read(f"part-{name}.lst").decode().splitlines() for name in "ab"]
        self.assertEqual(sorted(parts[0] + parts[1]), sorted(lines))
        self.assertEqual([sum(line.split("\t")[1] == "1" for line in part) for part in parts], [50, 50])
        self.smtrain("convert", "all.lst", "same.lst")
        self.assertEqual(self.read("same.lst"), self.read("all.lst"))
        piped = self.smtrain("convert", "-", "-", "--from", "lst", "--to", "lst", "--shuffle", stdin=self.read("all.lst"))
        self.assertEqual(piped.out.encode(), self.read("mixed.lst"))
        self.write("twice.lst", "1\t0\ta.jpg\n2\t0\tb.jpg\n1\t0\tc.jpg\n")
        self.refused("convert", "twice.lst", "out.lst", says=["twice.lst:3", "index 1", "line 1"])
        self.refused("convert", "all.lst", "out.lst", "--split", "a=0.5,b=0.5", "--stratify", "1", says=["--stratify", "expected label"])

    def test_records_are_shuffled_and_split(self):
        for i in range(40):
            self.put(f"images/{'ab'[i % 2]}/{i:02}.png", sample("palette4.png"))
        self.smtrain("convert", "images", "all.rec", "--no-shuffle")
        self.smtrain("convert", "all.rec", "mixed.rec", "--shuffle")
        order = [number for _, _, number, _ in records(self.read("mixed.rec"))]
        self.assertEqual(sorted(order), list(range(40)))
        self.assertNotEqual(order, sorted(order))
        index = [int(line.split()[0]) for line in self.read("mixed.idx").decode().splitlines()]
        self.assertEqual(index, order)
        piped = self.shell("cat all.rec | $SMTRAIN convert - piped.rec --from image-records --shuffle")
        self.assertEqual(self.read("piped.rec"), self.read("mixed.rec"), piped)
        self.smtrain("convert", "all.rec", "{}/x.rec", "--split", "train=0.75,test=0.25", "--stratify", "label", "--resize", "8")
        parts = [list(records(self.read(f"{name}/x.rec"))) for name in ("train", "test")]
        self.assertEqual([[sum(labels == (c,) for _, labels, _, _ in part) for c in (0, 1)] for part in parts], [[15, 15], [5, 5]])
        self.assertEqual(self.files("test"), ["x.idx", "x.rec"])
        self.assertEqual(min(struct.unpack(">II", parts[0][0][3][16:24])), 8)  # the sides of a PNG
        self.smtrain("convert", "images", "direct.rec", "--folds", "2")
        self.assertEqual(sum(len(list(records(self.read(f"direct-fold{i}.rec")))) for i in (0, 1)), 40)
        self.refused("convert", "all.rec", "out.rec", "--folds", "2", "--group", "label", says="--group")

    def test_a_folder_to_folders(self):
        self.images()
        self.smtrain("convert", "images", "copy")
        for name in ("a/rgb.jpg", "b/grey.jpg"):
            self.assertEqual(self.read(f"copy/{name}"), self.read(f"images/{name}"))
        os.remove(self.path("images/a/rgb.png"))
        self.smtrain("convert", "images", "small", "--resize", "8", "--encoding", "png")
        self.assertEqual(self.files("small/a"), ["palette8.png", "rgb.png"])
        self.assertEqual(min(struct.unpack(">II", self.read("small/b/grey.png")[16:24])), 8)

    def test_two_images_of_one_name_are_not_mixed_up(self):
        self.put("images/a/x.jpg", sample("rgb.jpg"))
        self.put("images/a/x.png", sample("rgb.png"))
        self.refused("convert", "images", "small", "--resize", "8", "--encoding", "png", says=["a/x.png", "written twice"])
        self.assertEqual(self.files(), ["images"])

    def test_a_folder_in_parts(self):
        for i in range(40):
            self.put(f"images/{'ab'[i % 2]}/{i:02}.png", sample("palette4.png"))
        self.smtrain("convert", "images", "out/{}", "--split", "train=0.75,test=0.25", "--stratify", "label", code=2)
        os.mkdir(self.path("out"))
        self.smtrain("convert", "images", "out/{}", "--split", "train=0.75,test=0.25", "--stratify", "label")
        self.assertEqual([len(self.files(f"out/{part}/{c}")) for part in ("train", "test") for c in "ab"], [15, 15, 5, 5])
        every = [name for part in ("train", "test") for c in "ab" for name in self.files(f"out/{part}/{c}")]
        self.assertEqual(sorted(every), [f"{i:02}.png" for i in range(40)])
        self.smtrain("convert", "images", "fold", "--folds", "2")
        self.assertEqual(self.files(), ["fold-fold0", "fold-fold1", "images", "out"])
        for flag in (["--shuffle"], ["--tail", "3"], ["--folds", "2", "--group", "x"], ["--folds", "2", "--stratify", "0"]):
            self.refused("convert", "images", "none", *flag, says=flag[-2] if len(flag) > 1 else flag[0])

    def test_a_broken_image_leaves_no_part(self):
        for i in range(40):
            self.put(f"images/a/{i:02}.png", sample("palette4.png"))
        self.put("images/a/99.png", sample("palette4.png")[:-20])
        self.refused("convert", "images", "part", "--folds", "2", says="99.png")
        self.refused("convert", "images", "part.rec", "--folds", "2", says="99.png")
        self.assertEqual(self.files(), ["images"])

    def test_flags_of_images_that_have_nothing_to_do_are_refused(self):
        self.images()
        self.smtrain("convert", "images", "all.lst")
        self.write("a.csv", "1,2\n")
        for command in (["images", "b.lst"], ["all.lst", "b.manifest"], ["all.lst", "b.lst"], ["a.csv", "b.pbr"]):
            for flag in (["--center-crop"], ["--resize", "8"], ["--encoding", "png"], ["--quality", "9"], ["--pass-through"],
                         ["--skip-bad-images", "1"], ["--max-image-pixels", "9"], ["--pack-label"]):
                self.refused("convert", *command, *flag, says=[flag[0], "nothing to do"])
        self.refused("convert", "all.lst", "b.lst", "--shuffle", "--center-crop", says=["--center-crop", "nothing to do"])
        self.refused("convert", "all.lst", "b.rec", "--root", "images", "--no-shuffle", says=["--no-shuffle", "nothing to do"])
        self.refused("convert", "images", "copy", "--no-shuffle", says=["--no-shuffle", "nothing to do"])

    def test_a_crop_would_cut_boxes_off(self):
        self.put("images/a.png", sample("rgb.png"))
        self.write("boxes.lst", "0\t2\t5\t0\t0.1\t0.1\t0.5\t0.5\ta.png\n")
        self.smtrain("convert", "boxes.lst", "boxes.rec", "--root", "images")
        self.smtrain("convert", "boxes.lst", "boxes.manifest", "--root", "images")
        for arguments in (["boxes.lst", "x.rec", "--root", "images"], ["boxes.rec", "x.rec"], ["boxes.manifest", "x.rec"], ["boxes.rec", "x"]):
            self.refused("convert", *arguments, "--center-crop", says=["--center-crop would cut boxes off", "--resize"])
            self.smtrain("convert", *arguments, "--resize", "8")
            os.rename(self.path(arguments[1]), self.path("done"))
            self.shell("rm -r done")

    def test_what_makes_no_sense_is_refused(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        self.refused("convert", "images", "out.csv", says=["a folder of images", "cannot become a table", "image-records"])
        self.refused("convert", "train.rec", "images", says=["images", "not empty"])
        self.refused("convert", "train.rec", "train.rec", says="same file")
        self.refused("convert", "images", "a.rec", "--pass-through", "--resize", "3", says="--pass-through")
        self.refused("convert", "images", "a.rec", "--quality", "200", says=["--quality 200", "0 to 100"])
        self.refused("convert", "images", "a.rec", "--encoding", "gif", says=["--encoding", "jpg"])


if __name__ == "__main__":
    unittest.main()
