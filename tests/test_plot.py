"""Pictures: what is drawn is what was computed, in either theme, and matplotlib stays as it was."""

import functools
import itertools
import re
import subprocess
import sys
import threading
from functools import partial

import matplotlib
import numpy as np
import pytest

from steepest import explain, models, nn, optim, plot
from steepest.core import RequestError
from steepest.plot.loss_curve import best_row
from steepest.plot.style import DASHES, MARKERS, THEMES, aligned, number, rc
from steepest.tensors import Tensor


def history(epochs=40, end=0.3, seed=0, **columns):
    """A history as `fit` keeps it: falling losses, the validation loss rising again at the end."""
    noise = np.random.default_rng(seed).standard_normal((epochs, 2)) * 0.004
    e = np.arange(1, epochs + 1)
    train = end + np.exp(-e / 6) + noise[:, 0]
    val = 1.2 * end + np.exp(-e / 6) + 0.3 * (e / epochs) ** 2 + noise[:, 1]
    rows = zip(e, train, val, strict=True)
    return [
        {"epoch": int(i), "loss": float(t), "val_loss": float(v), "lr": 0.01, **columns}
        for i, t, v in rows
    ]


RANDOM = np.random.default_rng(0)
TARGETS = RANDOM.uniform(5, 50, (76, 1))
PREDICTIONS = TARGETS + RANDOM.standard_normal((76, 1))
TWO = RANDOM.standard_normal((80, 2)).astype(np.float32)
NAMES = ["RM", "LSTAT", "AGE"]

QUADRATIC = explain.Objective(
    models.linear(3).double(), nn.MSELoss(), RANDOM.standard_normal((30, 3)), np.ones((30, 1))
)
WALK = np.cumsum(RANDOM.standard_normal((9, 4)), axis=0)
SURFACE = explain.surface(QUADRATIC, explain.path_plane(WALK), points=15)

FIGURES = {
    "one loss curve": lambda theme: plot.loss_curve(history(), learning_rate=True, theme=theme),
    "two loss curves": lambda theme: plot.loss_curve(
        {"linear": history(), "MLP": history(90, 0.02)}, loss="mean squared error", theme=theme
    ),
    "predictions": lambda theme: plot.predicted_actual(
        PREDICTIONS, TARGETS, name="MEDV", units="thousand dollars", theme=theme
    ),
    "confusion": lambda theme: plot.confusion_matrix(
        [[40, 3], [0, 57]], ["no", "yes"], theme=theme
    ),
    "weights": lambda theme: plot.feature_weights(
        NAMES, [2.5, -3.5, 0.0], label="dollars", theme=theme
    ),
    "regions": lambda theme: plot.decision_regions(
        lambda p: (p[:, 0] > 0).astype(int), TWO, TWO[:, 0] > 0, names=("x₁", "x₂"), theme=theme
    ),
}

FIGURES |= {
    "landscape": lambda theme: plot.landscape(SURFACE, loss="mse", theme=theme),
    "landscape with a path": lambda theme: plot.landscape(
        SURFACE, explain.followed(QUADRATIC, SURFACE.plane, WALK), epochs=range(9), theme=theme
    ),
    "spectrum": lambda theme: plot.spectrum(
        explain.spectral_density(QUADRATIC, 2, 3), size=4, theme=theme
    ),
    "chain rule": lambda theme: plot.chain_rule(
        explain.chain(lambda x, w, b: (w * x + b).sigmoid() * x, x=1.5, w=-2.0, b=0.5),
        title="σ(wx + b)·x",
        theme=theme,
    ),
    "flow": lambda theme: plot.flow(
        [explain.LayerFlow(str(i), 1.0, 10.0**-i, 0.2 * i, 0.1) for i in range(4)],
        ["3: 60% of the units are dead"],
        theme=theme,
    ),
    "unfolding": lambda theme: plot.unfolding(
        [explain.Stage(str(i), TWO, 0.5 + i / 10, 2.0, 0.5 * i) for i in range(4)],
        TWO[:, 0] > 0,
        theme=theme,
    ),
    "descent of one number": lambda theme: descended("square", [[-1.8]], theme),
    "descent over a plane": lambda theme: descended("two-wells", [[1.8, 0.9]], theme),
    "descent of three": lambda theme: descended("bowl", [[1.0, -2.0, 0.5]], theme),
}


