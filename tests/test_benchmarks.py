"""The benchmarks measure the same computation: peers agree on the losses before they are timed."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks import accuracy, first, general, measure, peer, peers, table, workloads
from benchmarks.draw import ACTIVATIONS, EXTRAS, LOSSES, NETWORKS, OPTIMIZERS, draw


def agreeing(workload, chosen=peers.PEERS):
    said = []
    found = measure.agreeing(workload, chosen, peers.BASE, peers.REFERENCE, said.append)
    return found, "\n".join(said)


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_installed_peers_agree(name):
    found, said = agreeing(workloads.WORKLOADS[name]())
    assert "losses are" not in said
    missing = [line for line in said.splitlines() if "not installed" in line]
    assert len(found) + len(missing) == len(peers.PEERS)
    assert {peers.BASE, peers.REFERENCE, "PyTorch eager"} <= set(found)


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_losses_of_every_step_agree_and_an_epoch_repeats_itself(name):
    workload = workloads.WORKLOADS[name]()
    expected = peers.PEERS[peers.REFERENCE](workload).epoch()
    compiled = peers.PEERS[peers.BASE](workload)
    once, again = compiled.epoch(), compiled.epoch()
    assert len(once) == len(expected) == len(workload.batches())
    np.testing.assert_allclose(once, expected, rtol=1e-4)
    np.testing.assert_array_equal(once, again)  # weights and averages were reset


def wrong(name):
    """The peers, where that one has losses 1 per mille too large."""
    prepare = peers.PEERS[name]

    def prepare_wrong(workload):
        right = prepare(workload)
        return peer.Peer(right.reset, lambda: 1.001 * right.run())

    return {**peers.PEERS, name: prepare_wrong}


def test_a_peer_with_other_losses_is_not_timed():
    found, said = agreeing(workloads.w3(), wrong("PyTorch eager"))
    assert "PyTorch eager" not in found
    assert "PyTorch eager left out" in said


def test_nothing_is_timed_when_ours_is_wrong():
    with pytest.raises(ArithmeticError, match="steepest compiled left out"):
        agreeing(workloads.w3(), wrong(peers.BASE))


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
    found = measure.agreeing(workload, chosen, peers.BASE, "PyTorch eager", said.append)
    assert list(found) == list(chosen), said


def test_dropout_is_timed_but_not_compared():
    drawn = next(w for w in draw() if ("Dropout", 0.2) in w.layers)
    assert drawn.without_dropout().layers == tuple(x for x in drawn.layers if x[0] != "Dropout")
    np.testing.assert_array_equal(drawn.weights()[0], drawn.without_dropout().weights()[0])


def test_the_page_of_drawn_networks():
    faster, slower = measure.Timing(2, 1, 3), measure.Timing(0.5, 0.5, 0.5)
    ours = {peers.BASE: measure.Timing(1, 1, 1)}
    w = workloads.w1()
    won = general.Result(w, {**ours, "JAX scan": faster, "PyTorch eager": faster})
    lost = general.Result(w, {**ours, "JAX scan": slower})
    page = general.page([won, won, lost], "a machine.")
    assert "JAX scan: median 2.00× over 3 networks, from 0.50× to 2.00×; target 1.5×: met" in page
    assert "PyTorch eager: median 2.00× over 2 networks" in page and "target 10×: missed" in page
    assert "slower than the faster of the two: W1; target none: missed" in page
    assert "| 0.50× | left out | slower |" in page


def test_tables_render():
    rows = [
        table.Row("W1", "linear", peers.BASE, 1.25, 1.2, 1.5, 1.0),
        table.Row("W1", "linear", "another", 1234.5, 1200.0, 1300.0, 987.6),
    ]
    calls = [first.First("W1", peers.BASE, 120.4, 30.2), first.First("W1", "another", 99.0, None)]
    page = table.as_markdown(rows, calls, {"import": 5.0}, "a machine.")
    assert "| W1 linear | another | 1,234.50 | 1,200.00–1,300.00 | 987.60 |" in page
    assert "| W1 | another | 99 | — |" in page
    assert "| W1 | steepest compiled | 120 | 30 |" in page
    assert table.as_rich(rows).row_count == table.first_as_rich(calls).row_count == 2


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
