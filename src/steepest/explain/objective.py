"""The loss as a function of the weights: what every measure of a loss surface is made of.

All weights of a model are one vector w of P numbers. `Objective` gives the loss L(w), its gradient,
products of its Hessian H with a vector, and the loss at many points of a plane, over all samples
and in native calls. It works on a copy of the model, in use and not in training: looking changes
nothing.

Source of the product: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation
6, 1994.
"""

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from steepest import nn
from steepest.autograd import grad
from steepest.compiler import Epochs, NotCompilable
from steepest.core import RequestError, closest, said
from steepest.data import batches
from steepest.tensors import Tensor, no_grad

__all__ = ["Objective"]

_ROWS = 256  # samples at a time: what the layers make of them stays in cache

Tensors = Sequence[Tensor]


class Objective:
    """The loss of a model on samples as a function of its weights.

    Vectors of weights are float64 arrays of shape (P,): the trained parameters one after another,
    each in row order. Numbers are computed in the model's own dtype; `model.double()` and samples
    of float64 have more digits.

    Args:
        model: its weights are the point to start at.
        loss: of outputs and targets; an average over samples, or a sum.
        x, y: samples and targets, such as `data.train.x` and `data.train.y`.

    Attributes:
        size: P.
        names, shapes: of the parameters.

    Raises:
        RequestError: there are no samples, or no weights.
    """

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor], x: Any, y: Any):
        self._model, self._loss = copy.deepcopy(model).eval(), loss
        self._arrays = [np.asarray(x), np.asarray(y)]
        named = {n: p for n, p in self._model.named_parameters() if p.requires_grad}
        if not len(x) or not named:
            what = "weights that are trained" if len(x) else "samples"
            raise RequestError(said("Objective", f"there are no {what}"))
        self.names, self._weights = list(named), list(named.values())
        self.shapes = [tuple(p.shape) for p in self._weights]
        self.size = sum(p.value.size for p in self._weights)
        self._totals = self._vectors()
        self._direction = self._vectors()
        self._axes = [self._vectors(), self._vectors()]
        self._origin = self._vectors()
        self._place = [Tensor(np.zeros((), self._weights[0].dtype)) for _ in self._axes]
        self._shared = _shared(self._model, loss, *self._arrays)
        self._gradients = _Pass(self._add_gradient)
        self._products = _Pass(self._add_product)
        self._losses = _Pass(self._loss_on_plane, self._place)

    # ---- where it is -----------------------------------------------------------------------------

    @property
    def weights(self) -> np.ndarray:
        """Where the objective is now, (P,)."""
        return _joined(self._weights)

    def move(self, weights: np.ndarray) -> None:
        """Go to other weights, (P,)."""
        self._fill(self._weights, weights)

    def index(self, name: str) -> int:
        """The position of one weight in the vector, by its name such as "0.weight[2,5]".

        Raises:
            RequestError: there is no such weight.
        """
        found = re.fullmatch(r"(.+)\[([\d, ]+)\]", name.strip())
        parameter, place = found.groups() if found else (name, "")
        at = tuple(int(i) for i in place.split(",")) if found else ()
        if parameter not in self.names:
            hint = closest(parameter, self.names)
            raise RequestError(
                said("weight", f"no parameter {parameter!r}{hint}", write="0.weight[0,3]")
            )
        which = self.names.index(parameter)
        shape = self.shapes[which]
        if len(at) != len(shape) or any(i >= n for i, n in zip(at, shape, strict=True)):
            what = f"{parameter} has no weight [{place}]"
            raise RequestError(said("weight", what, expected=f"a place in {shape}"))
        before = sum(p.value.size for p in self._weights[:which])
        return before + int(np.ravel_multi_index(at, shape))

    # ---- what it is there ------------------------------------------------------------------------

    def value(self) -> float:
        """L(w), over all samples."""
        return float(self.losses(np.zeros((2, self.size)), np.zeros((1, 2)))[0])

    def gradient(self) -> tuple[float, np.ndarray]:
        """L(w) and its gradient, (P,)."""
        return self._total(self._gradients)

    def product(self, direction: np.ndarray) -> np.ndarray:
        """H v for a vector v, (P,), without ever forming H."""
        self._fill(self._direction, direction)
        return self._total(self._products)[1]

    def losses(self, axes: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The losses at w + a·u + b·v: all of them in a few native calls.

        Args:
            axes: u and v, (2, P).
            places: a and b of each point, (n, 2).

        Returns:
            (n,) float64; not finite where the loss is not.
        """
        here = self.weights
        self._fill(self._origin, here)
        for tensors, axis in zip(self._axes, axes, strict=True):
            self._fill(tensors, axis)
        found = np.zeros(len(places))
        try:
            for rows in self._pieces():
                index = np.tile(rows.reshape(-1), len(places))
                steps = [np.repeat(c, len(rows)).astype(self._weights[0].dtype) for c in places.T]
                losses = self._losses.through(self._arrays, index, rows.shape[1], steps)
                found += losses.reshape(len(places), -1).sum(1)
        finally:
            self.move(here)
        return found

    # ---- the passes over the samples -------------------------------------------------------------

    def _pieces(self) -> list[np.ndarray]:
        """All rows: (pieces, rows of a piece) in equal pieces, and (1, rest)."""
        n = len(self._arrays[0])
        rows = n if self._shared is None else min(n, _ROWS)
        whole = n - n % rows
        pieces = [np.arange(whole).reshape(-1, rows)]
        return pieces if whole == n else [*pieces, np.arange(whole, n)[None]]

    def _total(self, act: "_Pass") -> tuple[float, np.ndarray]:
        self._fill(self._totals, np.zeros(self.size))
        losses = [
            act.through(self._arrays, rows.reshape(-1), rows.shape[1], []).sum(dtype=np.float64)
            for rows in self._pieces()
        ]
        return float(sum(losses)), _joined(self._totals)

    def _piece(self, x: Tensor, y: Tensor) -> Tensor:
        """What these samples add to L."""
        value = self._loss(self._model(x), y)
        return value * (x.shape[0] / len(self._arrays[0])) if self._shared else value

    def _add_gradient(self, x: Tensor, y: Tensor) -> Tensor:
        value = self._piece(x, y)
        self._add(grad(value, self._weights, materialize_grads=True))
        return value.detach()

    def _add_product(self, x: Tensor, y: Tensor) -> Tensor:
        value = self._piece(x, y)
        first = grad(value, self._weights, create_graph=True, materialize_grads=True)
        bent = [(g, v) for g, v in zip(first, self._direction, strict=True) if g.requires_grad]
        if bent:
            slopes, along = zip(*bent, strict=True)
            self._add(grad(slopes, self._weights, along, materialize_grads=True))
        return value.detach()

    def _loss_on_plane(self, x: Tensor, y: Tensor) -> Tensor:
        a, b = self._place
        with no_grad():
            for w, o, u, v in zip(self._weights, self._origin, *self._axes, strict=True):
                w.copy_(o + a * u + b * v)  # type: ignore[attr-defined]
            return self._piece(x, y)

    def _add(self, parts: Tensors) -> None:
        with no_grad():
            for total, part in zip(self._totals, parts, strict=True):
                total += part

    # ---- vectors ---------------------------------------------------------------------------------

    def _vectors(self) -> list[Tensor]:
        return [Tensor(np.zeros(p.shape, p.dtype)) for p in self._weights]

    def _fill(self, tensors: Tensors, vector: np.ndarray) -> None:
        vector, start = np.asarray(vector), 0
        if vector.shape != (self.size,):
            wanted = f"shape ({self.size},)"
            raise RequestError(
                said("Objective", "not a vector of all weights", expected=wanted, got=vector.shape)
            )
        for tensor in tensors:
            stop = start + tensor.value.size
            tensor.value[...] = vector[start:stop].reshape(tensor.shape)
            start = stop


class _Pass:
    """A step over samples, native where it can be compiled.

    stepped  tensors that have another value at every step
    """

    def __init__(self, step: Callable[[Tensor, Tensor], Tensor], stepped: Tensors = ()):
        self.step, self.stepped = step, stepped
        self.native: Epochs | None = Epochs(step, stepped)

    def through(
        self, arrays: list[np.ndarray], index: np.ndarray, rows: int, steps: list[np.ndarray]
    ) -> np.ndarray:
        """The loss of every step, so many rows each."""
        if self.native is not None:
            try:
                return self._native(self.native, arrays, index, rows, steps)
            except NotCompilable:
                self.native = None
        losses = []
        for number, batch in enumerate(batches(index, rows)):
            for tensor, values in zip(self.stepped, steps, strict=True):
                tensor.value[...] = values[number]
            losses.append(self.step(*(Tensor(a[batch]) for a in arrays)).item())
        return np.array(losses)

    @staticmethod
    def _native(
        native: Epochs,
        arrays: list[np.ndarray],
        index: np.ndarray,
        rows: int,
        steps: list[np.ndarray],
    ) -> np.ndarray:
        """A call ends at a loss that is not finite; the next one goes on behind it."""
        losses = np.zeros(len(index) // rows)
        done = 0
        while done < len(losses):
            rest = [values[done:] for values in steps]
            found = native.run(arrays, index[done * rows :], rows, rest)
            losses[done : done + len(found)] = found
            done += len(found)
        return losses


def _joined(tensors: Tensors) -> np.ndarray:
    return np.concatenate([t.value.ravel() for t in tensors]).astype(np.float64)


def _shared(
    model: nn.Module, loss: Callable[..., Tensor], x: np.ndarray, y: np.ndarray
) -> bool | None:
    """Whether the loss of all samples is the average of theirs (True), or the sum (False).

    None where it is neither, as with a weight for each class: all samples are one piece then.
    """
    x, y = x[:_ROWS], y[:_ROWS]
    n = len(x)
    if n < 2:
        return True
    with nn.watching(model):
        made = model(Tensor(x))
        averages, sums = [], []
        whole = loss(made, Tensor(y)).item()
        for cut in (1, n // 2):
            first, rest = (
                loss(made[part], Tensor(y[part])).item() for part in (slice(cut), slice(cut, None))
            )
            averages.append(first * cut / n + rest * (1 - cut / n))
            sums.append(first + rest)
    if np.allclose(whole, averages, rtol=1e-5):
        return True
    return False if np.allclose(whole, sums, rtol=1e-5) else None
