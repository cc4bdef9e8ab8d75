"""Some training steps, compiled against eager, with every layer, loss, optimizer and schedule.

The cases are the ones that are compared with PyTorch elsewhere; the names come from the library's
own lists, so that a new layer without a case fails here by its name. All forms of a layer, a loss
or an optimizer run in double precision, where a wrong term shows at its full size; one form of each
runs in single precision too, whose programs have the same equations.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import test_lr_scheduler
import test_optim
from oracle import F32, F64, tensors
from test_nn import LAYERS, LOSSES, OURS, operands

import steepest
from steepest import functional as F
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, compile

STEPS, BATCH = 8, 4  # all momenta and averages have been read and written several times
# Each update rounds once more; sums run in another order.
CLOSE = {F64: {"rtol": 1e-10, "atol": 1e-12}, F32: {"rtol": 1e-5, "atol": 1e-6}}
# Where a gradient is nearly zero, dividing by its size makes rounding errors as large as steps.
DIVIDED = {F64: {"rtol": 1e-9, "atol": 1e-11}, F32: {"rtol": 1e-3, "atol": 1e-4}}

Training = tuple[list, Callable[..., Any]]


def in_both(cases: list[tuple[str, Any]]) -> list[tuple[str, Any, np.dtype]]:
    """Each case in double precision, and the first of each name in single precision."""
    named = {written.partition("(")[0]: (written, other) for written, other in reversed(cases)}
    return [(*case, F64) for case in cases] + [(*case, F32) for case in named.values()]


def dtypes_name(argument: Any) -> str | None:
    return str(argument) if isinstance(argument, np.dtype) else None


def numbers(*shape: int, dtype: np.dtype, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def assert_alike(found: list, wanted: list, close: dict) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), **close)


def training(model: nn.Module, loss_of: Callable[..., Any], parameters: list) -> Training:
    """A step of momentum descent: heavy enough to carry state, smooth enough to be compared."""
    moving = optim.SGD(parameters, lr=0.05, momentum=0.9)

    def step(*batch: Any) -> Any:
        moving.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        moving.step()
        return loss

    return [*model.parameters(), *model.buffers(), *parameters], step


def assert_compiled_steps_are_eager(build: Callable[[], Training], batches: list) -> None:
    """The same calls of two twins; weights, buffers and the last loss agree."""
    results = []
    for wrap in (lambda step: step, compile):
        steepest.manual_seed(0)
        weights, step = build()
        step, losses = wrap(step), []
        steepest.manual_seed(1)
        for batch in batches:
            losses.append(step(*(tensor(array) for array in batch)))
        results.append((weights, losses))
    (wanted, losses), (found, others) = results
    close = CLOSE[losses[0].dtype]
    assert_alike(found, wanted, close)
    assert_alike(others, losses, close)


# ---- layers --------------------------------------------------------------------------------------


def around(written: str, shape: tuple | list, dtype: np.dtype) -> Training:
    """The layer between a scale per column, which is learnt too, and a quadratic loss."""
    layer = eval(written, OURS).to(dtype)
    width = 1 if isinstance(shape, list) else shape[-1]
    scale = nn.Parameter(tensor(1 + 0.1 * numbers(width, dtype=dtype)))

    def loss_of(*inputs: Any) -> Any:
        out = layer(*(x * scale if x.dtype.kind == "f" else x for x in inputs))
        return sum(((y - 0.3) ** 2).mean() for y in tensors(out, steepest.Tensor))

    return training(layer, loss_of, [scale, *layer.parameters()])


# Layers without a twin in PyTorch, and those that draw numbers.
OTHER_LAYERS = [
    ("Dropout(0.3)", (4, 6)),
    ("Dropout(0.3, inplace=True)", (4, 6)),
    ("LSTM(3, 4, 2, dropout=0.3)", (3, 2, 3)),
    ("TransformerEncoderLayer(6, 2, 8)", (4, 3, 6)),
    ("MultiheadAttention(6, 2, 0.3)", [(4, 3, 6), (5, 3, 6), (5, 3, 6)]),
    ("ScaledTanh()", (4, 6)),
    ("SubSampling(3, 2)", (2, 3, 6, 4)),
    ("TableConv2d(3, [[0, 1], [1, 2]], 3)", (2, 3, 6, 5)),
    ("RBF([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])", (4, 3)),
]


@pytest.mark.parametrize(
    ("written", "shape", "dtype"), in_both(OTHER_LAYERS + LAYERS), ids=dtypes_name
)
def test_every_layer(written, shape, dtype):
    batches = [
        operands(shape, lambda s, k=k: numbers(*s, dtype=dtype, seed=k)) for k in range(STEPS)
    ]
    assert_compiled_steps_are_eager(lambda: around(written, shape, dtype), batches)


# ---- losses --------------------------------------------------------------------------------------

OUTPUTS = {
    "probabilities": nn.Softmax(1),
    "log-probabilities": nn.LogSoftmax(1),
}
OTHER_LOSSES = [("SumSquaresLoss()", "numbers"), ("MAPLoss(0.1)", "classes")]


def targets_of(kind: str, dtype: np.dtype, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    numbers = lambda: random.standard_normal((6, 4)).astype(dtype)
    signs = lambda *shape: 2 * random.integers(0, 2, shape) - 1
    return {
        "classes": lambda: [random.integers(0, 4, 6)],
        "log-probabilities": lambda: [random.integers(0, 4, 6)],
        "shares": lambda: [random.dirichlet(np.ones(4), 6).astype(dtype)],
        "numbers": lambda: [numbers()],
        "logits": lambda: [random.integers(0, 2, (6, 4)).astype(dtype)],
        "probabilities": lambda: [random.integers(0, 2, (6, 4)).astype(dtype)],
        "counts": lambda: [random.integers(0, 5, (6, 4)).astype(dtype)],
        "variances": lambda: [numbers(), random.uniform(0.1, 2, (6, 4)).astype(dtype)],
        "signs": lambda: [signs(6, 4).astype(dtype)],
        "ranks": lambda: [numbers(), signs(6, 4)],
        "pairs": lambda: [numbers(), signs(6)],
        "triplets": lambda: [numbers(), numbers()],
    }[kind]()


@pytest.mark.parametrize(
    ("written", "kind", "dtype"), in_both([*LOSSES, *OTHER_LOSSES]), ids=dtypes_name
)
def test_every_loss(written, kind, dtype):
    def build() -> Training:
        model = nn.Sequential(nn.Linear(3, 4), OUTPUTS.get(kind, nn.Identity())).to(dtype)
        loss = eval(written, OURS).to(dtype)
        return training(model, lambda x, *y: loss(model(x), *y).mean(), list(model.parameters()))

    batches = [
        (numbers(6, 3, dtype=dtype, seed=k), *targets_of(kind, dtype, k)) for k in range(STEPS)
    ]
    assert_compiled_steps_are_eager(build, batches)


def test_every_module_has_a_case():
    written = " ".join(case for case, _ in [*LAYERS, *OTHER_LAYERS, *LOSSES, *OTHER_LOSSES])
    named = [getattr(nn, name) for name in nn.__all__]
    modules = {x.__name__ for x in named if isinstance(x, type) and issubclass(x, nn.Module)}
    # these cannot be called, and the lazy ones are Linear and Conv2d once they were called
    base = {"Module", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    base |= {"LazyLinear", "LazyConv2d"}
    assert {name for name in modules - base if f"{name}(" not in written} == set()


# ---- optimizers ----------------------------------------------------------------------------------

OPTIMIZERS = test_optim.GRID + test_optim.DEFAULTS + [("Muon", {"lr": 0.05})]


def regression(dtype: np.dtype, optimizer_of: Callable[..., Any]) -> Training:
    steepest.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).to(dtype)
    unused = nn.Parameter(steepest.ones(2))  # has no gradient
    groups = [{"params": [*model[0].parameters(), unused]}, {"params": [*model[2].parameters()]}]
    optimizer = optimizer_of(groups)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return [*model.parameters(), unused, optimizer], step


def trained(weights: list) -> list:
    """The weights, and what the optimizer keeps beside them."""
    *parameters, optimizer = weights
    kept = [value for p in parameters for value in optimizer.state.get(p, {}).values()]
    return parameters + [x for x in kept if isinstance(x, steepest.Tensor)]


@pytest.mark.parametrize(("name", "settings", "dtype"), in_both(OPTIMIZERS), ids=dtypes_name)
def test_every_optimizer(name, settings, dtype):
    """Epochs with a smaller last mini-batch: two programs that share the state."""
    x, y = numbers(19, 3, dtype=dtype), numbers(19, 2, dtype=dtype, seed=1)
    order = np.stack([np.random.default_rng(k).permutation(19) for k in range(2)])

    def make(groups: list[dict]) -> optim.Optimizer:
        if name == "Muon":  # takes matrices only
            groups = [{"params": [p for p in g["params"] if p.ndim == 2]} for g in groups]
        return getattr(optim, name)(groups, **settings)

    wanted, step = regression(dtype, make)
    losses = []
    for epoch in order:
        for rows in np.split(epoch, range(BATCH, 19, BATCH)):
            losses.append(step(tensor(x[rows]), tensor(y[rows])).item())
    found, step = regression(dtype, make)
    epochs = Epochs(step)
    others = [epochs.run([x, y], epoch, BATCH) for epoch in order]
    close = (CLOSE if name == "SGD" else DIVIDED)[dtype]
    np.testing.assert_allclose(np.concatenate(others), losses, **close)
    assert_alike(trained(found), trained(wanted), close)


def test_every_optimizer_has_a_case():
    kinds = {name for name in optim.__all__ if isinstance(getattr(optim, name), type)}
    # whether L-BFGS goes on depends on the numbers that it finds
    assert {name for name, _ in OPTIMIZERS} == kinds - {"Optimizer", "LBFGS"}


# ---- schedules -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "settings"), test_lr_scheduler.GRID)
def test_every_schedule(name, settings):
    """The compiled step reads the rates from the tensors that the schedule writes into."""
    wanted = scheduled(name, settings, float, lambda step: step)
    assert_alike(scheduled(name, settings, tensor, compile), wanted, CLOSE[F64])


@pytest.mark.parametrize("optimizer", ["Adam", "Adamax", "NAdam", "RAdam", "RMSprop"])
def test_a_momentum_that_goes_up_and_down(optimizer):
    """It is data of the program from when it is changed for the first time."""
    settings = {"max_lr": [0.05, 0.01], "total_steps": 20}
    compiled, eager = (
        scheduled("OneCycleLR", settings, float, wrap, getattr(optim, optimizer))
        for wrap in (compile, lambda step: step)
    )
    assert_alike(compiled, eager, CLOSE[F64])


def scheduled(
    name: str, settings: dict, rate: Callable, wrap: Callable, kind: Callable | None = None
) -> list:
    """What training under a schedule ends with."""
    x, y = numbers(6, 3, dtype=F64), numbers(6, 2, dtype=F64, seed=1)

    def make(groups: list[dict]) -> optim.Optimizer:
        for group, lr in zip(groups, (0.1, 0.02), strict=True):
            group["lr"] = rate(np.float64(lr))
        return optim.SGD(groups, momentum=0.9) if kind is None else kind(groups)

    weights, step = regression(F64, make)
    schedule = getattr(optim.lr_scheduler, name)(weights[-1], **settings)
    step = wrap(step)
    for _ in range(20):  # past every milestone and restart
        step(tensor(x), tensor(y))
        schedule.step()
    return trained(weights)


def test_every_schedule_has_a_case():
    # combinations of those, and one that needs a measure, write into the same tensors
    others = {"LRScheduler", "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"}
    named = set(optim.lr_scheduler.__all__) - others
    assert {name for name, _ in test_lr_scheduler.GRID} == named
