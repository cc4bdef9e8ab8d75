"""Compile time follows the amount of generated code: it is bounded, and equal layers share it."""

import re

import numpy as np
import pytest

from steepest import nn, optim, tensor
from steepest.compiler import NotCompilable, compile, lower
from steepest.compiler.capture.capture import capture
from steepest.compiler.emit.step import Step
from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import is_tiny, stages
from steepest.compiler.simplify import simplify
from steepest.core import Aval
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)


def text_of(*arguments, **settings):
    """The LLVM text of a training step, for vectors of 16 lanes."""
    return lowered_of(*arguments, **settings).emitted.text


def lowered_of(model, loss_of, classes=0, batch=32, inputs=()):
    optimizer = optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    inputs = inputs or (next(iter(model.parameters())).shape[1],)
    target = Aval((batch,), np.dtype(np.int64)) if classes else Aval((batch, 1), F32)
    inlets = [("x", Aval((batch, *inputs), F32), "gathered"), ("y", target, "gathered")]
    graph = capture(step, inlets).graph
    if classes:
        graph.inputs[1].bounds = (0, classes - 1)
    return stages(simplify(graph), width=16)


def layers(depth, width, last):
    hidden = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(width, last))


def functions(text):
    return len(re.findall("^define hidden", text, re.M))


def test_equal_layers_are_compiled_once():
    shallow, deep = (text_of(layers(depth, 64, 1), nn.MSELoss()) for depth in (4, 20))
    assert functions(shallow) == functions(deep) > 4
    assert deep.count("call void @nest") > 3 * functions(deep)
    # letters that a layer adds: its calls, and where its arrays are
    assert (len(deep) - len(shallow)) / 16 < 5_000


def test_a_tiny_step_calls_nothing():
    assert "call void @nest" not in text_of(nn.Linear(13, 1), nn.MSELoss(), batch=4)


def test_a_tiny_step_that_is_long_when_written_out_has_loops():
    x = inlet("x", Aval((64, 10), F32), "whole")
    largest = equation(TABLE["argmax"], x, axis=1)  # number by number: no vectors
    lowered = stages(Graph([x], [constant(np.float32(0), ()), largest]), width=16)
    assert is_tiny(lowered.fusion.graph) and not lowered.unroll
    assert len(lowered.emitted.text) < 10_000


def test_wide_layers_and_large_batches_are_loops():
    assert len(text_of(layers(8, 512, 1), nn.MSELoss(), batch=1000)) < 600_000


def test_many_classes_are_loops():
    def softmax(classes):
        model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, classes))
        return text_of(model, nn.CrossEntropyLoss(), classes)

    thousand, more = len(softmax(1000)), len(softmax(10_000))
    assert thousand < 350_000 and more < 1.3 * thousand


def test_modules_come_one_by_one_and_hold_every_function_once():
    lowered = lowered_of(layers(4, 64, 1), nn.MSELoss())
    modules = list(lowered.modules())
    assert len(modules) > 2 and all(len(text) > 20_000 for text in modules[:-1])
    begins = re.compile(r"^define (?!internal)[^@]+(@\w+)", re.MULTILINE)
    defined = [name for text in modules for name in begins.findall(text)]
    assert defined == [f.name for f in lowered.emitted.functions]


def test_what_the_compiler_cannot_order_is_refused(monkeypatch):
    def unordered(fusion):
        raise AssertionError("two nests wait for each other")

    monkeypatch.setattr(lower, "ordered", unordered)
    weight = tensor([1.0, 2.0], requires_grad=True)

    @compile
    def step(x):
        loss = (weight * x).sum()
        weight.grad = None
        loss.backward()
        return loss

    with pytest.raises(NotCompilable, match="wait for each other"):
        step(tensor([0.5, 0.25]))


class Reader(nn.Module):
    """Several steps, or two layers, that are nearly alike."""

    def __init__(self, kind, count, *sizes):
        super().__init__()
        layer = getattr(nn, kind)
        self.layers = nn.ModuleList(layer(*sizes, batch_first=True) for _ in range(count))
        self.last = nn.Linear(16, 1)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.last((x[0] if isinstance(x, tuple) else x)[:, -1])


class Written(Step):
    """An emitter that writes every nest in full.

    texts  of each outline the nests' functions, and in which order these take the arrays
    """

    texts: dict

    def _function_of(self, outline, write):
        self.functions.pop(outline.key, None)
        function, names = super()._function_of(outline, write), outline.names()
        text = re.sub(r"@nest\d+", "@nest", function.text)
        order = [names.index(x) if x in names else x for x in function.names]
        self.texts.setdefault(outline.key, []).append((text, order))
        return function


@pytest.mark.parametrize(
    "how", [("LSTM", 1, 16, 16), ("TransformerEncoderLayer", 2, 16, 2, 32, 0.0)], ids=str
)
def test_nests_of_one_outline_have_the_same_code(how):
    lowered = lowered_of(Reader(*how), nn.MSELoss(), batch=8, inputs=(6, 16))
    step = Written(lowered.fusion, lowered.layout, lowered.plan, False, lowered.features)
    step.texts = {}
    step.emitted(step.write_all())
    assert all(text == texts[0] for texts in step.texts.values() for text in texts)
    different = {texts[0][0] for texts in step.texts.values()}
    assert len(step.texts) <= len(different) + 1  # and hardly one outline more than there is code
