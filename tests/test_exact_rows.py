"""Every row of the table, compiled against eager: all dtypes, shapes and special values.

The samples are those of the laws. Per row and dtype all shapes are outputs of one program. Rows
that add up may round in another order and lose the sign of a zero; no other row may.
"""

import numpy as np
import pytest
from samples import BOOL, BOOLS, F32, F64, I64, SAMPLES, SHAPES, WHOLE

from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import lower
from steepest.compiler.replay import replay_step
from steepest.compiler.simplify import simplify
from steepest.core import Aval, RequestError
from steepest.primitives import TABLE

# No elements, axes of length one, and what is left beside whole vectors of 4, 8 and 16 lanes.
MORE_SHAPES = [(1,), (0,), (1, 1, 19), (33, 1), (2, 0, 3), (5, 1, 3)]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -1e-42, 1e-310, -3.5, 2.5, 0.5, 1, -1, 3e38]
ADDING = {"sum", "contract", "fold", "scatter_add"}  # whether 3e38 overflows depends on the order
UNSIGNED_ZEROS = ADDING | {"maximum", "max"}  # of 0 and −0 either may be the larger
# Units in the last place: compiled code and NumPy's are each within 1.5 of the exact value.
UNITS = 3
REFUSED = {("pow", I64)}  # exponents that may be negative


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("STEEPEST_CACHE", "")


def dtypes_of(name: str) -> list[np.dtype]:
    return [F32, F64, *((I64,) if name in WHOLE else ())] + [BOOL] * (name in BOOLS)


CASES = [(name, dtype) for name in TABLE for dtype in dtypes_of(name)]


def special(name: str, x: np.ndarray, random: np.random.Generator) -> np.ndarray:
    values = SPECIAL[:-1] if name in ADDING else SPECIAL
    return random.choice(values, x.shape).astype(x.dtype) if x.dtype.kind == "f" else x


def drawn(name: str, dtype: np.dtype) -> list[tuple[tuple, dict]]:
    """Operands and metadata of every shape that the row has a value for, and again all special."""
    found = []
    for shape in [*SHAPES, *MORE_SHAPES]:
        random = np.random.default_rng(0)
        sample = SAMPLES[name](random, shape, dtype)
        if sample is not None:
            found.append(sample)
            if dtype.kind == "f":
                found.append((tuple(special(name, x, random) for x in sample[0]), sample[1]))
    return found


def compiled_and_eager(name: str, samples: list) -> list[tuple[np.ndarray, np.ndarray]]:
    arrays, outputs = {}, [constant(np.float32(0), ())]  # a loss that is always finite
    for operands, params in samples:
        leaves = [inlet(f"x{len(arrays) + i}", Aval(x.shape, x.dtype), "whole")
                  for i, x in enumerate(operands)]  # fmt: skip
        arrays |= dict(zip(leaves, operands, strict=True))
        outputs.append(equation(TABLE[name], *leaves, **params))
    graph = Graph(arrays, outputs)
    simpler = simplify(graph)
    bound = {
        x: array.reshape(x.shape)
        for x, array in zip(simpler.inputs, arrays.values(), strict=True)
    }  # fmt: skip
    got = [np.full((1, *v.shape), 7, v.dtype) for v in outputs]
    assert lower(simpler).run(bound, None, 1, got) == 1
    want = replay_step(graph, arrays)[0]
    return [(g[0], np.asarray(w)) for g, w in zip(got[1:], want[1:], strict=True)]


def assert_same(name: str, got: np.ndarray, want: np.ndarray, operands: tuple) -> None:
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    unit = np.finfo(want.dtype).eps
    terms = max(x.size for x in operands) if name in ADDING else 0
    finite = [np.abs(x[np.isfinite(x)], dtype=F64) for x in operands if x.dtype.kind == "f"]
    largest = np.prod([x.max(initial=0) for x in finite])
    close = {"rtol": (UNITS + terms) * unit, "atol": terms * unit * largest}
    np.testing.assert_allclose(got, want, **close)
    if name not in UNSIGNED_ZEROS:
        zeros = want == 0
        np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(want[zeros]))


@pytest.mark.parametrize(("name", "dtype"), CASES, ids=lambda x: str(x))
def test_every_row(name, dtype):
    samples = drawn(name, dtype)
    if (name, dtype) in REFUSED:
        with pytest.raises(RequestError, match=f"{name} of {dtype}"):
            compiled_and_eager(name, samples)
        return
    for (operands, params), (got, want) in zip(
        samples, compiled_and_eager(name, samples), strict=True
    ):
        try:
            assert_same(name, got, want, operands)
        except AssertionError as wrong:
            shapes = " ".join(str(x.shape) for x in operands)
            raise AssertionError(f"{name} of {dtype} {shapes} {params}: {wrong}") from None


def test_every_row_that_has_code_is_drawn():
    assert {name for name, row in TABLE.items() if row.lowering} == {name for name, _ in CASES}
