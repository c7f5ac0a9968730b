"""The share of the variance of a file's rows that the components of models keep, in float64.

    kept.py ROWS MODEL...        ROWS: as for pca.py; MODEL: .npz with components, or a tarball of smtrain (model_algo-1)
"""

import struct
import sys
import tarfile

import numpy as np
import pca


def tensors(data):
    """The arrays of a model_algo-1, all of float32, by name."""
    at, arrays = 24, []
    for _ in range(struct.unpack_from("<Q", data, 16)[0]):
        dims = struct.unpack_from("<I", data, at + 8)[0]
        shape = struct.unpack_from(f"<{dims}q", data, at + 12)
        at += 12 + 8 * dims + 12
        arrays.append(np.frombuffer(data, "<f4", int(np.prod(shape)), at).reshape(shape))
        at += arrays[-1].nbytes
    at, names = at + 8, []
    for _ in arrays:
        length = struct.unpack_from("<Q", data, at)[0]
        names.append(data[at + 8:at + 8 + length].decode())
        at += 8 + length
    return dict(zip(names, arrays))


def components_of(path):
    """Columns."""
    if path.endswith(".npz"):
        return np.load(path)["components"].T
    with tarfile.open(path) as tar:
        return tensors(tar.extractfile("model_algo-1").read())["v"]


def main(rows, *models):
    x = pca.read(rows)
    mean = x.mean(axis=0, dtype=np.float64)
    scatter = np.zeros((x.shape[1], x.shape[1]))
    for i in range(0, len(x), 8192):
        part = x[i:i + 8192] - mean
        scatter += part.T @ part
    for model in models:
        base = np.linalg.qr(components_of(model).astype(np.float64))[0]
        print(np.trace(base.T @ scatter @ base) / np.trace(scatter))


if __name__ == "__main__":
    main(*sys.argv[1:])
