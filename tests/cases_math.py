"""How arithmetic, comparisons and reductions are called."""

from operator import ge, gt, le, lt

import numpy as np
from cases import (
    HALF,
    INF,
    T3,
    TIES,
    B,
    I,
    M,
    S,
    V,
    X,
    Y,
    floats,
    ints,
    plain,
    positives,
    rates,
    refused,
    smooth,
)

__all__ = ["ELEMENTWISE"]

DIMS = (None, 0, -1, (0, 1), (-1, 0), [1])

ELEMENTWISE = [
    "abs", "ceil", "celu", "clone", "cos", "elu", "erf", "exp", "expm1", "floor", "gelu",
    "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log", "log10", "log1p", "log2",
    "logsigmoid", "mish", "neg", "reciprocal", "relu", "relu6", "round", "rsqrt", "selu",
    "sigmoid", "sign", "silu", "sin", "softplus", "softsign", "sqrt", "square", "tan", "tanh",
    "tanhshrink", "trunc",
]  # fmt: skip


for name in ELEMENTWISE:
    x = positives(3, 4) if name in ("log", "log10", "log1p", "log2", "rsqrt", "sqrt") else X
    # PyTorch's slope of hardsigmoid is 1/6 in float32.
    rtol = 1e-7 if name == "hardsigmoid" else 0.0
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), x, rtol=rtol)

# ---- arithmetic ---------------------------------------------------------------------------------

for name in ("add", "sub", "mul", "div", "maximum", "minimum", "pow"):
    a, b = (positives(3, 4), floats(3, 4)) if name == "pow" else (X, positives(3, 4))
    for left, right in ((a, b), (a, b[0]), (a[:, :1], b[:1]), (a[0], b), (np.array(a[0, 0]), b)):
        smooth(name, lambda F, x, y, n=name: getattr(F, n)(x, y), left, np.array(right))
for name in ("maximum", "minimum"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)(x, y), TIES, TIES.copy())
    plain(name, lambda F, x, y, n=name: getattr(F, n)(x, y), I, ints(3, 4))
    plain(name, lambda F, x, y, n=name: getattr(F, n)(x, y), B, M)
smooth("add", lambda F, x, y: F.add(x, y, alpha=0.5), X, Y)
smooth("sub", lambda F, x, y: F.sub(x, y, alpha=2), X, Y)
smooth("add", lambda F, x: 1 + x + 2.5 + True, X)
smooth("sub", lambda F, x: 1 - x - 2.5, X)
smooth("mul", lambda F, x: 3 * x * 0.5, X)
smooth("div", lambda F, x: 2 / x / 3, X)
for exponent in (0, 1, 2, 3, 4, -1, -2, 0.5, -0.5, 1.5, 2.0, 0.0):
    smooth("pow", lambda F, x, e=exponent: x**e, positives(3, 4))
    if float(exponent).is_integer():
        smooth("pow", lambda F, x, e=exponent: F.pow(x, e), X)
    if exponent >= 0:
        smooth("pow", lambda F, x, e=exponent: x**e, np.zeros(3))
        plain("pow", lambda F, x, e=exponent: x**e, I)
smooth("pow", lambda F, x: 2**x, X)
smooth("pow", lambda F, x: 0.5**x, X)
smooth("pow", lambda F, x, y: F.pow(x, y), np.zeros(3), positives(3), order=1)
plain("pow", lambda F, x, y: F.pow(x, y), I, ints(3, 4, low=0))
plain("pow", lambda F, x: 2**x, np.abs(I))
smooth("lerp", lambda F, x, y: F.lerp(x, y, 0.3), X, Y)
smooth("lerp", lambda F, x, y, w: F.lerp(x, y, w), X, Y, rates(3, 4))
smooth("lerp", lambda F, x, y, w: x.lerp(y, w), X, Y[0], rates(3, 1))
smooth("clamp", lambda F, x: F.clamp(x, -0.5, 0.5), X)
smooth("clamp", lambda F, x: F.clamp(x, min=0), X)
smooth("clamp", lambda F, x: x.clamp(max=0.25), X)
smooth("clamp", lambda F, x: F.clamp(x, 1.0, -1.0), X)
smooth("clamp", lambda F, x: F.clamp(x, 0.0, 2.0), TIES)
smooth("clamp", lambda F, x, y: F.clamp(x, y), X, floats(4))
smooth("clamp", lambda F, x, y, z: F.clamp(x, y, z), X, floats(3, 4) - 1, floats(3, 4) + 1)
plain("clamp", lambda F, x: F.clamp(x, -2, 2), I)
plain("clamp", lambda F, x: F.clamp(x, 0.5, 2.5), I)
smooth("where", lambda F, m, x, y: F.where(m, x, y), M, X, Y)
smooth("where", lambda F, m, x, y: F.where(m, x, y), M[0], X, Y[:, :1])
smooth("where", lambda F, m, x: F.where(m, x, 0.0), M, X)
smooth("where", lambda F, m, x: F.where(m, 1, x), M[:, :1], X[0])
plain("where", lambda F, m, x: F.where(m, x, 2), M, I)
plain("where", lambda F, m: F.where(m, 1, 2), M)
plain("where", lambda F, m: F.where(m, 1.5, 2), M)
for name in ("abs", "neg", "sign", "square", "floor", "ceil", "round", "trunc", "clone"):
    plain(name, lambda F, x, n=name: getattr(F, n)(x), I)
