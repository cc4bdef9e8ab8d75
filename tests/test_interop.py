"""Checkpoints both ways: training stops in one library and goes on in the other, losses equal."""

import pickle
import zipfile

import numpy as np
import pytest
import torch

import steepest
from steepest.core import RequestError
from steepest.interop import load_torch, save_torch, to_torch

OPTIMIZERS = [
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"lr": 0.05}),
    ("NAdam", {"lr": 0.01}),
    ("Adafactor", {"lr": 0.05}),
]
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.standard_normal((16, 1, 6, 6)), RANDOM.standard_normal((16, 2))


class Run:
    """A small convolutional network with batch norm, its optimizer and schedule, in a library."""

    def __init__(self, library, name, settings):
        nn = library.nn
        library.manual_seed(1)
        layers = (nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Linear(48, 2))
        self.model = nn.Sequential(*layers).to(library.float64)
        self.optimizer = getattr(library.optim, name)(self.model.parameters(), **settings)
        self.schedule = library.optim.lr_scheduler.StepLR(self.optimizer, 20, 0.5)
        self.x, self.y = library.as_tensor(X), library.as_tensor(Y)
        self.loss = nn.MSELoss()

    def train(self, steps):
        losses = []
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss = self.loss(self.model(self.x), self.y)
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return losses

    def state(self):
        parts = (self.model, self.optimizer, self.schedule)
        return {type(p).__name__: p.state_dict() for p in parts}

    def load(self, state):
        for part in (self.model, self.optimizer, self.schedule):
            part.load_state_dict(state[type(part).__name__])


@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
@pytest.mark.parametrize("through", ["memory", "file"])
def test_pytorchs_training_goes_on_here(name, settings, through, tmp_path):
    theirs, ours = Run(torch, name, settings), Run(steepest, name, settings)
    theirs.train(7)
    state = theirs.state()
    if through == "file":
        torch.save(state, tmp_path / "run.pt")
        state = load_torch(tmp_path / "run.pt")
    ours.load(state)
    np.testing.assert_allclose(ours.train(50), theirs.train(50), rtol=1e-7)


@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
@pytest.mark.parametrize("through", ["memory", "file"])
def test_our_training_goes_on_in_pytorch(name, settings, through, tmp_path):
    theirs, ours = Run(torch, name, settings), Run(steepest, name, settings)
    ours.train(7)
    if through == "file":
        save_torch(ours.state(), tmp_path / "run.pt")
        theirs.load(torch.load(tmp_path / "run.pt", weights_only=True))
    else:
        theirs.load(to_torch(ours.state()))
    np.testing.assert_allclose(ours.train(50), theirs.train(50), rtol=1e-7)


def test_every_kind_of_number_and_text_comes_back(tmp_path):
    kinds = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]
    state = {kind: steepest.tensor(np.arange(6).reshape(2, 3).astype(kind)) for kind in kinds}
    state |= {
        "nested": [1, -(2**70), 0.5, None, True, ("α", {"x": 3})],
        "empty": steepest.zeros(0, 3),
    }
    save_torch(state, tmp_path / "all.pt")
    theirs = torch.load(tmp_path / "all.pt", weights_only=True)
    assert theirs["nested"] == state["nested"] and theirs["empty"].shape == (0, 3)
    torch.save(theirs, tmp_path / "again.pt")
    found = load_torch(tmp_path / "again.pt")
    assert found["nested"] == state["nested"] and found["empty"].shape == (0, 3)
    for kind in kinds:
        assert found[kind].dtype == kind and (found[kind] == state[kind]).all()


def test_parts_of_a_storage_and_parameters(tmp_path):
    whole = torch.arange(12.0).reshape(3, 4)
    torch.save(
        {"t": whole.T, "part": whole[1:, 2], "p": torch.nn.Parameter(whole)}, tmp_path / "v.pt"
    )
    found = load_torch(tmp_path / "v.pt")
    assert found["t"].tolist() == whole.T.tolist() and found["part"].tolist() == [6.0, 10.0]
    assert found["p"].tolist() == whole.tolist()


def test_a_file_that_wants_code_to_be_run_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    torch.save({"x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(RequestError, match=r"io\.open|builtins\.open|_io\.open"):
        load_torch(tmp_path / "evil.pt")
    assert not (tmp_path / "made").exists()
    torch.save(torch.nn.Linear(2, 1), tmp_path / "module.pt")
    with pytest.raises(RequestError, match="state_dict"):
        load_torch(tmp_path / "module.pt")


@pytest.mark.parametrize("shape", [(5,), (3, 2)])
def test_a_tensor_larger_than_its_storage_is_refused(shape, tmp_path):
    torch.save(torch.arange(4.0), tmp_path / "good.pt")
    with zipfile.ZipFile(tmp_path / "good.pt") as good:
        entries = {name.split("/", 1)[1]: good.read(name) for name in good.namelist()}
    small = pickle.BININT1 + b"\x04" + pickle.TUPLE1
    assert small in entries["data.pkl"]
    sizes = b"".join(pickle.BININT1 + bytes([n]) for n in shape)
    larger = sizes + (pickle.TUPLE1 if len(shape) == 1 else pickle.TUPLE2)
    entries["data.pkl"] = entries["data.pkl"].replace(small, larger)
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as bad:
        for name, content in entries.items():
            bad.writestr(f"archive/{name}", content)
    with pytest.raises(RequestError, match="damaged"):
        load_torch(tmp_path / "bad.pt")


def test_what_is_not_such_a_file(tmp_path):
    with pytest.raises(RequestError, match="no such file"):
        load_torch(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(RequestError, match="damaged"):
        load_torch(tmp_path / "text.pt")
    with pytest.raises(RequestError, match="no tensor, number or text"):
        save_torch({"x": object()}, tmp_path / "odd.pt")
