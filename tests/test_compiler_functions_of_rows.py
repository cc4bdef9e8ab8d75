"""A function of rows, natively: as eagerly for any number of rows, and refused where it is none."""

import numpy as np
import pytest

import steepest
from steepest import nn, no_grad, tensor
from steepest.compiler import NotCompilable, Rows


def model_and_rows(rows):
    steepest.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 3))
    return model, np.random.default_rng(rows).standard_normal((rows, 5)).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 64, 65, 128, 200])
def test_every_row_gets_what_it_gets_eagerly(rows):
    model, x = model_and_rows(rows)
    with no_grad():
        want = model(tensor(x)).numpy()
        # Sums of nine float32 products in another order.
        np.testing.assert_allclose(Rows(model).run(x), want, rtol=1e-5, atol=1e-6)


def test_one_program_serves_parts_of_all_sizes_and_sees_new_weights():
    model, x = model_and_rows(150)
    rows = Rows(model)
    with no_grad():
        for part in (x, x[:7], x[20:], x[:1]):
            model[0].bias.add_(1)
            np.testing.assert_allclose(
                rows.run(part), model(tensor(part)).numpy(), rtol=1e-5, atol=1e-6
            )
    assert len(rows._steady.loops) == 1


def test_the_mode_of_the_model_is_followed():
    model = nn.Sequential(nn.Dropout(0.5))
    x = np.ones((70, 4), np.float32)
    rows = Rows(model)
    with no_grad():
        assert (rows.run(x) != x).any()
        model.eval()
        np.testing.assert_array_equal(rows.run(x), x)


def test_what_gives_no_row_a_result_is_refused():
    with pytest.raises(NotCompilable, match="each row a result"):
        Rows(lambda x: x.sum()).run(np.ones((70, 4), np.float32))
    with pytest.raises(NotCompilable, match="asks for a number"):
        Rows(lambda x: x if x.sum() > 0 else -x).run(np.ones((70, 4), np.float32))
