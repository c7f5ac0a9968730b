"""scikit-learn's PCA, from file to model.

    pca.py TRAIN MODEL.npz COMPONENTS [SOLVER]

TRAIN: a CSV whose first column is a label, or RecordIO-protobuf without. The CSV is read as float32 by pandas, the label left out by
its reader: faster here than pandas with pyarrow's reader, than pyarrow.csv, and than cutting the label off afterwards, after which the
fit is slower. SOLVER: auto, which scikit-learn chooses by itself (the eigenvalues of the covariance where there are many more rows than
columns), or the name of one of its own.
"""

import sys

import numpy as np
from sklearn.decomposition import PCA


def read(path):
    if path.endswith(".csv"):
        import pandas
        with open(path, encoding="utf-8") as file:
            columns = file.readline().count(",") + 1
        return pandas.read_csv(path, header=None, dtype=np.float32, usecols=range(1, columns)).to_numpy()
    import recordio
    return recordio.read(path)


def main(train, model, components, solver="auto"):
    pca = PCA(n_components=int(components), svd_solver=solver, random_state=0).fit(read(train))
    np.savez(model, components=pca.components_)


if __name__ == "__main__":
    main(*sys.argv[1:])
