"""Ten programs as people write them: with PyTorch, eager, and compiled, the losses are the same."""

import numpy as np
import pytest
from examples.variants import COMPILED, EAGER, PROGRAMS, PYTORCH, variant

# one epoch of the programs that count in epochs, or so many steps
STEPS = {"logistic_regression": 1, "mlp_digits": 1, "cnn_digits": 1, "autoencoder": 1}


def test_there_are_ten():
    assert len(PROGRAMS) == 10


@pytest.mark.parametrize("program", PROGRAMS)
def test_losses_are_those_of_pytorch(program):
    """The same seed, data and steps; ten losses, as training amplifies what rounding leaves."""
    steps = STEPS.get(program, 10)
    expected = variant(program, PYTORCH)(steps)[:10]
    for form in (EAGER, COMPILED):
        losses = variant(program, form)(steps)[:10]
        np.testing.assert_allclose(losses, expected, rtol=1e-4, err_msg=form)
