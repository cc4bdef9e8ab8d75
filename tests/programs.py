"""Small programs of views, in-place changes and arithmetic, run alike by two libraries.

A program is a list of instructions; each names tensors by number and makes a new tensor or changes
an old one. What an instruction cannot do (a wrong shape) both libraries skip alike.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CHANGES", "COMPUTE", "VIEWS", "Instruction", "Run", "run"]

VIEWS = {
    "first": lambda x: x[0],
    "last": lambda x: x[-1:],
    "every_other": lambda x: x[::2],
    "column": lambda x: x[..., 0],
    "flat": lambda x: x.reshape(-1),
    "turned": lambda x: x.T if x.ndim == 2 else x.reshape(x.shape),
    "new_axis": lambda x: x.unsqueeze(0)[0],
    "detached": lambda x: x.detach(),
}
COMPUTE = {
    "square": lambda x, y: x * x,
    "exp": lambda x, y: (x * 0.1).exp(),
    "sigmoid": lambda x, y: x.sigmoid(),
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "copy": lambda x, y: x.clone(),
    "sum": lambda x, y: x.sum(),
    "gathered": lambda x, y: x[[0, 0]],
}


def _set_first(x: Any, y: Any) -> None:
    x[0] = y


def _set_part(x: Any, y: Any) -> None:
    x[..., :1] = y * 2


def _add_to_first(x: Any, y: Any) -> None:
    x[0] += y


CHANGES = {
    "add_": lambda x, y: x.add_(y),
    "mul_": lambda x, y: x.mul_(y),
    "scale_": lambda x, y: x.mul_(0.5),
    "shift_": lambda x, y: x.add_(1),
    "exp_": lambda x, y: x.mul_(0.1).exp_(),
    "sigmoid_": lambda x, y: x.sigmoid_(),
    "zero_": lambda x, y: x.zero_(),
    "copy_": lambda x, y: x.copy_(y),
    "set_first": _set_first,
    "set_part": _set_part,
    "add_to_first": _add_to_first,
}


@dataclass(frozen=True)
class Instruction:
    what: str
    x: int
    y: int
    recorded: bool = True


@dataclass
class Run:
    failed_at: int | None
    values: list
    requires_grad: list
    backward_failed: bool = False
    total: float = 0.0
    gradients: Any = None
    error: str = ""


def _entangled(x: Any, y: Any) -> bool:
    """Two views of one memory: what PyTorch reads there while it writes is not defined."""
    return np.may_share_memory(x.detach().numpy(), y.detach().numpy())


def run(library: Any, program: list[Instruction], leaf: np.ndarray, other: np.ndarray) -> Run:
    """Run the program on a leaf, an intermediate of it and a constant; then sum up and go back."""
    w = library.tensor(leaf, requires_grad=True)
    tensors = [w, w * 1.5, library.tensor(other)]
    for i, step in enumerate(program):
        x, y = tensors[step.x % len(tensors)], tensors[step.y % len(tensors)]
        try:
            with library.set_grad_enabled(step.recorded):
                if step.what in VIEWS:
                    tensors.append(VIEWS[step.what](x))
                elif step.what in COMPUTE:
                    tensors.append(COMPUTE[step.what](x, y))
                elif not _entangled(x, y):
                    CHANGES[step.what](x, y)
        except (RuntimeError, IndexError, ValueError, TypeError) as error:
            return Run(i, [], [], error=f"{step}: {error}")
    out = Run(
        None,
        [np.array(t.detach().numpy()) for t in tensors],
        [(t * 1).requires_grad for t in tensors],
    )
    try:
        total = sum((t * (i + 1)).sum() for i, t in enumerate(tensors))
        out.total = float(total.detach())
        total.backward()
        out.gradients = w.grad.numpy()
    except RuntimeError as error:
        out.backward_failed, out.error = True, str(error)
    return out
