"""The jobs that are timed: data, layers, loss and optimizer, free of any library.

W1 linear regression, W2 a small MLP with Adam, W3 a tiny sigmoid network in full batches, W4 an
MLP on handwritten digits with momentum, W5 LeNet on the same digits, W6 a large MLP with Adam,
where the matrix products are all that counts, W7 sixty-four trainings of W2 side by side, W8 three
convolutions of 3×3 with batch norm on small colour images. A network is data: layers, loss and
optimizer are named as PyTorch names its classes, their sizes in the order of its arguments.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from steepest.core import Streams
from steepest.data import load_data

__all__ = ["WORKLOADS", "Layer", "Sweep", "Workload", "mlp"]

NORMS = ("BatchNorm1d", "BatchNorm2d", "LayerNorm")
SLOTS = {"SGD": 0, "Adagrad": 1, "RMSprop": 1, "Adam": 2, "AdamW": 2}  # arrays per parameter
Layer = tuple[
    Any, ...
]  # ("Linear", 13, 64), ("Tanh",), ("Conv2d", in, out, kernel, stride, padding)

IMAGES, COLOURED = 1280, 256  # rows of W5 and W8: an epoch of the slowest peer takes seconds


@dataclass
class Workload:
    """One training job. Parameters come layer by layer, weights as (out, in …), float32.

    settings    of the optimizer: "lr", and others by PyTorch's names
    epochs      passes over the data that count as one timed epoch
    """

    name: str
    title: str
    x: np.ndarray
    y: np.ndarray
    layers: tuple[Layer, ...]
    loss: str
    optimizer: str
    settings: dict[str, float]
    batch: int
    epochs: int = 1
    seed: int = field(default=0, kw_only=True)

    def weights(self) -> list[np.ndarray]:
        """The initial parameters, the same for every peer; weights uniform, bound 1/√inputs."""
        random = Streams(self.seed)("weights", self.name)
        made: list[np.ndarray] = []
        for kind, *sizes in self.layers:
            if kind in ("Linear", "Conv2d"):
                inputs, outputs = sizes[:2]
                shape = (inputs, sizes[2], sizes[2]) if kind == "Conv2d" else (inputs,)
                bound = 1 / np.sqrt(np.prod(shape))
                made += [random.uniform(-bound, bound, (outputs, *shape))]
                made += [random.uniform(-bound, bound, outputs)]
            elif kind in NORMS:
                made += [random.uniform(0.5, 1.5, sizes[0]), random.uniform(-0.5, 0.5, sizes[0])]
            elif kind == "PReLU":
                made += [np.full(1, 0.25)]
        return [array.astype(np.float32) for array in made]

    def batches(self) -> list[np.ndarray]:
        """Row numbers of every batch, in the order in which every peer sees them."""
        found = []
        for epoch in range(self.epochs):
            order = Streams(self.seed)("order", self.name, epoch).permutation(len(self.x))
            full = order[: len(order) // self.batch * self.batch]
            found += list(full.reshape(-1, self.batch))
        return found

    def products(self) -> int:
        """Multiply-adds of a step's products: forward, weight and input gradients."""
        found, side = [], self.x.shape[-1]
        for kind, *sizes in self.layers:
            if kind == "Linear":
                found.append(sizes[0] * sizes[1])
            elif kind == "Conv2d":  # the zeros of its border are multiplied too
                inputs, outputs, kernel, stride, padding = sizes
                side = (side + 2 * padding - kernel) // stride + 1
                found.append(side**2 * outputs * inputs * kernel**2)
            elif kind in ("AvgPool2d", "MaxPool2d"):
                side //= sizes[0]
        return self.batch * (3 * sum(found) - found[0])  # nobody asks for the data's gradient

    def moved(self) -> int:
        """Bytes that a step cannot avoid moving: the state read and written, the batch read."""
        state = sum(array.nbytes for array in self.weights()) * (1 + SLOTS[self.optimizer])
        if self.optimizer == "SGD" and self.settings.get("momentum"):
            state *= 2
        row = self.x[:1].nbytes + self.y[:1].nbytes
        return 2 * state + self.batch * row

    def without_dropout(self) -> "Workload":
        """The same job with nothing random in its steps, so that all peers must agree."""
        return replace(self, layers=tuple(layer for layer in self.layers if layer[0] != "Dropout"))


