"""convert of boxes: from every form to every other, over random images; what comes back is what went in."""

import json
import os
import random
import unittest

from convert_boxes_test import BoxTest, png, service
from harness import NIGHTLY

FORMS = {"boxes": "boxes", "voc": "voc", "coco": "c.json", "manifest": "m.manifest", "lst": "d.lst", "image-records": "r.rec"}
REFUSED = {("image-records", "manifest"): "name a folder, which gets the images"}
NAMES = [(0, "cat"), (1, "dog & co"), (2, "bird")]


class Pairs(BoxTest):
    def make(self, draw, images):
        """Whole pixels, which float32 fractions keep; each image has a box, which label vectors need."""
        self.write("names", "".join(name + "\n" for _, name in NAMES))
        for i in range(images):
            width, height = draw.randint(2, 90), draw.randint(2, 90)
            boxes = []
            for _ in range(draw.randint(1, 4)):
                left, top = draw.randrange(width), draw.randrange(height)
                boxes.append((draw.randrange(3), left, top, draw.randint(1, width - left), draw.randint(1, height - top)))
            name = f"{i:08}"
            self.put(f"images/{name}.png", png(width, height, i % 256))
            used = sorted({box[0] for box in boxes})
            self.put(f"boxes/{name}.json", json.dumps(service(name + ".png", (width, height), boxes, [NAMES[c] for c in used])))

    def convert(self, source, source_kind, target, kind, code=0):
        root = [] if source_kind == "image-records" else ["--root", "images"]
        return self.smtrain("convert", source, target, "--from", source_kind, "--to", kind, "--classes", "names", *root, code=code)

    def check(self, folder):
        files = self.files(folder)
        self.assertEqual(files, self.files("boxes"))
        for name in files:
            self.assertEqual(self.json(f"{folder}/{name}"), self.json(f"boxes/{name}"), folder)

    def test_every_pair(self):
        seed = random.randrange(1 << 30)
        with self.subTest(seed=seed):
            self.make(random.Random(seed), 60 if NIGHTLY else 8)
            for kind, name in FORMS.items():
                if kind != "boxes":
                    self.convert("boxes", "boxes", name, kind)
            for kind, name in FORMS.items():
                for other, other_name in FORMS.items():
                    with self.subTest(pair=(kind, other)):
                        self.pair(kind, name, other, f"{kind}-{other}-{other_name}")

    def pair(self, kind, name, other, target):
        if (kind, other) in REFUSED:
            self.assertIn(REFUSED[kind, other], self.convert(name, kind, target, other, code=2).err)
            self.assertFalse(os.path.exists(self.path(target)))
            return
        self.convert(name, kind, target, other)
        if (kind, other) == ("image-records", "lst"):
            # The list names the images as they are when the records become a folder.
            self.smtrain("convert", name, "taken-out", "--from", kind, "--to", "images")
            self.assertEqual(self.read(target), self.read("taken-out/images.lst"))
            self.assertEqual(self.files("taken-out"), sorted([*self.files("images"), "images.lst"]))
            return
        if other == "boxes":
            back = target
        else:
            back = target + "-back"
            self.convert(target, other, back, "boxes")
        if "annotations" in self.files(back):
            back += "/annotations"
        self.check(back)
        if back.endswith("/annotations"):
            images = os.path.dirname(back) + "/images"
            for image in self.files(images):
                self.assertEqual(self.read(f"{images}/{image}"), self.read(f"images/{image}"))


if __name__ == "__main__":
    unittest.main()
