"""Random numbers: PyTorch's own, so that the same seed starts the same training.

`manual_seed(s)` followed by rand, randn, randint, randperm or a layer's default initialisation
gives PyTorch's values on the CPU.

Inside a network (dropout) the bits come from the table's `uniform` row instead, whose key is an
ordinary tensor (`next_key`): a compiled program carries it along like a weight.

generator   the bits, and the numbers that are made of them
drawn       tensors of such numbers
"""

from steepest.random.drawn import (
    normal,
    normal_,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    uniform_,
)
from steepest.random.generator import (
    Generator,
    default_generator,
    initial_seed,
    manual_seed,
    next_key,
    seed,
)

__all__ = [
    "Generator",
    "default_generator",
    "initial_seed",
    "manual_seed",
    "next_key",
    "normal",
    "normal_",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "uniform_",
]
