"""`smtrain convert` of images, as a user runs it: folders, lists and records; what is refused."""

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
        for output in ("out.lst", "out.manifest", "out.rec"):
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

    def test_what_makes_no_sense_is_refused(self):
        self.images()
        self.smtrain("convert", "images", "train.rec")
        self.refused("convert", "images", "out.csv", says=["a folder of images", "cannot become a table", "image-records"])
        self.refused("convert", "train.rec", "out.lst", says=["image records", "cannot become an image list", "images"])
        self.refused("convert", "train.rec", "images", says=["images", "not empty"])
        self.refused("convert", "train.rec", "train.rec", says="same file")
        self.refused("convert", "images", "a.rec", "--pass-through", "--resize", "3", says="--pass-through")
        self.refused("convert", "images", "a.rec", "--quality", "200", says=["--quality 200", "0 to 100"])
        self.refused("convert", "images", "a.rec", "--encoding", "gif", says=["--encoding", "jpg"])


if __name__ == "__main__":
    unittest.main()
