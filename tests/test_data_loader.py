"""Epochs, batches, and the loader in PyTorch's words: the same rows in the same order."""

from itertools import chain

import numpy as np
import pytest
import torch

import steepest
from steepest.core import RequestError, Streams
from steepest.data import DataLoader, Dataset, TensorDataset, batches, epoch_order


@pytest.mark.parametrize(("rows", "size"), [(10, 3), (9, 3), (1, 5), (0, 2), (7, 7), (5, 1)])
def test_batches_cover_the_order_and_keep_the_ragged_end(rows, size):
    order = np.random.default_rng(0).permutation(rows)
    cut = batches(order, size)
    assert np.concatenate([*cut, np.zeros(0, int)]).tolist() == order.tolist()
    assert all(len(batch) == size for batch in cut[:-1])
    kept = batches(order, size, drop_last=True)
    assert [len(batch) for batch in kept] == [size] * (rows // size)


def test_batches_need_a_row():
    with pytest.raises(RequestError, match="at least one row"):
        batches(np.arange(3), 0)


def test_an_epoch_s_order_needs_no_history():
    assert (epoch_order(50, 1, 7) == Streams(1)("shuffle", 7).permutation(50)).all()
    assert (epoch_order(50, 1, 7) != epoch_order(50, 1, 8)).any()
    assert sorted(epoch_order(50, 1, 7)) == list(range(50))
    assert epoch_order(5, 1, 7, shuffle=False).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
def test_rows_come_in_pytorch_s_order(shuffle, given, drop_last):
    torch.manual_seed(5)
    steepest.manual_seed(5)
    settings = {"batch_size": 5, "shuffle": shuffle, "drop_last": drop_last}
    theirs = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.arange(23)),
        generator=torch.Generator().manual_seed(3) if given else None,
        **settings,
    )
    ours = DataLoader(
        TensorDataset(steepest.tensor(np.arange(23))),
        generator=steepest.Generator().manual_seed(3) if given else None,
        **settings,
    )
    assert len(ours) == len(theirs)
    for _ in range(3):
        assert [x.tolist() for (x,) in ours] == [x.tolist() for (x,) in theirs]
    # and the numbers that a script draws afterwards are the same too
    assert steepest.rand(4).tolist() == torch.rand(4).tolist()


def test_tensor_dataset():
    x, y = steepest.rand(6, 2), steepest.tensor([0, 1, 2, 3, 4, 5])
    dataset = TensorDataset(x, y)
    assert len(dataset) == 6
    row, label = dataset[4]
    assert row.tolist() == x.tolist()[4] and label.item() == 4
    first, second = next(iter(DataLoader(dataset, batch_size=4)))
    assert first.shape == (4, 2) and second.tolist() == [0, 1, 2, 3]
    assert first.dtype == np.float32 and second.dtype == np.int64
    with pytest.raises(ValueError, match=r"same number of rows\n.*\(6, 2\), \(5,\)"):
        TensorDataset(x, y[:5])
    with pytest.raises(ValueError, match="no tensors"):
        TensorDataset()


class Samples(Dataset):
    """Samples of several kinds, one at a time."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        sample = {"image": steepest.ones(2, 2) * i, "text": f"row {i}"}
        return sample, i, i * 0.5, np.array([i, i], np.int64)


def test_samples_are_joined_as_pytorch_joins_them():
    ours = list(DataLoader(Samples(), batch_size=2))[-2]
    theirs = torch.utils.data.default_collate(
        [
            ({"image": torch.ones(2, 2) * i, "text": f"row {i}"}, i, i * 0.5, np.array([i, i]))
            for i in (2, 3)
        ]
    )
    assert ours[0]["image"].tolist() == theirs[0]["image"].tolist()
    assert ours[0]["text"] == theirs[0]["text"]
    for mine, reference in zip(ours[1:], theirs[1:], strict=True):
        assert mine.tolist() == reference.tolist()
    assert ours[1].dtype == np.int64 and ours[3].dtype == np.int64


def test_own_collation_and_wrong_sizes():
    (batch,) = DataLoader(Samples(), batch_size=5, collate_fn=len)
    assert batch == 5
    for size in (0, -1, 2.0):
        with pytest.raises(ValueError, match="positive whole number"):
            DataLoader(Samples(), batch_size=size)
    with pytest.raises(NotImplementedError):
        len(Dataset())


def test_shuffling_is_a_training_loop():
    dataset = TensorDataset(steepest.tensor(np.arange(10)))
    loader = DataLoader(dataset, batch_size=4, shuffle=True)
    one, two = ([x.tolist() for (x,) in loader] for _ in range(2))
    assert sorted(chain(*one)) == sorted(chain(*two)) == list(range(10))
    assert one != two
