"""Compile time follows the amount of generated code: it is bounded, and equal layers share it."""

import re

import numpy as np
import pytest

from steepest import nn, optim, tensor
from steepest.compiler import NotCompilable, compile, lower
from steepest.compiler.capture import capture
from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.compiler.lower import is_tiny, stages
from steepest.compiler.simplify import simplify
from steepest.core import Aval
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)


def text_of(*arguments, **settings):
    """The LLVM text of a training step, for vectors of 16 lanes."""
    return lowered_of(*arguments, **settings).emitted.text


def lowered_of(model, loss_of, classes=0, batch=32):
    optimizer = optim.Adam(model.parameters())

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    inputs = next(iter(model.parameters())).shape[1]
    target = Aval((batch,), np.dtype(np.int64)) if classes else Aval((batch, 1), F32)
    inlets = [("x", Aval((batch, inputs), F32), "gathered"), ("y", target, "gathered")]
    graph = capture(step, inlets, lambda tensors: (tensors, {})).graph
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
    assert len(deep) < 1.4 * len(shallow)


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
    assert len(modules) > 2 and all(len(text) > 30_000 for text in modules[:-1])
    begins = re.compile(r"^define (?!internal)\w+ ?\w* (@\w+)", re.MULTILINE)
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
