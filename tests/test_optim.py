"""Optimizers against PyTorch's: the same steps, the same state, the same refusals."""

import copy

import numpy as np
import pytest
import torch

from steepest import functional as F
from steepest import no_grad, optim, tensor

GRID = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.5, "maximize": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.02}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-6}),
    ("Adagrad", {"lr": 0.01, "maximize": True}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.001, "alpha": 0.8, "eps": 1e-5, "weight_decay": 0.02}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.7}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.7}),
    ("RMSprop", {"lr": 0.01, "centered": True, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-5, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.01, "maximize": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True, "maximize": True}),
    ("Adadelta", {"lr": 1.0, "eps": 1e-4}),
    ("Adadelta", {"lr": 2.0, "rho": 0.7, "eps": 1e-4, "weight_decay": 0.05}),
    ("Adadelta", {"lr": 0.1, "eps": 1e-3, "maximize": True}),
    ("Adamax", {"lr": 0.05}),
    ("Adamax", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-5, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.01, "maximize": True}),
    ("NAdam", {"lr": 0.01}),
    ("NAdam", {"lr": 0.01, "betas": (0.7, 0.95), "eps": 1e-5, "weight_decay": 0.1}),
    (
        "NAdam",
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1},
    ),
    ("NAdam", {"lr": 0.01, "maximize": True}),
    ("RAdam", {"lr": 0.05}),
    ("RAdam", {"lr": 0.05, "betas": (0.7, 0.95), "eps": 1e-5, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.01, "maximize": True}),
    ("Adafactor", {"lr": 0.005, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {"lr": 0.01}),
    ("Rprop", {"lr": 0.05, "etas": (0.3, 1.5), "step_sizes": (1e-3, 0.2)}),
    ("ASGD", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.01, "alpha": 0.5, "t0": 5, "weight_decay": 0.05}),
    ("ASGD", {"lr": 0.01, "maximize": True}),
]
# A short memory makes RMSprop jump around the minimum: PyTorch, started one rounding unit away,
# ends 7e-9 from itself after 50 steps; Rprop steps by the signs of slopes, however small, and
# Adafactor by little more than them.
# The rule can be compared, the path cannot.
TWITCHING = [
    ("RMSprop", {"lr": 0.01, "alpha": 0.8, "eps": 1e-5, "weight_decay": 0.02}),
    ("Rprop", {"lr": 0.001, "maximize": True}),
    ("Adafactor", {"lr": 0.05}),
    ("Adafactor", {"lr": 0.01, "beta2_decay": -0.5, "eps": (1e-8, 1e-2), "d": 1.5}),
]
NAMES = list(dict.fromkeys(name for name, _ in GRID))
DEFAULTS = [(name, {}) for name in NAMES]


class Problem:
    """mean((tanh(x w) s + b − y)²), written alike for both libraries; `unused` has no gradient."""

    def __init__(self, dtype=np.float64, seed=0):
        random = np.random.default_rng(seed)
        self.x, self.y = (random.standard_normal(s).astype(dtype) for s in ((20, 4), (20, 3)))
        shapes = {"w": (4, 3), "b": (3,), "s": (), "unused": (2,)}
        self.start = {k: np.asarray(random.standard_normal(s), dtype) for k, s in shapes.items()}
        self.ours = {k: tensor(v, requires_grad=True) for k, v in self.start.items()}
        self.theirs = {k: torch.tensor(v, requires_grad=True) for k, v in self.start.items()}

    def loss(self, p, x, y, tanh):
        error = tanh(x @ p["w"]) * p["s"] + p["b"] - y
        return (error * error).mean()

    def our_loss(self):
        return self.loss(self.ours, tensor(self.x), tensor(self.y), F.tanh)

    def their_loss(self):
        return self.loss(self.theirs, torch.tensor(self.x), torch.tensor(self.y), torch.tanh)

    def run(self, ours, theirs, steps):
        for _ in range(steps):
            for optimizer, loss in ((ours, self.our_loss), (theirs, self.their_loss)):
                optimizer.zero_grad()
                loss().backward()
                optimizer.step()

    def compare(self, rtol, atol):
        for name, p in self.ours.items():
            expected = self.theirs[name].detach().numpy()
            np.testing.assert_allclose(p.detach().numpy(), expected, rtol, atol, err_msg=name)


def pair(name, problem, **settings):
    ours = getattr(optim, name)(problem.ours.values(), **settings)
    return ours, getattr(torch.optim, name)(problem.theirs.values(), **settings)


