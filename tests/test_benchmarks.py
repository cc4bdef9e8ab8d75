"""The benchmarks measure the same computation: peers agree on the losses before they are timed."""

import io
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from benchmarks import (
    accuracy,
    alone,
    eager,
    epoch,
    general,
    lenet,
    lenet_torch,
    measure,
    pace,
    peer,
    peers,
    results,
    roofline,
    startup,
    table,
    targets,
    threads,
    workloads,
)
from benchmarks.draw import ACTIVATIONS, EXTRAS, LOSSES, NETWORKS, OPTIMIZERS, draw
from rich.console import Console

from steepest.data import load_data
from steepest.random import manual_seed
from steepest.training import fit


def agreeing(workload, chosen=None):
    said = []
    found = measure.agreeing(workload, chosen or quick(), said.append)
    return found, "\n".join(said)


def quick():
    """All peers but one that needs half a minute to compile."""
    return {name: prepare for name, prepare in peers.PEERS.items() if name != "torch.compile"}


def brief(name):
    """The workload for about a hundred steps instead of its 1,500."""
    whole = workloads.WORKLOADS[name]()
    return replace(whole, epochs=100 * whole.batch // len(whole.x))


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_installed_peers_agree(name):
    found, said = agreeing(brief(name))
    assert "losses are" not in said
    missing = [line for line in said.splitlines() if "not installed" in line]
    assert len(found) + len(missing) == len(quick())
    assert {peers.BASE, peers.TORCH, "steepest eager"} <= set(found)


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_losses_of_every_step_agree_and_an_epoch_repeats_itself(name):
    workload = brief(name)
    expected = peers.PEERS[peers.TORCH](workload).epoch()
    compiled = peers.PEERS[peers.BASE](workload)
    once, again = compiled.epoch(), compiled.epoch()
    assert len(once) == len(expected) == len(workload.batches())
    np.testing.assert_allclose(once, expected, rtol=1e-4)
    np.testing.assert_array_equal(once, again)  # weights and averages were reset


@pytest.mark.parametrize(
    ("name", "slow"), [("W5", ["steepest eager", "JAX jit per step"]), ("W8", [])]
)
def test_convolutions_agree_in_every_step(name, slow):
    """What is slow runs on one of them; the scan and the step of JAX share their network."""
    slow = [form for form in slow if "JAX" not in form or find_spec("jax") is not None]
    assert_agree(workloads.WORKLOADS[name](), [peers.CHANNELS_LAST, *slow])


@pytest.mark.parametrize("name", ["W10", "W11"])
def test_sequences_agree_in_every_step(name):
    """Sequences of four steps and one layer of attention, which compile in no time."""
    workload = workloads.WORKLOADS[name]()
    layers = dict.fromkeys(("Places", 4, 64) if x[0] == "Places" else x for x in workload.layers)
    assert_agree(replace(workload, x=workload.x[:, 10:22:3], layers=tuple(layers)), [])


def assert_agree(workload, others):
    """Three steps, so that the running averages and the momentum have been used."""
    few = replace(workload, x=workload.x[:24], y=workload.y[:24], batch=8)
    chosen = peers.peers_of(few)
    names = [peers.BASE, peers.TORCH, *others]
    names += [peers.JAX] * (find_spec("jax") is not None)
    found, said = agreeing(few, {name: chosen[name] for name in names})
    assert set(found) == set(names), said
    expected = found[peers.TORCH].epoch()
    assert len(expected) == 3 and len(set(expected)) == 3
    for peer_found in found.values():
        np.testing.assert_allclose(peer_found.epoch(), expected, rtol=1e-4)


def test_formats_of_images_are_tried_on_images_only():
    assert peers.CHANNELS_LAST in peers.peers_of(workloads.w5())
    assert peers.CHANNELS_LAST not in peers.peers_of(workloads.w4())


def wrong(name):
    """The peers, where that one has losses 1 per mille too large."""
    prepare = peers.PEERS[name]

    def prepare_wrong(workload):
        right = prepare(workload)
        return peer.Peer(right.reset, lambda: 1.001 * right.run())

    chosen = {name: peers.PEERS[name] for name in (peers.BASE, peers.TORCH, "steepest eager")}
    return {**chosen, name: prepare_wrong}


def test_a_peer_with_other_losses_is_not_timed():
    found, said = agreeing(brief("W3"), wrong("steepest eager"))
    assert "steepest eager" not in found
    assert "steepest eager left out" in said


def test_nothing_is_timed_when_ours_is_wrong():
    with pytest.raises(ArithmeticError, match="W3: steepest compiled: its losses are"):
        agreeing(brief("W3"), wrong(peers.BASE))


def test_the_first_steps_count_where_the_optimizer_divides_by_the_gradient():
    losses, late = np.ones(50), np.ones(50)
    late[-1] = 1.1
    assert measure.disagreement(workloads.w1(), late, losses) > 1e-3
    assert measure.disagreement(workloads.w2(), late, losses) == 0
    assert measure.disagreement(workloads.w2(), late[::-1], losses) > 0.05


def test_twenty_networks_hold_everything_and_are_the_same_every_time():
    drawn = draw()
    assert len(drawn) == NETWORKS
    held = {layer[0] for w in drawn for layer in w.layers}
    assert {*ACTIVATIONS, *filter(None, EXTRAS)} <= held
    assert {w.loss for w in drawn} == set(LOSSES)
    for name, settings in OPTIMIZERS:
        assert any(w.optimizer == name and set(w.settings) == set(settings) for w in drawn)
    assert {1, 1000} <= {w.batch for w in drawn}
    depths = {sum(layer[0] == "Linear" for layer in w.layers) for w in drawn}
    assert depths == {1, 2, 3, 4, 5, 6}
    assert [w.layers for w in draw()] == [w.layers for w in drawn]
    np.testing.assert_array_equal(draw()[7].x, drawn[7].x)


@pytest.mark.parametrize("number", [1, 6, 7, 16])  # both norms, batch 1, a centred optimizer
def test_drawn_networks_agree_with_pytorch(number):
    drawn = draw()[number - 1]
    workload = replace(drawn, x=drawn.x[: 3 * drawn.batch], y=drawn.y[: 3 * drawn.batch], epochs=1)
    chosen = {name: peers.PEERS[name] for name in (peers.BASE, "PyTorch eager")}
    said = []
    found = measure.agreeing(workload, chosen, said.append)
    assert list(found) == list(chosen), said


def test_dropout_is_timed_but_not_compared():
    drawn = next(w for w in draw() if ("Dropout", 0.2) in w.layers)
    assert drawn.without_dropout().layers == tuple(x for x in drawn.layers if x[0] != "Dropout")
    np.testing.assert_array_equal(drawn.weights()[0], drawn.without_dropout().weights()[0])


def test_the_page_of_drawn_networks():
    faster, slower = measure.Timing(2, 1, 3, 2), measure.Timing(0.5, 0.5, 0.5, 0.5)
    ours = {peers.BASE: measure.Timing(1, 1, 1, 1)}
    w = workloads.w1()
    won = general.Result(w, {**ours, "JAX scan": faster, "PyTorch eager": faster})
    lost = general.Result(w, {**ours, "JAX scan": slower})
    page = general.page([won, won, lost], "a machine.")
    assert "JAX scan: median 2.00× over 3 networks, from 0.50× to 2.00×; target 1.5×: met" in page
    assert "PyTorch eager: median 2.00× over 2 networks" in page and "target 10×: missed" in page
    assert "slower than the faster of the two: W1; target none: missed" in page
    assert "| 0.50× | left out | slower |" in page


def test_a_sweep_trains_its_members_each_in_its_own_way():
    w2, w7 = workloads.w2(), workloads.w7()
    sweep = replace(w7, count=3, epochs=1)
    found, said = agreeing(sweep, peers.SWEEP_PEERS)
    assert {peers.BASE, peers.TORCH} <= set(found) and "losses are" not in said
    losses = found[peers.BASE].epoch()
    assert losses.shape == (len(sweep.batches()), 3)
    assert len(set(losses[0])) == len({m.settings["lr"] for m in sweep.members()}) == 3
    assert sweep.products() == 3 * w2.products()


@pytest.mark.parametrize(
    "problem", [peer.DoesNotApply("no such layer"), ValueError("no such layer")]
)
def test_a_peer_that_cannot_is_left_out_by_name(problem):
    def prepare(workload):
        raise problem

    found, said = agreeing(
        workloads.w3(), {peers.BASE: peers.PEERS[peers.BASE], "another": prepare}
    )
    assert "another" not in found and "W3: another left out" in said and "no such layer" in said


def test_a_slow_peer_is_timed_less_often(monkeypatch):
    monkeypatch.setattr(measure, "LONGEST", 25.0)
    ticks = iter(range(1000))
    runs = []
    slow = peer.Peer(lambda: None, lambda: [next(ticks) for _ in range(9)] and runs.append(1))
    found = measure.timings({"slow": slow}, 5, 9, lambda: float(next(ticks)))
    assert len(runs) == 4 and found["slow"].middle == 10 / 5 * 1e6  # one to count, three timed


def test_a_slow_moment_is_shared_by_both_sides_of_a_ratio():
    now = [0.0]

    def trained(cost):
        def run():
            now[0] += cost * (10 if 2 < now[0] < 4 else 1)

        return peer.Peer(lambda: None, run)

    found = measure.timings({"ours": trained(0.01), "theirs": trained(0.03)}, 1, 20, lambda: now[0])
    assert found["ours"].ratio == 1 and found["theirs"].ratio == pytest.approx(3)
    assert found["ours"].high == pytest.approx(10 * found["ours"].low)


def test_the_least_a_step_needs():
    w1 = workloads.w1()
    assert w1.products() == 10 * 2 * 13  # forward, and the weights' gradient
    assert w1.moved() == 2 * 14 * 4 + 10 * 14 * 4
    assert workloads.w2().moved() == 2 * 3 * 4 * (14 * 64 + 65 * 64 + 65) + 32 * 14 * 4
    # LeNet's convolutions on 28² and 10² places; the first layer has no gradient of its input
    first, rest = 28**2 * 6 * 25, 10**2 * 16 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 10
    assert workloads.w5().products() == 64 * (2 * first + 3 * rest)
    limits = roofline.Roofline(100.0, {1 << 14: 1e11, 1 << 26: 1e10})
    assert limits.floor(w1) == pytest.approx(672 / 1e11 * 1e6)
    big = workloads.Workload("B", "", w1.x, w1.y, (("Linear", 1000, 1000),), "", "SGD", {}, 100)
    assert limits.floor(big) == pytest.approx(2 * 2e8 / 100e9 * 1e6)
    assert roofline.share(1.0, 4.0) == "25%" and roofline.share(0.1, 0.5) == "latency-bound"


def test_the_roofline_is_measured(monkeypatch):
    monkeypatch.setattr(roofline, "SIZES", [1 << 14, 1 << 20])
    monkeypatch.setattr(roofline, "REPEATS", 1)
    found = roofline.measure_roofline()
    assert 0.1 < found.gflops < 10_000 and all(1e7 < b < 1e13 for b in found.bandwidths.values())


def test_one_peer_alone(monkeypatch):
    monkeypatch.setattr(alone, "REPEATS", 1)
    found = alone.alone(workloads.w3(), [peers.BASE, "steepest eager"])
    assert list(found) == [peers.BASE]
    ours = found[peers.BASE]
    assert ours.cached < ours.first and ours.imports < ours.peak


def test_where_the_time_of_an_epoch_goes():
    found = epoch.epoch(epochs=2, repeats=2)
    whole, *pieces = found.values()
    assert len(pieces) == 5 and 0 < min(pieces) < max(pieces) < 1e6 and whole > 0


def test_first_epoch_is_seen_before_the_command_ends(tmp_path):
    assert 50 < startup._first_epoch(tmp_path) < 60_000


def test_tables_and_targets():
    def row(peer, middle, process=None):
        time = measure.Timing(middle, middle, middle + 1, middle / 100)
        return results.Row("W4", "MLP", peer, time, "50%", process or alone.Alone())

    ours = alone.Alone(150.0, 40.0, 40.0, 120.0, 90.0)
    rows = [row(peers.BASE, 100.0, ours), row("JAX jit per step", 200.0), row("JAX scan", 120.0)]
    rows += [row(peers.TORCH, 1234.5, alone.Alone(imports=220.0, peak=300.0))]
    quick = threads.Turns({1: [100.0, 300.0, 99.0], 2: [50.0, 100.0, 60.0]}, [1.7, 1.9, 1.8])
    turns = {"W4": {peers.BASE: quick, peers.TORCH: threads.Turns({1: [900.0]})}}
    waits = {startup.FIRST_COLD: 900.0, startup.FIRST_WARM: 2000.0, startup.IMPORT_TORCH: 1000.0}
    run = results.Results("a machine.", rows, turns, 30.0, waits, ["W4: tinygrad left out, why"])
    verdicts = {target.what: target.verdict for target in targets.targets(run)}
    assert verdicts == {
        "W4 against JAX's best form": "missed",
        "W4 against PyTorch eager": "met",
        "W4 compiling, cold": "met",
        "W4 compiling, cold, without loading LLVM": "met",
        "W4 compiling, compiled before": "missed",
        "W4 peak memory against PyTorch, cold": "missed",
        "W4 peak memory against PyTorch, compiled before": "met",
        "W4 two threads against one": "met",
        f"{startup.FIRST_COLD}, before import torch has returned": "met",
        f"{startup.FIRST_WARM}, before import torch has returned": "missed",
    }
    page = table.as_markdown(run)
    assert "| W4 | PyTorch eager | 1,234.50 | 1,234.50–1,235.50 | 12.35 | 50% |" in page
    assert "| W4 | steepest compiled | 150 | 40 | 40 | 120 | 90 |" in page
    assert "| W4 | steepest compiled | 100 | 60 | 2.00 | 1.80 |" in page
    assert "| W4 | PyTorch eager | 900 | — | — | — |" in page
    assert "- W4: tinygrad left out, why" in page and "6 of 10 are met" in page
    said = io.StringIO()
    table.show(run, Console(file=said, width=120))
    assert said.getvalue().index("One training step") < said.getvalue().index("Targets")


def test_compiling_is_told_at_the_pace_of_the_processor_of_its_limits():
    def row(name, peer, middle, process=None):
        time = measure.Timing(middle, middle, middle, middle)
        return results.Row(name, "", peer, time, "", process or alone.Alone())

    rows = [row("W1", peers.BASE, 1.0, alone.Alone(150.0, 20.0))]
    rows += [row("W1", peers.TORCH, 3 * pace.THERE["W1"])]
    run = results.Results("a machine.", rows)
    assert pace.pace(run) == 3 and pace.pace(results.Results("", rows[:1])) is None
    page = table.as_markdown(run)
    assert "| W1 compiling, cold | ≤ 100 ms | 150 ms | missed | 50 ms |" in page
    assert "| W1 compiling, compiled before | ≤ 15 ms | 20 ms | missed | 7 ms |" in page
    assert "they take 3.0 times as long" in page


def test_one_thread_and_two_take_turns(monkeypatch):
    monkeypatch.setattr(threads, "REPEATS", 2)
    found = threads.threaded(workloads.WORKLOADS["W1"](), [peers.BASE])
    assert list(found) == [peers.BASE, threads.CORES]
    for turns in found.values():
        assert [len(times) for times in turns.times.values()] == [2] * len(turns.times)
        assert min(map(min, turns.times.values())) > 0 and (turns.gain or 1) > 0


def test_the_better_format_of_pytorch_counts():
    def found(workload, slow, fast):
        def row(peer, middle):
            time = measure.Timing(middle, middle, middle, middle / 100)
            return results.Row(workload, "", peer, time, "")

        rows = [row(peers.BASE, 100.0), row(peers.TORCH, slow), row(peers.CHANNELS_LAST, fast)]
        run = results.Results("a machine.", [*rows, row(peers.JAX, 5000.0)])
        return {target.what: target.verdict for target in targets.targets(run)}

    promised = found("W8", 200.0, 110.0)
    assert promised["W8 against PyTorch's better format"] == "met"
    assert promised["W8 against PyTorch's better format, aimed at"] == "missed"
    assert not any("JAX" in what for what in promised)
    assert found("W5", 700.0, 500.0)["W5 against PyTorch's better format"] == "missed"
    assert found("W5", 700.0, 800.0)["W5 against PyTorch's better format"] == "met"


@pytest.mark.parametrize("name", lenet.FORMS)
def test_lenet_learns_as_in_pytorch(name):
    form, packaged = lenet.FORMS[name], load_data("mnist", scale="none")
    few = (packaged.train.x[:200], packaged.train.y[:200])
    data = load_data(few, scale=form.scale, task="classification", split=(0.8, 0.1, 0.1))
    manual_seed(0)
    model, settings = form.make(), form.settings(0)
    _, expected = lenet_torch.torch_epochs(model, data, settings, 1, lenet.EPOCHS)
    ours = fit(model, data, progress="none", **settings | {"epochs": 1}).step_losses[0]
    assert len(expected) == 160 // form.batch
    found = lenet.apart(form, data, ours, expected)
    assert found.single.max() < 1e-4 and found.double.max() < 1e-12
    assert 0 < found.yardstick.max() < 1e-4


def test_the_page_of_lenet():
    form, single, double = lenet.FORMS["relu"], np.full(200, 1e-6), np.full(200, 1e-15)
    apart = lenet.Apart(single, double, np.full(200, 0.2))
    found = lenet.Study(form, [0.97, 0.978, 0.99], 0.1, 2.0, 3.0, apart, ["a note"])
    text = lenet.page([found], "a machine.")
    assert "median 97.80% of 97.00%, 97.80%, 99.00%; at least 97.7% wanted: met" in text
    assert "15 epochs 2.00 s, of which 0.50 s once" in text and "reverse order: 2.0e-01" in text
    assert "## Modern, ReLU and max pooling" in text and "- a note" in text
    slow = lenet.Study(form, [0.9], 0.1, 4.0, 3.0, lenet.Apart(single * 1e3, single, single), [])
    assert sum("missed" in line for line in slow.lines()) == 4


def test_errors_count_units_in_the_last_place():
    one = np.float32(1)
    got = np.array([1, np.nextafter(one, np.float32(2)), np.inf, np.nan, np.inf, 1], np.float32)
    exact = np.array([1, 1, 1e39, np.nan, 1e30, np.nan])
    found = accuracy.errors(got, exact)
    assert found.tolist() == [0, 1, 0, 0, np.inf, np.inf]


def test_accuracy_of_a_function(monkeypatch):
    monkeypatch.setattr(accuracy, "STRIDE", 100_003)
    monkeypatch.setattr(accuracy, "DENSE", 10_000)
    monkeypatch.setattr(accuracy, "BLOCK", 1 << 14)
    found = accuracy.accuracy("tanh")
    assert 0.5 <= found.everywhere.error < 1.25
    assert found.near.error <= found.everywhere.error
    page = accuracy.page([found])
    assert "| tanh | -1 | 1 | NaN | -0 | 0 |" in page
    monkeypatch.setitem(accuracy.EXACT, "tanh", np.sinh)
    with pytest.raises(ArithmeticError, match="tanh of"):
        accuracy.accuracy("tanh")


def test_eager_operations_are_timed_in_both_libraries(capsys):
    eager.main(turns=1, calls=2)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line[:28].strip() for line in lines] == list(eager.operations(eager.steepest))
    assert all(float(number) > 0 for line in lines for number in line[28:].split())
