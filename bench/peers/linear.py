"""A linear model of scikit-learn, from files to a score on the test file.

    linear.py logistic|least-squares|sgd TRAIN.csv TEST.csv

The label is in the first column. logistic: LogisticRegression on standardised columns, prints the area under the ROC curve;
least-squares: LinearRegression, prints the root of the mean squared error; sgd: SGDClassifier (logistic loss, its own defaults) on
columns divided by their largest number, prints the accuracy.
"""

import sys

import numpy as np
import pandas


def read(path):
    table = pandas.read_csv(path, header=None, dtype=np.float32).to_numpy()
    return table[:, 1:], table[:, 0]


def logistic(x, y, x_test, y_test):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    return roc_auc_score(y_test, model.predict_proba(x_test)[:, 1])


def least_squares(x, y, x_test, y_test):
    from sklearn.linear_model import LinearRegression
    model = LinearRegression().fit(x.astype(np.float64), y)
    return np.sqrt(np.mean((model.predict(x_test) - y_test) ** 2))


def sgd(x, y, x_test, y_test):
    from sklearn.linear_model import SGDClassifier
    largest = np.maximum(np.abs(x).max(), 1e-30)
    model = SGDClassifier(loss="log_loss", random_state=0).fit(x / largest, y)
    return model.score(x_test / largest, y_test)


def main(kind, train, test):
    print({"logistic": logistic, "least-squares": least_squares, "sgd": sgd}[kind](*read(train), *read(test)))


if __name__ == "__main__":
    main(*sys.argv[1:])
