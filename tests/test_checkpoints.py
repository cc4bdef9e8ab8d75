"""Checkpoints of one's own making: what is nested comes back nested, and training goes on."""

import argparse
import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch as pytorch
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest as torch
from steepest import nn, optim
from steepest.core import RequestError
from steepest.tensors import Tensor

DTYPES = [
    *(f"float{n}" for n in (16, 32, 64)),
    *(f"int{n}" for n in (8, 16, 32, 64)),
    "uint8",
    "bool",
]


@st.composite
def tensors(draw):
    """A tensor of any dtype and layout, with up to two axes, perhaps of no elements."""
    shape = draw(st.lists(st.integers(0, 3), max_size=2))
    numbers = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 100, shape)
    return Tensor(numbers.astype(draw(st.sampled_from(DTYPES))).T)


# few letters, with a dot, so that the names of two tensors often meet
keys = st.text("ab._", max_size=3) | st.integers() | st.sampled_from(["__metadata__", "tensor", 0])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | tensors()
nestings = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


def through(obj):
    """What comes back."""
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file)


def same(x, y):
    """Whether two nestings are equal: types, order and bits."""
    if type(x) is not type(y):
        return False
    if isinstance(x, Tensor):
        return (
            x.dtype == y.dtype and x.shape == y.shape and x.numpy().tobytes() == y.numpy().tobytes()
        )
    if isinstance(x, dict):
        return same(list(x.items()), list(y.items()))
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(map(same, x, y))
    return repr(x) == repr(y)  # of floats, NaN and -0.0 too


@given(nestings)
@settings(max_examples=60)
def test_any_nesting_comes_back(obj):
    assert same(through(obj), obj)


def test_numbers_and_arrays_of_numpy_and_parameters():
    weight = nn.Parameter(torch.ones(2))
    found = through(
        {"loss": np.float32(0.5), "x": np.arange(3), "w": weight, np.int64(7): [np.True_]}
    )
    assert same(found, {"loss": 0.5, "x": torch.arange(3), "w": torch.ones(2), 7: [True]})
    found["w"].mul_(2)  # no gradient, and memory of its own
    assert weight.tolist() == [1.0, 1.0]


def test_other_programs_find_the_tensors_by_their_places(tmp_path):
    model = nn.Sequential(nn.Linear(2, 1))
    torch.save({"model": model.state_dict(), "best": [torch.ones(1)]}, tmp_path / "a.safetensors")
    found = safetensors.numpy.load_file(tmp_path / "a.safetensors")
    assert set(found) == {"model.0.weight", "model.0.bias", "best.0"}
    assert np.array_equal(found["model.0.weight"], model[0].weight.detach().numpy())


# ---- going on --------------------------------------------------------------------------------


class Run:
    """A network with batch norm, its optimizer, and one schedule after another."""

    def __init__(self, seed):
        torch.manual_seed(seed)
        self.model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01, amsgrad=True)
        schedules = optim.lr_scheduler
        warm = schedules.LinearLR(self.optimizer, 0.1, total_iters=4)
        steps = schedules.MultiStepLR(self.optimizer, [3, 6])
        self.schedule = schedules.SequentialLR(self.optimizer, [warm, steps], [4])
        self.losses = []

    def train(self, steps):
        numbers = np.random.default_rng(0)
        x, y = (torch.tensor(numbers.standard_normal((16, n)), dtype=torch.float32) for n in (3, 1))
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss = nn.functional.mse_loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.losses.append(loss.item())

    def state(self):
        parts = {name: getattr(self, name) for name in ("model", "optimizer", "schedule")}
        return {"losses": self.losses, **{key: part.state_dict() for key, part in parts.items()}}

    def load(self, state):
        self.losses = state["losses"]
        for name in ("model", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])


def test_training_goes_on_bit_for_bit(tmp_path):
    whole, first, second = Run(0), Run(0), Run(1)
    whole.train(12)
    first.train(5)
    torch.save(first.state(), tmp_path / "checkpoint.safetensors")
    second.load(torch.load(tmp_path / "checkpoint.safetensors", map_location="cpu"))
    second.train(7)
    assert second.losses == whole.losses
    assert same(second.state(), whole.state())


# ---- refusals --------------------------------------------------------------------------------

RING: list = []
RING.append(RING)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            {"a": [1, nn.Linear(2, 1)]},
            [r"obj['a'][1] cannot be", "write     obj['a'][1].state_dict()"],
        ),
        ({"o": optim.SGD([torch.ones(1)], lr=1.0)}, ["write     obj['o'].state_dict()"]),
        ({"a": ({3: {1, 2}},)}, ["obj['a'][0][3] cannot", "write     sorted(obj['a'][0][3])"]),
        ({"data": Path("x")}, ["obj['data']", "write     str(obj['data'])"]),
        ([argparse.Namespace(lr=1)], ["got       Namespace", "write     vars(obj[0])"]),
        ({"f": {"g": abs}}, ["obj['f']['g']", "got       builtin_function_or_method"]),
        ({"a": {(1, 2): 3}}, ["a key of obj['a']", "got       (1, 2)"]),
        ({"x": np.array(["a"])}, ["obj['x'] has a dtype", "got       <U1"]),
        ({"r": RING}, ["obj['r'][0][0] is nested too deeply, or holds itself"]),
    ],
)
def test_what_cannot_be_saved_is_named_by_its_place(wrong, words, tmp_path):
    with pytest.raises(RequestError) as refusal:
        torch.save(wrong, tmp_path / "x.safetensors")
    assert [w for w in words if w not in str(refusal.value)] == []
    assert not list(tmp_path.iterdir())


def test_files_of_pytorch_have_a_reader_of_their_own(tmp_path):
    pytorch.save({"x": pytorch.ones(2)}, tmp_path / "run.pt")
    with pytest.raises(RequestError, match=r"load_torch"):
        torch.load(tmp_path / "run.pt")
    with pytest.raises(RuntimeError, match="no such device"):
        torch.load(tmp_path / "run.pt", map_location="cuda")


@pytest.mark.parametrize(
    "nesting",
    [
        {"tensor": "unknown"},
        {"os.system": "x"},
        {"dict": [["a", 1, 2]]},
        {"dict": [[[1], 2]]},
        {"float": "one"},
        {"tuple": 3},
        {},
    ],
)
def test_a_nesting_that_nobody_saved_is_refused(nesting):
    header = json.dumps({"__metadata__": {"steepest": json.dumps({"nesting": nesting})}}).encode()
    with pytest.raises(RequestError, match="does not fit"):
        torch.load(io.BytesIO(struct.pack("<Q", len(header)) + header))
