"""Products: dot, matmul, einsum, linear. All are the one row `contract`."""

from string import ascii_lowercase, ascii_uppercase
from typing import Any

from steepest import primitives as P
from steepest.core import result_dtype, said
from steepest.functional.rearrange import diagonal
from steepest.functional.reduction import sum
from steepest.functional.shape import permute
from steepest.tensors import Tensor, broadcast_to, cast_to, in_place, method, mul

__all__ = [
    "bilinear",
    "addmm",
    "baddbmm",
    "bmm",
    "dot",
    "einsum",
    "linear",
    "matmul",
    "mm",
    "mv",
    "outer",
    "tensordot",
    "trace",
]


def _contract(x: Tensor, y: Tensor, spec: str) -> Tensor:
    dtype = result_dtype(x, y)
    return P.contract(cast_to(x, dtype), cast_to(y, dtype), spec=spec)


@method
def matmul(x: Tensor, y: Tensor) -> Tensor:
    """The matrix product; leading axes are batches and broadcast (NumPy's and PyTorch's rules)."""
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise TypeError(said("matmul", "expected two tensors", write="x @ tensor(y)"))
    if not x.ndim or not y.ndim:
        raise RuntimeError(
            said("matmul", "both need at least 1 axis", got=f"{x.shape} and {y.shape}")
        )
    inner = y.shape[0] if y.ndim == 1 else y.shape[-2]
    if x.shape[-1] != inner:
        raise RuntimeError(
            said(
                "matmul",
                "the last axis of the first must match the rows of the second",
                expected=f"{x.shape[-1]} rows in the second",
                got=f"{x.shape} and {y.shape}",
            )
        )
    rows, columns = ("i" if x.ndim > 1 else ""), ("j" if y.ndim > 1 else "")
    batches = x.shape[:-2], y.shape[:-2]
    if not batches[1]:  # one matrix for all: x's batch axes are only more rows
        lead = ascii_uppercase[: x.ndim - 1]
        return _contract(x, y, f"{lead}k,k{columns}->{lead}{columns}")
    shape = tuple(broadcast_tuple(*batches))
    x = broadcast_to(x, (*shape, *x.shape[-2:]) if rows else tuple(x.shape), "matmul")
    y = broadcast_to(y, (*shape, *y.shape[-2:]), "matmul")
    lead = ascii_uppercase[: len(shape)]
    return _contract(x, y, f"{lead if rows else ''}{rows}k,{lead}k{columns}->{lead}{rows}{columns}")


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
    return _contract(x, y, "i,j->ij")


@method
def addmm(bias: Tensor, x: Tensor, y: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta·bias + alpha·(x @ y)."""
    product = mm(x, y)
    product = product if alpha == 1 else mul(product, alpha)
    return product if beta == 0 else product + (bias if beta == 1 else mul(bias, beta))


@method
def baddbmm(bias: Tensor, x: Tensor, y: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta·bias + alpha·(x @ y), for every matrix of two batches."""
    product = bmm(x, y)
    product = product if alpha == 1 else mul(product, alpha)
    return product if beta == 0 else product + (bias if beta == 1 else mul(bias, beta))


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
    return _contract(x, y, f"{''.join(left)},{''.join(right)}->{''.join(out)}")


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
    """x Wᵀ + b: x is (*, in), weight (out, in), bias (out); the result is (*, out)."""
    if weight.ndim != 2 or not x.ndim or x.shape[-1] != weight.shape[1]:
        raise RuntimeError(
            said(
                "linear",
                "the last axis of the input must be the layer's inputs",
                expected=f"(*, {weight.shape[-1]})",
                got=x.shape,
            )
        )
    lead = ascii_uppercase[: x.ndim - 1]
    out = _contract(x, weight, f"{lead}i,oi->{lead}o")
    return out if bias is None else out + bias


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """xᵀ W y + b per output: x (*, in1), y (*, in2), weight (out, in1, in2), bias (out)."""
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
    half = _contract(input1, weight, f"{lead}i,oij->{lead}oj")
    out = _contract(half, input2, f"{lead}oj,{lead}j->{lead}o")
    return out if bias is None else out + bias


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein summation over named axes, such as einsum("bij,bjk->bik", x, y).

    More than two operands are contracted from left to right. Repeated letters within one operand
    (diagonals) and "..." are not accepted.
    """
    tensors = list(
        operands[0] if len(operands) == 1 and not isinstance(operands[0], Tensor) else operands
    )
    inputs, _, out = equation.replace(" ", "").partition("->")
    specs = inputs.split(",")
    if len(specs) != len(tensors):
        raise RuntimeError(
            said("einsum", "one operand per comma", expected=len(specs), got=len(tensors))
        )
    if "->" not in equation:
        letters = "".join(specs)
        out = "".join(sorted(i for i in set(letters) if letters.count(i) == 1))
    for spec, x in zip(specs, tensors, strict=True):
        if len(set(spec)) != len(spec) or not spec.isalpha() * len(spec) + (not spec):
            raise RuntimeError(said("einsum", f"cannot read {spec!r}", got=equation))
        if len(spec) != x.ndim:
            raise RuntimeError(said("einsum", f"{spec!r} needs {len(spec)} axes", got=x.shape))
    spec, result = specs[0], tensors[0]
    for i, (other, y) in enumerate(zip(specs[1:], tensors[1:], strict=True), start=2):
        needed = set(out).union(*specs[i:])
        result, spec = _only(result, spec, needed | set(other))
        y, other = _only(y, other, needed | set(spec))
        kept = "".join(dict.fromkeys(c for c in spec + other if c in needed))
        result, spec = _contract(result, y, f"{spec},{other}->{kept}"), kept
    result, spec = _only(result, spec, set(out))
    if sorted(spec) != sorted(out):
        raise RuntimeError(said("einsum", f"{out!r} names axes that no operand has", got=equation))
    order = tuple(spec.index(c) for c in out)
    return permute(result, order) if order != tuple(range(len(order))) else result


def _only(x: Tensor, spec: str, letters: set[str]) -> tuple[Tensor, str]:
    """x with the axes summed away that nothing else mentions."""
    gone = tuple(i for i, c in enumerate(spec) if c not in letters)
    return (sum(x, gone), "".join(c for c in spec if c in letters)) if gone else (x, spec)


method(matmul, "__matmul__")
method(lambda x, y: matmul(y, x), "__rmatmul__")
in_place(addmm)
in_place(baddbmm)