def as_torch(state):
    """A state dict with our tensors replaced by PyTorch's."""
    if isinstance(state, dict):
        return {k: as_torch(v) for k, v in state.items()}
    if isinstance(state, list):
        return [as_torch(v) for v in state]
    return torch.tensor(np.array(state)) if hasattr(state, "value") else state


def same_state(ours, theirs, rtol=1e-9, atol=1e-12):
    assert ours["param_groups"] == theirs["param_groups"]
    assert list(ours["state"]) == list(theirs["state"])
    for number, values in theirs["state"].items():
        assert set(ours["state"][number]) == set(values)
        for key, value in values.items():
            mine = ours["state"][number][key]
            assert str(mine.dtype) == str(value.dtype).removeprefix("torch."), key
            np.testing.assert_allclose(mine.numpy(), value.numpy(), rtol, atol, err_msg=key)


@pytest.mark.parametrize(("name", "settings"), [*GRID, *DEFAULTS, *TWITCHING])
def test_the_rule(name, settings):
    """Fed PyTorch's gradients, 50 updates differ by their rounding only."""
    problem = Problem()
    ours, theirs = pair(name, problem, **settings)
    for _ in range(50):
        theirs.zero_grad()
        problem.their_loss().backward()
        for key, p in problem.ours.items():
            g = problem.theirs[key].grad
            p.grad = None if g is None else tensor(g.numpy())
        ours.step()
        theirs.step()
    problem.compare(1e-12, 1e-13)
    same_state(ours.state_dict(), theirs.state_dict(), 1e-12, 1e-13)


@pytest.mark.parametrize(("name", "settings"), GRID + DEFAULTS)
def test_fifty_steps(name, settings):
    """On its own gradients, training takes the same path."""
    problem = Problem()
    ours, theirs = pair(name, problem, **settings)
    problem.run(ours, theirs, 50)
    moved = np.abs(problem.ours["w"].detach().numpy() - problem.start["w"]).max()
    assert moved > 1e-3  # the comparison below says nothing about parameters that stayed
    problem.compare(1e-9, 1e-9)
    same_state(ours.state_dict(), theirs.state_dict(), 1e-9, 1e-9)


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_float32(name, settings):
    # 50 steps of rounding at 6e-8 each, amplified where a root of a small average divides.
    problem = Problem(np.float32)
    ours, theirs = pair(name, problem, **settings)
    problem.run(ours, theirs, 50)
    problem.compare(1e-4, 1e-4)
    assert problem.ours["w"].dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_groups_with_settings_of_their_own(name):
    problem = Problem()
    ours, theirs = (
        getattr(module, name)(
            [
                {"params": [p["w"], p["s"]]},
                {"params": p["b"], "lr": 0.2, "weight_decay": 0.3},
            ],
            lr=0.01,
        )
        for module, p in ((optim, problem.ours), (torch.optim, problem.theirs))
    )
    problem.run(ours, theirs, 20)
    problem.compare(1e-9, 1e-9)
    same_state(ours.state_dict(), theirs.state_dict())
    assert [g["lr"] for g in ours.param_groups] == [0.01, 0.2]
    assert repr(ours) == repr(theirs)


def test_added_group():
    problem = Problem()
    ours, theirs = (
        module.Adam([p["w"]], lr=0.1)
        for module, p in ((optim, problem.ours), (torch.optim, problem.theirs))
    )
    problem.run(ours, theirs, 5)
    ours.add_param_group({"params": [problem.ours["b"]], "lr": 0.3})
    theirs.add_param_group({"params": [problem.theirs["b"]], "lr": 0.3})
    problem.run(ours, theirs, 5)
    problem.compare(1e-9, 1e-9)
    same_state(ours.state_dict(), theirs.state_dict())


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_a_pytorch_checkpoint_goes_on(name, settings):
    problem = Problem()
    _, theirs = pair(name, problem, **settings)
    for _ in range(10):
        theirs.zero_grad()
        problem.their_loss().backward()
        theirs.step()
    with no_grad():
        for key, p in problem.ours.items():
            p.copy_(tensor(problem.theirs[key].detach().numpy()))
    ours = getattr(optim, name)(problem.ours.values(), lr=123.0)
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    same_state(ours.state_dict(), theirs.state_dict())
    problem.run(ours, theirs, 10)
    problem.compare(1e-9, 1e-9)


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_our_checkpoint_goes_on_in_pytorch(name, settings):
    problem = Problem()
    ours, theirs = pair(name, problem, **settings)
    problem.run(ours, theirs, 10)
    fresh = getattr(torch.optim, name)(problem.theirs.values(), lr=123.0)
    fresh.load_state_dict(as_torch(ours.state_dict()))
    problem.run(ours, fresh, 10)
    problem.compare(1e-9, 1e-9)


