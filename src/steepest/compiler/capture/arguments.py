"""The arguments of one call of a compiled step: arrays, and what is frozen with them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from steepest.compiler.capture.captured import Output
from steepest.compiler.capture.guard import is_plain
from steepest.compiler.capture.refusal import refusal
from steepest.core import Aval
from steepest.tensors import Tensor, recording

__all__ = ["Call", "by_position", "is_row", "placed", "rebuilt"]


class Call:
    """The arguments of one call: arrays, and what is frozen.

    key     equal for calls that one program serves
    arrays  the array of every tensor among the arguments
    """

    def __init__(self, args: tuple, kwargs: dict[str, Any]):
        self.arrays: list[np.ndarray] = []
        self._parts: list[Any] = []  # of the key: what each branch and leaf of the tree is
        self._tree = self._flat((args, kwargs))
        self.key = tuple(self._parts)

    @property
    def frozen(self) -> tuple | None:
        """Equal for calls that freeze the same; None where that cannot be told."""
        return self.key if _told(self._tree) else None

    def _flat(self, x: Any) -> Any:
        if isinstance(x, Tensor):
            if x.requires_grad and recording():
                raise refusal(
                    "an argument requires grad, and gradients do not leave a compiled step",
                    write="x.detach(), or the differentiation inside the step",
                )
            x = x.value
        if isinstance(x, np.ndarray):
            self.arrays.append(x)
            self._parts.append((np.ndarray, x.shape, x.dtype))
            return Output(len(self.arrays) - 1)
        self._parts.append(_part(x))
        return _mapped(self._flat, x)

    def inlets(self) -> list[tuple[str, Aval, str]]:
        arrays = enumerate(self.arrays)
        return [(f"argument{i}", Aval(x.shape, x.dtype), "whole") for i, x in arrays]

    def arguments(self, tensors: list[Tensor]) -> tuple[Sequence, dict]:
        """The call again, on other tensors."""
        return placed(self._tree, tensors)


def by_position(tensors: list[Tensor]) -> tuple[Sequence, dict]:
    """The arguments of a step that takes nothing but these tensors, one after the other."""
    return tensors, {}


def _mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """The function on every entry of a list, tuple or dict; anything else as it is."""
    if is_row(x):
        return rebuilt(x, map(function, x))
    return {key: function(value) for key, value in x.items()} if type(x) is dict else x


def is_row(x: Any) -> bool:
    """Whether a thing is a list or a tuple, also one whose entries have names."""
    return type(x) in (list, tuple) or (isinstance(x, tuple) and hasattr(x, "_fields"))


def rebuilt(x: Any, entries: Iterable[Any]) -> Any:
    """A list or a tuple of x's kind."""
    return type(x)(*entries) if hasattr(x, "_fields") else type(x)(entries)


def placed(tree: Any, values: Sequence[Any]) -> Any:
    """A tree with its positions replaced by what is at them."""
    if isinstance(tree, Output):
        return values[tree]
    return _mapped(lambda x: placed(x, values), tree)


def _told(tree: Any) -> bool:
    """Whether a tree holds nothing but positions and what is plain."""
    if is_row(tree):
        return all(map(_told, tree))
    return all(map(_told, tree.values())) if type(tree) is dict else is_plain(tree)


def _part(x: Any) -> Any:
    """What is frozen with a branch or a leaf, as a part of the key."""
    if is_row(x):
        return type(x), len(x)
    if type(x) is dict:
        return dict, *x
    return (type(x), x) if isinstance(x, Hashable) else _Itself(x)


class _Itself:
    """What cannot be hashed is equal to itself alone; the key keeps it, so that nothing else gets
    its address."""

    def __init__(self, thing: Any):
        self._thing = thing

    def __hash__(self) -> int:
        return id(self._thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._thing is other._thing
