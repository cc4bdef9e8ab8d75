"""The one place that knows how to call each row: operands and metadata for any shape and dtype.

A row without a sample fails in `test_laws`, so a new row needs a line in `SAMPLES`.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.core import Aval
from steepest.primitives import TABLE

__all__ = [
    "BOOLS", "BOOL", "F32", "F64", "I64", "LINEAR", "SAMPLES", "SHAPES", "SMOOTH", "WHOLE",
    "avals", "cases", "drawn",
]  # fmt: skip

F32, F64, I64, BOOL = map(np.dtype, ("float32", "float64", "int64", "bool"))
SHAPES = [(), (4,), (2, 3), (0, 3), (2, 1, 5), (2, 4, 3, 2)]


def spread(random: np.random.Generator, shape: tuple, dtype: np.dtype = F64) -> np.ndarray:
    """Numbers on both sides of 0, far (≥ 0.2) from 0, from each other and from whole numbers
    and halves, so that a small step crosses no kink of floor, round, max or maximum."""
    count = prod(shape)
    if dtype.kind in "iu":
        return random.permutation(np.arange(count) - count // 3).reshape(shape).astype(dtype)
    if dtype == BOOL:
        return random.random(shape) < 0.5
    order = random.permutation(count) - count // 2
    return (order * 0.5 + 0.25 + random.uniform(-0.02, 0.02, count)).reshape(shape).astype(dtype)


def positive(random: np.random.Generator, shape: tuple, dtype: np.dtype = F64) -> np.ndarray:
    return random.uniform(0.5, 2.0, shape).astype(dtype)


def small(random: np.random.Generator, shape: tuple, dtype: np.dtype = F64) -> np.ndarray:
    return random.uniform(-1.5, 1.5, shape).astype(dtype)


Sample = tuple[tuple, dict]
Maker = Callable[[np.random.Generator, tuple, np.dtype], Sample | None]


def like(*makers: Callable[..., np.ndarray], **params: Any) -> Maker:
    """Operands of one shape and dtype, each from its maker; integers always from `spread`."""

    def make(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
        chosen = makers if dtype.kind == "f" else (spread,) * len(makers)
        return tuple(maker(random, shape, dtype) for maker in chosen), params

    return make


def powers(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    if dtype.kind == "f":
        return (positive(random, shape, dtype), small(random, shape, dtype)), {}
    return (spread(random, shape, dtype), random.integers(0, 3, shape).astype(dtype)), {}


def choices(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    condition = random.random(shape) < 0.5
    return (condition, spread(random, shape, dtype), spread(random, shape, dtype)), {}


def reductions(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    axes = tuple(i for i in range(len(shape)) if i % 2 == (len(shape) > 1))
    return (spread(random, shape, dtype),), {"axes": axes}


def maxima(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample | None:
    return reductions(random, shape, dtype) if prod(shape) else None


def places(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample | None:
    if not shape or not prod(shape):
        return None
    return (spread(random, shape, dtype),), {"axis": len(shape) - 1}


def products(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    """Batch letters, one letter summed, one letter of y's own, in an order that is not theirs."""
    letters = "abcd"[: len(shape)]
    batch, inner = letters[:1], letters[1:]
    sizes = dict(zip(letters, shape, strict=True)) | {"z": 3}
    other = "z" + inner[::-1] + batch
    spec = f"{letters},{other}->z{batch}"
    x = small(random, shape) if dtype.kind == "f" else random.integers(-4, 5, shape)
    y_shape = tuple(sizes[i] for i in other)
    y = small(random, y_shape) if dtype.kind == "f" else random.integers(-4, 5, y_shape)
    return (x.astype(dtype), y.astype(dtype)), {"spec": spec}


