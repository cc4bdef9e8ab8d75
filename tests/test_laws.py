"""Laws over the table: what is true of every row, so also of the row that is added tomorrow.

Everything here is generated from the table and from `samples`, which knows how to call each row.
"""

import inspect

import numpy as np
import pytest
from samples import (
    BOOL,
    BOOLS,
    F32,
    F64,
    I64,
    LINEAR,
    SAMPLES,
    SHAPES,
    SMOOTH,
    WHOLE,
    avals,
    cases,
    drawn,
)

from steepest.autograd import grad
from steepest.core import Aval, Eager, Primitive, interpreting
from steepest.primitives import TABLE
from steepest.tensors import Tensor

ROWS = sorted(TABLE)


# ---- the table is whole -------------------------------------------------------------------------


def test_every_row_has_a_sample_and_every_sample_a_row():
    assert set(SAMPLES) == set(TABLE)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_a_line_on_the_derivatives_page(name):
    operands, params = drawn(name, (2, 3))
    row = TABLE[name]
    assert row.name == name
    assert len(row.vjp) == len(operands), "one rule, or None, per operand"
    for rule in row.vjp:
        if rule is not None:
            given = list(inspect.signature(rule).parameters)
            assert given[:2] == ["g", "out"]
            assert len(given) == 2 + len(operands) + len(params)
    for x, rule in zip(operands, row.vjp, strict=True):
        whole = x.dtype.kind != "f"
        assert not (whole and rule is not None), "no gradient flows into whole numbers"


LOWERINGS = {
    "elementwise", "reduction", "contraction", "movement", "gather-scatter", "random",
}  # fmt: skip


def test_every_lowering_is_one_that_the_table_explains():
    assert {row.lowering for row in TABLE.values()} == LOWERINGS


# ---- the shape rule is what evaluation does -----------------------------------------------------


@pytest.mark.parametrize("dtype", [F32, F64, I64, BOOL, np.dtype("int32")], ids=str)
@pytest.mark.parametrize(("name", "shape"), cases(ROWS, SHAPES), ids=str)
def test_shape_rule_equals_evaluation(name, dtype, shape):
    if (dtype.kind == "i" and name not in WHOLE) or (dtype.kind == "b" and name not in BOOLS):
        return
    operands, params = drawn(name, shape, dtype)
    row = TABLE[name]
    before = [x.copy() for x in operands]
    with interpreting(Eager()):
        out = row(*operands, **params)
        again = row(*operands, **params)
    assert type(out) is np.ndarray
    assert Aval(out.shape, out.dtype) == row.shape(*avals(operands), **params)
    assert out.tobytes() == again.tobytes(), "the same operands gave other bits"
    for x, kept in zip(operands, before, strict=True):
        assert x.tobytes() == kept.tobytes(), "an operand was changed"


# ---- derivatives --------------------------------------------------------------------------------


def leaves(operands: tuple) -> list[Tensor]:
    return [
        Tensor(x.copy()).requires_grad_() if x.dtype.kind == "f" else Tensor(x) for x in operands
    ]


def first(row: Primitive, operands: tuple, params: dict, seed: np.ndarray) -> list[Tensor]:
    """The gradient of ⟨seed, row(operands)⟩ with respect to the smooth operands."""
    tensors = leaves(operands)
    wanted = [x for x, rule in zip(tensors, row.vjp, strict=True) if rule is not None]
    return list(grad(row(*tensors, **params), wanted, Tensor(seed)))


def step(operands: tuple, direction: list, length: float) -> tuple:
    return tuple(
        x if d is None else x + length * d for x, d in zip(operands, direction, strict=True)
    )


def directions(row: Primitive, operands: tuple, random: np.random.Generator) -> list:
    return [
        None if rule is None else random.standard_normal(x.shape)
        for x, rule in zip(operands, row.vjp, strict=True)
    ]


H = 1e-5  # central differences: error ~ H² ~ 1e-10, rounding ~ 1e-16 / H ~ 1e-11