def descended(name, start, theme):
    function = explain.FUNCTIONS[name]

    def heights(points):
        return function.value(Tensor(np.asarray(points, float))).numpy()

    rules = {"sgd": {}, "momentum 0.9": {"momentum": 0.9}}
    walks = {
        rule: explain.descend(function.value, start, partial(optim.SGD, lr=0.02, **how), 30)
        for rule, how in rules.items()
    }
    return plot.descent(function.formula, function.ends, heights, walks, theme=theme)


@functools.cache
def drawn(name, theme="light"):
    """A figure that no test changes, drawn once."""
    return FIGURES[name](theme)


def texts(figure):
    """Every text that a figure shows."""
    found = figure.findobj(matplotlib.text.Text)
    return [t.get_text() for t in found if t.get_visible() and t.get_text()]


def line(ax, label):
    return next(x for x in ax.lines if x.get_label().startswith(label))


# laws of every figure


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_in_its_theme(name, theme):
    figure = drawn(name, theme)
    assert matplotlib.colors.to_hex(figure.get_facecolor()) == THEMES[theme].paper
    for ax in figure.axes:
        if ax.axison:
            assert ax.get_xlabel() or not ax.xaxis.get_tick_params()["labelbottom"]
            assert matplotlib.colors.to_hex(ax.xaxis.label.get_color()) == THEMES[theme].ink
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    paper = matplotlib.colors.to_rgb(THEMES[theme].paper)
    assert (np.abs(pixels / 255 - paper).sum(-1) > 0.5).mean() > 0.005, "nothing is drawn"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_alternative_text_and_axes_with_names(name):
    figure = drawn(name)
    assert len(figure.get_label()) > 40
    assert all(ax.get_ylabel() or ax.get_xlabel() for ax in figure.axes if ax.axison)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_leaves_the_figure(name):
    figure = drawn(name)
    width, height = figure.get_size_inches() * figure.dpi
    renderer = figure.canvas.get_renderer()
    for text in figure.findobj(matplotlib.text.Text):
        if text.get_visible() and text.get_text() and getattr(text.axes, "axison", True):
            box = text.get_window_extent(renderer)
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            # matplotlib keeps ticks just outside the limits without drawing them
            assert inside or text in _tick_labels(figure), text.get_text()


def _tick_labels(figure):
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    return [label for axis in axes for label in axis.get_ticklabels(which="both")]


def test_matplotlib_is_left_as_it_was():
    before = dict(matplotlib.rcParams)
    for theme, draw in zip(itertools.cycle(["light", "dark"]), FIGURES.values(), strict=False):
        plot.inline_svg(draw(theme), "f")
    assert dict(matplotlib.rcParams) == before


def test_settings_of_the_user_do_not_reach_a_figure():
    expected = plot.inline_svg(drawn("predictions"), "f")
    with matplotlib.rc_context({"xtick.color": "red", "font.size": 30, "axes.grid": False}):
        figure = FIGURES["predictions"]("light")
    assert plot.inline_svg(figure, "f") == expected


