"""The catalogue of tracing traps: what a step may do and a program cannot.

Each is right or refused. Right means: the compiled step gives what the eager step gives, call after
call. Refused means: an error that names the line and what to write instead, before anything
changes. Traps about memory, shapes and modes are in test_tracing_memory.py.
"""

import dataclasses
import itertools
import random
import threading
import time
from typing import NamedTuple

import numpy as np
import pytest

import steepest
from steepest import nn, optim, tensor
from steepest.compiler import NotCompilable, compile

SCALE = 2.0


class Setting:
    scale = 1.0


def x_of(*numbers):
    return tensor(np.array(numbers, np.float32))


def assert_refused(step, *args, match):
    """Refused with the line, and with what to write instead."""
    with pytest.raises(NotCompilable, match=match) as refused:
        compile(step)(*args)
    assert "test_tracing_traps.py:" in str(refused.value)
    assert "\n  write " in str(refused.value)


# ---- frozen numbers ------------------------------------------------------------------------------


def test_a_number_in_the_closure_that_changes_is_noticed():
    rate = 0.5
    double = compile(lambda x: x.sum() * rate)
    assert double(x_of(1, 2)).item() == 1.5
    rate = 2.0
    assert double(x_of(1, 2)).item() == 6.0


def test_a_global_number_that_changes_is_noticed(monkeypatch):
    def step(x):
        return x.sum() * SCALE

    compiled = compile(step)
    assert compiled(x_of(1, 2)).item() == 6
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert compiled(x_of(1, 2)).item() == 9


def test_numbers_in_objects_classes_and_containers_are_noticed():
    settings, config = Setting(), {"deep": [{"shift": 1.0}]}

    def step(x):
        return x.sum() * settings.scale + config["deep"][0]["shift"]

    compiled = compile(step)
    assert compiled(x_of(1, 2)).item() == 4
    settings.scale = 2.0
    assert compiled(x_of(1, 2)).item() == 7
    config["deep"][0]["shift"] = 0.0
    assert compiled(x_of(1, 2)).item() == 6
    del settings.scale
    Setting.scale = 5.0
    assert compiled(x_of(1, 2)).item() == 15
    Setting.scale = 1.0


def test_numbers_in_slots_are_noticed_and_given_back():
    @dataclasses.dataclass(slots=True)
    class Slotted:
        scale: float = 2.0

    setting = Slotted()
    compiled = compile(lambda x: x.sum() * setting.scale)
    assert compiled(x_of(1, 2)).item() == 6
    setting.scale = 1.0
    assert compiled(x_of(1, 2)).item() == 3

    def step(x):
        setting.scale += 1
        return x.sum()

    assert_refused(step, x_of(1), match=r"setting\.scale")
    assert setting.scale == 1


def test_a_numpy_array_that_the_step_copies_is_watched():
    scale = np.array([2.0], np.float32)
    compiled = compile(lambda x: (x * tensor(scale)).sum())
    assert compiled(x_of(1, 2)).item() == 6
    scale[0] = 5
    assert compiled(x_of(1, 2)).item() == 15


def test_a_list_that_grows_between_the_calls_is_followed():
    scales = [2.0]

    def step(x):
        for scale in scales:
            x = x * scale
        return x.sum()

    compiled = compile(step)
    assert compiled(x_of(1)).item() == 2
    scales.append(3.0)
    assert compiled(x_of(1)).item() == 6


def test_settings_of_an_optimizer_and_new_groups_are_followed():
    def run(wrap):
        a, b = (nn.Parameter(x_of(1)) for _ in range(2))
        optimizer = optim.SGD([a], lr=0.1, momentum=0.9)

        @wrap
        def step(x):
            optimizer.zero_grad()
            loss = (a * b * x).sum()
            loss.backward()
            optimizer.step()
            return loss

        step(x_of(1))
        optimizer.param_groups[0]["momentum"] = 0.0
        step(x_of(1))
        optimizer.add_param_group({"params": [b]})
        step(x_of(1))
        a.requires_grad_(False)
        return [step(x_of(1)).item(), a.item(), b.item()]

    np.testing.assert_allclose(run(compile), run(lambda step: step), rtol=1e-6)


def test_a_learning_rate_schedule_is_followed():
    def build():
        steepest.manual_seed(0)
        model = nn.Linear(2, 1)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        schedule = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)

        def step(x):
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, schedule

    x = x_of([1, 2], [3, 4], [5, 7])
    (eager, one), (step, two) = build(), build()
    compiled = compile(step)
    for _ in range(4):
        assert compiled(x).item() == pytest.approx(eager(x).item(), rel=1e-5)
        one.step()
        two.step()


