"""Compile time follows the amount of generated code: it is bounded, and equal layers share it."""

import re

import numpy as np

from steepest import nn, optim
from steepest.compiler.capture import capture
from steepest.compiler.lower import stages
from steepest.compiler.simplify import simplify
from steepest.core import Aval

F32 = np.dtype(np.float32)


def text_of(model, loss_of, classes=0, batch=32, optimizer_of=optim.Adam):
    """The LLVM text of a training step, for vectors of 16 lanes."""
    optimizer = optimizer_of(model.parameters())

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
    return stages(simplify(graph), width=16).emitted.text


def layers(depth, width, last):
    hidden = [part for _ in range(depth) for part in (nn.Linear(width, width), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(width, last))


def functions(text):
    return len(re.findall("^define internal", text, re.M))


def test_equal_layers_are_compiled_once():
    shallow, deep = (text_of(layers(depth, 64, 1), nn.MSELoss()) for depth in (4, 20))
    assert functions(shallow) == functions(deep) > 4
    assert deep.count("call void @nest") > 3 * functions(deep)
    assert len(deep) < 1.4 * len(shallow)


def test_a_tiny_step_calls_nothing():
    assert "call void @nest" not in text_of(nn.Linear(13, 1), nn.MSELoss(), batch=4)
