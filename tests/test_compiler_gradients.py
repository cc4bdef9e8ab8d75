"""What is in `.grad` around a compiled step is what is there around the eager one, or says why."""

import copy
import pickle

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import Epochs, NotCompilable, compile
from steepest.nn.functional import mse_loss

ROUNDS = 20  # more than a step is compiled anew before it is refused


def rows(seed, *shape):
    return tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


class Job:
    """A small network, an optimizer, and steps that are wrapped, or not."""

    def __init__(self, wrap):
        steepest.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1, momentum=0.5)
        self.wrap = wrap

    def backward(self, x, y):
        loss = mse_loss(self.model(x), y)
        loss.backward()
        return loss

    def fresh(self, x, y):
        self.optimizer.zero_grad()
        return self.backward(x, y)

    def see(self, seen):
        seen += [None if p.grad is None else p.grad.tolist() for p in self.model.parameters()]
        seen += [p.tolist() for p in self.model.parameters()]

    def train(self, step, seen, zeroed=lambda i: False):
        """Some rounds of a step; before those that are `zeroed`, the gradients are forgotten."""
        step = self.wrap(step)
        for i in range(ROUNDS):
            if zeroed(i):
                self.optimizer.zero_grad()
            step(rows(i, 5, 3), rows(i + 99, 5, 1))
            self.see(seen)


def zeroed_inside(job, seen):
    backward, update = job.wrap(job.fresh), job.wrap(job.optimizer.step)
    for i in range(ROUNDS):
        backward(rows(i, 5, 3), rows(-i - 1 + 99, 5, 1))
        job.see(seen)
        update()


def zeroed_outside(job, seen):
    backward = job.wrap(job.backward)
    for i in range(ROUNDS):
        job.optimizer.zero_grad()
        backward(rows(i, 5, 3), rows(i + 99, 5, 1))
        job.see(seen)
        job.optimizer.step()


def several_small_batches(job, seen):
    backward, update = job.wrap(job.backward), job.wrap(job.optimizer.step)
    for i in range(ROUNDS):
        job.optimizer.zero_grad(set_to_none=i % 2 == 0)
        for part in range(3):
            backward(rows(i + part, 5, 3), rows(i + 99, 5, 1))
        job.see(seen)
        update()


def zeroed_after_the_update(job, seen):
    def step(x, y):
        loss = job.backward(x, y)
        job.optimizer.step()
        job.optimizer.zero_grad()
        return loss

    job.backward(rows(7, 5, 3), rows(8, 5, 1))  # the first step adds to this
    job.train(step, seen)


def updated_outside_of_zeroing(job, seen):
    def step(x, y):
        loss = job.backward(x, y)
        job.optimizer.step()
        return loss

    job.train(step, seen, zeroed=lambda i: i % 3)


def frozen_for_a_while(job, seen):
    backward, update = job.wrap(job.fresh), job.wrap(job.optimizer.step)
    for i in range(6):
        job.model[0].requires_grad_(i % 3 != 0)
        backward(rows(i, 5, 3), rows(i + 99, 5, 1))
        job.see(seen)
        update()


def updated_first(job, seen):
    def step(x, y):
        job.optimizer.step()
        return job.fresh(x, y)

    job.train(step, seen, zeroed=lambda i: i == 7)  # where an update finds nothing to do again


def updated_first_with_decay(job, seen):
    """Whose update only adds to what it finds, as backward does."""
    job.optimizer = optim.SGD(job.model.parameters(), lr=0.1, weight_decay=0.1)

    def step(x, y):
        job.optimizer.step()
        job.optimizer.zero_grad(set_to_none=False)
        return job.backward(x, y)

    job.train(step, seen)


def summed_over_all_steps(job, seen):
    def step(x, y):
        job.optimizer.step()
        return job.backward(x, y)

    job.train(step, seen)


def zeroed_in_place(job, seen):
    def step(x, y):
        for p in job.model.parameters():
            if p.grad is not None:
                p.grad.zero_()
        return job.backward(x, y)

    step, update = job.wrap(step), job.wrap(job.optimizer.step)
    for i in range(ROUNDS):
        step(rows(i, 5, 3), rows(i + 99, 5, 1))
        job.see(seen)
        update()


def clipped_before_the_update(job, seen):
    def step(x, y):
        loss = job.backward(x, y)
        nn.utils.clip_grad_norm_(job.model.parameters(), 0.1)
        job.optimizer.step()
        return loss

    job.train(step, seen, zeroed=lambda i: i % 3)


