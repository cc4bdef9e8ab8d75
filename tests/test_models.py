"""Models: sizes from the data, weights from the seed, names with a hint."""

import numpy as np
import pytest
import torch

from steepest import models, nn
from steepest.core import RequestError
from steepest.data import load_data
from steepest.random import default_generator
from steepest.tensors import tensor


def shapes(model):
    return [tuple(p.shape) for p in model.parameters()]


def test_linear_is_one_layer_with_or_without_bias():
    assert shapes(models.linear(13)) == [(1, 13), (1,)]
    assert shapes(models.linear(4, 3, bias=False)) == [(3, 4)]


def test_mlp_has_the_hidden_layers_and_activations_asked_for():
    model = models.mlp(13, 2, hidden=(8, 4), activation="relu")
    assert shapes(model) == [(8, 13), (8,), (4, 8), (4,), (2, 4), (2,)]
    assert [type(m) for m in model][1::2] == [nn.ReLU, nn.ReLU]
    assert shapes(models.mlp(3, 1, hidden=())) == [(1, 3), (1,)]


@pytest.mark.parametrize("name", models.ACTIVATIONS)
def test_every_activation_makes_a_model_that_computes(name):
    out = models.mlp(3, 2, hidden=(5,), activation=name)(tensor([[1.0, -2.0, 0.5]]))
    assert out.shape == (1, 2)
    assert np.isfinite(out.detach().numpy()).all()


def test_create_takes_its_sizes_from_the_data_and_flattens_images():
    assert shapes(models.create("linear", load_data("housing")))[0] == (1, 13)
    pixels = np.random.default_rng(0).normal(size=(30, 1, 4, 5)).astype(np.float32)
    images = load_data((pixels, np.arange(30) % 3), task="classification")
    model = models.create("mlp", images, hidden=(7,))
    assert shapes(model)[0] == (7, 20)
    assert model(tensor(images.train.x)).shape == (len(images.train), 3)
    assert shapes(models.create("linear", images, outputs=1))[0] == (1, 20)


def test_create_starts_from_pytorchs_weights_and_leaves_the_generator_alone():
    data = load_data("housing")
    before = default_generator._twister.state["state"]["pos"], default_generator.key.tolist()
    ours = models.create("mlp", data, hidden=(8,), seed=7)
    assert (
        default_generator._twister.state["state"]["pos"],
        default_generator.key.tolist(),
    ) == before
    torch.manual_seed(7)
    theirs = torch.nn.Sequential(torch.nn.Linear(13, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        # PyTorch multiplies and adds in one rounding, so the last bit may differ.
        assert np.allclose(p.detach().numpy(), q.detach().numpy(), rtol=0, atol=3e-8)


def test_the_generator_is_undisturbed_even_when_it_is_seeded_in_the_block():
    default_generator.manual_seed(3)
    default_generator.normal(1, np.dtype(np.float32))  # leaves a spare normal number
    with default_generator.undisturbed():
        wanted = default_generator.normal(3, np.dtype(np.float32)).tolist()
        default_generator.manual_seed(9)
        default_generator.words(5)
    assert default_generator.initial_seed() == 3
    assert default_generator.normal(3, np.dtype(np.float32)).tolist() == wanted


def test_wrong_requests_name_what_is_near():
    data = load_data("housing")
    with pytest.raises(RequestError, match="did you mean 'linear'"):
        models.create("liner", data)
    with pytest.raises(RequestError, match="did you mean 'relu'"):
        models.mlp(3, 1, activation="rellu")
    for width in (0, -3, 2.5, True):
        with pytest.raises(RequestError, match="width"):
            models.mlp(3, 1, hidden=(8, width))
