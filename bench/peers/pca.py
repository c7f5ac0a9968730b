"""scikit-learn's PCA, from file to model.

    pca.py TRAIN MODEL.npz COMPONENTS [randomized]

TRAIN: a CSV whose first column is a label, or RecordIO-protobuf. The CSV is read as float32 by pandas. The solver is the one that
scikit-learn chooses by itself, or its randomized one with the settings it has. Prints the share of the variance that is kept.
"""

import sys

import numpy as np
from sklearn.decomposition import PCA


def read(path):
    if path.endswith(".csv"):
        import pandas
        return pandas.read_csv(path, header=None, dtype=np.float32).to_numpy()[:, 1:]
    import recordio
    return recordio.read(path)


def main(train, model, components, solver="auto"):
    pca = PCA(n_components=int(components), svd_solver=solver, random_state=0).fit(read(train))
    np.savez(model, mean=pca.mean_, components=pca.components_, singular_values=pca.singular_values_)
    print(f"{pca.explained_variance_ratio_.sum():.9f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
