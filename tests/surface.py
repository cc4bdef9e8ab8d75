"""PyTorch's own sample inputs, run through both libraries: the functions.

A check returns what is wrong, one line per mistake; nothing means that all forms of the name agree
with PyTorch in value, dtype, shape, gradient and second gradient.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from oracle import next_gradients, quietly, tensors
from surface_samples import OUR_SAMPLES, Sample
from torch_surface import OUTSIDE

import steepest
from steepest.tensors import Tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

__all__ = ["ALL", "MOST", "agree", "check_function", "ours", "seed", "theirs", "told"]

ALL, MOST = 1_000_000, 2  # samples of a function in double precision: more than there are, a few
_DTYPES = {str(d)[6:]: d for d in (torch.float64, torch.float32, torch.int64, torch.bool)}
_KNOWN = {
    torch.float16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.uint8, torch.bool,
}  # fmt: skip
# Relative to the largest element: both libraries round sums of some hundred terms, in another
# order, and single precision has 6e-8 per rounding.
_TOLERANCE = {"float64": 1e-10, "float32": 1e-5, "float16": 1e-3}


# ---- one sample, for either library -------------------------------------------------------------


def seed(number: int) -> None:
    """Both libraries, and Python, with which PyTorch draws some samples. `torch.manual_seed` also
    notes, for each accelerator that is missing, where it was called: half the time of a test."""
    steepest.manual_seed(number)
    torch.default_generator.manual_seed(number)
    random.seed(number)


def theirs(x: Any) -> Any:
    """A copy that may be changed in place."""
    if isinstance(x, torch.Tensor):
        return x.detach().clone().requires_grad_(x.requires_grad)
    if isinstance(x, dict):
        return {k: theirs(v) for k, v in x.items()}
    return type(x)(theirs(y) for y in x) if type(x) in (list, tuple) else x


def ours(x: Any) -> Any:
    """The same for our library: its tensors and functions, NumPy's dtypes, the device's name."""
    if isinstance(x, torch.Tensor):
        tensor = Tensor(x.detach().numpy(force=True).copy())
        return tensor.requires_grad_() if x.requires_grad else tensor
    if isinstance(x, torch.dtype):
        return np.dtype(str(x)[6:])
    if isinstance(x, torch.device):
        return str(x)
    if isinstance(x, dict):
        return {k: ours(v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(ours(x.start), ours(x.stop), ours(x.step))
    if isinstance(x, torch.Size):
        return tuple(x)
    if callable(x) and hasattr(torch.nn.functional, getattr(x, "__name__", "")):
        return getattr(steepest.nn.functional, x.__name__)
    return type(x)(ours(y) for y in x) if type(x) in (list, tuple) else x


def agree(found: Any, expected: Any, where: str) -> None:
    """The same kind, shape, dtype and numbers, through tuples, lists and dictionaries."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(found, Tensor), f"{where}: {type(found).__name__}, not a tensor"
        numbers = expected.detach().numpy(force=True)
        assert found.shape == numbers.shape, f"{where}: shape {found.shape}, not {numbers.shape}"
        assert found.dtype == numbers.dtype, f"{where}: {found.dtype}, not {numbers.dtype}"
        if numbers.dtype.kind != "f":
            assert np.array_equal(found.value, numbers), f"{where}: other numbers"
            return
        finite = np.abs(numbers[np.isfinite(numbers)], dtype=np.float64)
        close = _TOLERANCE[str(numbers.dtype)]
        atol = close * max(1.0, finite.max(initial=0.0))
        assert np.allclose(found.value, numbers, close, atol, equal_nan=True), (
            f"{where}: off by {np.nanmax(np.abs(found.value - numbers)):.1e}"
        )
    elif isinstance(expected, dict):
        assert list(found) == list(expected), f"{where}: {list(found)}, not {list(expected)}"
        for key in expected:
            agree(found[key], expected[key], f"{where}[{key!r}]")
    elif isinstance(expected, tuple | list):
        assert len(found) == len(expected), f"{where}: {len(found)} results, not {len(expected)}"
        for i, (x, y) in enumerate(zip(found, expected, strict=True)):
            agree(x, y, f"{where}[{i}]")
    elif isinstance(expected, torch.dtype):
        assert found == ours(expected), f"{where}: {found}, not {expected}"
    elif isinstance(expected, float):
        assert np.isclose(found, expected, 1e-6, equal_nan=True), f"{where}: {found}, {expected}"
    else:
        assert np.all(found == expected), f"{where}: {found}, not {expected}"


# ---- the forms of a function ---------------------------------------------------------------------


def _found(library: Any, name: str) -> Callable[..., Any]:
    """`name` in a library: a function, or else a method or an attribute of its tensors."""
    for root in (library, library.nn.functional, library.Tensor):
        place = root
        for part in name.split("."):
            place = getattr(place, part, None)
        if callable(place):
            return place
        if root is library.Tensor and place is not None:
            return lambda x: getattr(x, name)
    raise AttributeError(f"no {name}")


def _method(library: Any, name: str) -> Callable[..., Any]:
    return getattr(library.Tensor, name.rpartition(".")[2])