for name in ("exp", "log", "sqrt", "sin", "tanh", "sigmoid", "reciprocal", "rsqrt", "erf"):
    plain(name, lambda F, x, n=name: getattr(F, n)(x), np.abs(I))
for name in ("log1p", "expm1", "log2", "log10", "tan", "cos", "sigmoid", "exp"):
    plain(name, lambda F, x, n=name: getattr(F, n)(x), B)
plain("sign", lambda F, x: F.sign(x), B)
plain("square", lambda F, x: F.square(x), B)
plain("sign", lambda F, x: F.sign(x), np.abs(I).astype(np.uint8))
plain("abs", lambda F, x: F.abs(x), np.abs(I).astype(np.uint8))
plain("neg", lambda F, x: F.neg(x), np.abs(I).astype(np.uint8))
plain("div", lambda F, x, y: x / y, I, ints(3, 4, low=1))
plain("div", lambda F, x: x / 2, B)
plain("mul", lambda F, x, y: x * y, B, M)
plain("add", lambda F, x, y: x + y, B, M)
plain("add", lambda F, x: x + 1, B)
plain("sub", lambda F, x, y: x - y, I, ints(3, 4))
refused("sub", lambda F, x, y: x - y, B, M)
refused("sub", lambda F, x: 1 - x, B)
refused("neg", lambda F, x: -x, B)
refused("pow", lambda F, x: x**-1, I)
refused("clamp", lambda F, x: F.clamp(x), X)
for name in ("add", "mul", "div", "maximum", "pow", "eq", "where"):
    if name == "where":
        refused(name, lambda F, m, x, y: F.where(m, x, y), M, X, floats(3, 5))
    else:
        refused(name, lambda F, x, y, n=name: getattr(F, n)(x, y), X, floats(3, 5))
refused("add", lambda F, x: F.add(x, "one"), X)
refused("add", lambda F, x: x + None, X)
refused("exp", lambda F: F.exp(1.0))

# ---- comparison ---------------------------------------------------------------------------------

for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    for left, right in ((HALF, HALF.copy()), (HALF, TIES), (I, ints(3, 4)), (I, TIES), (B, M)):
        plain(name, lambda F, x, y, n=name: getattr(F, n)(x, y), left, right)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 0), HALF)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 1.5), I)
plain("eq", lambda F, x: x == 3, I)
plain("ne", lambda F, x: x != 3, I)
plain("lt", lambda F, x: (x < 1, x <= 1, x > 1, x >= 1), TIES)
plain("lt", lambda F, x: [op(1, x) for op in (lt, le, gt, ge)], TIES)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    plain(name, lambda F, x, y, n=name: getattr(F, n)(x, y), I, I[::-1].copy())
plain("bitwise_not", lambda F, x: F.bitwise_not(x), I)
for name in ("logical_and", "logical_or", "logical_xor"):
    for left, right in ((B, M), (TIES, B), (I, TIES), (B, M[0])):
        plain(name, lambda F, x, y, n=name: getattr(F, n)(x, y), left, right)
plain("logical_and", lambda F, x, y: (x & y, x | y, x ^ y, ~x), B, M)
for x in (TIES, I, B, HALF):
    for name in ("logical_not", "isnan", "isinf", "isfinite"):
        plain(name, lambda F, x, n=name: getattr(F, n)(x), x)
for equal_nan in (False, True):
    plain("isclose", lambda F, x, y, e=equal_nan: F.isclose(x, y, equal_nan=e), HALF, HALF + 1e-7)
    plain("allclose", lambda F, x, y, e=equal_nan: F.allclose(x, y, equal_nan=e), HALF, HALF + 0)
