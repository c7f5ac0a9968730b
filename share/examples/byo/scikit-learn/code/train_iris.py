"""A decision tree on iris, written for script mode: arguments and SM_* variables in, a model folder out."""

import argparse
import json
import os
import pickle
import time

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier


def read_file_mode(folder):
    parts = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    return np.vstack([np.loadtxt(part, delimiter=",") for part in parts])


def read_pipe_mode(folder, epoch=0):
    fifo = f"{folder}_{epoch}"
    while not os.path.exists(fifo):
        time.sleep(0.1)
    with open(fifo, encoding="utf-8") as file:
        return np.loadtxt(file, delimiter=",")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_depth", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
    parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
    arguments = parser.parse_args()

    mode = json.loads(os.environ["SM_INPUT_DATA_CONFIG"])["train"]["TrainingInputMode"]
    rows = read_pipe_mode(arguments.train) if mode == "Pipe" else read_file_mode(arguments.train)
    x, y = rows[:, 1:], rows[:, 0].astype(int)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=arguments.seed, stratify=y)
    model = DecisionTreeClassifier(max_depth=arguments.max_depth, random_state=arguments.seed).fit(x_train, y_train)
    print(f"rows={len(rows)}; validation_accuracy={model.score(x_test, y_test):.6f};", flush=True)
    with open(os.path.join(arguments.model_dir, "model.pickle"), "wb") as file:
        pickle.dump(model, file)


if __name__ == "__main__":
    main()
