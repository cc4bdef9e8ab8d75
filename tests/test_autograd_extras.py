"""Hooks of tensors, Function, inference_mode: against PyTorch, by running the same code in both."""

import gc
import weakref

import numpy as np
import pytest
import torch

import steepest

BOTH = pytest.mark.parametrize("library", [steepest, torch], ids=["steepest", "torch"])


def leaf(library, *numbers):
    return library.tensor(numbers, dtype=library.float64, requires_grad=True)


def alike(run):
    """What both libraries give, which must be the same numbers."""
    ours, theirs = run(steepest), run(torch)
    assert len(ours) == len(theirs)
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=1e-12)


def test_hooks_see_and_replace_gradients():
    def run(library):
        x, seen = leaf(library, 1.0, -2.0), []
        y = x * x
        y.register_hook(lambda g: seen.append(g.detach()))
        y.register_hook(lambda g: g * 3)
        x.register_hook(lambda g: g + 1)
        gone = x.register_hook(lambda g: g * 100)
        gone.remove()
        (y.exp() + y).sum().backward(retain_graph=True)
        (again,) = library.autograd.grad((x * y).sum(), x)
        return [x.grad, again, *seen]

    alike(run)


@BOTH
def test_a_constant_has_no_hooks(library):
    with pytest.raises(RuntimeError):
        library.ones(2).register_hook(print)


def test_retain_grad_keeps_and_adds_up():
    def run(library):
        x = leaf(library, 1.0, 2.0)
        y = x * 3
        y.retain_grad()
        x.retain_grad()
        (y * y).sum().backward(retain_graph=True)
        first = y.grad.clone()
        (y * y).sum().backward()
        return [first, y.grad, x.grad]

    alike(run)


def test_what_is_retained_does_not_keep_the_tensor_alive():
    y = leaf(steepest, 1.0) * 2
    y.retain_grad()
    known = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert known() is None
    finally:
        gc.enable()


def functions(library):
    """Operations with derivatives of their own, of one library."""

    class Cube(library.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.scale = scale
            ctx.save_for_backward(x)
            return x**3 * scale

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g * ctx.scale, None

    class Exponential(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            out = x.exp()
            ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx, g):
            return ctx.saved_tensors[0] * g

    class Several(library.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y, (x + y).sum(), (x > y).long()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.mark_non_differentiable(output[2])
            ctx.seen = None

        @staticmethod
        def backward(ctx, product, total, greater):
            x, y = ctx.saved_tensors
            assert ctx.needs_input_grad == (True, True)
            return product * y + total, product * x + total

    return Cube, Exponential, Several


def test_functions_first_and_second_derivatives():
    def run(library):
        cube, exponential, several = functions(library)
        x, y = leaf(library, 1.5, -2.0), leaf(library, 0.5, 3.0)
        out = [cube.apply(x, 2.0), exponential.apply(x * y), *several.apply(x, y)[:2]]
        total = sum((o * o).sum() for o in out)
        first = library.autograd.grad(total, (x, y), create_graph=True)
        second = library.autograd.grad(sum((g * g).sum() for g in first), (x, y))
        return [o.detach() for o in out] + [g.detach() for g in first] + list(second)

    alike(run)


def test_a_function_without_recording_and_the_other_results():
    def run(library):
        _, exponential, several = functions(library)
        x, y = leaf(library, 1.5, -2.0), leaf(library, 0.5, 3.0)
        with library.inference_mode():
            assert not exponential.apply(x).requires_grad
        product, total, greater = several.apply(x, y)
        assert product.requires_grad and total.requires_grad and not greater.requires_grad
        product.sum().backward()
        return [greater, x.grad, y.grad]

    alike(run)


@BOTH
def test_mistakes_in_backward_are_told(library):
    class Odd(library.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x)
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g * len(ctx.saved_tensors)

    x, y = leaf(library, 1.0), leaf(library, 2.0)
    with pytest.raises(RuntimeError, match="number of gradients"):
        Odd.apply(x, y).backward()
    z = x * 1
    out = Odd.apply(z, y)
    with library.no_grad():
        z += 1
    with pytest.raises(RuntimeError):
        out.backward()


def test_a_function_in_a_compiled_step():
    cube, exponential, _ = functions(steepest)
    w = leaf(steepest, 0.3, -0.4)

    def step(x):
        loss = (cube.apply(exponential.apply(w * x), 0.5)).sum()
        (g,) = steepest.autograd.grad(loss, w)
        return loss, g

    x = steepest.tensor([1.0, 2.0], dtype=steepest.float64)
    for found, wanted in zip(steepest.compile(step)(x), step(x), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), wanted.detach().numpy(), rtol=1e-12)


@BOTH
def test_grad_modes(library):
    x = leaf(library, 1.0)
    with library.inference_mode():
        assert not library.is_grad_enabled()
    with library.inference_mode(False):
        assert library.is_grad_enabled()
    library.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    library.set_grad_enabled(True)
    with library.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @library.set_grad_enabled(False)
    def quiet():
        return (x * 2).requires_grad

    assert library.is_grad_enabled() and not quiet() and library.is_grad_enabled()
