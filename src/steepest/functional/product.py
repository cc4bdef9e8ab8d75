"""Products: dot, matmul, tensordot, linear. All are the one row `contract`."""

from string import ascii_lowercase, ascii_uppercase
from typing import Any

from steepest import primitives as P
from steepest.core import is_float, result_dtype, said
from steepest.functional.rearrange import diagonal
from steepest.functional.reduction import sum
from steepest.tensors import Tensor, broadcast_to, cast_to, in_place, method, mul

__all__ = [
    "bilinear",
    "addmm",
    "baddbmm",
    "bmm",
    "dot",
    "linear",
    "matmul",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "trace",
]


def contracted(x: Tensor, y: Tensor, spec: str) -> Tensor:
    """The row `contract` on two tensors in the dtype that holds both."""
    if x.value.dtype != y.value.dtype:
        dtype = result_dtype(x, y)
        x, y = cast_to(x, dtype), cast_to(y, dtype)
    return P.contract(x, y, spec=spec)


@method
def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The matrix product; leading axes are batches and broadcast (NumPy's and PyTorch's rules)."""
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise TypeError(said("matmul", "expected two tensors", write="x @ tensor(y)"))
    if not x.ndim or not y.ndim:
        raise RuntimeError(
            said("matmul", "both need at least 1 axis", got=f"{x.shape} and {y.shape}")
        )
    left, right = x.value.shape, y.value.shape
    inner = right[0] if len(right) == 1 else right[-2]
    if left[-1] != inner:
        raise RuntimeError(
            said(
                "matmul",
                "the last axis of the first must match the rows of the second",
                expected=f"{left[-1]} rows in the second",
                got=f"{x.shape} and {y.shape}",
            )
        )
    rows, columns = ("i" if len(left) > 1 else ""), ("j" if len(right) > 1 else "")
    batches = left[:-2], right[:-2]
    if not batches[1]:  # one matrix for all: x's batch axes are only more rows
        lead = ascii_uppercase[: len(left) - 1]
        return contracted(x, y, f"{lead}k,k{columns}->{lead}{columns}")
    shape = tuple(broadcast_tuple(*batches))
    x = broadcast_to(x, (*shape, *left[-2:]) if rows else left, "matmul")
    y = broadcast_to(y, (*shape, *right[-2:]), "matmul")
    lead = ascii_uppercase[: len(shape)]
    return contracted(
        x, y, f"{lead if rows else ''}{rows}k,{lead}k{columns}->{lead}{rows}{columns}"
    )


def broadcast_tuple(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    length = max(len(x), len(y))
    a, b = (1,) * (length - len(x)) + x, (1,) * (length - len(y)) + y
    return tuple(n if m == 1 else m for n, m in zip(a, b, strict=True))


@method
def mm(x: Tensor, y: Tensor) -> Tensor:
    """The product of two matrices."""
    _check_axes("mm", x, 2, y, 2)
    return matmul(x, y)


@method
def bmm(x: Tensor, y: Tensor) -> Tensor:
    """Products of two equally long batches of matrices."""
    _check_axes("bmm", x, 3, y, 3)
    if x.shape[0] != y.shape[0]:
        raise RuntimeError(
            said("bmm", "two equally long batches", expected=x.shape[0], got=y.shape[0])
        )
    return matmul(x, y)


@method
def mv(x: Tensor, y: Tensor) -> Tensor:
    """A matrix times a vector."""
    _check_axes("mv", x, 2, y, 1)
    return matmul(x, y)


@method
def dot(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of two vectors."""
    _check_axes("dot", x, 1, y, 1)
    return matmul(x, y)


@method
def outer(x: Tensor, y: Tensor) -> Tensor:
    """All products of an element of x with an element of y."""
    _check_axes("outer", x, 1, y, 1)
    return contracted(x, y, "i,j->ij")


@method
def addmm(bias: Tensor, x: Tensor, y: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta·bias + alpha·(x @ y)."""
    product = _scaled(mm(x, y), alpha)
    return product if beta == 0 else product + _scaled(bias, beta)


@method
def baddbmm(bias: Tensor, x: Tensor, y: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta·bias + alpha·(x @ y), for every matrix of two batches."""
    product = _scaled(bmm(x, y), alpha)
    return product if beta == 0 else product + _scaled(bias, beta)


def _scaled(x: Tensor, by: float) -> Tensor:
    """x times a number, whose fraction integers cut off, as PyTorch's products do."""
    by = by if is_float(x.dtype) else int(by)
    return x if by == 1 else mul(x, by)


@method
def trace(x: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    if x.ndim != 2:
        raise RuntimeError(said("trace", "expected a matrix", got=x.shape))
    return sum(diagonal(x))


def tensordot(x: Tensor, y: Tensor, dims: Any = 2) -> Tensor:
    """Σ over the last `dims` axes of x and the first of y, or over the pairs of axes named."""
    if isinstance(dims, int):
        dims = [list(range(x.ndim - dims, x.ndim)), list(range(dims))]
    gone = [[d % t.ndim for d in named] for t, named in zip((x, y), dims, strict=True)]
    for i, j in zip(*gone, strict=True):  # an axis of one entry meets every entry of the other
        if x.shape[i] == 1:
            y = sum(y, j, True)
        elif y.shape[j] == 1:
            x = sum(x, i, True)
    left, right = list(ascii_uppercase[: x.ndim]), list(ascii_lowercase[: y.ndim])
    for i, j in zip(*gone, strict=True):
        right[j] = left[i]
    out = [c for i, c in enumerate(left) if i not in gone[0]]
    out += [c for j, c in enumerate(right) if j not in gone[1]]
    return contracted(x, y, f"{''.join(left)},{''.join(right)}->{''.join(out)}")


def _check_axes(name: str, x: Tensor, m: int, y: Tensor, n: int) -> None:
    if x.ndim != m or y.ndim != n:
        raise RuntimeError(
            said(
                name,
                "wrong number of axes",
                expected=f"{m} and {n}",
                got=f"{x.shape} and {y.shape}",
                write="x @ y",
            )
        )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b: x is (*, in), weight (out, in), bias (out); the result is (*, out).

    Raises:
        RuntimeError: shapes that do not fit.
    """
    given, own = x.value.shape, weight.value.shape
    if len(own) != 2 or not given or given[-1] != own[1]:
        raise RuntimeError(
            said(
                "linear",
                "the last axis of the input must be the layer's inputs",
                expected=f"(*, {own[-1]})",
                got=x.shape,
            )
        )
    lead = ascii_uppercase[: len(given) - 1]
    out = contracted(x, weight, f"{lead}i,oi->{lead}o")
    return out if bias is None else out + bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """xᵀ W y + b per output: x (*, in1), y (*, in2), weight (out, in1, in2), bias (out).

    The result is (*, out).

    Raises:
        RuntimeError: shapes that do not fit.
    """
    fits = weight.ndim == 3 and input1.ndim and input1.shape[:-1] == input2.shape[:-1]
    if not fits or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise RuntimeError(
            said(
                "bilinear",
                "the last axes of the inputs must be the layer's inputs",
                expected=tuple(weight.shape[1:]),
                got=f"{input1.shape} and {input2.shape}",
            )
        )
    lead = ascii_uppercase[: input1.ndim - 1]
    half = contracted(input1, weight, f"{lead}i,oij->{lead}oj")
    out = contracted(half, input2, f"{lead}oj,{lead}j->{lead}o")
    return out if bias is None else out + bias


method(matmul, "__matmul__")
method(lambda x, y: matmul(y, x), "__rmatmul__")
in_place(addmm)
in_place(baddbmm)