plain("isclose", lambda F, x, y: F.isclose(x, y, 0.1, 0.5), X, Y)
plain("allclose", lambda F, x, y: F.allclose(x, y), X, X + 1e-9)
plain("equal", lambda F, x, y: F.equal(x, y), X, X.copy())
plain("equal", lambda F, x, y: F.equal(x, y), X, Y)
plain("equal", lambda F, x, y: F.equal(x, y), X, V)

# ---- reduction ----------------------------------------------------------------------------------

for dim in DIMS:
    for keepdim in (False, True):
        options = {"dim": dim, "keepdim": keepdim}
        for name in ("sum", "mean", "amax", "amin", "std", "var", "logsumexp"):
            if dim is None and name in ("sum", "mean", "logsumexp", "amax", "amin"):
                if name in ("sum", "mean"):
                    smooth(name, lambda F, x, n=name: getattr(F, n)(x), X)
                continue
            smooth(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), X)
        smooth("sum", lambda F, x, o=options: F.sum(x, **o), T3)
        for order in (2, 1, INF, 3, 0.5, "fro"):
            if order != "fro" or dim not in ([1],):
                smooth("norm", lambda F, x, p=order, o=options: F.norm(x, p, **o), X)
        for name in ("all", "any"):
            for x in (B, I, TIES):
                plain(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), x)
    plain("count_nonzero", lambda F, x, d=dim: F.count_nonzero(x, d), TIES)
    if dim is None or isinstance(dim, int):
        for keepdim in (False, True):
            options = {"dim": dim, "keepdim": keepdim}
            for name in ("argmax", "argmin"):
                for x in (X, I, TIES, HALF, np.abs(I).astype(np.uint8)):
                    plain(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), x)
            if dim is not None:
                for name in ("max", "min"):
                    smooth(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), X)
                    smooth(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), TIES)
                    for x in (I, HALF, B, np.abs(I).astype(np.uint8)):
                        plain(name, lambda F, x, n=name, o=options: getattr(F, n)(x, **o), x)
for name in ("max", "min", "amax", "amin"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), X)
    smooth(name, lambda F, x, n=name: getattr(x, n)(), TIES)
    for x in (I, HALF, B, np.abs(I).astype(np.uint8)):
        plain(name, lambda F, x, n=name: getattr(F, n)(x), x)
for name in ("max", "min"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)(x, y), X, Y)
for name in ("amax", "amin"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, (0, 1)), TIES)
for correction in (0, 1, 2, 0.5):
    for name in ("var", "std"):
        smooth(name, lambda F, x, n=name, c=correction: getattr(F, n)(x, 1, correction=c), X)
        smooth(name, lambda F, x, n=name, c=correction: getattr(F, n)(x, correction=c), V)
for name in ("sum", "mean", "logsumexp", "amax", "amin", "argmax", "argmin", "max", "min", "var"):
    if name not in ("var", "argmax", "argmin"):
        smooth(name, lambda F, x, n=name: getattr(F, n)(x, 0), S)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 0), S)
for x in (I, B, I.astype(np.int32), np.abs(I).astype(np.uint8)):
    plain("sum", lambda F, x: F.sum(x), x)
    plain("sum", lambda F, x: x.sum(1), x)
plain("sum", lambda F, x: F.sum(x, dtype=F.float32), I)
plain("mean", lambda F, x: F.mean(x, dtype=F.float32), I)
for name in ("sum", "mean", "all", "any", "logsumexp"):
    x = np.zeros((0, 3))
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 0), x)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 1), x)
plain("norm", lambda F, x: F.norm(x), np.zeros((0, 3)))
smooth("logsumexp", lambda F, x: F.logsumexp(x, 1), X * 1e3)
plain("logsumexp", lambda F, x: F.logsumexp(x, 1), HALF)
plain("logsumexp", lambda F, x: F.logsumexp(x, 1), np.full((2, 3), -INF))
plain("logsumexp", lambda F, x: F.logsumexp(x, 0), I)
# PyTorch's second derivative of the norm at 0 is NaN, ours 0.
smooth("norm", lambda F, x: F.norm(x), np.zeros(3), order=1)
smooth("norm", lambda F, x: F.norm(x, dim=1), TIES, order=1)
refused("mean", lambda F, x: F.mean(x), I)
refused("sum", lambda F, x: F.sum(x, 2), X)
refused("sum", lambda F, x: F.sum(x, (0, 0)), X)
refused("sum", lambda F, x: F.sum(x, 1), S)
refused("amax", lambda F, x: F.amax(x, 0), np.zeros((0, 3)))
refused("max", lambda F, x: F.max(x), np.zeros((0, 3)))
refused("argmax", lambda F, x: F.argmax(x, 0), np.zeros((0, 3)))
refused("argmax", lambda F, x: F.argmax(x, 3), X)
refused("max", lambda F, x: F.max(x, 5), X)
refused("logsumexp", lambda F, x: F.logsumexp(x, 5), X)
refused("var", lambda F, x: F.var(x), I)

