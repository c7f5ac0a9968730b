"""Mean squared distance of the rows of a file to the nearest of the centres of a model, in float64.

    score.py ROWS.pbr MODEL      MODEL: .npy of centres, or a tarball of smtrain (model_algo-1)
"""

import struct
import sys
import tarfile

import numpy as np
import recordio


def centres_of(path):
    if path.endswith(".npy"):
        return np.load(path)
    with tarfile.open(path) as tar:
        data = tar.extractfile("model_algo-1").read()
    k, d = struct.unpack_from("<qq", data, 36)
    return np.frombuffer(data, "<f4", k * d, 64).reshape(k, d)


def main(rows, model):
    x, c = recordio.read(rows), centres_of(model).astype(np.float64)
    total = 0.0
    for i in range(0, len(x), 8192):
        part = x[i:i + 8192].astype(np.float64)
        d2 = (part * part).sum(1)[:, None] - 2.0 * part @ c.T + (c * c).sum(1)
        total += np.maximum(d2.min(1), 0.0).sum()
    print(total / len(x))


if __name__ == "__main__":
    main(*sys.argv[1:])
