"""The profile of a step: every nest has a line, and the lines are the step."""

import os
from dataclasses import replace

import pytest
from benchmarks import profile, results, roofline, table, workloads
from benchmarks.clocked import WAITING
from benchmarks.stages import captured_step, final_graph

from steepest.compiler.lower import stages

LIMITS = roofline.Roofline(100.0, {1 << 14: 1e11, 1 << 26: 1e10})


def few(name, batches):
    whole = workloads.WORKLOADS[name]()
    rows = batches * whole.batch
    return replace(whole, x=whole.x[:rows], y=whole.y[:rows], epochs=1)


def test_lines_are_the_nests_in_order_and_add_up_to_the_step():
    workload = few("W2", 8)
    found = profile.profile(workload, LIMITS)
    nests = stages(final_graph(captured_step(workload))).fusion.nests
    numbers = [line.text.partition(":")[0] for line in found.lines]
    assert numbers == [*(f"nest {k}" for k in range(len(nests))), "outputs"]
    assert all(len(line.times) == 1 and line.times[0] > 0 for line in found.lines)
    assert found.total == pytest.approx(sum(line.times[0] for line in found.lines))
    assert 0.5 < found.total / found.measured < 2
    products = 32 * (13 * 64 * 2 + 64 * 64 * 3)
    contracts = [line for line in found.lines if "summed" in line.text]
    assert products < sum(line.products for line in contracts) < 4 * products


def test_products_beyond_the_border_of_an_image_do_not_count():
    lowered = stages(final_graph(captured_step(workloads.WORKLOADS["W5"]())))
    (nest,) = [nest for nest in lowered.fusion.nests if nest.bounded]
    products = 64 * 6 * 16 * (10 * 5) ** 2  # every element of the gradient, by every weight
    assert profile._all(nest, lowered) == products


def test_every_thread_has_a_time_and_waits(monkeypatch, tmp_path):
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    found = profile.profile(few("W4", 2), LIMITS, 2)
    assert all(len(line.times) == 2 for line in found.lines)
    waits = next(line for line in found.lines if line.text == WAITING)
    assert min(waits.times) > 0
    assert not list(tmp_path.rglob("*"))  # nothing of it may be found by a later program
    assert allowed is None or os.sched_getaffinity(0) == allowed


def test_a_profile_is_a_page_of_its_largest_lines():
    lines = [profile.Line(f"nest {k}: map", [float(k % 4 + 1)], 1000, 4000, 0.5) for k in range(9)]
    run = results.Results("a machine.", profiles={("W4", 2): profile.Profile(30.0, lines)})
    (page,) = [page for page in table.pages(run) if "W4" in page.title]
    assert "two threads" in page.title and "30.00 µs" in page.note
    assert [row[0] for row in page.rows] == [f"nest {k}: map" for k in (1, 2, 3, 6, 7)]
    assert page.rows[0][1:] == ("2.00", "10%", "1.0", "2.0", "50%")
