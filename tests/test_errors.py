"""Messages: in which operation, what was expected, what came, what to write instead."""

import threading

import numpy as np
import pytest

import steepest
from steepest import functional as F
from steepest import primitives as P
from steepest.core import Aval, Problem, RequestError, closest, lazy, result_dtype, said, sizes
from steepest.tensors import tensor


def test_a_message_has_its_lines_in_order():
    text = said("cross_entropy", "one class per row", expected=(3,), got=(3, 2), write="target[0]")
    assert text == (
        "cross_entropy: one class per row\n"
        "  expected  (3,)\n"
        "  got       (3, 2)\n"
        "  write     target[0]"
    )
    assert said("where", "what") == "where: what"
    assert said("where", "what", got=0) == "where: what\n  got       0", "0 is worth saying"


def test_closest_guesses_or_lists():
    known = ["adam", "sgd", "rmsprop"]
    assert closest("adm", known) == " (did you mean 'adam'?)"
    assert closest("ADAM", known) == " (did you mean 'adam'?)"
    assert closest("zzz", known) == " (known: adam, sgd, rmsprop)"
    assert closest("zzz", []) == ""
    assert closest("zzz", [f"name{i}" for i in range(20)]).endswith(", …)")


def test_a_wrong_request_and_a_failed_job_are_different_classes():
    assert issubclass(RequestError, ValueError) and issubclass(Problem, RuntimeError)
    assert not issubclass(RequestError, Problem)


# Mistakes that people make, and what the message must hold.
MISTAKES = [
    (lambda t: t.ones(2, 3) @ t.ones(2, 3), RuntimeError, ["matmul", "(2, 3)", "3 rows"]),
    (lambda t: t.ones(2, 3) + t.ones(4, 3), RuntimeError, ["add", "(2, 3)", "(4, 3)", "broadcast"]),
    (lambda t: t.ones(2, 3).reshape(4), RuntimeError, ["reshape", "(4,)", "6 elements"]),
    (lambda t: t.ones(2).item(), RuntimeError, ["item", "one element"]),
    (lambda t: t.ones(2, requires_grad=True).numpy(), RuntimeError, ["x.detach().numpy()"]),
    (lambda t: t.ones(2).sum(3), IndexError, ["dim", "out of range", "3"]),
    (lambda t: t.tensor([1, 2]).mean(), RuntimeError, ["mean", "int64", "x.float()"]),
    (lambda t: t.tensor([1]).requires_grad_(), RuntimeError, ["float", "int64"]),
    (lambda t: t.ones(2) + "a", TypeError, ["add", "str"]),
    (lambda t: "a" * t.ones(2), TypeError, ["mul", "str"]),
    (lambda t: t.ones(2) @ 3, TypeError, ["matmul", "two tensors"]),
    (lambda t: bool(t.ones(2)), RuntimeError, ["ambiguous", "any()"]),
    (lambda t: t.ones(2)[5], IndexError, ["axis 0", "2 entries", "5"]),
    (lambda t: t.ones(2)[0, 0], IndexError, ["too many", "1 dim"]),
    (lambda t: t.cat([t.ones(2, 3), t.ones(2, 4)]), RuntimeError, ["cat", "(2, 3)", "(2, 4)"]),
    (lambda t: F.linear(t.ones(5, 2), t.ones(4, 3)), RuntimeError, ["(*, 3)", "(5, 2)"]),
    (lambda t: -t.tensor([True]), RuntimeError, ["logical_not"]),
    (lambda t: t.tensor([2]) ** -1, RuntimeError, ["pow", "float()"]),
    (lambda t: t.ones(3).backward(), RuntimeError, ["requires_grad=True"]),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "kind", "words"), MISTAKES)
def test_a_mistake_gets_a_message_one_can_act_on(mistake, kind, words):
    with pytest.raises(kind) as refused:
        mistake(steepest)
    text = str(refused.value)
    for word in words:
        assert word in text, text


def test_an_unknown_name_of_the_library_is_an_attribute_error():
    for name in ("no_such_function", "__wrapped__", "_private"):
        with pytest.raises(AttributeError, match=name):
            getattr(steepest, name)
    assert not hasattr(steepest, "no_such_function")


def test_every_name_that_is_offered_exists():
    assert {"tensor", "nn", "optim", "no_grad", "float32", "manual_seed"} <= set(dir(steepest))
    light = {"tensor", "zeros", "sum", "matmul", "autograd", "float32", "Tensor", "relu"}
    for name in light & set(dir(steepest)):
        assert getattr(steepest, name) is not None


def test_a_rows_own_mistake_is_explained_by_its_shape_rule():
    """NumPy's complaint about its own call never reaches anyone."""
    with pytest.raises(RuntimeError, match="contract: ij,jk->ik does not fit"):
        P.contract(tensor(np.ones((2, 3))), tensor(np.ones((2, 3))), spec="ij,jk->ik")
    with pytest.raises(RuntimeError, match="reshape"):
        P.reshape(tensor(np.ones(3)), shape=(2,))
    with pytest.raises(RuntimeError, match="axes"):
        P.sum_(tensor(np.ones(3)), axes=(4,))


def test_interpreters_belong_to_their_thread():
    found: list[object] = []
    with steepest.no_grad():
        thread = threading.Thread(target=lambda: found.append(steepest.is_grad_enabled()))
        thread.start()
        thread.join()
    assert found == [True]


# ---- the small tools of floor 0 -----------------------------------------------------------------


def test_a_lazy_package_loads_when_used_and_says_what_is_missing():
    colors = lazy("colorsys")
    assert colors.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    missing = lazy("no_such_package.part", extra="studio")
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'steepest\[studio\]'"):
        _ = missing.anything
    with pytest.raises(ModuleNotFoundError, match="pip install no_such_package"):
        _ = lazy("no_such_package").anything


def test_sizes_are_written_either_way():
    assert sizes((2, 3)) == sizes(((2, 3),)) == sizes(([2, 3],)) == (2, 3)
    assert sizes(()) == () and sizes((4,)) == (4,) and sizes((np.int64(4),)) == (4,)


def test_an_aval_reads_like_a_type():
    assert str(Aval((2, 3), np.dtype("float32"))) == "float32[2,3]"


def test_a_number_alone_has_the_default_dtypes():
    assert [result_dtype(x) for x in (True, 1, 1.5)] == [bool, np.int64, np.float32]