# ---- more elementary functions, running sums, sorting -------------------------------------------

for name in ("asin", "acos"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), rates(3, 4) * 1.8 - 0.9)
for name in ("atan", "sinh", "cosh", "exp2", "positive", "nan_to_num"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), X)
smooth("atan", lambda F, x: F.atan(x), np.array([0.0, 1.0, -1.0, 1e-9, 1e9, -40.0]))
plain("atan", lambda F, x: F.atan(x), np.array([INF, -INF]))
plain("nan_to_num", lambda F, x: F.nan_to_num(x, 3.0, 8.0), HALF)
for name in ("rsub", "true_divide", "remainder", "fmod"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)(x, y), X, positives(3, 4))
plain("floor_divide", lambda F, x, y: F.floor_divide(x, y), X, positives(3, 4))
for name in ("floor_divide", "remainder", "fmod"):
    plain(name, lambda F, x, n=name: (getattr(F, n)(x, 3), getattr(F, n)(x, -2)), I)
for name in ("addcmul", "addcdiv"):
    smooth(name, lambda F, x, y, z, n=name: getattr(F, n)(x, y, z, value=0.5), X, Y, positives(4))
for mode in ("floor", "trunc"):
    plain("div", lambda F, x, m=mode: F.div(x, 0.3, rounding_mode=m), X)
for name in ("clamp_min", "clamp_max"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, 0.2), X)
smooth("round", lambda F, x: (F.round(x, decimals=2), F.round(x * 100, decimals=-1)), X)
for dim in (0, 1, -1):
    for name in ("cumsum", "cumprod", "prod"):
        smooth(name, lambda F, x, n=name, d=dim: getattr(F, n)(x, d), X)
        plain(name, lambda F, x, n=name, d=dim: getattr(F, n)(x, d), I)
    for name in ("var_mean", "std_mean"):
        smooth(name, lambda F, x, n=name, d=dim: getattr(F, n)(x, d, False, True), X)
    smooth("sort", lambda F, x, d=dim: F.sort(x, d, True), X)
    plain("argsort", lambda F, x, d=dim: F.argsort(x, d), X)
    smooth("topk", lambda F, x, d=dim: F.topk(x, 2, d), X)
smooth("prod", lambda F, x: F.prod(x), np.array([2.0, 0.0, -3.0, 0.5, 0.0]))
refused("div", lambda F, x: F.div(x, 2, rounding_mode="up"), X)

# ---- more products ------------------------------------------------------------------------------

smooth("baddbmm", lambda F, z, x: F.baddbmm(z, x, x.mT, beta=2, alpha=0.5), floats(3, 3), T3)
smooth("trace", lambda F, x: F.trace(x), X)
smooth("tensordot", lambda F, x, y: F.tensordot(x, y, 2), T3, X)
smooth("tensordot", lambda F, x, y: F.tensordot(x, y, ([2, 1], [1, 0])), T3, X)
refused("trace", lambda F, x: F.trace(x), V)

# ---- second names -------------------------------------------------------------------------------

for name in ("absolute", "negative", "arctan"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), X)
for name in ("arcsin", "arccos"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x), rates(3, 4) * 1.8 - 0.9)
for name in ("divide", "multiply", "subtract"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)(x, y), X, positives(3, 4))
smooth("clip", lambda F, x: F.clip(x, -0.3, 0.4), X)
for name in ("greater", "greater_equal", "less", "less_equal", "not_equal"):
    plain(name, lambda F, x, n=name: getattr(F, n)(x, 0.1), X)
plain("is_floating_point", lambda F, x: F.is_floating_point(x), X)
plain("is_floating_point", lambda F, x: F.is_floating_point(x), I)

# ---- powers of whole numbers --------------------------------------------------------------------

plain(
    "pow", lambda F, x, y: x**y, np.array([2, -3, 1, -1, -1, 0]), np.array([-1, 3, -2, -3, -2, 2])
)
plain("pow", lambda F, y: F.pow(2, y), np.array([-1, 0, 3]))
