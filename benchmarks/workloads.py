"""The jobs that are timed: data, layers, loss and optimizer, free of any library.

W1 linear regression, W2 a small MLP with Adam, W3 a tiny sigmoid network in full batches, W4 an
MLP on handwritten digits with momentum, W5 LeNet on the same digits, W6 a large MLP with Adam,
where the matrix products are all that counts, W7 sixty-four trainings of W2 side by side, W8 three
convolutions of 3×3 with batch norm on small colour images; W9 a recurrent network, W10 an LSTM and
W11 a transformer that read digits row by row. A network is data: layers, loss and
optimizer are named as PyTorch names its classes, their sizes in the order of its arguments.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.parameters import parameters
from benchmarks.sequences import RECURRENT, products
from steepest.core import Streams
from steepest.data import load_data

__all__ = ["WORKLOADS", "Layer", "Sweep", "Workload", "mlp"]

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
        found = []
        for shape, low, high in (each for layer in self.layers for each in parameters(*layer)):
            found.append(np.full(shape, low, np.float32))
            for row in range(shape[0]) if low < high else ():
                # One by one: in float64 they take twice their place.
                found[-1][row] = random.uniform(low, high, shape[1:])
        return found

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
        steps = self.x.shape[1] if self.x.ndim == 3 else 1
        for kind, *sizes in self.layers:
            if kind == "Linear":
                found.append(steps * sizes[0] * sizes[1])
            elif kind in RECURRENT or kind == "TransformerEncoderLayer":
                found += products(kind, sizes, steps)
            elif kind == "Conv2d":  # the zeros of its border are multiplied too
                inputs, outputs, kernel, stride, padding = sizes
                side = (side + 2 * padding - kernel) // stride + 1
                found.append(side**2 * outputs * inputs * kernel**2)
            elif kind in ("AvgPool2d", "MaxPool2d"):
                side //= sizes[0]
            if kind in RECURRENT or kind == "Average":
                steps = 1
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


def _read(name: str, title: str, layers: tuple[Layer, ...]) -> Workload:
    """Images of digits, read row by row."""
    x, y = (array[:IMAGES] for array in _digits())
    data = x.reshape(len(x), 28, 28), y
    return Workload(name, title, *data, layers, "CrossEntropyLoss", "Adam", {"lr": 0.001}, 32)


def w9() -> Workload:
    layers = ("RNN", 28, 128), ("Linear", 128, 10)
    return _read("W9", "RNN 28-128 over 28 steps, 10", layers)


def w10() -> Workload:
    layers = ("LSTM", 28, 128), ("Linear", 128, 10)
    return _read("W10", "LSTM 28-128 over 28 steps, 10", layers)


def w11() -> Workload:
    encoder = ("TransformerEncoderLayer", 64, 4, 128, 0.0, "relu", 1e-5, True)
    ends = ("Average",), ("Linear", 64, 10)
    layers = ("Linear", 28, 64), ("Places", 28, 64), encoder, encoder, *ends
    return _read("W11", "transformer: 28 steps, width 64, 4 heads, 2 layers", layers)


_MADE = (w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11)
WORKLOADS = {f"W{number}": make for number, make in enumerate(_MADE, 1)}
