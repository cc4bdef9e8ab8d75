"""Bits of whole numbers, and tensors that take another shape in place: against PyTorch."""

import numpy as np
import pytest
import torch

import steepest

KINDS = ("uint8", "int16", "int32", "int64", "bool")
OPERATORS = {
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
    "not": lambda x, y: ~x,
}


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=list(OPERATORS))
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_pytorchs_from_the_smallest_number_to_the_largest(kind, operator):
    random = np.random.default_rng(0)
    ends = (0, 1) if kind == "bool" else (np.iinfo(kind).min, np.iinfo(kind).max)
    x, y = random.integers(*ends, (2, 50), "int64", endpoint=True).astype(kind)
    x[:2] = ends
    found = operator(steepest.from_numpy(x), steepest.from_numpy(y)).numpy()
    wanted = operator(torch.from_numpy(x), torch.from_numpy(y)).numpy()
    assert found.dtype == wanted.dtype and (found == wanted).all()


def test_bits_in_a_program_and_in_place():
    x, y = steepest.tensor([5, 6, -7]), steepest.tensor([4, 3, -2])
    program = steepest.compile(lambda x, y: (x & y) | 1)
    assert program(x, y).tolist() == [(a & b) | 1 for a, b in [(5, 4), (6, 3), (-7, -2)]]
    x &= y
    assert x.tolist() == [4, 2, -8]
    with pytest.raises(NotImplementedError, match="whole numbers"):
        steepest.ones(2) & steepest.ones(2)


def transposed_in_place(library):
    w = library.ones(2, 3, requires_grad=True)
    z = w * 2
    z.t_()
    z[0] = 0
    z.unsqueeze_(1)
    (z * z).sum().backward()
    return z.detach().numpy(), w.grad.numpy()


def test_a_tensor_that_takes_another_shape_keeps_its_history():
    for found, wanted in zip(
        transposed_in_place(steepest), transposed_in_place(torch), strict=True
    ):
        assert found.shape == wanted.shape and (found == wanted).all()
    with pytest.raises(RuntimeError, match="leaf"):
        steepest.ones(2, 3, requires_grad=True).t_()


def test_a_program_may_reshape_what_it_made_and_not_what_it_found():
    def step(x):
        z = x * 2
        z.t_()
        z.add_(1)
        return z.unsqueeze_(0)

    x, kept = steepest.arange(6.0).reshape(2, 3), steepest.zeros(2, 3)
    assert (steepest.compile(step)(x).numpy() == step(x).numpy()).all()
    with pytest.raises(steepest.compiler.NotCompilable, match="changes its shape"):
        steepest.compile(lambda x: x + kept.t_().sum())(x)
    assert kept.shape == (2, 3)
