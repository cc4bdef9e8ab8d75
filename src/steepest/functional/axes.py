"""What `dim` names: one axis, several, or all of them; counted from the front or from the back."""

from functools import lru_cache

from steepest import primitives as P
from steepest.core import said
from steepest.tensors import Tensor

__all__ = ["along", "axes_of"]

Dim = int | tuple[int, ...] | list[int] | None


def axes_of(x: Tensor, dim: Dim) -> tuple[int, ...]:
    """The axes that `dim` names, non-negative and sorted; all of them for None."""
    return _counted(len(x.value.shape), dim if dim is None or isinstance(dim, int) else tuple(dim))


@lru_cache(maxsize=512, typed=True)
def _counted(ndim: int, dim: int | tuple[int, ...] | None) -> tuple[int, ...]:
    if dim is None or dim == ():
        return tuple(range(ndim))
    given = (dim,) if isinstance(dim, int) else dim
    limit = ndim or 1
    for d in given:
        if not -limit <= d < limit:
            raise IndexError(
                said("dim", "out of range", expected=f"{-limit} to {limit - 1}", got=d)
            )
    axes = tuple(sorted(d % limit for d in given))
    if len(set(axes)) < len(axes):
        raise RuntimeError(said("dim", "an axis is named twice", got=dim))
    return axes if ndim else ()


def along(reduced: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """What x was reduced to, repeated along the axes that the reduction took away."""
    return P.broadcast(reduced, shape=x.value.shape, axes=axes) if axes else reduced
