"""nn.utils against PyTorch: clipped gradients, parameters as a vector."""

import numpy as np
import pytest
import torch

from steepest import nn, tensor

RANDOM = np.random.default_rng(7)
SHAPES = [(3, 4), (5,), ()]


def parameters(library, tensor, arrays):
    made = [library.Parameter(tensor(values)) for values, _ in arrays]
    for parameter, (_, gradient) in zip(made, arrays, strict=True):
        parameter.grad = tensor(gradient)
    return [*made, library.Parameter(tensor(np.zeros(2)))]  # the last has no gradient


@pytest.fixture
def pairs():
    arrays = [(RANDOM.standard_normal(s), RANDOM.standard_normal(s)) for s in SHAPES]
    return parameters(nn, tensor, arrays), parameters(torch.nn, torch.tensor, arrays)


def gradients(parameters):
    return np.concatenate([p.grad.numpy().ravel() for p in parameters if p.grad is not None])


@pytest.mark.parametrize("norm_type", [1, 2, 3.5, float("inf")])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_norms_are_clipped(pairs, norm_type, limit):
    ours, theirs = pairs
    total = nn.utils.clip_grad_norm_(ours, limit, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, limit, norm_type)
    np.testing.assert_allclose(total.item(), expected.item(), 1e-12)
    np.testing.assert_allclose(gradients(ours), gradients(theirs), 1e-12)


def test_values_are_clipped(pairs):
    ours, theirs = pairs
    nn.utils.clip_grad_value_(ours, 0.3)
    torch.nn.utils.clip_grad_value_(theirs, 0.3)
    np.testing.assert_array_equal(gradients(ours), gradients(theirs))


def test_parameters_become_a_vector_and_come_back(pairs):
    ours, theirs = pairs
    vector = nn.utils.parameters_to_vector(ours)
    expected = torch.nn.utils.parameters_to_vector(theirs)
    np.testing.assert_array_equal(vector.detach().numpy(), expected.detach().numpy())
    nn.utils.vector_to_parameters(2 * vector, ours)
    twice = nn.utils.parameters_to_vector(ours)
    np.testing.assert_array_equal(twice.detach().numpy(), 2 * vector.detach().numpy())
    with pytest.raises(RuntimeError, match="20 elements"):
        nn.utils.vector_to_parameters(vector[1:], ours)


def test_a_norm_that_is_not_finite(pairs):
    for library, parameters in zip((nn, torch.nn), pairs, strict=True):
        parameters[1].grad[0] = float("nan")
        with pytest.raises(RuntimeError):
            library.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
        assert np.isnan(library.utils.clip_grad_norm_(parameters, 1.0).item())
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0
