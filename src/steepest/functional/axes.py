"""What `dim` names: one axis, several, or all of them; counted from the front or from the back."""

from steepest.core import said
from steepest.tensors import Tensor

__all__ = ["axes_of"]

Dim = int | tuple[int, ...] | list[int] | None


def axes_of(x: Tensor, dim: Dim) -> tuple[int, ...]:
    """The axes that `dim` names, non-negative and sorted; all of them for None."""
    if dim is None or dim == () or dim == []:
        return tuple(range(len(x.value.shape)))
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    limit = x.ndim or 1
    for d in given:
        if not -limit <= d < limit:
            raise IndexError(
                said("dim", "out of range", expected=f"{-limit} to {limit - 1}", got=d)
            )
    axes = tuple(sorted(d % limit for d in given))
    if len(set(axes)) < len(axes):
        raise RuntimeError(said("dim", "an axis is named twice", got=dim))
    return axes if x.ndim else ()
