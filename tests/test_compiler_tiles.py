"""Contractions: the same bits from every tile, code that stays lean, the library, the timing."""

import numpy as np
import pytest

from steepest.compiler import tune
from steepest.compiler.graph import Graph, equation, inlet
from steepest.compiler.lower import lower, stages
from steepest.compiler.machine import blas, naming
from steepest.compiler.memory import tiling
from steepest.compiler.memory.contraction import Product, Tile, candidates, split_rows
from steepest.core import Aval
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)
SPECS = ("mk,kn->mn", "km,kn->mn", "mk,nk->mn", "km,nk->mn")
TILES = [
    Tile(5, 2),
    Tile(5, 2, right=True),
    Tile(14, 2, 100, right=True),  # three pieces, all of one length
    Tile(6, 3, 128, right=True),  # a last piece that is shorter
    Tile(24, 1, 0, left=True),  # more rows than a vector has lanes
    Tile(7, 3, 150, left=True, right=True),
    Tile(4, 2, 0, left=True, right=True, height=12),  # blocks of rows, the last one shorter
    Tile(5, 1, 75, height=20),
    Tile(1, 1, left=True, right=True),
]
SIZES = {"m": 37, "n": 75, "k": 300}
installed = pytest.mark.skipif(not blas.is_installed(), reason="scipy-openblas32 is not installed")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setenv("STEEPEST_CACHE", "")


@pytest.fixture
def choose(monkeypatch):
    """Make every contraction take a tile, as far as its operands allow copies."""

    def only(tile):
        def found(product, registers):
            right = product.width > 0 and (tile.right or product.strided) and not tile.library
            return (tile._replace(left=tile.left and product.left, right=right),)

        monkeypatch.setattr(tiling, "candidates", found)

    return only


def product(spec, dtype=F32):
    """(graph of max(a·b + c, 0), its arrays, the result)."""
    a, b = spec.partition("->")[0].split(",")
    leaves = [
        inlet(name, Aval(tuple(SIZES[i] for i in word), np.dtype(dtype)), "whole")
        for name, word in (("a", a), ("b", b), ("c", "mn"))
    ]
    x, y, z = leaves
    sums = equation(TABLE["contract"], x, y, spec=spec)
    v = equation(TABLE["add"], sums, z)
    loss = equation(TABLE["sum"], z, axes=(0, 1))
    generator = np.random.default_rng(0)
    arrays = {v: generator.standard_normal(v.shape).astype(dtype) for v in leaves}
    want = np.einsum(spec, arrays[x], arrays[y]) + arrays[z]
    return Graph(leaves, [loss, v], []), arrays, want


def result(spec, width=None, dtype=F32):
    graph, arrays, want = product(spec, dtype)
    outputs = [np.zeros(1, dtype), np.zeros((1, *want.shape), dtype)]
    lower(graph, width=width).run(arrays, None, 1, outputs)
    return outputs[1][0], want


# ---- tiles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", (4, 8, 16))
@pytest.mark.parametrize("spec", SPECS)
def test_every_tile_gives_the_same_bits(spec, width, choose):
    first = None
    for tile in TILES:
        choose(tile)
        got, want = result(spec, width)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
        first = got if first is None else first
        np.testing.assert_array_equal(got, first, err_msg=str(tile))


def test_rows_are_split_in_two_sizes_at_most():
    for m in range(1, 60):
        for most in range(1, 25):
            parts = split_rows(m, most)
            assert sum(count * rows for count, rows in parts) == m
            assert max(rows for _, rows in parts) <= most and len(parts) <= 2


@pytest.mark.parametrize("registers", (16, 32))
def test_the_model_stays_within_the_registers(registers):
    for m, n, k in ((256, 1024, 784), (1, 17, 5), (33, 1, 64)):
        width = min(n, 16)
        for tile in candidates(Product(m, n, k, width, 4, 4, 4 * n, True, True, False), registers):
            assert tile.rows * tile.vectors + tile.vectors + 1 <= registers
            assert 0 <= tile.block < k


def test_the_model_copies_where_pages_are_far_apart():
    near = Product(64, 64, 64, 16, 4, 4, 256, True, False, False)
    far = Product(256, 1024, 784, 16, 4, 4, 4160, True, False, False)
    assert not candidates(near, 32)[0].right and candidates(far, 32)[0].right


# ---- the library ---------------------------------------------------------------------------------


@installed
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
@pytest.mark.parametrize("spec", SPECS)
def test_the_library_computes_what_tiles_compute(spec, dtype, choose):
    choose(Tile(1, 1, library=True))
    got, want = result(spec, dtype=dtype)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@installed
def test_code_that_calls_the_library_says_so(choose):
    graph, _, _ = product(SPECS[0])
    assert b"cblas_sgemm" not in lower(graph).code
    choose(Tile(1, 1, library=True))
    assert b"cblas_sgemm" in lower(graph).code


def test_with_and_without_a_library_are_different_entries(monkeypatch):
    names = set()
    for there in (True, False):
        monkeypatch.setattr(naming, "is_installed", lambda there=there: there)
        names.add(naming.entry_name("graph", 8, ""))
    assert len(names) == 2


# ---- timing --------------------------------------------------------------------------------------


@pytest.fixture
def timing(monkeypatch, tmp_path):
    """All contractions are large; gives what every timing found."""
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))
    monkeypatch.setattr(tune, "LARGE", 1)
    monkeypatch.setattr(tune, "_known", {})
    seen, real = [], tune._times

    def times(*everything):
        seen.append(real(*everything))
        return seen[-1]

    monkeypatch.setattr(tune, "_times", times)
    return seen


def tiles_of(spec):
    return list(stages(product(spec)[0]).plan.tiles.values())


@installed
def test_the_winner_is_known_and_kept(timing, monkeypatch):
    first = tiles_of(SPECS[0])
    assert len(timing) == 1 and min(timing[0]) > 0 and max(timing[0]) < 1
    assert tiles_of(SPECS[0]) == first and len(timing) == 1
    monkeypatch.setattr(tune, "_known", {})  # as in another process
    assert tiles_of(SPECS[0]) == first and len(timing) == 1


@installed
def test_a_broken_entry_is_timed_again(timing, tmp_path, monkeypatch):
    tiles_of(SPECS[0])
    (entry,) = tmp_path.iterdir()
    entry.write_bytes(entry.read_bytes()[:-4])
    monkeypatch.setattr(tune, "_known", {})
    tiles_of(SPECS[0])
    assert len(timing) == 2


@installed
@pytest.mark.parametrize("seconds, wins", [(0.98, False), (0.5, True)])
def test_only_a_clear_winner_replaces_tiles(seconds, wins, timing, monkeypatch):
    monkeypatch.setattr(tune, "_times", lambda *_: (1.0, seconds))
    assert [tile.library for tile in tiles_of(SPECS[0])] == [wins]


def test_without_a_library_nothing_is_timed(timing, monkeypatch):
    monkeypatch.setattr(tune, "is_installed", lambda: False)
    assert not tiles_of(SPECS[0])[0].library and not timing


def test_small_contractions_are_not_timed(timing, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("STEEPEST_CACHE", "")
    monkeypatch.setattr(tune, "_times", None)  # calling it would fail
    assert result(SPECS[0])[0].shape == (SIZES["m"], SIZES["n"])


@installed
def test_code_for_another_processor_is_not_timed(timing):
    stages(product(SPECS[0])[0], features="+avx512f,+avx2,+fma", width=16)
    assert not timing
