"""Random numbers are PyTorch's, bit for bit where its arithmetic can be reproduced."""

import numpy as np
import pytest
import torch

import steepest
from steepest.random import Generator, default_generator, next_key

SEEDS = [0, 1, 42, 2**31, 2**32 + 5, 2**63 - 1]
SHAPES = [(), (1,), (7,), (15,), (16,), (17,), (3, 5), (100, 33)]


def seeded(seed: int) -> None:
    steepest.manual_seed(seed)
    torch.manual_seed(seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_rand_is_pytorchs(seed, dtype):
    for shape in SHAPES:
        seeded(seed)
        ours = steepest.rand(shape, dtype=getattr(steepest, dtype))
        theirs = torch.rand(shape, dtype=getattr(torch, dtype))
        np.testing.assert_array_equal(ours.value, theirs.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_randn_is_pytorchs(seed, dtype):
    """From 16 numbers on, PyTorch takes vector logarithms that may round the last digit otherwise:
    a few units in the last place, of the larger of the number and its mean."""
    for shape in SHAPES:
        for mean, std in ((0.0, 1.0), (0.5, 2.0), (0.0, 0.02)):
            seeded(seed)
            ours = steepest.zeros(shape, dtype=getattr(steepest, dtype)).normal_(mean, std)
            theirs = torch.zeros(shape, dtype=getattr(torch, dtype)).normal_(mean, std)
            unit = np.finfo(dtype).eps
            limit = 0 if np.prod(shape) < 16 else 4 * unit
            np.testing.assert_allclose(
                ours.value, theirs.numpy(), rtol=limit, atol=limit * (std + mean)
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("ends", [(-0.1, 0.1), (-0.9258200997725514, 0.9258200997725514), (0.3, 7)])
def test_uniform_is_pytorchs(ends, dtype):
    """Layers start from these numbers, so the same seed starts the same training."""
    for shape in SHAPES:
        seeded(5)
        ours = steepest.zeros(shape, dtype=getattr(steepest, dtype)).uniform_(*ends)
        theirs = torch.zeros(shape, dtype=getattr(torch, dtype)).uniform_(*ends)
        np.testing.assert_array_equal(ours.value, theirs.numpy())


@pytest.mark.parametrize("seed", SEEDS)
def test_whole_numbers_are_pytorchs(seed):
    for low, high in ((0, 10), (-5, 5), (0, 2**20), (0, 2**28), (0, 2**33), (-(2**40), 2**40)):
        seeded(seed)
        ours, theirs = steepest.randint(low, high, (50,)), torch.randint(low, high, (50,))
        np.testing.assert_array_equal(ours.value, theirs.numpy())
    seeded(seed)
    assert steepest.randint(7, (3, 2)).tolist() == torch.randint(7, (3, 2)).tolist()
    for n in (0, 1, 2, 10, 1000):
        seeded(seed)
        assert steepest.randperm(n).tolist() == torch.randperm(n).tolist()


def test_a_sequence_of_different_draws_is_pytorchs():
    """The position in the stream, and the spare normal, carry over."""

    def draws(library):
        library.manual_seed(9)
        return [
            library.rand(3), library.randn(3), library.randperm(5), library.randn(2),
            library.randint(0, 9, (4,)), library.rand(2, dtype=library.float64), library.randn(5),
            library.rand_like(library.zeros(3)), library.randn_like(library.zeros(3)),
            library.normal(1.0, 2.0, (3,)),
        ]  # fmt: skip

    for ours, theirs in zip(draws(steepest), draws(torch), strict=True):
        np.testing.assert_array_equal(ours.value, theirs.numpy())


def test_a_generator_of_ones_own():
    mine, yours = Generator(), torch.Generator()
    mine.manual_seed(4)
    yours.manual_seed(4)
    steepest.manual_seed(0)
    before = steepest.rand(3).tolist()
    steepest.manual_seed(0)
    assert steepest.rand(5, generator=mine).tolist() == torch.rand(5, generator=yours).tolist()
    assert (
        steepest.randperm(9, generator=mine).tolist() == torch.randperm(9, generator=yours).tolist()
    )
    assert steepest.rand(3).tolist() == before, "the default generator was disturbed"


def test_the_seed_is_known():
    steepest.manual_seed(17)
    assert steepest.initial_seed() == 17
    first = steepest.seed()
    assert steepest.initial_seed() == first != steepest.seed()


def test_options():
    x = steepest.randn(2, 3, requires_grad=True)
    assert x.requires_grad and x.is_leaf and x.shape == (2, 3) and x.dtype == np.float32
    assert steepest.rand((2, 3)).shape == (2, 3)
    assert steepest.randint(3, (2,), dtype=steepest.int32).dtype == np.int32


@pytest.mark.parametrize(
    "call",
    [
        lambda library: library.randint(5, 5, (2,)),
        lambda library: library.rand(2, dtype=library.int64),
        lambda library: library.randn(2, dtype=library.int64),
        lambda library: library.randperm(-1),
        lambda library: library.rand(-1),
        lambda library: library.randn(2, -1),
    ],
)
def test_mistakes_are_refused_as_in_pytorch(call):
    for library in (torch, steepest):
        with pytest.raises(RuntimeError):
            call(library)


def test_keys_never_repeat_and_start_from_the_seed():
    steepest.manual_seed(1)
    first = [next_key().tolist() for _ in range(50)]
    assert len({tuple(key) for key in first}) == 50
    steepest.manual_seed(1)
    assert [next_key().tolist() for _ in range(50)] == first
    steepest.manual_seed(2)
    assert next_key().tolist() not in first


def test_looking_aside_does_not_disturb():
    def draw():
        return steepest.rand(3).tolist() + steepest.randn(3).tolist() + next_key().tolist()

    steepest.manual_seed(8)
    steepest.randn(1)  # leaves a spare normal behind
    expected = draw()
    steepest.manual_seed(8)
    steepest.randn(1)
    with default_generator.undisturbed():
        steepest.manual_seed(3)
        draw()
    assert draw() == expected
