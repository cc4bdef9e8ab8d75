"""What eager code refuses for the numbers in a tensor, a program refuses too.

Labels and row numbers out of range are not read in silence: the error is that of eager code, and
the state is as the last right step left it.
"""

import numpy as np
import pytest

import steepest
from steepest import functional as F
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, Rows, compile

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def whole(*numbers):
    return np.array(numbers, np.int64)


def at_rows(x, index):
    return tensor(x)[index]


# what is read, a right index, and wrong ones
READERS = {
    "embedding": (lambda i: F.embedding(i, tensor(TABLE)), whole(0, 3), [whole(0, 4), whole(-1)]),
    "x[i]": (lambda i: at_rows(TABLE, i), whole(-4, 3), [whole(0, 4), whole(1, -5)]),
    "x[:, i]": (lambda i: tensor(TABLE)[:, i], whole(-3, 2), [whole(0, 3), whole(1, -4)]),
    "x[i, i]": (lambda i: tensor(TABLE)[i, i], whole(-3, 2), [whole(0, 3), whole(1, -4)]),
    "gather": (
        lambda i: tensor(TABLE).gather(1, i[:, None]),
        whole(0, 2, 1, 1),
        [whole(0, 3, 1, 1), whole(0, -1, 1, 1)],
    ),
    "scatter_add": (
        lambda i: tensor(TABLE).scatter_add(1, i[:, None], tensor(TABLE)),
        whole(0, 2, 1, 1),
        [whole(0, 3, 1, 1), whole(0, -1, 1, 1)],
    ),
    "index_add": (
        lambda i: tensor(TABLE).index_add(0, i, tensor(TABLE)),
        whole(0, 3, 1, 3),
        [whole(0, 4, 1, 1), whole(0, -1, 1, 1)],
    ),
    "one_hot": (lambda i: F.one_hot(i, 3), whole(0, 2), [whole(3), whole(-1)]),
    "cross_entropy": (
        lambda i: F.cross_entropy(tensor(TABLE), i),
        whole(0, 2, 1, -100),
        [whole(0, 1, 2, 3), whole(-1, 0, 0, 0)],
    ),
    "nll_loss": (
        lambda i: F.nll_loss(tensor(TABLE), i, ignore_index=7),
        whole(0, 2, 1, 7),
        [whole(0, 1, 2, 3), whole(-100, 0, 0, 0)],
    ),
    "binary_cross_entropy": (
        lambda p: F.binary_cross_entropy(p, tensor(np.ones(2, np.float32))),
        np.array([0.0, 1.0], np.float32),
        [np.array(x, np.float32) for x in ([0.5, 1.5], [-0.1, 0.2], [np.nan, 0.5])],
    ),
    "gaussian_nll_loss": (
        lambda v: F.gaussian_nll_loss(tensor(TABLE[0]), tensor(TABLE[1]), v),
        np.array([0.0, 1.0, 2.0], np.float32),
        [np.array([1, -1, 1], np.float32)],
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_wrong_numbers_are_refused_with_the_error_of_eager_code(name):
    read, right, wrong = READERS[name]
    compiled = compile(read)
    for numbers in wrong:
        x = np.resize(right, numbers.shape)
        np.testing.assert_allclose(compiled(tensor(x)).numpy(), read(tensor(x)).numpy(), rtol=1e-6)
        with pytest.raises(Exception) as eager:
            read(tensor(numbers))
        with pytest.raises(type(eager.value)) as native:
            compiled(tensor(numbers))
        assert str(native.value) == str(eager.value)


def training():
    steepest.manual_seed(0)
    model = nn.Sequential(nn.Embedding(6, 4), nn.Flatten(), nn.Linear(8, 3))
    optimizer = optim.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


@pytest.mark.parametrize("wrong", ["words", "labels", "last"])
def test_an_epoch_ends_with_the_error_and_without_the_step(wrong):
    r = np.random.default_rng(0)
    x, y = r.integers(0, 6, (14, 2)), r.integers(0, 3, 14)
    if wrong == "words":
        x[9, 1] = 6
    else:
        y[9 if wrong == "labels" else 13] = 3
    found = []
    for natively in (True, False):
        model, step = training()
        epochs = Epochs(step)
        with pytest.raises(IndexError) as refused:
            if natively:
                epochs.run([x, y], np.arange(14), 4)
            for start in range(0, 14, 4):
                step(tensor(x[start : start + 4]), tensor(y[start : start + 4]))
        found.append((str(refused.value), [p.detach().numpy().copy() for p in model.parameters()]))
    (said, ours), (expected, theirs) = found
    assert said == expected
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6)


def test_a_model_in_use_refuses_words_that_it_does_not_know():
    model, _ = training()
    x = np.zeros((70, 2), np.int64)
    assert Rows(model).run(x).shape == (70, 3)
    x[66, 0] = -1
    with pytest.raises(IndexError, match="index out of range"):
        Rows(model).run(x)


def test_numbers_that_only_the_program_finds_wrong_are_done_eagerly():
    """Where rounding decides, eager code has the last word, and the epoch goes on."""
    x, y = np.arange(20, dtype=np.float32).reshape(10, 2), np.zeros(10, np.int64)
    losses = []
    for doubt in (False, True):
        seen = []

        def step(a, b, doubt=doubt, seen=seen):
            labels = b - 1 if doubt and not seen else b
            if isinstance(a.value, np.ndarray):
                seen.append(True)
                labels = b
            return F.cross_entropy(a, labels)

        losses.append(Epochs(step).run([x, y], np.arange(10), 4))
        assert len(seen) == doubt
    np.testing.assert_allclose(*losses, rtol=1e-6)