@pytest.mark.parametrize(
    "training",
    [
        zeroed_inside,
        zeroed_outside,
        several_small_batches,
        zeroed_after_the_update,
        updated_outside_of_zeroing,
        frozen_for_a_while,
        updated_first,
        updated_first_with_decay,
        summed_over_all_steps,
        zeroed_in_place,
        clipped_before_the_update,
    ],
)
def test_gradients_between_compiled_steps_are_those_between_eager_ones(training):
    eager, compiled = [], []
    training(Job(lambda step: step), eager)
    training(Job(compile), compiled)
    for ours, theirs in zip(compiled, eager, strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_gradient_that_was_taken_from_a_parameter_is_not_written_again():
    job = Job(compile)
    backward = compile(job.fresh)
    weight = job.model[0].weight
    taken = []
    for i in range(3):
        backward(rows(i, 5, 3), rows(i, 5, 1))
        taken.append(weight.grad)
    numbers = [g.tolist() for g in taken]
    assert len({str(x) for x in numbers}) == 3
    for i in range(3):
        job.fresh(rows(i, 5, 3), rows(i, 5, 1))
        np.testing.assert_allclose(weight.grad.tolist(), numbers[i], rtol=1e-4, atol=1e-6)


def whole_step(job):
    @compile
    def step(x, y):
        loss = job.fresh(x, y)
        job.optimizer.step()
        return loss

    return step


def test_a_gradient_that_a_step_has_used_up_says_so():
    job = Job(compile)
    step, x, y = whole_step(job), rows(0, 5, 3), rows(1, 5, 1)
    step(x, y)
    weight = job.model[0].weight
    told = "not kept it"
    assert "not kept" in repr(weight.grad) and "not kept" in f"{weight.grad}"
    with pytest.raises(RuntimeError, match=told):
        nn.utils.clip_grad_norm_(job.model.parameters(), 1.0)
    with pytest.raises(RuntimeError, match=told):
        job.optimizer.step()
    with pytest.raises(RuntimeError, match=told):
        weight.grad * 2
    job.backward(x, y)  # what is added to an unknown is unknown
    with pytest.raises(RuntimeError, match=r"return loss, \[p\.grad for p in"):
        weight.grad.norm()
    assert copy.deepcopy(job.model)[0].weight.grad is weight.grad
    assert pickle.loads(pickle.dumps(weight.grad)) is weight.grad
    step(x, y)
    job.optimizer.zero_grad(set_to_none=False)
    assert weight.grad.tolist() == np.zeros((4, 3)).tolist()
    step(x, y)
    job.model.double().zero_grad()
    assert weight.grad is None and len(step._steady.loops) == 1


def test_gradients_that_a_step_returns_are_those_that_it_uses():
    eager, job = Job(lambda step: step), Job(compile)
    eager.fresh(rows(0, 5, 3), rows(1, 5, 1))

    @compile
    def step(x, y):
        loss = job.fresh(x, y)
        job.optimizer.step()
        return loss, [p.grad for p in job.model.parameters()]

    _, found = step(rows(0, 5, 3), rows(1, 5, 1))
    for ours, p in zip(found, eager.model.parameters(), strict=True):
        np.testing.assert_allclose(ours.tolist(), p.grad.tolist(), rtol=1e-4, atol=1e-6)


def test_two_steps_that_leave_gradients_on_each_others_parameters():
    def run(wrap):
        steepest.manual_seed(0)
        maker, judge = nn.Linear(2, 3), nn.Linear(3, 1)
        makes = optim.Adam(maker.parameters(), lr=0.01)
        judges = optim.Adam(judge.parameters(), lr=0.01)

        @wrap
        def judged(real, noise):
            judge.zero_grad()
            loss = judge(maker(noise).detach()).sigmoid().mean() - judge(real).sigmoid().mean()
            loss.backward()
            judges.step()
            return loss

        @wrap
        def made(noise):
            maker.zero_grad()
            loss = -judge(maker(noise)).sigmoid().mean()
            loss.backward()
            makes.step()
            return loss

        losses = []
        for i in range(ROUNDS):
            losses += [judged(rows(i, 4, 3), rows(i + 50, 4, 2)), made(rows(i + 70, 4, 2))]
        return [loss.item() for loss in losses]

    np.testing.assert_allclose(run(compile), run(lambda step: step), rtol=1e-4, atol=1e-6)


def test_an_update_alone_reads_the_gradient_that_is_there():
    p = nn.Parameter(tensor(np.zeros(2, np.float32)))
    optimizer = optim.SGD([p], lr=1.0)
    update = compile(optimizer.step)
    update()  # there is none yet
    assert p.tolist() == [0, 0]
    for g in (1.0, 2.0, 4.0):
        p.grad = tensor(np.full(2, g, np.float32))
        update()
    assert p.tolist() == [-7, -7]
    p.grad = None
    update()
    assert p.tolist() == [-7, -7]


def test_a_tensor_that_only_changes_in_place_may_be_given_other_memory():
    total = tensor(np.zeros(2, np.float32))

    @compile
    def step(x):
        with steepest.no_grad():
            total.add_(x)

    step(rows(0, 2))
    total.data = tensor(np.full(2, 5, np.float32))
    step(tensor(np.ones(2, np.float32)))
    assert total.tolist() == [6, 6]


@pytest.mark.parametrize("wrap", [lambda step: step, compile], ids=["eager", "compiled"])
def test_an_update_without_gradients_is_not_counted(wrap):
    """Adam divides by what its count says."""
    job = Job(wrap)
    job.optimizer = optim.Adam(job.model.parameters(), lr=0.1)

    @wrap
    def step(x, y):
        job.optimizer.step()
        return job.fresh(x, y)

    for i in range(4):
        step(rows(i, 5, 3), rows(i + 99, 5, 1))
        counts = [state["step"].item() for state in job.optimizer.state.values()]
        assert counts == ([i] * 4 if i else [])


def test_epochs_of_a_step_whose_first_is_another_one_are_refused():
    job = Job(compile)

    def step(x, y):
        job.optimizer.step()
        return job.fresh(x, y)

    x, y = rows(0, 20, 3).numpy(), rows(1, 20, 1).numpy()
    epochs, order = Epochs(step), np.arange(20)
    before = [p.tolist() for p in job.model.parameters()]
    with pytest.raises(NotCompilable, match="call the step once by itself"):
        epochs.run([x, y], order, 5)
    assert [p.tolist() for p in job.model.parameters()] == before
    other = Job(compile)
    step(tensor(x[:5]), tensor(y[:5]))
    losses = epochs.run([x, y], order, 5)
    other.fresh(tensor(x[:5]), tensor(y[:5]))
    for k, loss in enumerate(losses):
        other.optimizer.step()
        wanted = other.fresh(tensor(x[5 * k : 5 * k + 5]), tensor(y[5 * k : 5 * k + 5])).item()
        np.testing.assert_allclose(loss, wanted, rtol=1e-5)
