"""Feature maps: what every layer makes of one image, from pixels to the answer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.mosaic import draw, mosaic
from steepest.plot.style import Theme, drawing, finished, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["feature_maps"]

_WIDTH = 8.0  # inches
_LARGEST = 1.25  # inches: the side of a map
_STRIP = 0.28  # inches: the height of a row of numbers


def feature_maps(
    image: Any,
    maps: Mapping[str, Any],
    chances: Any = None,
    classes: Sequence[object] | None = None,
    *,
    theme: str = "light",
) -> "Figure":
    """Draw an image and what the layers make of it, one row per layer.

    image: (height, width)
    maps: by layer, (maps, height, width), or (units,) for layers that see the whole image
    chances, classes: the probability of each class, and its name; drawn as bars below

    Raises:
        RequestError: there are no maps.
    """
    if not maps:
        raise RequestError(said("feature_maps", "the model has no layers to show"))
    rows = {"image": np.asarray(image, np.float64)[None], **maps}
    pictures = {name: _picture(np.asarray(made, np.float64)) for name, made in rows.items()}
    heights = [_height(picture, np.shape(rows[name])) for name, picture in pictures.items()]
    heights += [1.1] if chances is not None else []
    with drawing(theme) as colours:
        figure = new_figure(_WIDTH + 0.9, sum(heights) + 0.12 * len(heights))
        axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for ax, (name, picture) in zip(axes, pictures.items(), strict=False):
            draw(ax, picture, colours)
            ax.set_facecolor(colours.rule)  # between maps, which may be empty up to their edges
            ax.set_anchor("W")
            ax.spines[:].set_visible(True)
            ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=8)
        if chances is not None:
            _draw_chances(axes[-1], np.asarray(chances), classes, colours)
        return finished(figure, _in_words(rows, chances, classes))


def _picture(made: np.ndarray) -> np.ndarray:
    """Maps side by side; numbers as a strip of cells, in two rows where they are many."""
    if made.ndim == 3 and made.shape[1:] != (1, 1):
        return mosaic(made, len(made))
    made = made.reshape(-1)
    columns = len(made) if len(made) <= 64 else -(-len(made) // 2)
    return mosaic(made[:, None, None], columns, gap=0)


def _height(picture: np.ndarray, shape: tuple[int, ...]) -> float:
    """In inches: the full width where that does not make single maps too large."""
    if len(shape) == 1 or shape[1:] == (1, 1):
        return _STRIP * (1 if picture.shape[0] == 1 else 1.6)
    side = min(_LARGEST, _WIDTH / shape[0])
    return max(0.3, side * shape[1] / shape[2])


def _draw_chances(
    ax: Any, chances: np.ndarray, classes: Sequence[object] | None, colours: Theme
) -> None:
    names = [str(c) for c in (range(len(chances)) if classes is None else classes)]
    ax.bar(range(len(chances)), chances, color=colours.series[0], width=0.7)
    best = int(chances.argmax())
    ax.annotate(
        f"{chances[best]:.1%}", (best, chances[best]), (0, 2), textcoords="offset points",
        ha="center", fontsize=8,
    )  # fmt: skip
    ax.set_xticks(range(len(names)), names)
    ax.set(ylim=(0, 1.25), yticks=[0, 0.5, 1])
    ax.set_ylabel("answer", rotation=0, ha="right", va="center", labelpad=8)
    ax.grid(axis="x", visible=False)


def _in_words(rows: Mapping[str, Any], chances: Any, classes: Sequence[object] | None) -> str:
    layers = ", ".join(
        f"{name} {'×'.join(map(str, np.shape(made)))}" for name, made in rows.items()
    )
    said_of = f"What every layer makes of one image: {layers}."
    if chances is None:
        return said_of
    best = int(np.argmax(chances))
    name = best if classes is None else classes[best]
    return f"{said_of} The answer is {name} with probability {float(np.max(chances)):.1%}."
