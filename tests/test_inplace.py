"""Changing tensors in place: what is allowed, what is refused, and whose gradient changes.

The first test draws whole programs and runs them with both libraries; the others say in a line each
what people rely on.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import CHANGES, COMPUTE, VIEWS, Instruction, Run, run

import steepest
from steepest.tensors import Tensor, tensor

instructions = st.builds(
    Instruction,
    st.sampled_from([*COMPUTE, *CHANGES]),
    st.integers(1, 7),
    st.integers(0, 7),
    st.sampled_from([True, True, True, False]),
) | st.builds(Instruction, st.sampled_from(sorted(VIEWS)), st.integers(0, 7), st.just(0))

LEAF = np.array([[0.3, -0.7], [1.1, 0.4]])
OTHER = np.array([[-0.2, 0.9], [0.6, -1.3]])
# What PyTorch refuses and we allow, because here it is well defined.
ALLOWED = ("single memory location", "a leaf Variable that requires grad")


def slope_by_differences(program: list[Instruction]) -> np.ndarray:
    found = np.zeros_like(LEAF)
    for at in np.ndindex(*LEAF.shape):
        step = np.zeros_like(LEAF)
        step[at] = 1e-6
        above, below = (run(steepest, program, LEAF + s, OTHER).total for s in (step, -step))
        found[at] = (above - below) / 2e-6
    return found


def check_stricter(program: list[Instruction], ours: Run) -> None:
    """PyTorch refuses to go back, we do not: then our gradient must be the true one."""
    if all(step.recorded and step.what != "detached" for step in program):
        expected = slope_by_differences(program)
        np.testing.assert_allclose(ours.gradients, expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=300)
@given(st.lists(instructions, min_size=1, max_size=8))
def test_a_program_of_views_and_changes_gives_pytorchs_gradient(program):
    ours, theirs = run(steepest, program, LEAF, OTHER), run(torch, program, LEAF, OTHER)
    if ours.failed_at != theirs.failed_at and any(text in theirs.error for text in ALLOWED):
        return
    assert ours.failed_at == theirs.failed_at, ours.error + theirs.error
    if ours.failed_at is not None:
        return
    for x, y in zip(ours.values, theirs.values, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)
    assert ours.requires_grad == theirs.requires_grad
    if theirs.backward_failed and not ours.backward_failed:
        check_stricter(program, ours)
        return
    assert ours.backward_failed == theirs.backward_failed, ours.error
    if not ours.backward_failed:
        np.testing.assert_allclose(ours.gradients, theirs.gradients, rtol=1e-10, atol=1e-10)


# ---- values that the backward pass needs --------------------------------------------------------


def leaf(*numbers: float) -> Tensor:
    return tensor(list(numbers), dtype=np.float64, requires_grad=True)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h: h.add_(1),
        lambda h: h.zero_(),
        lambda h: h.__setitem__(0, 5.0),
        lambda h: h[0].add_(1),
        lambda h: h.reshape(1, 2).mul_(2),
        lambda h: h.detach().add_(1),
    ],
)
@pytest.mark.parametrize(
    "use", [lambda h: h * h, lambda h: h.exp(), lambda h: h.sin(), lambda h: 1 / h, lambda h: h**4]
)
def test_a_needed_operand_that_changed_is_an_error(use, spoil):
    h = leaf(1.0, 2.0) * 1
    out = use(h)
    spoil(h)
    if use(leaf(1.0)).node.row.name == "exp":  # needs its result only, which is untouched
        out.sum().backward()
        return
    with pytest.raises(RuntimeError, match="changed in place") as refused:
        out.sum().backward()
    assert "clone()" in str(refused.value)


@pytest.mark.parametrize("use", [lambda x: x.exp(), lambda x: x.sigmoid(), lambda x: x.tanh()])
def test_a_needed_result_that_changed_is_an_error(use):
    x = leaf(1.0, 2.0)
    y = use(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="the result of shape"):
        y.sum().backward()


def test_a_value_that_nobody_needs_may_change():
    x = leaf(1.0, 2.0)
    h = x * 3
    out = h + 1
    h.zero_()
    out.sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_a_change_under_no_grad_is_noticed_too():
    x = leaf(1.0, 2.0)
    y = x * x
    with steepest.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="changed in place"):
        y.sum().backward()


def test_a_step_after_backward_spoils_nothing():
    w = leaf(1.0, 2.0)
    for _ in range(3):
        loss = (w * w).sum()
        w.grad = None
        loss.backward()
        with steepest.no_grad():
            w -= 0.25 * w.grad
    np.testing.assert_allclose(w.detach().value, [0.125, 0.25])


# ---- leaves -------------------------------------------------------------------------------------

CHANGE_A_LEAF = [
    lambda w: w.add_(1),
    lambda w: w.__iadd__(1),
    lambda w: w.__setitem__(0, 1.0),
    lambda w: w[0].mul_(2),
    lambda w: w.reshape(2, 1).zero_(),
    lambda w: w.copy_(tensor([1.0, 2.0])),
    lambda w: w.fill_(0.5),
]


@pytest.mark.parametrize("change", CHANGE_A_LEAF)
def test_a_leaf_that_requires_grad_is_changed_under_no_grad_only(change):
    w = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf") as refused:
        change(w)
    assert "no_grad" in str(refused.value)
    assert w.tolist() == [1, 2], "nothing may have changed when it was refused"
    with steepest.no_grad():
        change(w)
    assert w.requires_grad and w.is_leaf


def test_a_float_result_does_not_fit_into_integers():
    x = tensor([1, 2])
    with pytest.raises(RuntimeError, match="int64"):
        x += 0.5
    with pytest.raises(RuntimeError, match="int64"):
        x /= 2
    x += True
    assert x.tolist() == [2, 3]
    assert x.dtype == np.int64


def test_the_dtype_and_shape_of_a_changed_tensor_stay():
    x = tensor([1.0, 2.0])
    x += tensor([1.0, 1.0], dtype=np.float64)
    assert x.dtype == np.float32
    with pytest.raises(RuntimeError, match="broadcast"):
        x += tensor([[1.0, 1.0], [1.0, 1.0]])


# ---- views while recording ----------------------------------------------------------------------


def test_adding_to_a_row():
    w, x = leaf(2.0, 3.0), leaf(1.0, 1.0)
    h = (x * 1).reshape(1, 2)
    h[0] += w
    (h * h).sum().backward()
    assert w.grad.tolist() == [6, 8]
    assert x.grad.tolist() == [6, 8]


def test_adding_to_a_row_that_has_a_name():
    w = leaf(2.0, 3.0)
    h = tensor(np.ones((2, 2)))
    row = h[0]
    row += w
    assert h.requires_grad
    (h * h).sum().backward()
    assert w.grad.tolist() == [6, 8]


@pytest.mark.parametrize(
    "view", [lambda h: h.T[0], lambda h: h.reshape(-1)[::2], lambda h: h.T.reshape(2, 2)[0]]
)
def test_a_view_of_a_view_writes_through(view):
    for library in (steepest, torch):
        w = library.tensor(np.array([2.0, 3.0]), requires_grad=True)
        h = library.tensor(np.arange(4.0).reshape(2, 2)) * 1
        try:
            part = view(h)
            part.mul_(w)
            (h * library.tensor(np.array([[1.0, 2], [3, 4]]))).sum().backward()
        finally:
            found = (h.detach().numpy().tolist(), None if w.grad is None else w.grad.tolist())
        if library is steepest:
            ours = found
    assert ours == found


def test_other_views_of_a_changed_tensor_follow():
    w = leaf(2.0, 3.0)
    h = w * 1
    first, everything = h[0], h.reshape(1, 2)
    h.mul_(10)
    assert first.item() == 20
    (first + everything.sum()).backward()
    assert w.grad.tolist() == [20, 10]


def test_a_view_taken_under_no_grad_is_not_changed_while_recording():
    h = leaf(1.0, 2.0) * 1
    with steepest.no_grad():
        part = h[0]
    with pytest.raises(RuntimeError, match="no_grad"):
        part.add_(1)


def test_an_expanded_tensor_has_no_place_of_its_own():
    x = tensor([1.0, 2.0]).expand(3, 2)
    with pytest.raises(RuntimeError, match="clone"):
        x += 1


def test_a_constant_copied_over_cuts_the_gradient():
    w = leaf(2.0, 3.0)
    h = w * 1
    h[0] = 7.0
    h.sum().backward()
    assert w.grad.tolist() == [0, 1]
    h = w * 1
    h.zero_()
    h.sum().backward()
    assert w.grad.tolist() == [0, 1], "zeros were added"


def test_copying_a_leaf_into_a_tensor():
    w = leaf(2.0, 3.0)
    h = tensor([0.0, 0.0], dtype=np.float64)
    h.copy_(w)
    (h * h).sum().backward()
    assert w.grad.tolist() == [4, 6]


def test_an_in_place_operation_may_need_what_it_overwrites():
    w = leaf(2.0, 3.0)
    h = w * w
    h *= w
    h.sum().backward()
    np.testing.assert_allclose(w.grad.value, [12, 27])


# ---- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[0],
        lambda x: x[:, 1:],
        lambda x: x[..., None],
        lambda x: x.reshape(3, 2),
        lambda x: x.view(-1),
        lambda x: x.T,
        lambda x: x.permute(1, 0),
        lambda x: x.unsqueeze(0),
        lambda x: x.squeeze(),
        lambda x: x.flatten(),
        lambda x: x.detach(),
        lambda x: x.narrow(0, 0, 1),
        lambda x: x.split(1)[1],
        lambda x: x.expand(2, 2, 3),
        lambda x: x.contiguous(),
        lambda x: x.to(x.dtype),
        lambda x: x[[0, 1]],
        lambda x: x[x > 0],
        lambda x: x.clone(),
        lambda x: x + 0,
        lambda x: x.T.reshape(-1),
        lambda x: x.T.contiguous(),
        lambda x: x.repeat(1, 1),
    ],
)
def test_memory_is_shared_where_pytorch_shares_it(view):
    data = np.arange(1.0, 7.0).reshape(2, 3)
    ours, theirs = tensor(data), torch.tensor(data)
    mine, yours = np.shares_memory(view(ours).value, ours.value), view(theirs).numpy()
    assert mine == np.shares_memory(yours, theirs.numpy())


def test_from_numpy_shares_and_tensor_copies():
    array = np.zeros(3)
    shared, copied = steepest.from_numpy(array), tensor(array)
    array[0] = 5
    assert shared[0].item() == 5 and copied[0].item() == 0
    shared.add_(1)
    assert array.tolist() == [6, 1, 1]
    assert steepest.as_tensor(array).value is array
    assert shared.numpy() is array
