"""The generated mathematics against wider formats: errors in units of the last place, and edges."""

import math

import numpy as np
import pytest

from steepest.compiler.ir.builder import Builder
from steepest.compiler.machine.engine import machine_code
from steepest.compiler.machine.executable import NativeFunction
from steepest.compiler.machine.processor import has_estimates, processor
from steepest.compiler.nests.affine import LANE, plus
from steepest.compiler.vecmath import FUNCTIONS, IN_DOUBLE

EDGES = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.1754944e-38, -1.1754944e-38]
    + [3.4028235e38, -3.4028235e38, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 1e-30, -1e30],
    np.float32,
)
_erf = np.vectorize(math.erf)
EXACT = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x))),
    "erf": _erf,
    "sin": np.sin,
    "cos": np.cos,
    "sqrt": np.sqrt,
}
BOUND = {"sin": 1.0, "cos": 1.0, "pow": 1.0, "sqrt": 1.0}  # the rest 1.25
BASES = {np.float32: "float", np.float64: "double"}


def native(name, width, operands, dtype=np.float32):
    """f(pointers of operands and result, count): one of the library's functions on vectors."""
    b = Builder()
    b.estimates = has_estimates(processor().features)
    names = [f"%p{i}" for i in range(operands + 1)]

    def body(i, _):
        at = plus(i, LANE)[0], tuple(t for t in i[1])
        xs = [b.load(p, BASES[dtype], at, width) for p in names[:-1]]
        b.store(FUNCTIONS[name](b, *xs), names[-1], at, width)

    b.lines.append("entry:")
    b.loop(4096, body, step=max(width, 1))
    head = f"define i64 @run({', '.join('ptr ' + p for p in names)}, i64 %n) {{"
    text = "\n".join([*sorted(b.declared), head, *b.lines, "  ret i64 0", "}"])
    run = NativeFunction(machine_code([text], processor().features), len(names))

    def apply(*xs):
        n = -(-len(xs[0]) // 4096) * 4096
        xs = [np.concatenate([x, np.ones(n - len(x), dtype)]) for x in xs]
        out = np.empty(n, dtype)
        for i in range(0, n, 4096):
            run(*(x[i:].ctypes.data for x in (*xs, out)), 0)
        return out

    return apply


def errors(got, exact):
    """In units in the last place, where the exact result is finite in that format."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(got.dtype)
        unit = np.spacing(np.abs(rounded)).astype(exact.dtype)
        wrong = np.abs(got.astype(exact.dtype) - exact) / unit
    finite = np.isfinite(rounded)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(finite, wrong, np.where(same, 0, np.inf))


def samples(rng, n):
    """Floats of every size, and many of the sizes that occur."""
    bits = rng.integers(0, 2**32, n, dtype=np.uint32).view(np.float32)
    near = rng.uniform(-12, 12, n).astype(np.float32)
    wide = rng.uniform(-110, 110, n).astype(np.float32)
    return np.concatenate([EDGES, bits, near, near * np.float32(0.01), wide])


@pytest.mark.parametrize("width", [0, 4, 8, 16, 64])
@pytest.mark.parametrize("name", list(EXACT))
def test_error_bound(name, width):
    x = samples(np.random.default_rng(0), 100_000)
    got = native(name, width, 1)(x)[: len(x)]
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.float64))
    wrong = errors(got, exact)
    worst = np.argmax(wrong)
    assert wrong[worst] <= BOUND.get(name, 1.25), (x[worst], got[worst], exact[worst])


def test_roots_are_rounded_like_the_processor_s():
    """All but a few in a hundred thousand are the same number."""
    x = np.random.default_rng(3).uniform(1e-30, 1e30, 1 << 17).astype(np.float32)
    x[::2] = 1 / x[::2]
    got, expected = native("sqrt", 64, 1)(x), np.sqrt(x)
    assert np.count_nonzero(got != expected) < 8
    np.testing.assert_allclose(got, expected, rtol=1.2e-7)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="needs a format beyond float64")
@pytest.mark.parametrize("width", [0, 2, 8])
@pytest.mark.parametrize("name", sorted(IN_DOUBLE))
def test_error_bound_in_double_precision(name, width):
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**64, 100_000, dtype=np.uint64).view(np.float64)
    near = rng.uniform(-12, 12, 100_000)
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 2.3e-308, 1.7e308, 1, -1]
    x = np.concatenate([edges, bits, near, near * 0.01, near * 65])
    got = native(name, width, 1, np.float64)(x)[: len(x)]
    with np.errstate(all="ignore"):
        exact = EXACT[name](x.astype(np.longdouble))
    wrong = errors(got, exact)
    worst = np.argmax(wrong)
    assert wrong[worst] <= 1.25, (x[worst], got[worst], exact[worst])


@pytest.mark.parametrize("name", ["tanh", "erf", "sin"])
def test_odd_functions_keep_the_sign_of_zero(name):
    got = native(name, 4, 1)(np.array([0.0, -0.0], np.float32))[:2]
    assert np.signbit(got).tolist() == [False, True]


@pytest.mark.parametrize("width", [4, 16])
def test_pow(width):
    rng = np.random.default_rng(1)
    x = np.concatenate([np.repeat(EDGES, len(EDGES)), rng.lognormal(0, 3, 50_000)])
    y = np.concatenate([np.tile(EDGES, len(EDGES)), rng.normal(0, 8, 50_000)])
    x, y = x.astype(np.float32), y.astype(np.float32)
    got = native("pow", width, 2)(x, y)[: len(x)]
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.longdouble), y.astype(np.longdouble)).astype(np.float64)
    wrong = errors(got, exact)
    worst = np.argmax(wrong)
    assert wrong[worst] <= BOUND["pow"], (x[worst], y[worst], got[worst], exact[worst])