def test_a_loaded_state_is_a_copy_and_continues_to_the_same_bits():
    first, second = Problem(), Problem()
    ours, _ = pair("Adam", first, lr=0.1, amsgrad=True)
    again, _ = pair("Adam", second, lr=0.7)
    for _ in range(5):
        ours.zero_grad()
        first.our_loss().backward()
        ours.step()
    saved = copy.deepcopy(ours.state_dict())
    again.load_state_dict(ours.state_dict())
    with no_grad():
        for key, p in second.ours.items():
            p.copy_(first.ours[key].detach())
    for problem, optimizer in ((first, ours), (second, again)):
        for _ in range(5):
            optimizer.zero_grad()
            problem.our_loss().backward()
            optimizer.step()
    for key, p in first.ours.items():
        assert (p.detach().numpy() == second.ours[key].detach().numpy()).all()
    # what was loaded did not move with the optimizer it came from
    assert float(saved["state"][0]["step"]) == 5
    assert float(again.state_dict()["state"][0]["step"]) == 10


def test_a_damped_direction_that_is_loaded_before_its_first_step_starts_undamped():
    first, second = Problem(), Problem()
    settings = {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}
    ours, theirs = pair("SGD", first, **settings)
    ours.prepare()
    again, _ = pair("SGD", second, lr=0.7)
    again.load_state_dict(ours.state_dict())
    first.run(ours, theirs, 3)
    second.run(again, pair("SGD", second, **settings)[1], 3)
    first.compare(1e-9, 1e-9)
    second.compare(1e-9, 1e-9)


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_memory_stays_where_it_is(name, settings):
    problem = Problem()
    optimizer, _ = pair(name, problem, **settings)
    problem.our_loss().backward()
    optimizer.step()
    places = {k: p.value for k, p in problem.ours.items()}
    state = {k: v.value for k, v in optimizer.state[problem.ours["w"]].items()}
    problem.our_loss().backward()
    optimizer.step()
    assert all(problem.ours[k].value is place for k, place in places.items())
    after = optimizer.state[problem.ours["w"]]
    assert all(after[k].value is place for k, place in state.items())


@pytest.mark.parametrize(("name", "settings"), GRID)
def test_prepared_state_changes_nothing(name, settings):
    plain, prepared = Problem(), Problem()
    optimizers = [pair(name, p, **settings)[0] for p in (plain, prepared)]
    optimizers[1].prepare()
    for _ in range(3):
        for problem, optimizer in zip((plain, prepared), optimizers, strict=True):
            optimizer.zero_grad()
            problem.our_loss().backward()
            optimizer.step()
    for key, p in plain.ours.items():
        assert (p.detach().numpy() == prepared.ours[key].detach().numpy()).all()


@pytest.mark.parametrize("name", NAMES)
def test_learning_rate_as_a_tensor(name):
    """What a compiled step needs: the rate is data, read at every step."""
    problem = Problem()
    lr = tensor(np.float64(0.1))
    ours = getattr(optim, name)(problem.ours.values(), lr=lr)
    theirs = getattr(torch.optim, name)(problem.theirs.values(), lr=0.1)
    problem.run(ours, theirs, 3)
    lr.fill_(0.02)
    theirs.param_groups[0]["lr"] = 0.02
    problem.run(ours, theirs, 3)
    problem.compare(1e-9, 1e-9)


def test_closure_computes_the_loss_and_its_gradients():
    problem = Problem()
    ours, _ = pair("SGD", problem, lr=0.1)

    def closure():
        ours.zero_grad()
        loss = problem.our_loss()
        loss.backward()
        return loss

    before = problem.our_loss().item()
    with no_grad():
        assert ours.step(closure).item() == before
    assert problem.our_loss().item() < before
    assert ours.step() is None


def test_zero_grad():
    problem = Problem()
    ours, _ = pair("SGD", problem)
    problem.our_loss().backward()
    place = problem.ours["w"].grad
    ours.zero_grad(set_to_none=False)
    assert problem.ours["w"].grad is place
    assert (place.numpy() == 0).all()
    assert problem.ours["unused"].grad is None
    ours.zero_grad()
    assert problem.ours["w"].grad is None


