"""The networks that are timed: data, sizes, loss and optimizer, free of any library.

W1 linear regression, W2 a small MLP with Adam, W3 a tiny sigmoid network in full batches, W4 an
MLP on handwritten digits with momentum, W6 a large one with Adam, where the matrix products are all
that counts.
"""

from dataclasses import dataclass

import numpy as np

from steepest.core import Streams
from steepest.data import load_data

__all__ = ["WORKLOADS", "Workload"]

PASSES = 10  # over the small tables that count as one timed epoch


@dataclass
class Workload:
    """One training job. Weights are (out, in) matrices and biases, layer by layer, float32."""

    name: str
    title: str
    x: np.ndarray
    y: np.ndarray
    sizes: tuple[int, ...]
    activation: str
    loss: str
    optimizer: str
    lr: float
    batch: int
    epochs: int = 1  # passes over the data that count as one timed epoch

    def weights(self) -> list[np.ndarray]:
        """The initial weights, the same for every peer: uniform, bound 1/√inputs."""
        random = Streams(0)("weights", self.name)
        made = []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            bound = 1 / np.sqrt(inputs)
            made.append(random.uniform(-bound, bound, (outputs, inputs)).astype(np.float32))
            made.append(random.uniform(-bound, bound, outputs).astype(np.float32))
        return made

    def batches(self) -> list[np.ndarray]:
        """Row numbers of every batch, in the order in which every peer sees them."""
        found = []
        for epoch in range(self.epochs):
            order = Streams(0)("order", self.name, epoch).permutation(len(self.x))
            full = order[: len(order) // self.batch * self.batch]
            found += list(full.reshape(-1, self.batch))
        return found


def _housing() -> tuple[np.ndarray, np.ndarray]:
    part = load_data("housing", seed=0).train
    return np.asarray(part.x), np.asarray(part.y)


def w1() -> Workload:
    x, y = _housing()
    return Workload(
        "W1", "linear regression 13→1", x, y, (13, 1), "none", "mse", "sgd", 0.01, 10, PASSES
    )


def w2() -> Workload:
    x, y = _housing()
    sizes = (13, 64, 64, 1)
    return Workload(
        "W2", "MLP 13-64-64-1 tanh", x, y, sizes, "tanh", "mse", "adam", 0.001, 32, PASSES
    )


def w3() -> Workload:
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    return Workload(
        "W3", "sigmoid net 3-4-1, full batch", x, y, (3, 4, 1), "sigmoid", "mse", "sgd", 1.0, 4, 300
    )


def _digits() -> tuple[np.ndarray, np.ndarray]:
    part = load_data("mnist", scale="minmax", seed=0).train
    return np.ascontiguousarray(np.asarray(part.x).reshape(len(part), -1)), np.asarray(part.y)


def w4() -> Workload:
    x, y = _digits()
    sizes = (784, 128, 10)
    return Workload("W4", "MLP 784-128-10 relu", x, y, sizes, "relu", "ce", "momentum", 0.1, 64)


def w6() -> Workload:
    x, y = _digits()
    sizes = (784, 1024, 1024, 10)
    return Workload(
        "W6", "MLP 784-1024-1024-10 relu", x, y, sizes, "relu", "ce", "adam", 0.001, 256
    )


WORKLOADS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W6": w6}
