"""A small network on the digits, written for script mode, with checkpoints and a model on SIGTERM."""

import argparse
import os
import signal
import sys

import numpy as np
import torch


def load(folder):
    rows = np.loadtxt(os.path.join(folder, os.listdir(folder)[0]), delimiter=",", dtype=np.float32)
    return torch.from_numpy(rows[:, 1:] / 16), torch.from_numpy(rows[:, 0]).long()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--batch-size", type=int, default=64)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(int(os.environ["SM_NUM_CPUS"]))

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    x, y = load(os.environ["SM_CHANNEL_TRAIN"])
    x_test, y_test = load(os.environ["SM_CHANNEL_TEST"])
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=arguments.learning_rate)
    checkpoint = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "digits.pt")
    first = 0
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"]
        print(f"goes on after epoch {first}", flush=True)

    for epoch in range(first, arguments.epochs):
        for rows in torch.randperm(len(x)).split(arguments.batch_size):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(x_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch={epoch + 1}; train_loss={loss.item():.6f}; test_accuracy={accuracy:.6f};", flush=True)
        if os.path.isdir(os.path.dirname(checkpoint)):
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1},
                       checkpoint + ".sagemaker-ignore")
            os.replace(checkpoint + ".sagemaker-ignore", checkpoint)
        if stop:
            break
    torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
