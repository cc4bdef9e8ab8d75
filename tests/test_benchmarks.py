"""The benchmarks measure the same computation: peers agree on the losses before they are timed."""

import io

import numpy as np
import pytest
from benchmarks import accuracy, first, peers, table, workloads
from rich.console import Console


def agreeing(name):
    said = io.StringIO()
    found = table.agreeing(workloads.WORKLOADS[name](), Console(file=said))
    return found, said.getvalue()


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_installed_peers_agree(name):
    found, said = agreeing(name)
    assert "its loss is" not in said
    missing = [line for line in said.splitlines() if "not installed" in line]
    assert len(found) + len(missing) == len(peers.PEERS)
    assert {peers.BASE, peers.REFERENCE, "PyTorch eager"} <= set(found)


@pytest.mark.parametrize("name", ["W1", "W3"])
def test_losses_of_every_step_agree_and_an_epoch_repeats_itself(name):
    workload = workloads.WORKLOADS[name]()
    expected = peers.PEERS[peers.REFERENCE](workload)()
    compiled = peers.PEERS[peers.BASE](workload)
    once, again = compiled(), compiled()
    assert len(once) == len(expected) == len(workload.batches())
    np.testing.assert_allclose(once, expected, rtol=1e-4)
    np.testing.assert_array_equal(once, again)  # weights and averages were reset


def wrong(peer):
    """The peers, where that one has losses 1 per mille too large."""
    prepare = peers.PEERS[peer]

    def prepare_wrong(workload):
        epoch = prepare(workload)
        return lambda: [1.001 * loss for loss in epoch()]

    return {**peers.PEERS, peer: prepare_wrong}


def test_a_peer_with_other_losses_is_not_timed(monkeypatch):
    monkeypatch.setattr(table, "PEERS", wrong("PyTorch eager"))
    found, said = agreeing("W3")
    assert "PyTorch eager" not in found
    assert "PyTorch eager left out" in said


def test_nothing_is_timed_when_ours_is_wrong(monkeypatch):
    monkeypatch.setattr(table, "PEERS", wrong(peers.BASE))
    with pytest.raises(ArithmeticError, match="steepest compiled left out"):
        agreeing("W3")


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
