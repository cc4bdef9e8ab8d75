"""explain: every stage as text, for every kind of network; and the page that walks through it."""

import re
from pathlib import Path

import numpy as np
import pytest
from test_compiler_models import MODELS, ROWS

import steepest
from steepest import nn, optim
from steepest.compiler import Epochs
from steepest.compiler.capture.capture import capture
from steepest.compiler.programs import explained
from steepest.core import Aval

PAGE = Path(__file__).parents[1] / "docs" / "compiler.md"
F32 = np.dtype(np.float32)


@pytest.fixture(scope="module")
def page():
    """The explanation of the step in docs/compiler.md."""
    model = nn.Sequential(
        nn.Linear(13, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )
    optimizer, loss_of = optim.Adam(model.parameters()), nn.MSELoss()

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    inlets = [("x", Aval((32, 13), F32), "gathered"), ("y", Aval((32, 1), F32), "gathered")]
    captured = capture(step, inlets)
    counts = [i for i, x in enumerate(captured.graph.inputs) if x.name.endswith("step")]
    return explained(captured.graph, [counts])


def test_the_page_in_the_documentation_is_what_is_printed(page):
    printed = page.splitlines()
    quoted = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(quoted) >= 6
    for line in "".join(quoted).splitlines():
        pattern = ".*".join(re.escape(part) for part in line.split("…"))
        assert any(re.search(f"{pattern}$", other) for other in printed), line


def test_the_stages_are_named_and_counted(page):
    found = re.findall(r"^(Traced|Simplified|Fused): (\d+)", page, re.MULTILINE)
    traced, simplified, nests = (int(count) for _, count in found)
    assert traced > simplified > nests > 5
    assert "without 5 states that always equal another" in page


@pytest.mark.parametrize("name", MODELS)
def test_every_state_is_stored_by_some_nest(name):
    """Pseudo-code is complete: whatever changes has a line that changes it."""
    build, x, y, batch = MODELS[name]
    steepest.manual_seed(0)
    _, step = build()
    epochs = Epochs(step)
    epochs.run([x, y], np.arange(ROWS // batch * batch), batch)
    text = epochs.explain()
    simplified, nests = text.split("Simplified: ")[1].split("Fused: ")
    changed = re.findall(r"^(\S+) <- (\S+)$", simplified, re.MULTILINE)
    stored = set(re.findall(r"^\s+(\S+)′(?:\[.*?\])? (?:←|\+=)", nests, re.MULTILINE))
    assert {before for before, after in changed if before != after} <= stored


def test_the_environment_asks_for_it(monkeypatch, capfd):
    monkeypatch.setenv("STEEPEST_EXPLAIN", "1")
    x, y = np.zeros((4, 3), np.float32), np.zeros((4, 1), np.float32)
    model = nn.Linear(3, 1)

    def step(x, y):
        loss = ((model(x) - y) ** 2).mean()
        model.zero_grad()
        loss.backward()
        return loss

    Epochs(step).run([x, y], np.arange(4), 2)
    assert "Traced: " in capfd.readouterr().err