@pytest.mark.parametrize(("name", "shape"), cases(sorted(SMOOTH), SHAPES), ids=str)
def test_first_derivative_in_a_random_direction(name, shape):
    row, random = TABLE[name], np.random.default_rng(1)
    operands, params = drawn(name, shape)
    with interpreting(Eager()):
        out = row(*operands, **params)
        direction, seed = directions(row, operands, random), random.standard_normal(out.shape)
        above, below = (row(*step(operands, direction, h), **params) for h in (H, -H))
    expected = np.sum(seed * (above - below)) / (2 * H)
    found = first(row, operands, params, seed)
    along = [d for d in direction if d is not None]
    slope = sum(np.sum(g.value * d) for g, d in zip(found, along, strict=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("name", "shape"), cases(sorted(SMOOTH), [(), (4,), (2, 1, 5)]), ids=str)
def test_second_derivative_in_a_random_direction(name, shape):
    """d/dt ⟨∇f(x + t d), w⟩ by differences of gradients and by differentiating the gradient."""
    row, random = TABLE[name], np.random.default_rng(2)
    operands, params = drawn(name, shape)
    seed = random.standard_normal(row.shape(*avals(operands), **params).shape)
    direction = directions(row, operands, random)
    weights = [random.standard_normal(d.shape) for d in direction if d is not None]

    def along(at: tuple) -> float:
        found = first(row, at, params, seed)
        return sum(float(np.sum(g.value * w)) for g, w in zip(found, weights, strict=True))

    expected = (along(step(operands, direction, H)) - along(step(operands, direction, -H))) / (
        2 * H
    )

    tensors = leaves(operands)
    wanted = [x for x, rule in zip(tensors, row.vjp, strict=True) if rule is not None]
    out = row(*tensors, **params)
    gradients = grad(out, wanted, Tensor(seed), create_graph=True)
    reached = [(g, Tensor(w)) for g, w in zip(gradients, weights, strict=True) if g.requires_grad]
    slope = 0.0
    if reached:
        second = grad(
            [g for g, _ in reached], wanted, [w for _, w in reached], materialize_grads=True
        )
        kept = [d for d in direction if d is not None]
        slope = sum(float(np.sum(g.value * d)) for g, d in zip(second, kept, strict=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_a_gradient_has_its_operands_shape_and_dtype(name, dtype):
    operands, params = drawn(name, (2, 3), dtype)
    row = TABLE[name]
    aval = row.shape(*avals(operands), **params)
    found = first(row, operands, params, np.ones(aval.shape, aval.dtype))
    smooth = [x for x, rule in zip(operands, row.vjp, strict=True) if rule is not None]
    assert [(g.shape, g.dtype) for g in found] == [(x.shape, x.dtype) for x in smooth]


# ---- linear rows --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "k", "shape"), [(n, k, s) for n, s in cases(LINEAR, SHAPES) for k in LINEAR[n]]
)
def test_adjoint(name, k, shape):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩, where Aᵀ is the derivative rule. On whole numbers, so exactly."""
    random = np.random.default_rng(3)
    operands, params = drawn(name, shape)
    whole = [random.integers(-8, 9, x.shape).astype(F64) if x.dtype == F64 else x for x in operands]
    if name == "div":  # by powers of two, which is exact
        whole[1] = 2.0 ** random.integers(-2, 3, shape)
    row = TABLE[name]
    with interpreting(Eager()):
        out = row(*whole, **params)
        y = random.integers(-8, 9, out.shape).astype(F64)
        adjoint = row.vjp[k](y, out, *whole, **params)
        other = [
            random.integers(-8, 9, x.shape) + 0.0 if i == k else x for i, x in enumerate(whole)
        ]
        total = [
            x + x2 if i == k else x for i, (x, x2) in enumerate(zip(whole, other, strict=True))
        ]
        if name not in ("add", "where"):  # linear in one operand only when the others are zero
            assert np.array_equal(row(*total, **params), out + row(*other, **params))
        zeroed = [
            np.zeros_like(x) if i != k and name in ("add", "where") and x.dtype == F64 else x
            for i, x in enumerate(whole)
        ]
        image = row(*zeroed, **params)
    assert np.sum(image * y) == np.sum(whole[k] * adjoint)


PAIRS = [
    ("windows", "fold"), ("slice", "pad"), ("take", "scatter_add"), ("broadcast", "sum"),
    ("permute", "permute"), ("reshape", "reshape"), ("contract", "contract"), ("neg", "neg"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [*PAIRS, *(pair[::-1] for pair in PAIRS[:4])])
def test_adjoint_rows_are_each_others_derivative(one, other):
    operands, params = drawn(one, (2, 4, 3, 2))
    used = rows_used_by_the_derivatives(one, operands, params)
    assert used == {other}


# ---- closure ------------------------------------------------------------------------------------


class Recorder(Eager):
    """Computes, and remembers which row was called on what."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Primitive, tuple, np.ndarray]] = []

    def bind(self, row: Primitive, operands: tuple, params: dict) -> np.ndarray:
        out = super().bind(row, operands, params)
        self.calls.append((row, operands, out))
        return out


def rows_used_by_the_derivatives(name: str, operands: tuple, params: dict) -> set[str]:
    row = TABLE[name]
    with interpreting(Eager()):
        out = row(*operands, **params)
    g = np.ones_like(out)
    with interpreting(Recorder()) as recorder:
        for rule in row.vjp:
            if rule is not None:
                rule(g, out, *operands, **params)
    for used, given, result in recorder.calls:
        assert TABLE[used.name] is used
        assert len(used.vjp) == len(given)
        for x, rule in zip(given, used.vjp, strict=True):
            flows = x.dtype.kind == "f" and result.dtype.kind == "f"
            assert rule is not None or not flows, f"{name} uses {used.name}, a dead end"
    return {used.name for used, _, _ in recorder.calls}


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_derivatives_use_only_rows_that_have_derivatives(name):
    operands, params = drawn(name, (2, 3))
    rows_used_by_the_derivatives(name, operands, params)


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_derivatives_compute_nothing_outside_the_table(name):
    """A rule handed opaque values never looks at their numbers: it can be traced."""

    class Opaque:
        def __init__(self, aval: Aval):
            self.shape, self.dtype = aval

    class Shapes:
        def bind(self, row: Primitive, operands: tuple, params: dict) -> Opaque:
            return Opaque(row.shape(*avals(operands), **params))

        def spread(self, number: float, dtype: np.dtype, shape: tuple[int, ...]) -> Opaque:
            return Opaque(Aval(shape, dtype))

    operands, params = drawn(name, (2, 3))
    row = TABLE[name]
    out = Opaque(row.shape(*avals(operands), **params))
    hidden = [Opaque(aval) for aval in avals(operands)]
    with interpreting(Shapes()):
        for x, rule in zip(operands, row.vjp, strict=True):
            if rule is not None:
                g = rule(out, out, *hidden, **params)
                assert (g.shape, g.dtype) == (x.shape, x.dtype)


# ---- shape rules refuse -------------------------------------------------------------------------

A23, A3 = Aval((2, 3), F64), Aval((3,), F64)
REFUSED: list[tuple[str, tuple, dict]] = [
    ("add", (A23, A3), {}),
    ("mul", (A23, Aval((2, 3), F32)), {}),
    ("less", (A23, A3), {}),
    ("where", (A23, A23, A23), {}),
    ("where", (Aval((3,), BOOL), A23, A23), {}),
    ("where", (Aval((2, 3), BOOL), A23, A3), {}),
    ("sum", (A23,), {"axes": (2,)}),
    ("sum", (A23,), {"axes": (1, 1)}),
    ("max", (Aval((0, 3), F64),), {"axes": (0,)}),
    ("argmax", (Aval((0, 3), F64),), {"axis": 0}),
    ("contract", (A23, A23), {"spec": "ij,jk->ik"}),
    ("contract", (A23, A3), {"spec": "ij,jk->ik"}),
    ("contract", (A23, A3), {"spec": "ij,j->"}),
    ("contract", (A23, Aval((3,), F32)), {"spec": "ij,j->i"}),
    ("reshape", (A23,), {"shape": (5,)}),
    ("permute", (A23,), {"order": (0, 0)}),
    ("broadcast", (A3,), {"shape": (2, 4), "axes": (0,)}),
    ("slice", (A3,), {"starts": (1,), "sizes": (3,), "steps": (1,)}),
    ("pad", (A3,), {"shape": (4,), "starts": (2,), "steps": (1,)}),
    ("windows", (A3,), {"size": (4,), "step": (1,)}),
    ("fold", (A23,), {"shape": (9,), "size": (3,), "step": (1,)}),
    ("scatter_add", (A23, Aval((3,), I64)), {"rows": 4}),
    ("take", (Aval((), F64), Aval((3,), I64)), {}),
    ("take", (A23, A3), {}),
    ("argmax", (A23,), {"axis": 2}),
    ("scatter_add", (A23, Aval((2,), F64)), {"rows": 4}),
    ("uniform", (A23,), {"shape": (2,)}),
]


@pytest.mark.parametrize(("name", "operands", "params"), REFUSED, ids=lambda v: str(v)[:40])
def test_shape_rules_refuse_what_does_not_fit(name, operands, params):
    with pytest.raises(RuntimeError):
        TABLE[name].shape(*operands, **params)
