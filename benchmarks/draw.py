"""Twenty networks that nobody tuned for, drawn from a fixed seed.

Each property is dealt from a shuffled deck instead of being thrown like a die, so that twenty
networks hold every activation, loss and optimizer, all depths, and batch sizes from 1 to 1,000.
"""

from collections.abc import Iterator
from itertools import cycle, pairwise
from typing import Any

import numpy as np

from benchmarks.workloads import Layer, Workload
from steepest.core import Streams

__all__ = ["NETWORKS", "draw"]

NETWORKS, SEED = 20, 20
SMALLEST, WIDE, LARGEST, LARGEST_BATCH = 3, 100, 512, 1000
OUTPUTS = 20
EPOCH = 2e8  # multiply-adds that a timed epoch has at least, within
SHORTEST, LONGEST = 20, 500  # steps
ROWS = 2000

# fmt: off
ACTIVATIONS = [
    "ReLU", "LeakyReLU", "PReLU", "ReLU6", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish",
    "Softplus", "Softsign", "Sigmoid", "LogSigmoid", "Tanh", "Tanhshrink",
    "Hardtanh", "Hardsigmoid", "Hardswish",
]
# fmt: on
EXTRAS = ["Dropout", "BatchNorm1d", "LayerNorm", None]
REGRESSION = ["MSELoss", "SumSquaresLoss", "L1Loss", "HuberLoss", "SmoothL1Loss"]
BINARY, CLASSES = ["BCELoss", "BCEWithLogitsLoss"], ["CrossEntropyLoss", "NLLLoss"]
LOSSES = [*REGRESSION, *BINARY, *CLASSES, "CrossEntropyLoss"]
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.001}),
    ("RMSprop", {"lr": 0.001, "centered": True}),
    ("Adam", {"lr": 0.001}),
    ("AdamW", {"lr": 0.001, "weight_decay": 0.01}),
]


def draw() -> list[Workload]:
    """The networks, numbered from 1; the same ones every time."""
    random = Streams(SEED)("networks")

    def deck(cards: list[Any]) -> Iterator[Any]:
        return cycle([cards[i] for i in random.permutation(len(cards))])

    depths, losses, optimizers = deck([1, 2, 3, 4, 5, 6]), deck(LOSSES), deck(OPTIMIZERS)
    activations, extras, many = deck(ACTIVATIONS), deck(EXTRAS), deck([True, False])
    batches = deck([round(b) for b in np.geomspace(1, LARGEST_BATCH, NETWORKS)])
    made = []
    for number in range(1, NETWORKS + 1):
        depth, loss, batch = next(depths), next(losses), next(batches)
        widths = _sizes(random, depth, SMALLEST, LARGEST)
        wide = loss in CLASSES and next(many)
        outputs = _sizes(random, 1, *((WIDE, LARGEST) if wide else (SMALLEST, OUTPUTS)))
        chosen = [next(activations) for _ in range(min(2, depth - 1))]
        extra = next(extras) if depth > 1 else None
        if extra == "BatchNorm1d":
            batch = max(batch, 8)  # a batch of one has no variance
        layers = _layers((*widths, *outputs), chosen, extra, loss)
        made.append(_workload(number, layers, loss, next(optimizers), batch, random))
    return made


def _sizes(random: np.random.Generator, count: int, smallest: int, largest: int) -> list[int]:
    """Sizes whose logarithm is uniform: small ones are as likely as large ones, few are round."""
    logarithms = random.uniform(np.log(smallest), np.log(largest), count)
    return [round(float(size)) for size in np.exp(logarithms)]


def _layers(sizes: tuple[int, ...], chosen: list[str], extra: Any, loss: str) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for i, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers.append(("Linear", inputs, outputs))
        if i < len(sizes) - 2:
            norm = extra in ("BatchNorm1d", "LayerNorm")
            layers += [(extra, outputs)] if norm else []
            layers.append((chosen[i % len(chosen)],))
            layers += [("Dropout", 0.2)] if extra == "Dropout" else []
    ends = {"BCELoss": [("Sigmoid",)], "NLLLoss": [("LogSoftmax", 1)]}
    return (*layers, *ends.get(loss, []))


def _workload(
    number: int,
    layers: tuple[Layer, ...],
    loss: str,
    optimizer: tuple[str, dict[str, Any]],
    batch: int,
    random: np.random.Generator,
) -> Workload:
    """The job on numbers without meaning; as many steps as make an epoch worth timing."""
    sizes = [layer[1:] for layer in layers if layer[0] == "Linear"]
    inputs, outputs = sizes[0][0], sizes[-1][1]
    name, settings = optimizer
    if loss == "SumSquaresLoss" and name == "SGD":  # its gradients grow with the batch
        settings = {**settings, "lr": settings["lr"] / (batch * outputs)}
    steps = EPOCH / (3 * batch * sum(i * o for i, o in sizes))
    steps = round(min(max(steps, SHORTEST), LONGEST))
    distinct = min(steps, -(-ROWS // batch))
    rows = distinct * batch
    x = random.standard_normal((rows, inputs), np.float32)
    if loss in CLASSES:
        y: np.ndarray = random.integers(0, outputs, rows)
    elif loss in BINARY:
        y = random.integers(0, 2, (rows, outputs)).astype(np.float32)
    else:
        y = random.standard_normal((rows, outputs), np.float32)
    title = "-".join(str(size) for size in (inputs, *(o for _, o in sizes)))
    passes = -(-steps // distinct)
    return Workload(f"N{number}", title, x, y, layers, loss, name, settings, batch, passes)
