"""Function: an operation whose derivative the user writes down.

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    y = Cube.apply(x)

Several results are parts of one vector as far as the tape is concerned, so a Function is one
operation in the history, as every row is.
"""

from functools import partial
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import Primitive, is_float, result_dtype, said
from steepest.tensors import Tensor, cast_to, no_grad, record, recording, renewed

__all__ = ["Context", "Function", "joined"]


class Context:
    """What `forward` leaves for `backward`; any attribute may be set too.

    Attributes:
        needs_input_grad: for each argument, whether its gradient is wanted.
    """

    def __init__(self, args: tuple):
        self.needs_input_grad = tuple(isinstance(x, Tensor) and renewed(x) for x in args)
        self._saved: list[tuple[Any, int]] = []
        self._flat: set[int] = set()
        self._again: dict[int, Any] = {}  # results that were saved, with the history they got since

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments or results for `backward`."""
        self._saved = [(x, 0 if x is None else x.version[0]) for x in tensors]

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` was given.

        Raises:
            RuntimeError: one of them was changed in place since.
        """
        for x, version in self._saved:
            if x is not None and x.version[0] != version:
                raise RuntimeError(
                    said(
                        "saved_tensors",
                        f"a tensor of shape {x.shape}, needed for the gradient, was changed",
                        write="change a copy (x.clone()), or call backward() before the change",
                    )
                )
        return tuple(self._again.get(id(x), x) for x, _ in self._saved)

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """These results do not change smoothly with the arguments."""
        self._flat = set(map(id, tensors))


class Function:
    """Base of operations with a derivative of their own: define `forward` and `backward`."""

    @staticmethod
    def forward(*args: Any) -> Any:
        """The result, or a tuple of results, of a context and the arguments.

        Where `setup_context` is defined too, `forward` is not given the context.
        """
        raise NotImplementedError("a Function defines forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        """Leave for `backward` what it needs."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of each argument (or None), given that of each result."""
        raise NotImplementedError("a Function defines backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the results, and remember how their gradients are found."""
        ctx = Context(args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                out = cls.forward(ctx, *args)
            else:
                out = cls.forward(*args)
                cls.setup_context(ctx, args, out)
        results = list(out) if isinstance(out, tuple) else [out]
        if recording() and any(ctx.needs_input_grad):
            results = _Call(cls, ctx, results).recorded(args)
        return tuple(results) if isinstance(out, tuple) else results[0]


class _Call:
    """One application: how its results lie in one vector, and how the gradients come back."""

    def __init__(self, function: type[Function], ctx: Context, results: list):
        self.name, self.backward = f"{function.__name__}.backward", function.backward
        self.ctx, self.results = ctx, results
        self.smooth = [
            isinstance(y, Tensor) and is_float(y.dtype) and id(y) not in ctx._flat for y in results
        ]
        self.found: tuple[Any, list] = (None, [])

    def recorded(self, args: tuple) -> list[Any]:
        """The results, with a history."""
        moving = [y for y, smooth in zip(self.results, self.smooth, strict=True) if smooth]
        if not moving:
            return self.results
        wanted = [x for x, needed in zip(args, self.ctx.needs_input_grad, strict=True) if needed]
        row = Primitive(self.name, None, None, "")  # type: ignore[arg-type]
        row.vjp = tuple(partial(self.gradient, i) for i in range(len(wanted)))
        with no_grad():
            whole = joined(moving)
        record(whole, row, tuple(wanted), [x.value for x in wanted], {})
        return self.parts(whole, self.results)

    def parts(self, whole: Tensor, others: list) -> list[Any]:
        """The pieces of the vector in the shapes of the results; `others` where none is smooth."""
        found, start = [], 0
        for y, smooth, other in zip(self.results, self.smooth, others, strict=True):
            if smooth:
                count = y.shape.numel()
                piece = P.slice_(whole, starts=(start,), sizes=(count,), steps=(1,))
                other = cast_to(P.reshape(piece, shape=tuple(y.shape)), y.dtype)
                start += count
            found.append(other)
        return found

    def gradient(self, i: int, g: Tensor, out: Tensor, *operands: Any) -> Tensor:
        """The gradient of the i-th argument that wants one; `backward` runs once for all."""
        if self.found[0] is not g:
            ids = map(id, self.results)
            self.ctx._again = dict(zip(ids, self.parts(out, self.results), strict=True))
            nothing = [y * 0 if isinstance(y, Tensor) else None for y in self.results]
            found = self.backward(self.ctx, *self.parts(g, nothing))
            self.ctx._again = {}
            found = found if isinstance(found, tuple) else (found,)
            self.found = g, self.checked(found, operands)
        return self.found[1][i]

    def checked(self, found: tuple, operands: tuple) -> list[Tensor]:
        """The gradients that are wanted, each in the shape of its argument."""
        needed = self.ctx.needs_input_grad
        if len(found) < len(needed) or any(g is not None for g in found[len(needed) :]):
            what = "returned an incorrect number of gradients"
            raise RuntimeError(said(self.name, what, expected=len(needed), got=len(found)))
        chosen = [g for g, wanted in zip(found, needed, strict=False) if wanted]
        for g, x in zip(chosen, operands, strict=True):
            if g is not None and g.shape != x.shape:
                what = "returned a gradient of the wrong shape"
                raise RuntimeError(said(self.name, what, expected=x.shape, got=g.shape))
        return [
            Tensor(np.zeros(x.shape, x.dtype)) if g is None else cast_to(g, x.dtype)
            for g, x in zip(chosen, operands, strict=True)
        ]


def joined(parts: list[Tensor]) -> Tensor:
    """The elements of several tensors in one vector, of a dtype that holds them all."""
    dtype = result_dtype(*parts)
    total = sum(x.shape.numel() for x in parts)
    whole, start = Tensor(np.zeros(total, dtype)), 0
    for x in parts:
        count = x.shape.numel()
        place: dict[str, Any] = {"shape": (total,), "starts": (start,), "steps": (1,)}
        inside = P.pad(Tensor(np.ones(count, bool)), **place)
        vector = P.reshape(cast_to(x, dtype), shape=(count,))
        whole, start = P.where(inside, P.pad(vector, **place), whole), start + count
    return whole