def test_no_window_system_and_no_global_figure():
    program = (
        "import sys; from steepest import plot; assert 'matplotlib' not in sys.modules;"
        "plot.feature_weights(['a'], [1.0]).savefig(sys.argv[1]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program, "/dev/null"], capture_output=True)
    # /dev/null has no file ending: matplotlib then writes PNG
    assert done.returncode == 0, done.stderr.decode()


def test_two_threads_draw_in_two_themes():
    wrong = []

    def draw(theme):
        for _ in range(5):
            figure = FIGURES["weights"](theme)
            colour = matplotlib.colors.to_hex(figure.axes[0].xaxis.label.get_color())
            if colour != THEMES[theme].ink:
                wrong.append((theme, colour))

    threads = [threading.Thread(target=draw, args=(theme,)) for theme in THEMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# the style


def luminance(colour):
    """Relative luminance, as the web's accessibility guidelines (WCAG 2) define it."""
    c = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_everything_stands_out_on_the_paper(theme):
    # 4.5 for text and 3 for lines are the guidelines' own numbers
    assert contrast(theme.ink, theme.paper) > 7
    assert contrast(theme.muted, theme.paper) > 4.5
    assert all(contrast(colour, theme.paper) > 4.5 for colour in theme.series)


def test_series_differ_without_colour():
    assert len(set(DASHES)) == len(set(MARKERS)) == len(THEMES["light"].series)


def test_each_colour_has_one_role():
    for theme in THEMES.values():
        assert len(set(theme.roles().values())) == len(theme.roles())


def test_unknown_theme_is_refused_with_the_nearest():
    with pytest.raises(RequestError, match="did you mean 'dark'"):
        rc("drak")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.21648, "3.22"),
        (52431.2, "52,431"),
        (-0.0123, "−0.0123"),
        (4e-7, "4e−7"),
        (0, "0"),
        (2e12, "2e12"),
        (999.6, "1,000"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_for_reading(value, text):
    assert number(value) == text


def test_numbers_in_a_column_have_the_same_decimals():
    assert aligned([9.2445, 3.2, -0.006, -0.004]) == ["9.24", "3.20", "−0.01", "0.00"]
    assert aligned([52431.2, 12.0]) == ["52,431", "12"]
    assert aligned([0.971, 1.0]) == ["0.971", "1.000"]
    assert aligned([9.24, 10.4], scale=[9.24]) == ["9.24", "10.40"]
    assert aligned([0.0, 0.0]) == ["0", "0"]
    assert aligned([3e-6, 2e-7]) == ["3e−6", "2e−7"]


# loss curves


def test_training_is_solid_and_validation_dashed():
    ax = plot.loss_curve(history()).axes[0]
    assert line(ax, "training").get_linestyle() == "-"
    assert line(ax, "validation").get_linestyle() == "--"
    np.testing.assert_array_equal(
        line(ax, "validation").get_ydata(), [row["val_loss"] for row in history()]
    )


def test_the_best_epoch_is_marked_at_the_lowest_validation_loss():
    rows = history()
    best = min(rows, key=lambda row: row["val_loss"])
    assert 1 < best["epoch"] < len(rows)  # else the mark could be at an end by accident
    mark = line(plot.loss_curve(rows).axes[0], "best")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (best["epoch"], best["val_loss"])
    assert mark.get_label() == f"best, epoch {best['epoch']}"


def test_without_validation_the_best_epoch_is_that_of_the_training_loss():
    rows = [{"epoch": i + 1, "loss": v} for i, v in enumerate([3.0, 1.0, 2.0])]
    ax = plot.loss_curve(rows).axes[0]
    assert line(ax, "best").get_xdata()[0] == 2
    assert not any(x.get_label() == "validation" for x in ax.lines)


def test_losses_that_are_not_finite_are_passed_over():
    rows = history(5)
    rows[2] |= {"val_loss": float("nan")}
    rows[4] |= {"val_loss": float("-inf"), "loss": float("inf")}
    assert best_row(rows) in (0, 1, 3)
    lost = [{"epoch": 1, "loss": float("nan"), "val_loss": None}]
    assert best_row(lost) is None
    assert "no loss was finite" in texts(plot.loss_curve(lost))


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([1.0, 0.5, 0.11], "linear"), ([1.0, 0.5, 0.09], "log"), ([5.0, 0.1, -0.1], "linear")],
    ids=["less than a decade", "more than a decade", "negative losses"],
)
def test_the_axis_is_logarithmic_only_over_a_decade(losses, scale):
    ax = plot.loss_curve([{"epoch": i, "loss": v} for i, v in enumerate(losses)]).axes[0]
    assert ax.get_yscale() == scale
    assert ("logarithmic" in ax.get_ylabel()) == (scale == "log")


def test_logarithmic_ticks_are_written_as_numbers():
    ax = plot.loss_curve([{"epoch": i, "loss": v} for i, v in enumerate([2.0, 0.4, 0.05])]).axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert {"0.05", "0.1", "0.2", "0.5", "1", "2"} <= set(labels)


def test_several_runs_share_one_scale():
    left, right = plot.loss_curve({"linear": history(), "MLP": history(90, 0.01)}).axes
    assert (left.get_title("left"), right.get_title("left")) == ("linear", "MLP")
    assert left.get_ylim() == right.get_ylim()
    assert left.get_yscale() == right.get_yscale() == "log"


