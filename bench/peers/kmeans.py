"""scikit-learn's MiniBatchKMeans, from file to model.

    kmeans.py TRAIN MODEL.npy K EPOCHS BATCH SEED

Its settings are the nearest to ours and the fastest it has: one start from random rows, float32, no early stop, no labels of the
training rows at the end, no reassignment beyond its default. The file is read in the fastest way numpy has.
"""

import sys

import numpy as np
import recordio
from sklearn.cluster import MiniBatchKMeans


def main(train, model, k, epochs, batch, seed):
    x = recordio.read(train)
    kmeans = MiniBatchKMeans(n_clusters=int(k), init="random", n_init=1, batch_size=int(batch), max_iter=int(epochs),
                             max_no_improvement=None, tol=0.0, compute_labels=False, random_state=int(seed))
    kmeans.fit(x)
    np.save(model, kmeans.cluster_centers_.astype(np.float32))


if __name__ == "__main__":
    main(*sys.argv[1:])
