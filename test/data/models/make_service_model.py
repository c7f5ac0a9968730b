#!/usr/bin/env python3
"""Writes service/kmeans-model.tar.gz as the service does: one member, model_algo-1, an MXNet NDArray list with one unnamed
float32 array of 3 centres in 4 dimensions. Standard library only; the same bytes each time."""
import gzip
import io
import pathlib
import struct
import tarfile

CENTRES = [[1.5, -2.0, 0.25, 8.0], [0.0, 1.0, 2.0, 3.0], [-0.5, 100.0, 1e-3, -7.0]]


def ndarray_list(rows):
    out = struct.pack("<QQQ", 0x112, 0, 1)
    out += struct.pack("<IiI2q", 0xF993FAC9, 0, 2, len(rows), len(rows[0]))
    out += struct.pack("<iii", 1, 0, 0)
    for row in rows:
        out += struct.pack(f"<{len(row)}f", *row)
    return out + struct.pack("<Q", 0)


def main():
    data = ndarray_list(CENTRES)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo("model_algo-1")
        member.size = len(data)
        member.mtime = 1577836800
        member.uname = member.gname = "root"
        tar.addfile(member, io.BytesIO(data))
    target = pathlib.Path(__file__).parent / "service" / "kmeans-model.tar.gz"
    with open(target, "wb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
        packed.write(raw.getvalue())


if __name__ == "__main__":
    main()
