"""A model as a table: its layers, what they make, what is learned in them and what they cost.

    summary(models.lenet5(), (1, 32, 32))

The numbers are counted on a forward pass of one sample, so they are those of the layers as they are
used. A pass that fails ends the table at the layer that failed, with its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.nn.location import short
from steepest.nn.module import Module
from steepest.nn.watching import watching
from steepest.tensors import Tensor

__all__ = ["LayerRow", "Summary", "outline", "summary"]


@dataclass
class LayerRow:
    """One layer at work on one sample.

    Attributes:
        path: where it is in the model.
        layer: as it was written, Linear(64, 32).
        shape: what it makes of a sample; None where it failed, or was not run.
        parameters: how many numbers are learned in it, counted at its first use.
        connections, multiply_adds: see `Module.work`.
    """

    path: str
    layer: str
    shape: tuple[int, ...] | None = None
    parameters: int = 0
    connections: int = 0
    multiply_adds: int = 0


@dataclass
class Summary:
    """The rows of the table; `problem` says why they end early, and is empty if they do not."""

    given: tuple[int, ...] | None
    rows: list[LayerRow] = field(default_factory=list)
    problem: str = ""

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def connections(self) -> int:
        return sum(row.connections for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        return sum(row.multiply_adds for row in self.rows)

    def learning(self) -> "Summary":
        """The layers alone in which something is learned."""
        return Summary(self.given, [row for row in self.rows if row.parameters])

    def cells(self) -> list[tuple[str, ...]]:
        """The rows as text: layer, what it is, shape, parameters, connections, multiply-adds."""
        given = [("", "input", _size(self.given), "", "", "")] if self.given else []
        rows = [(row.path, row.layer, _size(row.shape), *_counts(row)) for row in self.rows]
        return [*given, *rows]

    def totals(self) -> list[tuple[str, ...]]:
        """The sums as text; those of the layers that learn too, where others have connections."""
        totals: list[tuple[str, ...]] = [("", "in all", "", *_counts(self))]
        learning = self.learning()
        if learning.rows and learning.connections != self.connections:
            totals.insert(0, ("", "in layers that learn", "", *_counts(learning)))
        return totals

    def __str__(self) -> str:
        """The table; below it, where it ends early, why."""
        cells, totals = self.cells(), self.totals()
        table = [HEADER, *cells, *totals]
        widths = [max(len(line[i]) for line in table) for i in range(len(HEADER))]
        lines = [
            "  ".join(
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in table
        ]
        rule, end = "─" * max(map(len, lines)), 1 + len(cells)
        text = [lines[0], rule, *lines[1:end], rule, *lines[end:]]
        return "\n".join([*text, *([f"\n{self.problem}"] if self.problem else [])])


HEADER = ("layer", "is", "makes", "parameters", "connections", "multiply-adds")


def summary(model: Module, data: Any = None) -> Summary:
    """Print the table of a model's layers; returns it.

    Args:
        model: any module.
        data: the shape of one sample, such as (1, 28, 28); or samples (n, …), or anything whose
            training part has them, as from `load_data`. Without it only the parameters are shown.
    """
    found = outline(model, data)
    print(found)
    return found


def outline(model: Module, data: Any = None) -> Summary:
    """The table that `summary` prints, of the same arguments."""
    layers = [
        (path, module)
        for path, module in model.named_modules()
        if not module._modules or module._parameters
    ]
    if data is None:
        return Summary(None, [_row(path, module, set()) for path, module in layers])
    x = _sample(data)
    found, seen = Summary(tuple(x.shape[1:])), set[int]()
    hooks = []
    for path, module in layers:

        def before(module: Module, args: tuple, path: str = path) -> None:
            found.rows.append(_row(path, module, seen))

        def after(module: Module, args: tuple, made: Any, path: str = path) -> None:
            row = next(r for r in found.rows[::-1] if r.path == path and r.shape is None)
            row.shape = tuple(made.shape[1:])
            row.connections, row.multiply_adds = module.work(tuple(args[0].shape[1:]), row.shape)

        hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        with watching(model):
            model(Tensor(x))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        found.problem = _reason(error, found)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _row(path: str, module: Module, seen: set[int]) -> LayerRow:
    own = [p for p in module._parameters.values() if p is not None and id(p) not in seen]
    seen.update(map(id, own))
    return LayerRow(path, short(module), None, sum(p.shape.numel() for p in own))


def _sample(data: Any) -> np.ndarray:
    """One sample with an axis in front of it."""
    part = getattr(data, "train", data)
    part = getattr(part, "x", part)
    if isinstance(part, int) or (
        isinstance(part, Sequence) and all(isinstance(n, int) for n in part)
    ):
        return np.zeros((1, part) if isinstance(part, int) else (1, *part), np.float32)
    x = part.detach().numpy() if isinstance(part, Tensor) else np.asarray(part)
    return x[:1]


def _reason(error: Exception, found: Summary) -> str:
    """The failing layer and its message, without the outline of the model: the table is one."""
    last = found.rows[-1] if found.rows else LayerRow("", "the model")
    message = vars(error).get("message", str(error))
    where = f"{last.path} {last.layer}" if last.shape is None else f"after {last.path}"
    return f"stops at {where.strip()}\n{message}"


def _counts(of: LayerRow | Summary) -> list[str]:
    """Parameters, connections and multiply-adds; nothing for 0."""
    return [f"{n:,}" if n else "" for n in (of.parameters, of.connections, of.multiply_adds)]


def _size(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else "×".join(map(str, shape)) or "1"
