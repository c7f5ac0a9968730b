"""convert of boxes: the service's JSON, Pascal VOC, COCO; with images where it needs them."""

import json
import os
import struct
import unittest
import zlib

from harness import CliTest, text


def png(width, height, grey=7):
    """A grey PNG, written from the format's description."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes([grey]) * width) * height
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def service(file, size, boxes, names=()):
    value = {"file": file, "image_size": [{"width": size[0], "height": size[1], "depth": 3}],
             "annotations": [dict(zip(("class_id", "left", "top", "width", "height"), box)) for box in boxes]}
    if names:
        value["categories"] = [{"class_id": i, "name": name} for i, name in names]
    return value


def voc(file, size, objects):
    sizes = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>" if size else ""
    boxes = "".join(f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin>"
                    f"<xmax>{b[2]}</xmax><ymax>{b[3]}</ymax></bndbox></object>" for name, difficult, b in objects)
    return f"<annotation><filename>{file}</filename>{sizes}{boxes}</annotation>"


class BoxTest(CliTest):
    def put(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        return self.write(name, data)

    def json(self, name):
        return json.loads(self.read(name))

    def sample(self):
        """Three images as VOC: two classes, one difficult box, one image of background, one below a folder."""
        self.put("voc/Annotations/a.xml", voc("a.png", (50, 40), [("dog", 0, (11, 21, 20, 30)), ("cat", 1, (1, 1, 50, 40))]))
        self.put("voc/Annotations/sub/b.xml", voc("b.png", (30, 20), [("dog", 0, (2, 3, 4.5, 5))]))
        self.put("voc/Annotations/c.xml", voc("c.png", (10, 10), []))
        for name, size in (("a", (50, 40)), ("sub/b", (30, 20)), ("c", (10, 10))):
            self.put(f"voc/JPEGImages/{name}.png", png(*size))


class Boxes(BoxTest):
    def test_voc_to_the_services_json(self):
        self.sample()
        result = self.smtrain("convert", "voc", "boxes", "--root", "voc/JPEGImages")
        self.assertIn("from 0 = cat", result.err)
        self.assertIn("--drop-difficult", result.err)
        self.assertEqual(self.json("boxes/a.json"), service("a.png", (50, 40), [(1, 10, 20, 10, 10), (0, 0, 0, 50, 40)],
                                                            [(0, "cat"), (1, "dog")]))
        self.assertEqual(self.json("boxes/sub/b.json"), service("sub/b.png", (30, 20), [(1, 1, 2, 3.5, 3)], [(1, "dog")]))
        self.assertEqual(self.json("boxes/c.json"), service("c.png", (10, 10), []))

    def test_every_format_gives_back_what_it_got(self):
        self.sample()
        self.smtrain("convert", "voc", "first.json")
        document = self.read("first.json")
        self.smtrain("convert", "first.json", "v", "--to", "voc")
        self.smtrain("convert", "v", "second.json")
        self.assertEqual(sorted(self.json("second.json")["images"], key=lambda i: i["file_name"]),
                         sorted(self.json("first.json")["images"], key=lambda i: i["file_name"]))
        self.assertEqual([a["bbox"] for a in self.json("second.json")["annotations"]],
                         [a["bbox"] for a in json.loads(document)["annotations"]])
        self.assertEqual([a["iscrowd"] for a in self.json("second.json")["annotations"]], [0, 1, 0])
        self.smtrain("convert", "first.json", "boxes", "--drop-difficult")
        self.smtrain("convert", "boxes", "w", "--to", "voc", "--voc-origin", "0")
        self.smtrain("convert", "w", "boxes2", "--voc-origin", "0", "--classes", self.write("names", "cat\ndog\n"))
        for name in ("a.json", "sub/b.json", "c.json"):
            self.assertEqual(self.json("boxes/" + name), self.json("boxes2/" + name))

    def test_the_same_bytes_for_any_number_of_threads(self):
        for i in range(40):
            self.put(f"voc/{i}.xml", voc(f"{i}.png", (50, 40), [(f"class {i % 7}", 0, (1 + i, 1, 50, 40))]))
        for threads in ("1", "3"):
            self.smtrain("convert", "voc", f"c{threads}.json", "--threads", threads)
        self.assertEqual(self.read("c1.json"), self.read("c3.json"))

    def test_classes_of_a_file(self):
        self.sample()
        self.smtrain("convert", "voc", "boxes", "--classes", self.write("names", "bird\ndog\ncat\n\n"))
        self.assertEqual([a["class_id"] for a in self.json("boxes/a.json")["annotations"]], [1, 2])
        self.refused("convert", "voc", "x", "--classes", self.write("few", "dog\n"), says=['"cat"', "few", "1 class"])
        self.refused("convert", "voc", "x", "--classes", self.write("twice", "dog\ncat\ndog\n"), says=["twice:3", "line 1"])
        self.refused("convert", "voc", "x", "--classes", self.write("hole", "dog\n\ncat\n"), says=["hole:2"])
        self.assertNotIn("x", self.files())

    def test_a_size_that_voc_does_not_give_is_the_images(self):
        self.put("v/a.xml", voc("a.png", None, [("dog", 0, (1, 1, 50, 40))]))
        self.refused("convert", "v", "boxes", says=["v/a.xml", "--root"])
        self.put("i/a.png", png(50, 40))
        self.smtrain("convert", "v", "boxes", "--root", "i")
        self.assertEqual(self.json("boxes/a.json")["image_size"], [{"width": 50, "height": 40, "depth": 3}])

    def test_sizes_are_compared_with_the_images(self):
        self.put("v/a.xml", voc("a.png", (50, 40), []))
        self.put("i/a.png", png(40, 50))
        self.smtrain("convert", "v", "unchecked")
        self.refused("convert", "v", "boxes", "--root", "i", says=["a.png", "50 x 40", "40 x 50"])
        self.refused("convert", "v", "boxes", "--root", "none", says=["a.png", "--root"])

    def test_compressed_annotations(self):
        self.sample()
        self.smtrain("convert", "voc", "c.json.gz")
        self.smtrain("convert", "c.json.gz", "c.json")
        self.smtrain("convert", "voc", "d.json")
        self.assertEqual(self.read("c.json"), self.read("d.json"))

    def test_a_broken_annotation_leaves_nothing(self):
        self.sample()
        self.put("voc/Annotations/z.xml", "<annotation>\n<filename>z.png</filename>\n<size>")
        before = self.files()
        self.refused("convert", "voc", "boxes", says=["z.xml:3", "XML"])
        self.refused("convert", "voc", "c.json", says="z.xml")
        self.assertEqual(self.files(), before)

    def test_an_empty_annotation_is_named(self):
        self.sample()
        self.smtrain("convert", "voc", "boxes")
        self.put("boxes/none.json", "")
        self.refused("convert", "boxes", "out.json", says=["boxes/none.json", "empty file"])
        self.put("voc/Annotations/none.xml", "")
        for output in ("other", "out.rec", "out.lst"):
            self.refused("convert", "voc", output, says=["none.xml", "empty file"])
        self.assertEqual(self.files(), ["boxes", "voc"])

    def test_a_folder_that_holds_something_is_left_alone(self):
        self.sample()
        self.put("boxes/mine", "x")
        self.refused("convert", "voc", "boxes", says=["boxes", "not empty"])
        self.refused("convert", "voc", "-", "--to", "boxes", says="standard output")
        self.assertEqual(self.files("boxes"), ["mine"])

    def test_two_annotations_of_one_image(self):
        self.put("v/a.xml", voc("same.png", (5, 5), []))
        self.put("v/b.xml", voc("same.png", (5, 5), []))
        self.refused("convert", "v", "boxes", says=["same.png", "two annotations"])

    def test_what_it_may_become_is_said(self):
        self.put("b/a.json", json.dumps(service("a.png", (5, 5), [])))
        self.refused("convert", "b", "x", says=["--to voc", ".manifest"])
        self.refused("convert", "b", "x.csv", "--to", "text/csv", says=["boxes as JSON per image", "voc, coco"])

    def test_coco_to_standard_output_and_the_depfile(self):
        self.sample()
        result = self.smtrain("convert", "voc", "-", "--to", "coco")
        self.assertEqual(len(json.loads(result.out)["images"]), 3)
        self.smtrain("convert", "voc", "c.json", "--depfile", "c.d")
        self.assertIn("voc/Annotations/sub/b.xml", text(self.read("c.d")))


if __name__ == "__main__":
    unittest.main()
