"""One call, two libraries: run it with steepest and with PyTorch, and compare all that comes out.

A call is a function of the library, `lambda F, x: F.softmax(x, 1)`, so a case is written once.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

import steepest
from steepest.autograd import grad
from steepest.tensors import Tensor

__all__ = ["CLOSE", "Ours", "Theirs", "compare", "compare_gradients", "next_gradients", "same"]

F16, F32, F64 = map(np.dtype, ("float16", "float32", "float64"))
# Composed functions round several times: some units in the last place, of the largest term.
CLOSE = {
    F64: {"rtol": 1e-10, "atol": 1e-12},
    F32: {"rtol": 2e-5, "atol": 2e-6},
    F16: {"rtol": 1e-3, "atol": 1e-3},
}


class _Theirs:
    """PyTorch's functions under one roof, with the few names that are ours alone."""

    @staticmethod
    def sum_squares_loss(output: Any, target: Any) -> Any:
        return torch.nn.functional.mse_loss(output, target, reduction="sum")

    def __getattr__(self, name: str) -> Any:
        for place in (torch.nn.functional, torch, torch.Tensor):
            if hasattr(place, name):
                return getattr(place, name)
        raise AttributeError(name)


Theirs, Ours = _Theirs(), steepest


def theirs(x: Any, gradient: bool) -> Any:
    if isinstance(x, np.ndarray):
        tensor = torch.from_numpy(x.copy())
        return tensor.requires_grad_() if gradient and x.dtype.kind == "f" else tensor
    return [theirs(y, gradient) for y in x] if isinstance(x, list) else x


def ours(x: Any, gradient: bool) -> Any:
    if isinstance(x, np.ndarray):
        tensor = Tensor(x.copy())
        return tensor.requires_grad_() if gradient and x.dtype.kind == "f" else tensor
    return [ours(y, gradient) for y in x] if isinstance(x, list) else x


def quietly(function: Callable[..., Any], *args: Any) -> Any:
    """PyTorch warns where we refuse or say nothing; its warnings are not ours to fail on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args)


def same(found: Any, expected: Any, close: dict | None = None, path: str = "") -> None:
    """Equal kind, shape, dtype and numbers (NaN equals NaN), through tuples and lists."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, Tensor), f"{path}: got {type(found).__name__}, not a tensor"
        numbers = expected.detach().numpy(force=True)
        assert found.shape == tuple(expected.shape), f"{path}: {found.shape}, not {expected.shape}"
        assert found.dtype == numbers.dtype, f"{path}: {found.dtype}, not {numbers.dtype}"
        if numbers.dtype.kind == "f":
            close = CLOSE[numbers.dtype] if close is None else close
            np.testing.assert_allclose(found.value, numbers, **close, err_msg=path)
        else:
            np.testing.assert_array_equal(found.value, numbers, err_msg=path)
    elif isinstance(expected, tuple | list):
        assert len(found) == len(expected), path
        for i, (x, y) in enumerate(zip(found, expected, strict=True)):
            same(x, y, close, f"{path}[{i}]")
    else:
        assert found == expected, path


def tensors(x: Any, kind: type) -> list:
    if isinstance(x, kind):
        return [x]
    return [t for y in x for t in tensors(y, kind)] if isinstance(x, tuple | list) else []


def compare(call: Callable[..., Any], inputs: Sequence[Any], close: dict | None = None) -> None:
    """The value only, or the same class of exception."""
    try:
        expected = quietly(call, Theirs, *(theirs(x, False) for x in inputs))
    except Exception as refused:
        try:
            found = call(Ours, *(ours(x, False) for x in inputs))
        except type(refused):
            return
        raise AssertionError(f"PyTorch refuses ({refused}), we give {found}") from refused
    same(call(Ours, *(ours(x, False) for x in inputs)), expected, close, "value")


def compare_gradients(
    call: Callable[..., Any], inputs: Sequence[Any], close: dict | None = None, order: int = 2
) -> None:
    """Value, gradient and, where PyTorch has it, gradient of gradient."""
    mine, yours = [ours(x, True) for x in inputs], [theirs(x, True) for x in inputs]
    out, expected = call(Ours, *mine), quietly(call, Theirs, *yours)
    same(out, expected, close, "value")
    x = [t for t in tensors(mine, Tensor) if t.requires_grad]
    tx = [t for t in tensors(yours, torch.Tensor) if t.requires_grad]
    random = np.random.default_rng(5)
    now, want = tensors(out, Tensor), tensors(expected, torch.Tensor)
    for k in range(order):
        flows = [t.requires_grad for t in want]
        if k == 0:
            assert [t.requires_grad for t in now] == flows, "requires_grad differs"
        seeds = [random.standard_normal(t.shape).astype(str(t.dtype)[6:]) for t in want]
        now, want = next_gradients(now, x, seeds, want, tx)
        if not want:
            return
        same(now, want, _of_order(k + 1, close, want), f"gradient of order {k + 1}")


def _of_order(order: int, close: dict | None, want: list) -> dict | None:
    """A second derivative adds up terms that cancel: in float32 each is as wrong as the largest."""
    if order == 1 or close is None or want[0].dtype != torch.float32:
        return close
    sizes = [t.abs().nan_to_num(0, 0, 0).max().item() for t in want if t.numel()]
    return close | {"atol": max(close["atol"], 2e-5 * max(sizes, default=0))}


def next_gradients(now: list, x: list, seeds: list, want: list, tx: list) -> tuple[list, list]:
    """The gradients of ⟨outputs, seeds⟩ in both libraries; nothing where PyTorch has none."""
    theirs_now = [
        (t, torch.from_numpy(np.asarray(s)))
        for t, s in zip(want, seeds, strict=True)
        if t.requires_grad
    ]
    ours_now = [
        (t, Tensor(np.asarray(s))) for t, s in zip(now, seeds, strict=True) if t.requires_grad
    ]
    if not theirs_now and not ours_now:
        return [], []
    try:
        expected = [torch.zeros_like(t) for t in tx]
        if theirs_now:
            expected = list(
                torch.autograd.grad(
                    [t for t, _ in theirs_now],
                    tx,
                    [s for _, s in theirs_now],
                    create_graph=True,
                    materialize_grads=True,
                )
            )
    except (RuntimeError, NotImplementedError) as missing:
        assert "not implemented" in str(missing), missing
        return [], []
    found = [Tensor(np.zeros(t.shape, t.dtype)) for t in x]
    if ours_now:
        found = list(
            grad(
                [t for t, _ in ours_now],
                x,
                [s for _, s in ours_now],
                create_graph=True,
                materialize_grads=True,
            )
        )
    return found, expected