def test_the_learning_rate_has_a_thin_panel_of_its_own():
    rows = [row | {"lr": 10.0 ** -(i // 10)} for i, row in enumerate(history(30))]
    loss, rate = plot.loss_curve(rows, learning_rate=True).axes
    assert rate.get_ylabel() == "learning rate"
    assert rate.get_yscale() == "log"
    assert rate.get_position().height < 0.5 * loss.get_position().height
    np.testing.assert_array_equal(rate.lines[0].get_ydata(), [row["lr"] for row in rows])


def test_thinned_points_keep_the_range_that_they_cover():
    rows = history(5000)
    rows[3000]["loss"] = 9.0
    ax = plot.loss_curve(rows).axes[0]
    means = line(ax, "training").get_ydata()
    assert len(means) <= 400
    assert means.max() < 9.0
    band = np.concatenate([p.vertices[:, 1] for p in ax.collections[0].get_paths()])
    assert band.max() == 9.0
    assert band.min() == min(row["loss"] for row in rows)


def test_a_history_without_rows_is_refused():
    for runs in ([], {}, {"linear": []}):
        with pytest.raises(RequestError, match="a row for each epoch"):
            plot.loss_curve(runs)


# regression


def test_predictions_lie_against_targets_with_units_and_scores():
    figure = drawn("predictions")
    left, middle, side = figure.axes
    points = sorted(zip(*left.lines[0].get_data(), strict=True))
    assert points == sorted(zip(TARGETS.ravel(), PREDICTIONS.ravel(), strict=True))
    assert left.get_xlim() == left.get_ylim()
    assert left.get_xlabel() == "actual MEDV (thousand dollars)"
    assert left.get_ylabel() == "predicted MEDV (thousand dollars)"
    assert middle.get_ylabel() == "actual − predicted (thousand dollars)"
    error = TARGETS - PREDICTIONS
    r2 = 1 - (error**2).sum() / ((TARGETS - TARGETS.mean()) ** 2).sum()
    told = "\n".join(texts(figure))
    assert f"R² {r2:.3f}" in told
    assert f"RMSE {np.sqrt((error**2).mean()):.3f} (thousand dollars)" in told
    assert "76 rows" in told
    assert side.get_ylim() == middle.get_ylim()


def test_residuals_are_what_is_left_over_around_zero():
    ax = drawn("predictions").axes[1]
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(np.sort(x + y), np.sort(TARGETS.ravel()), rtol=1e-12)  # one rounding
    low, high = ax.get_ylim()
    assert low == -high
    assert any(set(line.get_ydata()) == {0} for line in ax.lines[1:])


def test_of_many_rows_a_part_is_drawn_with_both_extremes():
    random = np.random.default_rng(2)
    actual = random.standard_normal(20_000)
    predicted = actual + random.standard_normal(20_000)
    figure = plot.predicted_actual(predicted, actual)
    shown = figure.axes[1].lines[0].get_ydata()
    residual = actual - predicted
    assert len(shown) == 1200
    assert (shown.min(), shown.max()) == (residual.min(), residual.max())
    # the median of 1,200 quantiles is that of all rows but for one quantile's width, 1/1200
    assert abs(np.median(shown) - np.median(residual)) < 0.005
    assert any("20,000 rows, 1,200 drawn" in text for text in texts(figure))


def test_a_perfect_and_a_constant_model_can_be_drawn():
    plot.predicted_actual(TARGETS, TARGETS)
    plot.predicted_actual(np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ("predictions", "targets", "message"),
    [
        ([1.0, 2.0], [1.0], "2 predictions, 1 targets"),
        ([], [], "0 predictions"),
        ([1.0, np.nan, np.inf], [1.0, 2.0, 3.0], "row 1, 2 of 3 rows"),
    ],
)
def test_predictions_that_cannot_be_drawn_are_refused(predictions, targets, message):
    with pytest.raises(RequestError, match=message):
        plot.predicted_actual(predictions, targets)


# classification


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_every_cell_has_its_count_and_its_share(classes):
    counts = np.arange(1, classes**2 + 1).reshape(classes, classes) * 3
    counts[0, 1] = 0
    written = texts(plot.confusion_matrix(counts))
    assert {f"{n:,}" for n in counts.ravel()} <= set(written)
    share = counts[1, 0] / counts[1].sum()
    assert (f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}") in written


@pytest.mark.parametrize("theme", THEMES)
def test_numbers_can_be_read_on_every_tint(theme):
    colours = THEMES[theme]
    counts = np.array([[n, 1000 - n] for n in (690, 710, 999, 400)] + [[0, 1]])
    counts = np.pad(counts, ((0, 0), (0, 3)))
    ax = plot.confusion_matrix(counts, theme=theme).axes[0]
    tints = {(p.get_x() + 0.5, p.get_y() + 0.5): p.get_facecolor() for p in ax.patches}
    paper = np.array(matplotlib.colors.to_rgb(colours.paper))
    for text in ax.texts:
        if text.get_text() != "0":
            *colour, alpha = tints[tuple(text.xy)]
            under = alpha * np.array(colour) + (1 - alpha) * paper
            assert contrast(text.get_color(), under) > 3


def test_the_share_of_a_class_that_does_not_occur_is_not_a_division_by_zero():
    written = texts(plot.confusion_matrix([[5, 0], [0, 0]]))
    assert written.count("0") >= 3
    assert "100%" in written


def test_the_most_frequent_mistake_is_told():
    figure = plot.confusion_matrix([[9, 2, 1], [0, 8, 4], [1, 0, 7]], ["cat", "dog", "cow"])
    assert "24 of 32 rows are right" in figure.get_label()
    assert "dog was taken for cow (4 times)" in figure.get_label()


def test_counts_that_do_not_fit_the_classes_are_refused():
    with pytest.raises(RequestError, match=r"shape \(3, 3\) for 3 classes"):
        plot.confusion_matrix(np.ones((2, 2)), ["a", "b", "c"])


# weights


def test_bars_are_sorted_by_magnitude_and_carry_their_sign():
    ax = drawn("weights").axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["LSTAT", "RM", "AGE"]
    assert [bar.get_width() for bar in ax.patches] == [-3.5, 2.5, 0.0]
    assert [text.get_text() for text in ax.texts] == ["−3.50", "+2.50", "0.00"]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [True, False, False]
    assert ax.get_xlabel() == "dollars"
    top, bottom = ax.transData.transform([(0, 0), (0, 2)])[:, 1]
    assert top > bottom


def test_of_many_features_the_largest_are_drawn_and_the_rest_counted():
    figure = plot.feature_weights([f"f{i}" for i in range(64)], np.arange(64.0)[:, None])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"f{i}" for i in range(63, 33, -1)]
    assert "the 30 largest; 34 smaller ones are left out" in texts(figure)


def test_names_are_shown_and_not_typeset():
    names = ["$x^{", "price_$", "体重", "a" * 60]
    figure = plot.feature_weights(names, [4.0, 3.0, 2.0, 1.0])
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[:3] == names[:3]
    assert labels[3] == "a" * 27 + "…"


def test_a_weight_without_a_name_is_refused():
    with pytest.raises(RequestError, match="2 names, 3 weights"):
        plot.feature_weights(["a", "b"], [1.0, 2.0, 3.0])


# decision regions


def test_regions_are_what_the_model_answers_and_points_differ_in_shape():
    asked = []

    def predict(points):
        asked.append(points)
        return (points[:, 0] > 0).astype(int)

    y = (TWO[:, 0] > 0).astype(int)
    figure = plot.decision_regions(predict, TWO, y, classes=["left", "right"])
    ax = figure.axes[0]
    assert asked[0].dtype == np.float32
    assert asked[0].shape[1] == 2
    for i, label in enumerate(["left", "right"]):
        points = line(ax, label)
        assert points.get_marker() == MARKERS[i]
        np.testing.assert_array_equal(np.stack(points.get_data(), 1), TWO[y == i])
    share = (asked[0][:, 0] <= 0).mean()
    assert f"left has {share:.0%} of the plane" in figure.get_label()


def test_only_two_features_have_a_plane():
    with pytest.raises(RequestError, match=r"shape \(4, 3\)"):
        plot.decision_regions(lambda p: p[:, 0], np.ones((4, 3)), np.ones(4))


# figures inside a page


@pytest.mark.parametrize("name", FIGURES)
def test_a_drawing_for_a_page_has_roles_instead_of_colours(name):
    text = plot.inline_svg(drawn(name), "here")
    assert not re.search(r"#[0-9a-f]{6}", text)
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert {"ink", "muted"} <= used <= set(THEMES["light"].roles())
    assert "http" not in text
    assert "<style" not in text


def test_identifiers_of_two_drawings_do_not_meet():
    first = plot.inline_svg(drawn("weights"), "one")
    second = plot.inline_svg(drawn("weights"), "two")
    identifiers = [set(re.findall(r'\bid="([^"]*)"', text)) for text in (first, second)]
    assert not identifiers[0] & identifiers[1]
    used = set(re.findall(r'(?:href="#|url\(#)([^")]*)', first))
    assert used
    assert used <= identifiers[0]


def test_alternative_text_and_names_are_escaped():
    figure = plot.feature_weights(['"><script>alert(1)</script>'], [1.0])
    text = plot.inline_svg(figure, "f")
    assert "<script" not in text
    assert 'role="img" aria-label="' in text