def _changed(library: Any, name: str) -> Callable[..., Any]:
    function = getattr(library.Tensor, name.rpartition(".")[2] + "_")
    return lambda x, *args, **kwargs: function(x.clone(), *args, **kwargs)


_FORMS = {"function": _found, "method": _method, "in place": _changed}


def _compared(form: str, name: str, sample: Sample, second: bool) -> bool:
    """Whether PyTorch takes the sample in this form; it is compared if so."""
    finder = _FORMS[form]
    try:
        call, given = finder(torch, name), theirs([list(sample.args), sample.kwargs])
        seed(7)
        expected = quietly(lambda: call(*given[0], **given[1]))
    except (AttributeError, TypeError, RuntimeError, ValueError, IndexError, NotImplementedError):
        return False
    mine = ours([list(sample.args), sample.kwargs])
    found = finder(steepest, name)(*mine[0], **mine[1])
    if isinstance(expected, torch.Generator):  # of manual_seed: what it then draws
        found, expected = steepest.rand(5), torch.rand(5)
    if found is None:  # what was changed
        found, expected = mine[0][0], given[0][0]
    agree(found, expected, "value")
    x = [t for t in _leaves(mine, Tensor) if t.requires_grad]
    tx = [t for t in _leaves(given, torch.Tensor) if t.requires_grad]
    drawn = np.random.default_rng(5)
    now, want = tensors(found, Tensor), tensors(expected, torch.Tensor)
    assert [t.requires_grad for t in now] == [t.requires_grad for t in want], "requires_grad"
    for order in range(1 + second):
        seeds = [np.asarray(drawn.standard_normal(t.shape), str(t.dtype)[6:]) for t in want]
        now, want = next_gradients(now, x, seeds, want, tx)
        agree(now, want, f"gradient {order + 1}")
        if not any(t.requires_grad for t in want):
            break
    return True


def _leaves(given: list, kind: type) -> list:
    args, kwargs = given
    return tensors([args, list(kwargs.values())], kind)


def _foreign(x: Any) -> bool:
    """Whether a sample speaks of a dtype that the library has not."""
    if isinstance(x, torch.Tensor):
        return x.dtype not in _KNOWN
    if isinstance(x, torch.dtype):
        return x not in _KNOWN
    if isinstance(x, dict):
        return any(map(_foreign, x.values()))
    return any(map(_foreign, x)) if isinstance(x, list | tuple) else isinstance(x, complex)


@cache
def _operations() -> dict[str, list[Any]]:
    """PyTorch's operations under each of their names, without the part that tells the module."""
    found: dict[str, list[Any]] = {}
    for op in op_db:
        if f"{op.name} {op.variant_test_name}" not in OUTSIDE:
            known = (op.name, *(alias.name for alias in op.aliases))
            for name in {n.removeprefix("nn.functional.") for n in known}:
                found.setdefault(name, []).append(op)
    return found


def _samples(op: Any, dtype: torch.dtype, most: int) -> Iterator[Sample]:
    """At most so many of its samples: the first, the second, the fourth, the eighth … one."""
    seed(0)
    wanted = op.supports_autograd and dtype.is_floating_point
    drawn = iter(op.sample_inputs_func(op, "cpu", dtype, wanted))
    place = taken = 0
    while taken < most and (drawing := quietly(next, drawn, None)) is not None:
        made = Sample((drawing.input, *drawing.args), drawing.kwargs)
        if _foreign([made.args, made.kwargs]):
            continue
        place += 1
        if most == ALL or place & (place - 1) == 0:
            taken += 1
            yield made


def check_function(name: str, most: int = MOST) -> list[str]:
    """What is wrong with a function: one line for each form, dtype and variant that differs."""
    wrong: dict[str, str] = {}
    ran = 0
    for op, dtype, sample in _calls(name, most):
        path = op.name if op is not None and op.name.endswith(f".{name}") else name
        if op is None and hasattr(torch.nn.functional, name):
            path = f"nn.functional.{name}"
        second = op is not None and op.supports_gradgrad and dtype == "float64"
        for form in _FORMS:
            where = " ".join(filter(None, (form, dtype, op and op.variant_test_name)))
            if where not in wrong:
                try:
                    ran += _compared(form, path, sample, second)
                except Exception as mistake:
                    wrong[where] = told(f"{name} ({where})", mistake)
    return list(wrong.values()) or ([] if ran else [f"{name}: no sample ran"])


def _calls(name: str, most: int) -> Iterator[tuple[Any, str, Sample]]:
    """PyTorch's variant, the dtype and the arguments of every call of a function."""
    for op in _operations().get(name, []):
        for dtype in _DTYPES:
            if op.supports_dtype(_DTYPES[dtype], "cpu"):
                share = most if dtype == "float64" else max(1, most // 3)
                yield from ((op, dtype, s) for s in _samples(op, _DTYPES[dtype], share))
    yield from ((None, "", s) for s in OUR_SAMPLES.get(name, []))


def told(where: str, mistake: Exception) -> str:
    """An exception on one line."""
    return f"{where}: " + " ".join(f"{type(mistake).__name__}: {mistake}".split())[:160]
