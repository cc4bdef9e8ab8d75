"""Einstein summation: products and sums over axes that are named by letters."""

from string import ascii_letters
from typing import Any

from steepest.core import said
from steepest.functional.product import contracted
from steepest.functional.rearrange import diagonal
from steepest.functional.reduction import sum
from steepest.functional.shape import movedim, permute, reshape
from steepest.tensors import Tensor

__all__ = ["einsum"]


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein summation over named axes, such as einsum("bij,bjk->bik", x, y).

    A letter twice in one operand is its diagonal; "..." are axes without a name, which broadcast.
    More than two operands are contracted from left to right.

    Raises:
        RuntimeError: an equation that cannot be read, or operands that it does not fit.
    """
    listed = len(operands) == 1 and not isinstance(operands[0], Tensor)
    tensors = list(operands[0] if listed else operands)
    specs, out = _read(equation, tensors)
    pairs = [_without_repeats(x, spec) for x, spec in zip(tensors, specs, strict=True)]
    sizes = _sizes(equation, pairs)
    pairs = [_without_thin(x, spec, sizes) for x, spec in pairs]
    result, spec = pairs[0]
    for i, (y, other) in enumerate(pairs[1:], start=2):
        needed = set(out).union(*(letters for _, letters in pairs[i:]))
        result, spec = _only(result, spec, needed | set(other))
        y, other = _only(y, other, needed | set(spec))
        kept = "".join(dict.fromkeys(c for c in spec + other if c in needed))
        result, spec = contracted(result, y, f"{spec},{other}->{kept}"), kept
    result, spec = _only(result, spec, set(out))
    if sorted(spec) != sorted(out):
        raise RuntimeError(said("einsum", f"{out!r} names axes that no operand has", got=equation))
    order = tuple(spec.index(c) for c in out)
    return permute(result, order) if order != tuple(range(len(order))) else result


def _read(equation: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """The letters of every operand and of the result, with letters for what "..." stands for."""
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    specs = inputs.split(",")
    if len(specs) != len(tensors):
        raise RuntimeError(
            said("einsum", "one operand per comma", expected=len(specs), got=len(tensors))
        )
    spare = [c for c in ascii_letters if c not in equation]
    unnamed = 0
    for i, (spec, x) in enumerate(zip(specs, tensors, strict=True)):
        before, dots, after = spec.partition("...")
        count = x.ndim - len(before + after)
        if (before + after) and not (before + after).isalpha():
            raise RuntimeError(said("einsum", f"cannot read {spec!r}", got=equation))
        if count < 0 or (count and not dots):
            raise RuntimeError(
                said("einsum", f"{spec!r} needs {len(before + after)} axes", got=x.shape)
            )
        # numbered from the last, so that operands with more of them broadcast as always
        specs[i] = before + "".join(spare[:count][::-1]) + after
        unnamed = max(unnamed, count)
    dots = "".join(spare[:unnamed][::-1])
    if arrow:
        return specs, out.replace("...", dots)
    letters = "".join(specs)
    once = sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1)
    return specs, dots + "".join(once)


def _without_repeats(x: Tensor, spec: str) -> tuple[Tensor, str]:
    """An operand in which every letter stands once: where one is repeated, the diagonal."""
    for letter in dict.fromkeys(spec):
        while spec.count(letter) > 1:
            i, j = spec.index(letter), spec.rindex(letter)
            if x.shape[i] != x.shape[j]:
                got = f"{x.shape[i]} and {x.shape[j]}"
                raise RuntimeError(said("einsum", f"{letter!r} has two sizes", got=got))
            x = movedim(diagonal(x, 0, i, j), -1, i)
            spec = spec[:j] + spec[j + 1 :]
    return x, spec


def _sizes(equation: str, pairs: list[tuple[Tensor, str]]) -> dict[str, int]:
    """The size of every letter; an axis of length 1 fits any."""
    sizes: dict[str, int] = {}
    for x, spec in pairs:
        for letter, n in zip(spec, x.shape, strict=True):
            known = sizes.setdefault(letter, n)
            if 1 not in (known, n) and known != n:
                got = f"{known} and {n} in {equation}"
                raise RuntimeError(said("einsum", f"{letter!r} has two sizes", got=got))
            sizes[letter] = n if known == 1 else known
    return sizes


def _without_thin(x: Tensor, spec: str, sizes: dict[str, int]) -> tuple[Tensor, str]:
    """An operand without its axes of length 1 that are longer elsewhere: they broadcast."""
    kept = [i for i, c in enumerate(spec) if x.shape[i] == sizes[c]]
    if len(kept) == len(spec):
        return x, spec
    return reshape(x, [x.shape[i] for i in kept]), "".join(spec[i] for i in kept)


def _only(x: Tensor, spec: str, letters: set[str]) -> tuple[Tensor, str]:
    """x with the axes summed away that nothing else mentions."""
    gone = tuple(i for i, c in enumerate(spec) if c not in letters)
    return (sum(x, gone), "".join(c for c in spec if c in letters)) if gone else (x, spec)
