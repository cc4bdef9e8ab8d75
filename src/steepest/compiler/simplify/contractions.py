"""Contractions: only real products stay; what is no product becomes arithmetic that fuses."""

from steepest import primitives as P
from steepest.compiler.graph import Value, equation
from steepest.compiler.simplify.movement import squeezed
from steepest.compiler.simplify.rewriter import rule

__all__: list[str] = []


@rule(P.contract)
def of_permuted(v: Value) -> Value | None:
    """A permuted operand is the operand with its letters permuted."""
    x, y = v.operands
    a, b, out = P.split_spec(v.params["spec"])
    if x.is_row(P.permute):
        a, x = _unpermuted(a, x), x.operands[0]
    elif y.is_row(P.permute):
        b, y = _unpermuted(b, y), y.operands[0]
    else:
        return None
    return equation(P.contract, x, y, spec=f"{a},{b}->{out}")


def _unpermuted(letters: str, x: Value) -> str:
    return "".join(letters[x.params["order"].index(i)] for i in range(x.ndim))


@rule(P.contract)
def of_ones(v: Value) -> Value | None:
    """Letters of length one disappear."""
    x, y = v.operands
    a, b, out = P.split_spec(v.params["spec"])
    size = dict(zip(a + b, x.shape + y.shape, strict=True))
    if 1 not in size.values():
        return None
    a, b, small = ("".join(i for i in letters if size[i] != 1) for letters in (a, b, out))
    product = _product(squeezed(x), squeezed(y), a, b, small, size)
    return equation(P.reshape, product, shape=v.shape)


@rule(P.contract)
def of_no_matrix(v: Value) -> Value | None:
    """Without rows, columns or an inner letter a contraction is a product, and perhaps a sum."""
    x, y = v.operands
    a, b, out = P.split_spec(v.params["spec"])
    size = dict(zip(a + b, x.shape + y.shape, strict=True))
    simpler = _product(x, y, a, b, out, size)
    return None if simpler.is_row(P.contract) else simpler


def _product(x: Value, y: Value, a: str, b: str, out: str, size: dict[str, int]) -> Value:
    inner = [i for i in a if i in b and i not in out]
    rows, columns = ([i for i in out if i not in letters] for letters in (b, a))
    if inner and rows and columns:
        return equation(P.contract, x, y, spec=f"{a},{b}->{out}")
    # Multiply in the joint space, in the larger operand's order, then sum.
    big = a if len(a) >= len(b) else b
    space = big + "".join(i for i in a + b if i not in big) if inner else out

    def spread(z: Value, letters: str) -> Value:
        order = sorted(range(len(letters)), key=lambda i: space.index(letters[i]))
        moved = equation(P.permute, z, order=tuple(order))
        new = tuple(i for i, s in enumerate(space) if s not in letters)
        return equation(P.broadcast, moved, shape=tuple(size[i] for i in space), axes=new)

    axes = tuple(i for i, s in enumerate(space) if s in inner)
    total = equation(P.sum_, equation(P.mul, spread(x, a), spread(y, b)), axes=axes)
    left = [s for s in space if s not in inner]
    return equation(P.permute, total, order=tuple(left.index(i) for i in out))
