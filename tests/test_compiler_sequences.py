"""Sequences: what is joined is stored in place, and all steps' products are one."""

import numpy as np
import pytest
from test_compiler_lower import nothing_kept

import steepest
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.compiler.capture.capture import capture
from steepest.compiler.graph import constant
from steepest.compiler.lower import stages
from steepest.compiler.memory.parts import copied_parts
from steepest.compiler.simplify import simplify
from steepest.core import Aval
from steepest.primitives import cast

__all__ = ["nothing_kept"]

F32 = np.dtype(np.float32)


class Network(nn.Module):
    def __init__(self, kind, bidirectional=False):
        super().__init__()
        self.read = getattr(nn, kind)(5, 16, batch_first=True, bidirectional=bidirectional)
        self.out = nn.Linear(32 if bidirectional else 16, 2)

    def forward(self, x):
        return self.out(self.read(x)[0])


def training(*how):
    steepest.manual_seed(0)
    net = Network(*how)
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x, y):
        loss = nn.MSELoss()(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


@pytest.mark.parametrize("how", [("RNN",), ("LSTM",), ("GRU",), ("LSTM", True)], ids=str)
def test_compiled_recurrent_networks(how):
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((12, 4, n)).astype(F32) for n in (5, 2))
    got = Epochs(training(*how)).run([x, y], np.arange(12), 6)
    step = training(*how)
    want = [step(*(steepest.tensor(a[i : i + 6]) for a in (x, y))).item() for i in (0, 6)]
    np.testing.assert_allclose(got, want, rtol=1e-5)


def simplified(steps, *how):
    """The graph of a training step on sequences of so many steps."""
    avals = [(name, Aval((6, steps, n), F32), "gathered") for name, n in (("x", 5), ("y", 2))]
    return simplify(capture(training(*how), avals).graph)


def test_steps_of_a_sequence_are_one_product_and_stored_in_place():
    graph = simplified(4, "RNN")
    names = [v.row.name for v in graph.equations()]
    # Forward the input of all steps, three steps with a past, what is read out; backward three
    # steps, the gradient of what is read out, and the three weights: each is one product.
    assert names.count("contract") == 1 + 3 + 1 + 3 + 1 + 3 and "pad" not in names
    lowered = stages(graph)
    joins = [nest for nest in lowered.fusion.nests if nest.kind == "join"]
    assert joins and not any(copied_parts(nest, lowered.layout.buffers) for nest in joins)


def test_steps_of_a_sequence_are_the_same_functions_and_carry_their_state():
    longer = [stages(simplified(steps, "LSTM")) for steps in (9, 14)]
    short, long = (len(lowered.emitted.functions) for lowered in longer)
    # Only the first and the last steps differ from the others, and no step goes back to the first.
    assert short == long
    more = [len(lowered.fusion.nests) for lowered in longer]
    assert more[1] - more[0] == 5 * 5  # two products, two maps and a join of its gates each


def test_a_weight_that_is_read_both_ways_is_turned_once():
    few, many = (stages(simplified(steps, "RNN")) for steps in (4, 8))
    copies = [
        [v for v in lowered.fusion.graph.equations() if v.is_row(cast) and v.shape == (16, 16)]
        for lowered in (few, many)
    ]
    assert [len(found) for found in copies] == [0, 1]
    (copy,) = copies[1]
    found = many.layout.roles.items()
    readers = [roles for nest, roles in found if copy in many.fusion.reads(nest)]
    assert len(readers) == 7 and not any(roles.summed or roles.strided for roles in readers)


def test_a_constant_of_one_number_takes_no_memory():
    assert constant(np.zeros((100, 100))).data.strides == (0, 0)
    assert constant(np.array([0.0, -0.0])).data.strides != (0,)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 17, 1), (16, 32)], ids=str)
def test_cat_and_its_gradient(sizes, axis):
    random = np.random.default_rng(1)
    shapes = [tuple(n if i == axis else 3 for i in range(3)) for n in sizes]
    x, w = (steepest.tensor(random.standard_normal(shapes[0]).astype(F32)) for _ in range(2))
    rest = [steepest.tensor(random.standard_normal(s).astype(F32)) for s in shapes[1:]]
    w.requires_grad_()

    def step(x):
        joined = steepest.cat([steepest.tanh(x * w), *(r * w.sum() for r in rest)], axis)
        return steepest.autograd.grad((joined * joined).sum(), [w])[0], joined

    for got, want in zip(steepest.compile(step)(x), step(x), strict=True):
        np.testing.assert_allclose(
            got.detach().numpy(), want.detach().numpy(), rtol=1e-4, atol=1e-5
        )


def test_what_is_joined_may_be_kept_in_a_state():
    """Slopes of the parts of one long vector, as a network's in `explain.Objective`."""
    slopes = steepest.zeros(7)

    def step(x):
        weights = steepest.arange(7.0).requires_grad_()
        ((weights[:3] * x[0]).sum() ** 2 + (weights[3:] ** 3).sum()).backward()
        slopes.copy_(weights.grad)
        return slopes.sum()

    Epochs(step).run([np.array([2.0], F32)], np.arange(1), 1)
    want = [np.full(3, 24.0), 3 * np.arange(3.0, 7.0) ** 2]
    np.testing.assert_allclose(slopes.numpy(), np.concatenate(want), rtol=1e-6)
