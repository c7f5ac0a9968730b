"""Makes the images of this folder, and of each the pixels that Pillow decodes, as raw RGB bytes: needs Pillow and numpy.

    python3 make_images.py FOLDER
"""

import os
import struct
import sys
import zlib

import numpy
from PIL import Image

WIDTH, HEIGHT = 29, 21
NAMES = ("rgb.jpg", "rgb444.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "turned.jpg", "turned.png", "rgb.png", "palette4.png",
         "palette8.png", "grey.png", "bits.png", "grey_alpha.png", "rgba.png")  # as Pillow writes them


def picture():
    """Smooth colours, a sharp edge, and a little noise."""
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = numpy.stack([x * 8, y * 11, 255 - (x + y) * 5], axis=-1)
    rgb[5:12, 8:20] = [250, 20, 60]
    rgb += numpy.random.default_rng(1).integers(-9, 10, rgb.shape)
    return Image.fromarray(rgb.clip(0, 255).astype(numpy.uint8))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, interlaced=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def main(folder):
    image = picture()
    at = lambda name: os.path.join(folder, name)
    image.save(at("rgb.jpg"), quality=90)
    image.save(at("rgb444.jpg"), quality=90, subsampling=0)
    image.save(at("progressive.jpg"), quality=85, progressive=True)
    image.convert("L").save(at("grey.jpg"), quality=90)
    image.convert("CMYK").save(at("cmyk.jpg"), quality=95)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(at("turned.jpg"), quality=90, exif=exif)
    image.save(at("turned.png"), exif=exif)
    image.save(at("rgb.png"))
    image.quantize(16).save(at("palette4.png"), bits=4)
    image.quantize(200).save(at("palette8.png"), transparency=3)
    image.convert("L").save(at("grey.png"))
    image.convert("1").save(at("bits.png"))
    image.convert("LA").save(at("grey_alpha.png"))
    rgba = image.convert("RGBA")
    rgba.putalpha(image.convert("L"))
    rgba.save(at("rgba.png"))
    for name in NAMES:
        with open(at(name.replace(".", "_") + ".rgb"), "wb") as file:
            file.write(Image.open(at(name)).convert("RGB").tobytes())
    # Interlaced, which Pillow does not write.
    pixels, passes = numpy.asarray(image), [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = b"".join(b"\0" + row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx])
    with open(at("interlaced.png"), "wb") as file:
        file.write(png(WIDTH, HEIGHT, 8, 2, rows, interlaced=1))
    with open(at("interlaced_png.rgb"), "wb") as file:
        file.write(pixels.tobytes())
    # 16 bits, of which the upper eight count; Pillow reads them otherwise.
    sixteen = (numpy.asarray(image).astype(numpy.uint16) * 256 + 200).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in sixteen)
    with open(at("sixteen.png"), "wb") as file:
        file.write(png(WIDTH, HEIGHT, 16, 2, rows))
    with open(at("sixteen_png.rgb"), "wb") as file:
        file.write((sixteen >> 8).astype(numpy.uint8).tobytes())
    image.resize((13, 17), Image.BILINEAR).save(at("smaller.png"))
    image.resize((61, 40), Image.BILINEAR).save(at("larger.png"))


if __name__ == "__main__":
    main(sys.argv[1])
