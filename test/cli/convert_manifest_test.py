"""convert of augmented manifests: boxes, classes and masks, by way of lists and folders."""

import json
import os
import struct
import unittest
import zlib

from convert_boxes_test import BoxTest, png, service
from harness import json_lines, text


def mask_png(width, height, labels, color_type=0, palette=None, depth=8):
    """A PNG of grey levels, palette indices or RGB, written from the format's description."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    size = 3 if color_type == 2 else 1
    rows = b"".join(b"\0" + bytes(labels[y * width * size:(y + 1) * width * size]) for y in range(height))
    colours = chunk(b"PLTE", bytes(palette)) if palette else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)) + colours +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def read_mask(data):
    """Width, height, colour type, labels and palette of an 8-bit PNG without interlacing."""
    at, idat, palette = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, _, color_type = struct.unpack(">IIBB", body[:10])
        elif kind == b"PLTE":
            palette = list(body)
        elif kind == b"IDAT":
            idat += body
        at += 12 + length
    raw = zlib.decompress(idat)
    labels, above = [], [0] * width
    for y in range(height):
        kind, row = raw[y * (width + 1)], list(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
        for x in range(width):
            a, b, c = (row[x - 1] if x else 0), above[x], (above[x - 1] if x else 0)
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            row[x] = (row[x] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        labels += row
        above = row
    return width, height, color_type, labels, palette


class Manifests(BoxTest):
    def boxes(self):
        self.put("data/boxes/a.json", json.dumps(service("a.png", (50, 40), [(1, 10, 20, 10, 10), (0, 0, 0, 25, 40)], [(0, "cat"), (1, "dog")])))
        self.put("data/boxes/s/b.json", json.dumps(service("s/b.png", (30, 20), [(1, 3, 2, 6, 5)], [(1, "dog")])))
        self.put("data/images/a.png", png(50, 40))
        self.put("data/images/s/b.png", png(30, 20))

    def lines(self, name):
        return json_lines(text(self.read(name)))

    def test_boxes_to_a_manifest_and_back(self):
        self.boxes()
        self.smtrain("convert", "data/boxes", "data/m.manifest", "--root", "data/images")
        first, second = self.lines("data/m.manifest")
        self.assertEqual(first["source-ref"], "images/a.png")
        self.assertEqual(first["bounding-box"], {k: v for k, v in self.json("data/boxes/a.json").items() if k in ("image_size", "annotations")})
        self.assertEqual(second["bounding-box-metadata"]["class-map"], {"0": "cat", "1": "dog"})
        self.smtrain("convert", "data/m.manifest", "back", "--to", "boxes", "--root", "data/images")
        for name in ("a.json", "s/b.json"):
            self.assertEqual(self.json("back/" + name), self.json("data/boxes/" + name))
        self.smtrain("convert", "data/m.manifest", "c.json")
        self.assertEqual([c["name"] for c in self.json("c.json")["categories"]], ["cat", "dog"])

    def test_a_manifest_elsewhere_leads_to_the_same_files(self):
        self.put("data/images/a.png", png(50, 40))
        lines = ['{"source-ref": "images/a.png", "class":  "%d", "more": [1.50]}\n' % i for i in range(20)]
        self.write("data/x.manifest", "".join(lines))
        self.smtrain("convert", "data/x.manifest", "data/y.manifest", "--shuffle")
        self.assertEqual(sorted(text(self.read("data/y.manifest")).splitlines(True)), sorted(lines))
        self.assertNotEqual(self.read("data/y.manifest"), self.read("data/x.manifest"))
        self.smtrain("convert", "data/x.manifest", "moved.manifest")
        self.assertEqual(self.lines("moved.manifest")[3], {"source-ref": "data/images/a.png", "class": "3", "more": [1.5]})
        self.smtrain("convert", "data/x.manifest", "parts/{}/x.manifest", "--folds", "2")
        self.assertEqual({line["source-ref"] for line in self.lines("parts/fold0/x.manifest")}, {"../../data/images/a.png"})
        self.smtrain("convert", "parts/fold1/x.manifest", "fold1.rec", "--attribute-names", "source-ref,class")
        self.smtrain("convert", "data/x.manifest", "s3.manifest", "--ref-prefix", "s3://bucket/set")
        self.assertEqual(self.lines("s3.manifest")[0]["source-ref"], "s3://bucket/set/images/a.png")
        self.smtrain("convert", "s3.manifest", "back.manifest", "--shuffle")
        self.assertEqual({line["source-ref"] for line in self.lines("back.manifest")}, {"s3://bucket/set/images/a.png"})
        self.smtrain("convert", "data/x.manifest", "part.manifest", "--split", "a=0.5,b=0.5", "--stratify", "class")
        self.write("bad.manifest", "[1]\n")
        self.refused("convert", "bad.manifest", "out.manifest", says="bad.manifest:1")

    def test_references_with_a_prefix_are_mapped(self):
        self.boxes()
        self.smtrain("convert", "data/boxes", "m.manifest", "--ref-prefix", "s3://bucket/train", "--attribute-names", "image-ref,boxes")
        self.assertEqual([line["image-ref"] for line in self.lines("m.manifest")], ["s3://bucket/train/a.png", "s3://bucket/train/s/b.png"])
        names = ["--attribute-names", "image-ref,boxes"]
        self.refused("convert", "m.manifest", "v", "--to", "voc", *names, says=["m.manifest:1", "--map s3://bucket=FOLDER"])
        self.smtrain("convert", "m.manifest", "v", "--to", "voc", *names, "--map", "s3://bucket/train=data/images", "--root", "data/images")
        self.assertEqual(sorted(self.files("v")), ["a.xml", "s"])

    def test_a_detection_list_and_back(self):
        self.boxes()
        self.smtrain("convert", "data/boxes", "d.lst")
        lines = [line.split("\t") for line in text(self.read("d.lst")).splitlines()]
        self.assertEqual([line[-1] for line in lines], ["a.png", "s/b.png"])
        self.assertEqual([float(x) for x in lines[1][1:-1]], [2, 5, 1, .1, .1, .3, .35])
        classes = self.write("names", "cat\ndog\n")
        self.smtrain("convert", "d.lst", "--from", "lst", "back", "--to", "boxes", "--root", "data/images", "--classes", classes)
        for name in ("a.json", "s/b.json"):
            self.assertEqual(self.json("back/" + name), self.json("data/boxes/" + name))
        self.smtrain("convert", "d.lst", "--from", "lst", "data/m.manifest", "--root", "data/images")
        self.smtrain("convert", "data/m.manifest", "e.lst", "--root", "data/images")
        self.assertEqual(self.read("d.lst"), self.read("e.lst"))

    def test_classes_to_a_manifest_and_back(self):
        for i in range(3):
            self.put(f"images/{i}.png", png(4, 4))
        self.write("c.lst", "0\t2\timages/0.png\n1\t0\timages/1.png\n2\t1\timages/2.png\n")
        self.smtrain("convert", "c.lst", "--from", "lst", "m.manifest")
        self.assertEqual(self.lines("m.manifest")[0], {"source-ref": "images/0.png", "class": "2"})
        self.smtrain("convert", "m.manifest", "d.lst")
        self.assertEqual(self.read("c.lst"), self.read("d.lst"))
        self.write("multi.lst", "0\t1\t0\t1\timages/0.png\n1\t0\t0\t1\timages/1.png\n")
        self.smtrain("convert", "multi.lst", "--from", "lst", "m2.manifest")
        self.assertEqual(self.lines("m2.manifest")[0]["class"], "[1, 0, 1]")
        self.smtrain("convert", "m2.manifest", "multi2.lst")
        self.assertEqual(self.read("multi.lst"), self.read("multi2.lst"))

    def test_a_folder_of_classes_to_a_manifest_and_back(self):
        for i, name in enumerate(("cat", "dog", "dog")):
            self.put(f"images/{name}/{i}.png", png(4 + i, 4, i))
        self.smtrain("convert", "images", "m.manifest", "--no-shuffle")
        lines = self.lines("m.manifest")
        self.assertEqual([line["source-ref"] for line in lines], ["images/cat/0.png", "images/dog/1.png", "images/dog/2.png"])
        self.assertEqual([line["class"] for line in lines], ["0", "1", "1"])
        self.assertEqual(lines[2]["class-metadata"]["class-name"], "dog")
        self.smtrain("convert", "m.manifest", "out", "--to", "images")
        self.assertEqual(self.files("out"), ["0000", "0001", "images.lst"])
        self.assertEqual(self.read("out/0001/00000002.png"), self.read("images/dog/2.png"))
        self.smtrain("convert", "m.manifest", "a.rec")
        self.smtrain("convert", "images", "b.rec", "--no-shuffle")
        self.assertEqual(self.read("a.rec"), self.read("b.rec"))

    def test_boxes_to_records(self):
        self.boxes()
        self.put("data/boxes/empty.json", json.dumps(service("empty.png", (9, 9), [])))
        self.put("data/images/empty.png", png(9, 9))
        self.put("data/images/unknown.png", png(9, 9))
        result = self.smtrain("convert", "data/boxes", "a.rec")
        self.assertIn("1 image without a box left out", result.err)
        self.assertIn("unknown.png", result.err)
        self.smtrain("convert", "data/boxes", "d.lst")
        self.smtrain("convert", "d.lst", "b.rec", "--root", "data/images")
        first, second = self.read("a.rec"), self.read("b.rec")
        self.assertEqual(first, second)
        self.refused("convert", "data/boxes", "x.rec", "--center-crop", "--resize", "20", says="--center-crop")
        os.remove(self.path("data/images/a.png"))
        self.refused("convert", "data/boxes", "x.rec", says=["a.png", "--root"])
        self.assertNotIn("x.rec", self.files())

    def test_labels_that_make_no_sense_are_named_with_their_line(self):
        self.write("m.manifest", '{"source-ref":"a.png","class":"0"}\n{"source-ref":"b.png","class":"dog"}\n')
        self.refused("convert", "m.manifest", "x.lst", says=["m.manifest:2", '"dog"', "a class from 0"])
        self.refused("convert", "m.manifest", "x", "--to", "boxes", says=["m.manifest:1", "the label is classes, expected boxes"])
        self.refused("convert", "m.manifest", "x.lst", "--attribute-names", "source-ref,label", says=["m.manifest:1", '"label"', '"class"'])
        self.refused("convert", "m.manifest", "x.lst", "--attribute-names", "class,source-ref", says=["-ref", "first"])
        self.refused("convert", "m.manifest", "m.manifest", "--to", "lst", says="same")
        self.assertNotIn("x.lst", self.files())


class Masks(BoxTest):
    def test_a_label_map_and_colours_to_look_at(self):
        self.put("m/a.png", mask_png(3, 2, [0, 5, 2, 255, 9, 0]))
        self.put("m/s/b.png", mask_png(2, 1, [2, 5], 3, [0] * 30))
        label_map = self.write("map.json", '{"map": {"0": 5, "1": 0, "2": "2"}}')
        result = self.smtrain("convert", "m", "out", "--from", "masks", "--label-map", label_map, "--palette", "voc")
        self.assertIn("1 pixel", result.err)
        width, height, color_type, labels, palette = read_mask(self.read("out/a.png"))
        self.assertEqual((width, height, color_type, labels), (3, 2, 3, [1, 0, 2, 255, 255, 1]))
        self.assertEqual(palette[:6], [0, 0, 0, 128, 0, 0])
        self.assertEqual(read_mask(self.read("out/s/b.png"))[3], [2, 0])
        self.smtrain("convert", "out", "grey", "--from", "masks", "--palette", "none")
        self.assertEqual(read_mask(self.read("grey/a.png"))[2:], (0, [1, 0, 2, 255, 255, 1], None))

    def test_colours_to_labels_and_back(self):
        self.put("m/a.png", mask_png(2, 1, [128, 64, 128, 0, 0, 0], 2))
        self.refused("convert", "m", "x", "--from", "masks", says=["m/a.png", "--palette FILE"])
        palette = self.write("palette.txt", "0 0 0 void\n128 64 128 road\n")
        self.smtrain("convert", "m", "out", "--from", "masks", "--palette", palette)
        self.assertEqual(read_mask(self.read("out/a.png"))[2:4], (3, [1, 0]))
        self.assertEqual(read_mask(self.read("out/a.png"))[4][:6], [0, 0, 0, 128, 64, 128])
        self.put("m/a.png", mask_png(2, 1, [128, 64, 128, 1, 0, 0], 2))
        self.refused("convert", "m", "x", "--from", "masks", "--palette", palette, says=["m/a.png", "x 1, y 0", "1 0 0"])
        self.assertNotIn("x", self.files())

    def test_a_manifest_of_masks_and_back(self):
        for name in ("a", "b"):
            self.put(f"images/{name}.png", png(3, 2))
            self.put(f"masks/{name}.png", mask_png(3, 2, [0, 1, 2, 3, 4, ord(name)]))
        self.refused("convert", "masks", "m.manifest", "--from", "masks", says="--root")
        self.smtrain("convert", "masks", "m.manifest", "--from", "masks", "--root", "images", "--attribute-names", "source-ref,city-ref")
        self.assertEqual(json_lines(text(self.read("m.manifest")))[1], {"source-ref": "images/b.png", "city-ref": "masks/b.png"})
        self.smtrain("convert", "m.manifest", "out", "--to", "masks", "--root", "images")
        self.assertEqual(self.read("out/images/b.png"), self.read("images/b.png"))
        self.assertEqual(read_mask(self.read("out/annotations/b.png"))[3], [0, 1, 2, 3, 4, 98])
        self.refused("convert", "m.manifest", "x.lst", says=["m.manifest:1", "a mask"])

    def test_an_empty_mask_is_named(self):
        self.put("masks/a.png", mask_png(4, 3, [0] * 12))
        self.put("masks/b.png", b"")
        self.refused("convert", "masks", "out", "--from", "masks", says=["masks/b.png", "empty file"])
        self.assertEqual(self.files(), ["masks"])

    def test_masks_without_images_and_of_other_sizes_are_refused(self):
        self.put("images/a.png", png(3, 2))
        self.put("masks/a.png", mask_png(2, 3, [0] * 6))
        self.refused("convert", "masks", "x", "--from", "masks", "--root", "images", says=["masks/a.png", "2 x 3", "3 x 2"])
        self.put("masks/b.png", mask_png(2, 3, [0] * 6))
        self.refused("convert", "masks", "x", "--from", "masks", "--root", "images", says=["masks/b.png", "no image b"])
        self.assertNotIn("x", self.files())


if __name__ == "__main__":
    unittest.main()