def moved(params: Callable[[tuple], dict | None]) -> Maker:
    """A movement row: any numbers, metadata computed from the shape."""

    def make(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample | None:
        known = params(shape)
        return None if known is None else ((spread(random, shape, dtype),), known)

    return make


def widened(shape: tuple) -> dict:
    """A new axis in front and one behind the first."""
    axes = (0, 2) if shape else (0, 1)
    full, old = [], list(shape)
    for i in range(len(shape) + 2):
        full.append(i + 2 if i in axes else old.pop(0))
    return {"shape": tuple(full), "axes": axes}


def cut(shape: tuple) -> dict:
    """Forward by two on even axes, backward by one on odd ones."""
    return {
        "starts": tuple(min(1, max(n - 1, 0)) if i % 2 else 0 for i, n in enumerate(shape)),
        "sizes": tuple(min(2, n) if i % 2 else (n + 1) // 2 for i, n in enumerate(shape)),
        "steps": tuple(-1 if i % 2 and n > 1 else 2 for i, n in enumerate(shape)),
    }


def padding(shape: tuple) -> dict:
    """One before, a gap between neighbours, two behind."""
    return {
        "shape": tuple(1 + 2 * n + 2 for n in shape),
        "starts": (1,) * len(shape),
        "steps": (2,) * len(shape),
    }


def window(shape: tuple) -> dict | None:
    """Overlapping windows over the last one or two axes, some of which leave a remainder."""
    k = min(2, len(shape))
    if not k or not prod(shape):
        return None
    return {"size": tuple(min(2, n) for n in shape[-k:]), "step": (1, 2)[:k]}


def folds(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample | None:
    params = window(shape)
    if params is None:
        return None
    windows = P.windows.shape(Aval(shape, dtype), **params).shape
    return (spread(random, windows, dtype),), {"shape": shape, **params}


def takes(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample | None:
    if not shape or not shape[0]:
        return None
    return (spread(random, shape, dtype), random.integers(0, shape[0], (2, 3))), {}


def scatters(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    index = random.integers(0, 4, shape[:2])
    return (spread(random, shape, dtype), index), {"rows": 4}


def draws(random: np.random.Generator, shape: tuple, dtype: np.dtype) -> Sample:
    return (random.integers(0, 2**32, 2, dtype=np.uint32),), {"shape": shape}


SAMPLES: dict[str, Maker] = {
    "neg": like(spread),
    "exp": like(small),
    "log": like(positive),
    "sqrt": like(positive),
    "tanh": like(small),
    "sigmoid": like(small),
    "sin": like(small),
    "cos": like(small),
    "erf": like(small),
    "floor": like(spread),
    "round": like(spread),
    "add": like(spread, small),
    "mul": like(spread, small),
    "div": like(spread, positive),
    "pow": powers,
    "maximum": like(spread, small),
    "less": like(spread, spread),
    "equal": like(spread, spread),
    "where": choices,
    "cast": like(spread, dtype=F64),
    "sum": reductions,
    "max": maxima,
    "argmax": places,
    "contract": products,
    "reshape": moved(lambda shape: {"shape": (1, *shape[::-1])}),
    "permute": moved(lambda shape: {"order": tuple(range(len(shape)))[1:] + (0,) * bool(shape)}),
    "broadcast": moved(widened),
    "slice": moved(cut),
    "pad": moved(padding),
    "windows": moved(window),
    "fold": folds,
    "take": takes,
    "scatter_add": scatters,
    "uniform": draws,
}
# Which kinds of numbers a row is asked for besides floats.
WHOLE = {
    "neg", "add", "mul", "pow", "maximum", "less", "equal", "where", "cast", "sum", "max", "argmax",
    "contract", "reshape", "permute", "broadcast", "slice", "pad", "windows", "fold", "take",
    "scatter_add",
}  # fmt: skip
BOOLS = WHOLE - {"neg", "pow", "less", "sum", "contract", "fold", "scatter_add"}
SMOOTH = {  # the rows that have a derivative with respect to some operand
    name for name, row in TABLE.items() if any(rule is not None for rule in row.vjp)
}
LINEAR = {  # in which operands a row is linear (in each alone)
    "neg": (0,), "add": (0, 1), "mul": (0, 1), "div": (0,), "where": (1, 2), "cast": (0,),
    "sum": (0,), "contract": (0, 1), "reshape": (0,), "permute": (0,), "broadcast": (0,),
    "slice": (0,), "pad": (0,), "windows": (0,), "fold": (0,), "take": (0,), "scatter_add": (0,),
}  # fmt: skip


def drawn(name: str, shape: tuple, dtype: np.dtype = F64, seed: int = 0) -> Sample:
    sample = SAMPLES[name](np.random.default_rng(seed), shape, dtype)
    assert sample is not None
    return sample


def cases(names: Any, shapes: list[tuple]) -> list[tuple]:
    """All (name, shape) where the row has a value."""
    random = np.random.default_rng(0)
    return [(n, s) for n in names for s in shapes if n not in SAMPLES or SAMPLES[n](random, s, F64)]


def avals(operands: tuple) -> list[Aval]:
    return [Aval(np.shape(x), x.dtype) for x in operands]
