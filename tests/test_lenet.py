"""LeNet-5 of 1998 to the published numbers, and its modern form."""

from itertools import combinations

import numpy as np
import pytest

from steepest import models, nn
from steepest.core import RequestError
from steepest.data import load_data
from steepest.random import manual_seed, randn
from steepest.tensors import tensor

# What the paper prints (section II-B). Its total of connections, 340,908, is reached with the 840
# of the output layer; C1 to F6 alone have 340,068. C3's 151,600 are 1,516 at each of 100 places.
PUBLISHED = {
    "c1": (156, 122_304, (6, 28, 28)),
    "s2": (12, 5_880, (6, 14, 14)),
    "c3": (1_516, 151_600, (16, 10, 10)),
    "s4": (32, 2_000, (16, 5, 5)),
    "c5": (48_120, 48_120, (120, 1, 1)),
    "f6": (10_164, 10_164, (84,)),
    "output": (0, 840, (10,)),
}


def test_parameters_connections_and_shapes_are_the_published_ones():
    x, total = randn(2, 1, 32, 32), 0
    for name, layer in models.lenet5().named_children():
        y = layer(x)
        if name in PUBLISHED:
            parameters, connections, shape = PUBLISHED[name]
            assert sum(p.shape.numel() for p in layer.parameters()) == parameters, name
            assert tuple(y.shape[1:]) == shape, name
            found = layer.work(tuple(x.shape[1:]), tuple(y.shape[1:]))[0]
            assert found == connections, name
            total += found
        x = y
    assert total == 340_908 and total - 840 == 340_068
    assert sum(p.shape.numel() for p in models.lenet5().parameters()) == 60_000


def test_the_connection_table_is_table_1():
    rows = """X . . . X X X . . X X X X . X X
              X X . . . X X X . . X X X X . X
              X X X . . . X X X . . X . X X X
              . X X X . . X X X X . . X . X X
              . . X X X . . X X X X . X X . X
              . . . X X X . . X X X X . X X X"""
    printed = [
        [i for i, row in enumerate(rows.split("\n")) if row.split()[map] == "X"]
        for map in range(16)
    ]
    assert [list(seen) for seen in models.SEEN_BY_C3] == printed
    assert sum(map(len, printed)) == 60


def test_codes_are_twelve_rows_of_seven_and_far_from_each_other():
    codes = models.digit_codes()
    assert codes.shape == (10, 84) and set(codes.ravel()) == {-1.0, 1.0}
    one = codes[1].reshape(12, 7)
    assert (one[1:9, 3:5] == 1).all() and (one[10:] == -1).all()
    apart = {(a, b): ((codes[a] - codes[b]) ** 2).sum() for a, b in combinations(range(10), 2)}
    assert min(apart, key=apart.get) == (6, 8) and min(apart.values()) == 48


def test_first_weights_are_within_the_papers_bounds():
    manual_seed(0)
    model = models.lenet5()
    for layer, inputs in ((model.c1, 25), (model.s2, 4), (model.c5, 400), (model.f6, 120)):
        largest = np.abs(layer.weight.detach().numpy()).max()
        assert 0.5 < largest / (2.4 / inputs) <= 1
    # a map of C3 that sees three maps has larger weights than the one that sees all six
    small, large = (
        np.abs(model.c3.weight.detach().numpy()[part]).max()
        for part in (slice(-6, None), slice(0, 3))
    )
    assert small <= 2.4 / 150 < large <= 2.4 / 75


def test_smaller_images_get_a_border_of_background():
    model = models.lenet5(size=(28, 30))
    assert model.border.padding == (1, 1, 2, 2)
    inner = tensor(np.zeros((1, 1, 28, 30), np.float32))
    bordered = model.border(inner).numpy()
    assert bordered.shape == (1, 1, 32, 32)
    assert (bordered == np.float32(-0.1)).sum() == 32 * 32 - 28 * 30
    assert model(inner).shape == (1, 10)


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (29, 30), (31, 28)])
def test_the_modern_form(size):
    model = models.lenet5(True, size=size, outputs=7, activation="relu", pooling="max")
    x = randn(2, 1, *size)
    maps = []
    for layer in model:
        x = layer(x)
        maps.append((type(layer), tuple(x.shape[1:])))
    convolved = [shape for kind, shape in maps if kind is nn.Conv2d]
    assert convolved == [(6, 28, 28), (16, 10, 10)]
    assert x.shape == (2, 7)
    assert {nn.MaxPool2d, nn.ReLU} <= {kind for kind, _ in maps}
    assert sum(p.shape.numel() for p in models.lenet5(True).parameters()) == 61_706


def test_what_it_is_not_made_for_is_refused():
    for size in ((27, 28), (33, 32), (8, 8)):
        with pytest.raises(RequestError, match="28×28 to 32×32") as refused:
            models.lenet5(size=size)
        assert f"{size[0]}×{size[1]}" in str(refused.value)
    with pytest.raises(RequestError, match="lenet5-modern"):
        models.lenet5(outputs=3)
    with pytest.raises(RequestError, match="'max'"):
        models.lenet5(True, pooling="maxx")
    with pytest.raises(RequestError, match="for images"):
        models.create("lenet5", load_data("housing"))


def test_it_is_made_from_the_data():
    pixels = np.zeros((40, 28, 28), np.uint8)
    pixels[:, 10:18, 12:16] = 255
    data = load_data((pixels, np.arange(40) % 10), scale="lecun", task="classification")
    values = {round(float(v), 4) for v in np.unique(data.train.x)}
    assert values == {-0.1, 1.175}
    model = models.create("lenet5", data)
    assert model.border.value == pytest.approx(-0.1, abs=1e-6)
    assert model(tensor(data.train.x[:3])).shape == (3, 10)
    modern = models.create("lenet5-modern", data, activation="relu", pooling="max")
    assert isinstance(modern.s2, nn.MaxPool2d) and modern(tensor(data.train.x[:3])).shape == (3, 10)
