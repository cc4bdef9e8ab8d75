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


TEN = list(range(10))
SAMPLERS = [
    "SequentialSampler(TEN)",
    "RandomSampler(TEN)",
    "RandomSampler(TEN, num_samples=13)",
    "RandomSampler(TEN, True, 71)",
    "RandomSampler(TEN, generator=Generator().manual_seed(3))",
    "SubsetRandomSampler([2, 3, 5, 7])",
    "BatchSampler(RandomSampler(TEN), 4, False)",
    "BatchSampler([1, 2, 3, 4, 5], 2, True)",
]


@pytest.mark.parametrize("written", SAMPLERS)
def test_samplers_draw_pytorch_s_numbers(written):
    found = []
    for library in (steepest, torch):
        library.manual_seed(7)
        names = {**vars(library.utils.data), "TEN": TEN, "Generator": library.Generator}
        sampler = eval(written, names)
        found.append([list(sampler), list(sampler), len(sampler), library.rand(2).tolist()])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"sampler": [3, 1, 4, 1], "batch_size": 3},
        {"batch_sampler": [[3], [1, 4, 1]]},
        {"batch_size": None, "shuffle": True},
        {"batch_size": None, "collate_fn": lambda sample: 2 * sample[0]},
    ],
)
def test_loaders_with_samplers(settings):
    found = []
    for library in (steepest, torch):
        library.manual_seed(1)
        data = library.utils.data
        loader = data.DataLoader(data.TensorDataset(library.arange(10)), **settings)
        read = [batch[0] if isinstance(batch, tuple | list) else batch for batch in loader]
        found.append([[batch.tolist() for batch in read], len(loader)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"sampler": TEN, "shuffle": True},
        {"batch_sampler": [TEN], "batch_size": 2},
        {"batch_size": None, "drop_last": True},
    ],
)
def test_arguments_that_exclude_each_other(settings):
    for library in (steepest, torch):
        with pytest.raises(ValueError, match=r"exclu|drop_last"):
            library.utils.data.DataLoader(TEN, **settings)


@pytest.mark.parametrize("lengths", [(7, 3), (0.5, 0.25, 0.25), (0.33, 0.33, 0.34)])
def test_a_random_split_is_pytorch_s(lengths):
    found = []
    for library in (steepest, torch):
        library.manual_seed(2)
        parts = library.utils.data.random_split(TEN, lengths)
        found.append([[part[i] for i in range(len(part))] for part in parts])
    assert found[0] == found[1]


def test_splits_that_do_not_add_up():
    split = steepest.utils.data.random_split
    for lengths in ((7, 4), (1.5, -0.5)):
        with pytest.raises(ValueError, match="random_split"):
            split(TEN, lengths)
    with pytest.warns(UserWarning, match="part 1 has no sample"):
        split(TEN, (1.0, 0.0))


def test_data_sets_are_joined():
    joined = TensorDataset(steepest.arange(3)) + TensorDataset(steepest.arange(3, 5))
    assert [joined[i][0].item() for i in range(-5, 5)] == [0, 1, 2, 3, 4] * 2
    assert len(joined) == 5
    with pytest.raises(ValueError, match="5 samples"):
        joined[-6]
    with pytest.raises(AssertionError, match="no data set"):
        steepest.utils.data.ConcatDataset([])
    assert steepest.utils.data.Subset(joined, [4, 0])[0][0].item() == 4
