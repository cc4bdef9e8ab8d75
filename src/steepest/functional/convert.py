"""Changing the dtype: float(), double(), long(), to()."""

from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.tensors import Tensor, cast_to, is_device, method, on_processor

__all__ = ["contiguous", "cpu", "to", "type_as"]


@method
def to(
    x: Tensor,
    *target: Any,
    dtype: Any = None,
    device: Any = None,
    copy: bool = False,
    memory_format: Any = None,
    non_blocking: bool = False,
) -> Tensor:
    """x in another dtype (given as such, or as a tensor that has it); a device is accepted."""
    del memory_format, non_blocking
    for t in target:
        if isinstance(t, Tensor):
            dtype = t.dtype
        elif is_device(t):
            device = t
        elif not isinstance(t, bool):
            dtype = t
    on_processor("to", device)
    wanted = x.dtype if dtype is None else np.dtype(dtype)
    return P.cast(x, dtype=wanted) if copy else cast_to(x, wanted)


@method
def type_as(x: Tensor, other: Tensor) -> Tensor:
    """x in the dtype of another tensor."""
    return cast_to(x, other.dtype)


@method
def cpu(x: Tensor) -> Tensor:
    """x itself: it is on the processor already."""
    return x


@method
def is_contiguous(x: Tensor) -> bool:
    """Whether the elements lie in order in memory."""
    return bool(x.numbers("is_contiguous").flags.c_contiguous)


@method
def contiguous(x: Tensor) -> Tensor:
    """x with its elements in order in memory; itself if they are."""
    if isinstance(x.value, np.ndarray) and not x.value.flags.c_contiguous:
        return P.cast(x, dtype=x.dtype)
    return x


def _caster(name: str, dtype: Any) -> Any:
    def changed(x: Tensor, memory_format: Any = None) -> Tensor:
        del memory_format  # there is one: rows, as in NumPy
        return cast_to(x, np.dtype(dtype))

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"x as {np.dtype(dtype)}."
    return changed


for _name, _dtype in {
    "float": np.float32,
    "double": np.float64,
    "half": np.float16,
    "bool": np.bool_,
    "long": np.int64,
    "int": np.int32,
    "short": np.int16,
    "byte": np.uint8,
}.items():
    method(_caster(_name, _dtype))