def test_a_number_that_changes_at_every_call_is_refused_in_the_end():
    rate = [0.0]
    compiled = compile(lambda x: x.sum() * rate[0])
    with pytest.raises(NotCompilable, match=r"rate\[0\] changes between the calls"):
        for i in range(40):
            rate[0] = float(i)
            assert compiled(x_of(1)).item() == i


def test_a_counter_of_the_step_itself_is_refused():
    count = 0

    def step(x):
        nonlocal count
        count += 1
        return x.sum() * count

    assert_refused(step, x_of(1), match="number or array is another one")
    assert count == 0


def test_a_counter_in_an_object_is_refused_even_where_it_is_not_computed_with():
    setting = Setting()
    setting.calls = 0

    def step(x):
        setting.calls += 1
        return x.sum()

    assert_refused(step, x_of(1), match=r"setting\.calls")
    assert setting.calls == 0


def test_an_argument_that_is_a_number_is_frozen_per_value():
    compiled = compile(lambda x, power: (x * power).sum())
    assert [compiled(x_of(1, 2), n).item() for n in (1, 2, 1)] == [3, 6, 3]


def test_numpy_random_numbers_are_refused():
    generator = np.random.default_rng(0)
    assert_refused(
        lambda x: (x + tensor(generator.standard_normal(2).astype(np.float32))).sum(),
        x_of(1, 2),
        match="number or array is another one",
    )


def test_python_random_numbers_are_refused():
    assert_refused(lambda x: x.sum() * random.random(), x_of(1), match="another one")


def test_the_librarys_eager_random_numbers_are_refused():
    assert_refused(lambda x: (x + steepest.rand(2)).sum(), x_of(1, 2), match="another one")


def test_the_clock_is_refused():
    assert_refused(lambda x: x.sum() * (time.perf_counter() % 1), x_of(1), match="another one")


def test_an_iterator_is_refused():
    batches = itertools.count(1.0)
    assert_refused(lambda x: x.sum() * next(batches), x_of(1), match="another one")


def test_a_compiled_step_may_be_part_of_another():
    weight, scales = nn.Parameter(x_of(1)), [2.0]
    scaled = compile(lambda x: weight * x * scales[0])

    def step(x):
        (gradient,) = steepest.autograd.grad(scaled(x).sum(), [weight])
        return gradient

    compiled = compile(step)
    assert compiled(x_of(3)).item() == 6
    scales[0] = 5.0  # a number of the inner step
    assert compiled(x_of(3)).item() == 15


class Pair(NamedTuple):
    total: object
    greatest: object


def test_tuples_whose_entries_have_names_go_in_and_come_out():
    compiled = compile(lambda pair: Pair(pair.total.sum(), pair.greatest.max(0)))
    for x in (x_of(1, 4), x_of(7, 2)):
        out = compiled(Pair(x, x))
        assert out.total.item() == x.sum().item()
        assert out.greatest.values.item() == x.max().item()


def test_tensors_in_an_object_of_the_steps_own_are_refused():
    @dataclasses.dataclass
    class Both:
        total: object

    assert_refused(lambda x: Both(x.sum()), x_of(1), match="returns something else")


# ---- branches and numbers asked for --------------------------------------------------------------


def test_a_branch_on_data_is_refused():
    def step(x):
        if x.sum() > 0:
            return x.sum()
        return -x.sum()

    assert_refused(step, x_of(1), match="bool asks for a number")


def test_a_loop_on_data_is_refused():
    def step(x):
        while (x * x).sum() > 1:
            x = x / 2
        return x.sum()

    assert_refused(step, x_of(8), match="bool asks for a number")


def test_a_branch_on_a_python_flag_is_followed():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(1.0))
    compiled = compile(lambda x: model(x).abs().sum())
    assert compiled(x_of([1, 2])).item() == 0
    model.eval()
    assert compiled(x_of([1, 2])).item() > 0
    model.train()
    assert compiled(x_of([1, 2])).item() == 0


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("item", lambda x: x.sum().item()),
        ("tolist", lambda x: x.tolist()),
        ("numpy", lambda x: x.numpy()),
        ("item", lambda x: float(x.sum())),
        ("NumPy", lambda x: np.sum(x.value)),
        ("print", lambda x: str(x)),
        ("print", lambda x: f"{x}"),
        ("equal", lambda x: steepest.equal(x, x)),
        ("nonzero", lambda x: steepest.nonzero(x)),
        ("indexing", lambda x: x[x > 0]),
    ],
)
def test_numbers_asked_for_are_refused(name, ask):
    def step(x):
        ask(x + 1)
        return x.sum()

    assert_refused(step, x_of(1, 2), match=f"{name} asks for a number")


