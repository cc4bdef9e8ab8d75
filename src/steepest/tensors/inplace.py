"""Changing a tensor in place.

There is one door, `assign`: every in-place operator computes its result as a new tensor and hands
it over. Eagerly the numbers are copied into the old memory, so views and NumPy arrays that share it
see the change, as in PyTorch; in a traced program the tensor is bound to the new variable and the
planner reuses the buffer. The version counter that all sharers hold goes up, which is how the
backward pass notices that a value it needs is gone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import current, is_float, said
from steepest.tensors.operators import add, broadcast_to, cast_to, constant, div, mul, pow, sub
from steepest.tensors.tape import computing, no_grad, recording, renewed
from steepest.tensors.tensor import Tensor, as_tensor, method

__all__ = ["assign", "in_place", "reshaping"]


def assign(x: Tensor, new: Tensor, name: str = "assignment", at: Any = ...) -> Tensor:
    """Give x (or the part of it at a NumPy index) the value and the history of `new`. Returns x."""
    renewed(x)
    _check_allowed(x, new, name)
    shape = x.value.shape if at is ... else x.value[at].shape
    new = broadcast_to(cast_to(new, x.dtype), shape, name)
    if computing():
        if not x.value.flags.writeable:
            raise RuntimeError(
                said(
                    name,
                    "several elements of the tensor share one place in memory",
                    write="x = x.clone() before changing it",
                )
            )
        x.value[at] = new.value
    else:
        _rebind(x, new)
    x.version[0] += 1
    _give_history(x, new)
    return x


def _check_allowed(x: Tensor, new: Tensor, name: str) -> None:
    root = x
    while root.view_of is not None:
        if recording() and root.view_of[1] is None:
            raise RuntimeError(
                said(
                    name,
                    "a view taken under no_grad cannot be changed in place while recording",
                    write="take the view outside of no_grad, or change it inside",
                )
            )
        root = root.view_of[0]
    if recording() and root.requires_grad and root.is_leaf:
        what = "a leaf" if root is x else "a view of a leaf"
        raise RuntimeError(
            said(
                name,
                f"{what} that requires grad cannot be changed in place while recording",
                write="with no_grad(): ...",
            )
        )
    if is_float(new.dtype) and not is_float(x.dtype):
        raise RuntimeError(
            said(name, f"a {new.dtype} result cannot be stored in a {x.dtype} tensor")
        )


def _give_history(x: Tensor, new: Tensor) -> None:
    """The changed tensor, and every tensor it is a view of, now come from the new value."""
    if recording() and (renewed(new) or x.requires_grad):
        new = _with_node(x, new)
        x.node, x.requires_grad, x.synced = new.node, new.requires_grad, x.version[0]
        if x.view_of is not None:
            base, row, params = x.view_of
            if row not in _WRITTEN_BACK:
                raise RuntimeError(
                    said(f"{row.name}", "such a view cannot be changed in place while recording")
                )
            renewed(base)
            old = base.alias()
            _give_history(base, _WRITTEN_BACK[row](old, x.alias(), **params))
    elif x.view_of is not None:
        _give_history(x.view_of[0], new)
    x.synced = x.version[0]


def _with_node(x: Tensor, new: Tensor) -> Tensor:
    """`new` as the result of an operation, which a leaf or a constant is not yet."""
    if not new.requires_grad:
        never = constant(False, x, np.dtype(bool))
        return P.where(never, x.alias(), new)  # x still requires grad, and its gradient is 0
    return P.cast(new, dtype=new.dtype) if new.node is None else new


def _rebind(x: Tensor, new: Tensor) -> None:
    """In a traced program: from here on x, and every tensor it is a view of, are new variables."""
    x.value = current.interpreter.below.rebound(x.value, new.value)
    if x.view_of is not None:
        base, row, params = x.view_of
        if row not in _WRITTEN_BACK:
            raise RuntimeError(said("assignment", "such a view cannot be changed in a program"))
        with no_grad():
            changed = _WRITTEN_BACK[row](base.alias(), x.alias(), **params)
        _rebind(base, changed)


def _into_slice(base: Tensor, part: Tensor, *, starts: Any, sizes: Any, steps: Any) -> Tensor:
    """base with one slice of it replaced by part."""
    place = {"shape": tuple(base.shape), "starts": starts, "steps": steps}
    inside = P.pad(constant(True, part, np.dtype(bool)), **place)
    return P.where(inside, P.pad(part, **place), base)


# How a changed view becomes a changed base, per row that makes views.
_WRITTEN_BACK: dict[Any, Callable[..., Tensor]] = {
    P.slice_: _into_slice,
    P.reshape: lambda base, part, shape: P.reshape(part, shape=tuple(base.shape)),
    P.permute: lambda base, part, order: P.permute(
        part, order=tuple(map(order.index, range(len(order))))
    ),
}


def _as_it_was(x: Tensor) -> Tensor:
    """x with its history, and its numbers out of reach of the change if a gradient may need them.

    Whoever recorded the old value by itself is told; the operation that makes the new one is not.
    """
    renewed(x)
    out = x.alias()
    if recording():
        out.version, out.synced = [0], 0
        out.value = current.interpreter.below.kept(x.value)
    return out


def in_place(function: Callable[..., Tensor], name: str | None = None) -> Callable[..., Tensor]:
    """The in-place form of a function, also as a method of Tensor: `relu` gives `relu_`."""
    name = name or function.__name__ + "_"

    def changed(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return assign(x, function(_as_it_was(x), *args, **kwargs), name)

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"In-place form of `{function.__name__}`."
    return method(changed)


def reshaping(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The form of a view that gives the tensor itself another shape: `t` gives `t_`."""
    name = function.__name__ + "_"

    def changed(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        renewed(x)
        _check_allowed(x, x, name)
        before = x.alias()
        before.view_of = x.view_of
        view = function(before, *args, **kwargs)
        x.value = current.interpreter.below.rebound(x.value, view.value)
        x.node, x.requires_grad, x.view_of = view.node, view.requires_grad, view.view_of
        x.synced = x.version[0]
        return x

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{function.__name__}` of the tensor itself, whose memory stays."
    return method(changed)


for _dunder, _function in {
    "iadd": add,
    "isub": sub,
    "imul": mul,
    "itruediv": div,
    "ipow": pow,
}.items():
    method(in_place(_function), f"__{_dunder}__")


@method
def copy_(x: Tensor, source: Any) -> Tensor:
    """Copy the numbers of `source` into x, broadcasting if needed."""
    return assign(x, as_tensor(source), "copy_")


@method
def fill_(x: Tensor, value: float) -> Tensor:
    """Set every element to `value`."""
    return assign(x, Tensor(np.full(x.shape, value, x.dtype)), "fill_")


@method
def zero_(x: Tensor) -> Tensor:
    """Set every element to 0."""
    return fill_(x, 0)


@method
def detach_(x: Tensor) -> Tensor:
    """Forget the tensor's history."""
    with no_grad():
        x.node, x.requires_grad = None, False
    return x
