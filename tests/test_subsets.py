"""Parts of data sets, and samplers: the same samples in the same order as in PyTorch."""

import pytest
import torch

import steepest

BOTH = (steepest, torch)


def numbers(library, count=23):
    return library.utils.data.TensorDataset(library.arange(count))


def seen(library, make, passes=2, **settings):
    """What a loader shows, and what is drawn after it."""
    library.manual_seed(3)
    data = numbers(library)
    loader = library.utils.data.DataLoader(data, **make(library.utils.data, data), **settings)
    shown = [[x.tolist() for (x,) in loader] for _ in range(passes)]
    return len(loader), shown, library.rand(3).tolist()


SAMPLERS = {
    "in order": lambda D, data: {"sampler": D.SequentialSampler(data), "batch_size": 4},
    "random": lambda D, data: {"sampler": D.RandomSampler(data), "batch_size": 4},
    "of a part": lambda D, data: {"sampler": D.SubsetRandomSampler([3, 1, 8, 9]), "batch_size": 3},
    "weighted": lambda D, data: {"sampler": D.WeightedRandomSampler(range(1, 24), 30)},
    "weighted, once": lambda D, data: {"sampler": D.WeightedRandomSampler(range(1, 24), 9, False)},
    "batches": lambda D, data: {"batch_sampler": D.BatchSampler(D.RandomSampler(data), 5, True)},
    "a list": lambda D, data: {"sampler": [5, 2, 2, 9], "batch_size": 2, "drop_last": True},
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(name):
    assert seen(steepest, SAMPLERS[name]) == seen(torch, SAMPLERS[name])


def test_what_a_loader_accepts_and_refuses():
    quiet = {"num_workers": 0, "pin_memory": False, "timeout": 0, "worker_init_fn": None}
    plain = lambda D, data: {"batch_size": 6, "persistent_workers": False, **quiet}
    assert seen(steepest, plain) == seen(torch, plain)
    for wrong in (
        {"sampler": [1], "shuffle": True},
        {"batch_sampler": [[1]], "batch_size": 3},
        {"batch_sampler": [[1]], "shuffle": True},
        {"batch_sampler": [[1]], "drop_last": True},
    ):
        for library in BOTH:
            with pytest.raises(ValueError):
                library.utils.data.DataLoader(numbers(library), **wrong)


@pytest.mark.parametrize("lengths", [[20, 3], [0.5, 0.25, 0.25], [0.1, 0.9], [23]])
def test_random_split_and_what_is_made_of_parts(lengths):
    def parts(library):
        library.manual_seed(8)
        D = library.utils.data
        made = D.random_split(numbers(library), lengths)
        both = D.ConcatDataset([made[0], D.Subset(numbers(library), [4, 2])])
        (x,) = both[-1]
        listed = [[part[i][0].item() for i in range(len(part))] for part in [*made, both]]
        return listed, x.item(), both.cumulative_sizes, len(both)

    assert parts(steepest) == parts(torch)


def test_parts_that_do_not_fit():
    for library in BOTH:
        D = library.utils.data
        with pytest.raises(ValueError):
            D.random_split(numbers(library), [20, 4])
        with pytest.raises(IndexError):
            D.ConcatDataset([numbers(library)])[23]
        with pytest.raises(ValueError):
            D.ConcatDataset([numbers(library)])[-24]
        with pytest.raises(AssertionError):
            D.ConcatDataset([])
        with pytest.raises(ValueError):
            D.WeightedRandomSampler([1.0], 0)


def test_gradients_are_clipped():
    def run(library):
        utils = library.nn.utils
        p = [library.nn.Parameter(library.arange(float(n))) for n in (3, 4)]
        sum((x**3).sum() for x in p).backward()
        norm = utils.clip_grad_norm_(p, 2.0)
        shrunk = [x.grad.clone() for x in p]
        utils.clip_grad_value_(p, 0.5)
        other = utils.clip_grad_norm_(p, 100.0, float("inf"))
        flat = utils.parameters_to_vector(p)
        utils.vector_to_parameters(flat.detach() * 2, p)
        return [norm, *shrunk, *(x.grad for x in p), other, flat.detach(), *(x.data for x in p)]

    for ours, theirs in zip(run(steepest), run(torch), strict=True):
        assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-6)