def test_a_refusal_that_the_step_catches_stays_a_refusal():
    def step(x):
        try:
            return x * x.sum().item()
        except RuntimeError:
            return x

    assert_refused(step, x_of(3), match="item asks for a number")


def test_an_assertion_about_data_is_refused():
    def step(x):
        assert (x > 0).all()
        return x.sum()

    assert_refused(step, x_of(1), match="bool asks for a number")


def test_a_number_read_from_a_tensor_of_the_steps_own_is_watched():
    limit = x_of(3)

    def step(x):
        return x.sum() * limit.item()

    compiled = compile(step)
    assert compiled(x_of(1)).item() == 3
    limit.fill_(4)
    assert compiled(x_of(1)).item() == 4


def test_a_number_read_from_state_is_refused():
    count = x_of(0)

    def step(x):
        scale = 1 + count.item()
        count.add_(1)
        return x.sum() * scale

    assert_refused(step, x_of(1), match="read and then changed")
    assert count.item() == 0


def test_printing_a_tensor_is_refused(capsys):
    def step(x):
        print(x)
        return x.sum()

    assert_refused(step, x_of(1), match="print asks for a number")
    assert capsys.readouterr().out == ""


# ---- Python objects that the step changes --------------------------------------------------------


def test_printing_a_text_is_refused(capsys):
    def step(x):
        print("a step", flush=True)
        return x.sum()

    assert_refused(step, x_of(1), match="the step prints")
    assert capsys.readouterr().out == ""


def test_what_another_thread_prints_while_a_step_is_traced_is_printed(capsys):
    def step(x):
        thread = threading.Thread(target=print, args=("beside",))
        thread.start()
        thread.join()
        return x.sum()

    assert compile(step)(x_of(1, 2)).item() == 3
    assert "beside" in capsys.readouterr().out


def test_a_log_of_plain_things_is_refused():
    log = []

    def step(x):
        log.append("a step")
        return x.sum()

    assert_refused(step, x_of(1), match="the length of log")
    assert log == []


def test_a_growing_list_of_losses_is_refused():
    losses = []

    def step(x):
        loss = (x * x).sum()
        losses.append(loss)
        return loss

    assert_refused(step, x_of(1), match="the length of losses|losses")
    assert losses == []


def test_a_tensor_kept_for_the_next_step_is_refused():
    memory = {"last": x_of(0, 0)}

    def step(x):
        out = (x + memory["last"]).sum()
        memory["last"] = x * 2
        return out

    assert_refused(step, x_of(1, 2), match="computed in one step is used in the next")
    assert memory["last"].tolist() == [0, 0]


def test_a_tensor_kept_and_not_used_again_is_refused():
    setting = Setting()

    def step(x):
        setting.last = x * 2
        return x.sum()

    assert_refused(step, x_of(1, 2), match=r"setting\.last")
    assert not hasattr(setting, "last")


def test_state_with_the_history_of_a_step_is_refused():
    hidden, w = x_of(0), tensor(np.ones(1, np.float32), requires_grad=True)

    def step(x):
        hidden.copy_(w * hidden + x)
        return hidden.sum()

    assert_refused(step, x_of(1), match="the history of one step")
    assert hidden.node is None


def test_a_global_of_the_name_of_a_variable_is_another(monkeypatch):
    monkeypatch.setitem(globals(), "sum", 5.0)  # of the name of an attribute, too
    sum = x_of(2)
    compiled = compile(lambda x: (x * sum).sum())
    assert [compiled(x_of(3)).item() for _ in range(2)] == [6, 6]


def test_a_number_that_a_layer_reads_at_every_call_is_refused_by_name():
    class Scaled(nn.Module):
        def forward(self, x):
            return x.sum() / self.temperature

    layer = Scaled()
    compiled = compile(lambda x: layer(x))
    with pytest.raises(NotCompilable, match=r"layer\.temperature = tensor\(number\) once") as said:
        for i in range(1, 40):
            layer.temperature = float(i)
            assert compiled(x_of(1)).item() == pytest.approx(1 / i)
    assert "layer.temperature.fill_(number)" in str(said.value)
    layer.temperature, compiled = x_of(4).sum(), compile(lambda x: layer(x))
    for _ in range(20):
        assert compiled(x_of(2)).item() == 2 / layer.temperature.item()
        layer.temperature.mul_(0.5)


def test_a_schedule_inside_of_a_step_is_refused():
    p = nn.Parameter(x_of(1))
    schedule = optim.lr_scheduler.StepLR(optim.SGD([p], lr=0.1), 1)

    @compile
    def step(x):
        schedule.step()
        return x.sum()

    with pytest.raises(RuntimeError, match="after the call of the compiled step"):
        step(x_of(1))
    assert schedule.last_epoch == 0