@dataclass
class Sweep(Workload):
    """Many trainings of one network at once, each with its own seed and learning rate.

    count   trainings; a step is one step of all of them
    """

    count: int = field(default=1, kw_only=True)

    def members(self) -> list[Workload]:
        """The trainings. Learning rates lie between half and twice the given one."""
        shared = (self.x, self.y, self.layers, self.loss, self.optimizer)
        rates = self.settings["lr"] * np.geomspace(0.5, 2, self.count)
        return [
            Workload(self.name, "", *shared, {"lr": float(lr)}, self.batch, self.epochs, seed=seed)
            for seed, lr in enumerate(rates)
        ]

    def products(self) -> int:
        """Multiply-adds of one step of all."""
        return self.count * super().products()

    def moved(self) -> int:
        """Bytes that one step of all cannot avoid moving."""
        return self.count * super().moved()


def mlp(sizes: tuple[int, ...], activation: str) -> tuple[Layer, ...]:
    """Linear layers of these sizes with the activation between them."""
    layers: list[Layer] = []
    for inputs, outputs in pairwise(sizes):
        layers += [("Linear", inputs, outputs), (activation,)]
    return tuple(layers[:-1])


def _housing() -> tuple[np.ndarray, np.ndarray]:
    part = load_data("housing", seed=0).train
    return np.asarray(part.x), np.asarray(part.y)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Images of 1×28×28 pixels."""
    part = load_data("mnist", scale="minmax", seed=0).train
    return np.ascontiguousarray(part.x), np.asarray(part.y)


def _rows_of_pixels() -> tuple[np.ndarray, np.ndarray]:
    x, y = _digits()
    return x.reshape(len(x), -1), y


def w1() -> Workload:
    layers = mlp((13, 1), "Identity")
    title, lr = "linear regression 13→1", {"lr": 0.01}
    return Workload("W1", title, *_housing(), layers, "MSELoss", "SGD", lr, 10, 30)


def w2() -> Workload:
    layers = mlp((13, 64, 64, 1), "Tanh")
    title, lr = "MLP 13-64-64-1 tanh", {"lr": 0.001}
    return Workload("W2", title, *_housing(), layers, "MSELoss", "Adam", lr, 32, 50)


def w3() -> Workload:
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
    y = np.array([[0], [1], [1], [0]], np.float32)
    layers = mlp((3, 4, 1), "Sigmoid")
    title, lr = "sigmoid net 3-4-1, full batch", {"lr": 1.0}
    return Workload("W3", title, x, y, layers, "MSELoss", "SGD", lr, 4, 1500)


def w4() -> Workload:
    layers = mlp((784, 128, 10), "ReLU")
    title, settings = "MLP 784-128-10 relu", {"lr": 0.1, "momentum": 0.9}
    data = _rows_of_pixels()
    return Workload("W4", title, *data, layers, "CrossEntropyLoss", "SGD", settings, 64)


def w5() -> Workload:
    pool, tanh = ("AvgPool2d", 2), ("Tanh",)
    layers: tuple[Layer, ...] = (
        *(("Conv2d", 1, 6, 5, 1, 2), tanh, pool),
        *(("Conv2d", 6, 16, 5, 1, 0), tanh, pool),
        *(("Flatten",), *mlp((400, 120, 84, 10), "Tanh")),
    )
    title, settings = "LeNet: 6@5×5, 16@5×5, 400-120-84-10 tanh", {"lr": 0.01, "momentum": 0.9}
    x, y = (array[:IMAGES] for array in _digits())
    return Workload("W5", title, x, y, layers, "CrossEntropyLoss", "SGD", settings, 64)


def w6() -> Workload:
    layers = mlp((784, 1024, 1024, 10), "ReLU")
    title, lr = "MLP 784-1024-1024-10 relu", {"lr": 0.001}
    return Workload("W6", title, *_rows_of_pixels(), layers, "CrossEntropyLoss", "Adam", lr, 256)


def w7() -> Sweep:
    w, title = w2(), "64 trainings of W2 at once"
    job = (w.layers, w.loss, w.optimizer, w.settings, w.batch)
    return Sweep("W7", title, w.x, w.y, *job, epochs=5, count=64)


def w8() -> Workload:
    layers: list[Layer] = []
    for inputs, outputs in pairwise((3, 32, 64, 64)):
        layers += [("Conv2d", inputs, outputs, 3, 1, 1), ("BatchNorm2d", outputs)]
        layers += [("ReLU",), ("MaxPool2d", 2)]
    layers += [("Flatten",), ("Linear", 1024, 10)]
    random = Streams(0)("images")
    x = random.standard_normal((COLOURED, 3, 32, 32), np.float32)
    y = random.integers(0, 10, COLOURED)
    title, settings = "32-64-64@3×3 batch norm relu, 1024-10", {"lr": 0.01, "momentum": 0.9}
    return Workload("W8", title, x, y, tuple(layers), "CrossEntropyLoss", "SGD", settings, 64)


WORKLOADS = {"W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5, "W6": w6, "W7": w7, "W8": w8}
