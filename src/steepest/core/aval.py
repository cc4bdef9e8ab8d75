"""Avals: what is known about an array before its numbers are, its shape and its dtype.

A shape rule maps avals to an aval, so a program can be checked and traced without computing.
Promotion is PyTorch's: a Python number never changes a tensor's kind of number unless it is of a
higher kind (bool < integer < float), and a 0-dimensional tensor yields to one with dimensions.
"""

from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Aval", "DEFAULT_DTYPE", "is_float", "promote", "result_dtype", "sizes"]

DEFAULT_DTYPE = np.dtype(np.float32)

_KINDS = {bool: 0, int: 1, float: 2}
_DEFAULT_OF_KIND = (np.dtype(bool), np.dtype(np.int64), DEFAULT_DTYPE)


class Aval(NamedTuple):
    """An abstract value: the shape and the dtype of an array that may not exist yet."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{self.dtype}[{','.join(map(str, self.shape))}]"


def sizes(arguments: tuple) -> tuple[int, ...]:
    """A shape as people write it, `f(2, 3)` or `f((2, 3))`, as a tuple of ints."""
    if len(arguments) == 1 and hasattr(arguments[0], "__iter__"):
        arguments = tuple(arguments[0])
    return tuple(int(n) for n in arguments)


def is_float(dtype: np.dtype) -> bool:
    """True where derivatives make sense: floating-point dtypes."""
    return dtype.kind == "f"


def kind(dtype: np.dtype) -> int:
    """0 for bool, 1 for integers, 2 for floats: the order in which kinds win a promotion."""
    return {"b": 0, "i": 1, "u": 1, "f": 2}[dtype.kind]


def promote(x: np.dtype, y: np.dtype) -> np.dtype:
    """The dtype that holds both, as in PyTorch: int64 with float32 gives float32."""
    if x == y:
        return x
    if kind(x) == kind(y):
        return np.promote_types(x, y)
    return x if kind(x) > kind(y) else y


def result_dtype(*operands: object) -> np.dtype:
    """The dtype of an operation on tensors (anything with shape and dtype) and Python numbers.

    Three ranks of operands (with dimensions, 0-dimensional, Python numbers); a lower rank counts
    only when its kind is higher than that of every rank above it.

    Source: PyTorch, "Tensor Attributes", section on type promotion.
    """
    return _highest(*map(_ranked, operands))


def _ranked(operand: Any) -> tuple[int, np.dtype]:
    if hasattr(operand, "dtype"):
        return 0 if operand.shape else 1, operand.dtype
    return 2, _DEFAULT_OF_KIND[_KINDS[type(operand)]]


@lru_cache(maxsize=1024)
def _highest(*operands: tuple[int, np.dtype]) -> np.dtype:
    chosen: np.dtype | None = None
    for rank in range(3):
        dtypes = [dtype for of, dtype in operands if of == rank]
        if dtypes:
            mine = reduce(promote, dtypes)
            chosen = mine if chosen is None or kind(mine) > kind(chosen) else chosen
    assert chosen is not None
    return chosen
