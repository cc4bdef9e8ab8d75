"""PyTorch's sample inputs of modules, run through both libraries.

The same seed must give the same parameters under the same names; then outputs, running statistics
and the gradients of inputs and parameters are compared, in training and in evaluation.
"""

import warnings
from typing import Any

import torch
from oracle import quietly, tensors
from surface import agree, ours, seed, theirs, told

import steepest
from steepest.tensors import Tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_modules import module_db

__all__ = ["check_module"]

_X = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 3, 4)
# Constructor and operands, for the modules of which PyTorch's list has no samples.
_OWN: dict[str, list[tuple[tuple, tuple]]] = {
    "Identity": [((), (_X,)), ((5, "x"), (_X,))],
    "Flatten": [((), (_X,)), ((0, 1), (_X,))],
    "Unflatten": [((1, (3, 1)), (_X,)), ((2, (2, -1)), (_X,))],
    "Hardsigmoid": [((), (_X,))],
    "CosineSimilarity": [((), (_X, _X + 1)), ((2, 1e-6), (_X, _X * 2 - 1))],
    "Dropout": [((), (_X,)), ((0.9,), (_X,)), ((0.0,), (_X,))],
    "LazyLinear": [((3,), (_X,)), ((2, False), (_X,))],
}


def _stacked(library: Any) -> dict[str, Any]:
    """What is made of the library's own layers and parameters."""
    nn = library.nn
    leaf = lambda n: nn.Parameter(library.ones(n))
    return {
        "Sequential": lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)),
        "ModuleList": lambda: nn.ModuleList([nn.Linear(4, 3), nn.Linear(3, 2)]),
        "ModuleDict": lambda: nn.ModuleDict({"a": nn.Linear(4, 3), "b": nn.Tanh()}),
        "ParameterList": lambda: nn.ParameterList([leaf(3), leaf(2)]),
        "ParameterDict": lambda: nn.ParameterDict({"a": leaf(3), "b": leaf(2)}),
        "TransformerEncoder": lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), 2, nn.LayerNorm(4)
        ),
    }


def _inputs(name: str, dtype: torch.dtype, training: bool) -> list[tuple[tuple, dict, tuple, dict]]:
    """Constructor arguments and keywords, operands and their keywords."""
    out = []
    for info in module_db:
        if info.module_cls.__name__ == name:
            seed(0)
            drawn = quietly(
                lambda info=info: info.module_inputs_func(
                    info, device="cpu", dtype=dtype, requires_grad=True, training=training
                )
            )
            for given in drawn:
                made, run = given.constructor_input, given.forward_input
                out.append((made.args, made.kwargs, run.args, run.kwargs))
    out += [
        (made, {}, tuple(x.to(dtype).requires_grad_() for x in run), {})
        for made, run in _OWN.get(name, [])
    ]
    return out


def _run(library: Any, convert: Any, dtype: Any, training: bool, name: str, given: tuple) -> dict:
    """What a module is, gives and learns."""
    kind = torch.Tensor if library is torch else Tensor
    made, named, run, run_named = (convert(x) for x in map(_plain, given))
    seed(3)
    module = getattr(library.nn, name)(*made, **named)
    module = module.to(dtype).train(training)
    lazy = name.startswith("Lazy")  # the first operand makes its parameters
    start = {} if lazy else {k: v.detach().clone() for k, v in module.state_dict().items()}
    seed(4)
    out = module(*run, **run_named)
    flowing = [y for y in tensors(out, kind) if y.requires_grad]
    if flowing:
        weights = [library.arange(y.shape.numel(), dtype=y.dtype).cos() for y in flowing]
        products = [(y * w.reshape(y.shape)).sum() for y, w in zip(flowing, weights, strict=True)]
        sum(products[1:], products[0]).backward()
    learned = [x.grad for x in tensors([list(run), *run_named.values()], kind) if x.requires_grad]
    return {
        "state": start,
        "out": out,
        "state after": dict(module.state_dict()),
        "gradients of inputs": learned,
        "gradients": {k: p.grad for k, p in module.named_parameters()},
    }


def _plain(given: Any) -> Any:
    return list(given) if isinstance(given, tuple) else given


def check_module(name: str, most: int) -> list[str]:
    """What is wrong with a module: one line for each dtype and mode that differs."""
    if name in _stacked(torch):
        return _check_container(name)
    wrong: dict[str, str] = {}
    ran = 0
    for dtype in (torch.float64, torch.float32):
        for training in (True, False):
            where = f"{name} ({str(dtype)[6:]} {'train' if training else 'eval'})"
            given = _inputs(name, dtype, training)
            for sample in given[:: max(1, -(-len(given) // most))]:
                try:
                    expected = quietly(_run, torch, theirs, dtype, training, name, sample)
                except (RuntimeError, ValueError, NotImplementedError, TypeError):
                    continue  # PyTorch refuses the sample on this processor
                ran += 1
                try:
                    found = _run(steepest, ours, ours(dtype), training, name, sample)
                    agree(found, expected, "")
                except Exception as mistake:
                    wrong.setdefault(where, told(where, mistake))
    return list(wrong.values()) or ([] if ran else [f"{name}: no sample ran"])


def _check_container(name: str) -> list[str]:
    found, expected = {}, {}
    try:
        for library, told_by in ((torch, expected), (steepest, found)):
            seed(3)
            made = _stacked(library)[name]()
            told_by["state"] = dict(made.state_dict())
            if hasattr(made, "__len__"):
                told_by["length"] = len(made)
            if name in ("Sequential", "TransformerEncoder"):
                told_by["output"] = made(library.arange(24.0).reshape(2, 3, 4).sin())
        agree(found, expected, name)
    except Exception as mistake:
        return [told(name, mistake)]
    return []
