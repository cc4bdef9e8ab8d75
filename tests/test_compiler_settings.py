"""Settings that change between the calls of a compiled step are followed, and compiled once."""

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import compile

OPTIMIZERS = {
    "sgd": (optim.SGD, {"lr": 0.01, "momentum": 0.5, "dampening": 0.1, "weight_decay": 0.01}),
    "adadelta": (optim.Adadelta, {"rho": 0.8, "eps": 1e-5, "weight_decay": 0.01}),
    "adafactor": (optim.Adafactor, {"beta2_decay": -0.7, "d": 0.9, "weight_decay": 0.01}),
    "adagrad": (optim.Adagrad, {"lr_decay": 0.01, "eps": 1e-6, "weight_decay": 0.01}),
    "adam": (optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.01}),
    "adamax": (optim.Adamax, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.01}),
    "adamw": (optim.AdamW, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.01}),
    "asgd": (optim.ASGD, {"lambd": 1e-3, "alpha": 0.7, "t0": 2.0, "weight_decay": 0.01}),
    "muon": (optim.Muon, {"momentum": 0.8, "eps": 1e-6, "weight_decay": 0.02}),
    "nadam": (optim.NAdam, {"momentum_decay": 0.01, "eps": 1e-6, "weight_decay": 0.01}),
    "radam": (optim.RAdam, {"betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.01}),
    "rmsprop": (optim.RMSprop, {"alpha": 0.9, "eps": 1e-6, "weight_decay": 0.01}),
    "rprop": (optim.Rprop, {"etas": (0.6, 1.1), "step_sizes": (1e-5, 10.0)}),
}
TIMES = 20  # more than a step is compiled anew before it is refused


def scaled(setting, by):
    return tuple(x * by for x in setting) if isinstance(setting, tuple) else setting * by


def trained(name, wrap):
    kind, settings = OPTIMIZERS[name]
    steepest.manual_seed(0)
    layer = nn.Linear(3, 4, bias=False)
    optimizer = kind(layer.parameters())

    def step(x):
        optimizer.zero_grad()
        loss = (layer(x).tanh() ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss

    step, group = wrap(step), optimizer.param_groups[0]
    x = tensor(np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32))
    for time in range(TIMES):
        step(x)
        group.update({key: scaled(x, 1 - time / 100) for key, x in settings.items()})
    return layer.weight.detach().numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_number_of_an_optimizer_may_change_at_every_call(name):
    compiled = []
    ours = trained(name, lambda step: compiled.append(compile(step)) or compiled[0])
    np.testing.assert_allclose(ours, trained(name, lambda step: step), rtol=1e-4, atol=1e-6)
    assert compiled[0].explain().count("Traced:") == 1


def test_a_setting_that_is_a_number_no_longer_is_a_constant_again():
    p = nn.Parameter(tensor(np.ones(2, np.float32)))
    optimizer = optim.Adafactor([p], lr=0.1)
    group = optimizer.param_groups[0]
    group["d"] = 0.5
    assert "d" in group.traced
    group["d"] = None
    assert "d" not in group.traced and group["d"] is None