REFUSED = [
    ("SGD", {"lr": -1}, "Invalid learning rate: -1"),
    ("SGD", {"momentum": -0.5}, "Invalid momentum value: -0.5"),
    ("SGD", {"weight_decay": -0.5}, "Invalid weight_decay value: -0.5"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "zero dampening"),
    ("Adagrad", {"lr_decay": -0.5}, "Invalid lr_decay value: -0.5"),
    ("Adagrad", {"initial_accumulator_value": -1.0}, "Invalid initial_accumulator_value"),
    ("RMSprop", {"momentum": -1.0}, "Invalid momentum value: -1.0"),
    ("RMSprop", {"alpha": -1.0}, "Invalid alpha value: -1.0"),
    ("Adam", {"lr": float("nan")}, "Invalid learning rate: nan"),
    ("Adam", {"eps": -1}, "Invalid epsilon value: -1"),
    ("Adam", {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
    ("AdamW", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ("Adadelta", {"rho": 1.1}, "Invalid rho value: 1.1"),
    ("Adadelta", {"eps": -1.0}, "Invalid epsilon value: -1.0"),
    ("Adamax", {"betas": (0.0, 1.0)}, "Invalid beta parameter at index 1: 1.0"),
    ("NAdam", {"momentum_decay": -0.2}, "Invalid momentum_decay value: -0.2"),
    ("RAdam", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ("Rprop", {"etas": (1.0, 0.5)}, "Invalid eta values: 1.0, 0.5"),
    ("ASGD", {"weight_decay": -0.5}, "Invalid weight_decay value: -0.5"),
]


@pytest.mark.parametrize(("name", "settings", "message"), REFUSED)
def test_refused_settings(name, settings, message):
    problem = Problem()
    for module, params in ((optim, problem.ours), (torch.optim, problem.theirs)):
        with pytest.raises(ValueError, match=message):
            getattr(module, name)(params.values(), **settings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lr", [float("nan"), float("inf"), -1e-9])
def test_a_learning_rate_is_finite_and_not_negative(name, lr):
    with pytest.raises(ValueError, match="Invalid learning rate"):
        getattr(optim, name)([tensor([1.0])], lr=lr)


def test_refused_parameters():
    for module, new in ((optim, tensor), (torch.optim, torch.tensor)):
        x = new([1.0], requires_grad=True)
        for params, error, message in (
            ([], ValueError, "empty parameter list"),
            (x, TypeError, "should be an iterable"),
            ([x * 2], ValueError, "can't optimize a non-leaf Tensor"),
            ([1.0], TypeError, "can only optimize Tensors"),
            ([{"params": {x}}], TypeError, "order"),
            ([{"params": [x]}, {"params": [x]}], ValueError, "more than one parameter group"),
        ):
            with pytest.raises(error, match=message):
                module.SGD(params, lr=0.1)
        with pytest.raises(TypeError, match="must be a dict"):
            module.SGD([x], lr=0.1).add_param_group([x])
        with pytest.raises(TypeError, match="nonsense"):
            module.SGD([x], lr=0.1, nonsense=1)
    # PyTorch lets a bare set pass, and numbers the state in an order that changes between runs.
    with pytest.raises(TypeError, match="order"):
        optim.SGD({tensor([1.0])}, lr=0.1)
    with pytest.raises(ValueError, match="appears twice"):
        optim.SGD([x := tensor([1.0]), x], lr=0.1)
    with pytest.raises(ValueError, match="cannot be differentiated"):
        optim.Adam([tensor([1.0])], differentiable=True)


def test_refused_checkpoints():
    for module, new in ((optim, tensor), (torch.optim, torch.tensor)):
        x, y = (new([1.0], requires_grad=True) for _ in range(2))
        one = module.SGD([x], lr=0.1).state_dict()
        two = module.SGD([{"params": [x]}, {"params": [y]}], lr=0.1)
        with pytest.raises(ValueError, match="different number of parameter groups"):
            two.load_state_dict(one)
        with pytest.raises(ValueError, match="doesn't match the size"):
            module.SGD([x, y], lr=0.1).load_state_dict(one)


def test_an_optimizer_of_ones_own():
    """Two methods make an optimizer: signSGD's step has the length lr in every coordinate."""

    class SignSGD(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, p, g, state, group):
            p -= group["lr"] * F.sign(g)

    x = tensor([3.0, -2.0], requires_grad=True)
    optimizer = SignSGD([x], lr=0.5)
    (x * x).sum().backward()
    optimizer.step()
    assert x.tolist() == [2.5, -1.5]
