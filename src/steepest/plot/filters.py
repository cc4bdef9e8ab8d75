"""The filters of a network: what each of its units multiplies its input with."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.mosaic import draw, mosaic
from steepest.plot.style import Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["filters"]

_WIDTH = 8.0  # inches
_SMALL = 0.62  # inches: the width of a filter, where there are few
_TALLEST = 1.7  # inches: of a matrix


def filters(weights: Mapping[str, Any], *, theme: str = "light") -> "Figure":
    """Draw the weights of every layer, a column for each map that is made.

    weights: by layer, (made, seen, height, width); NaN where there is no connection

    Raises:
        RequestError: there are no weights.
    """
    if not weights:
        raise RequestError(said("filters", "the model has no weights to draw"))
    arrays = {name: np.asarray(w, np.float64) for name, w in weights.items()}
    pictures = {name: _picture(w) for name, w in arrays.items()}
    heights = [_height(arrays[name], picture) + 0.5 for name, picture in pictures.items()]
    with drawing(theme) as colours:
        figure = new_figure(_WIDTH + 0.4, sum(heights))
        rows = figure.subplots(len(pictures), 1, height_ratios=heights, squeeze=False)[:, 0]
        for ax, (name, picture) in zip(rows, pictures.items(), strict=True):
            _draw(ax, name, picture, np.asarray(weights[name]), colours)
        return finished(figure, _in_words(weights))


def _height(weight: np.ndarray, picture: np.ndarray) -> float:
    """In inches, at the full width; few filters are not blown up to it."""
    if _is_matrix(weight):
        return min(_TALLEST, max(0.3, _WIDTH * picture.shape[0] / picture.shape[1]))
    width = min(_WIDTH, _SMALL * len(weight))
    return max(0.22, width * picture.shape[0] / picture.shape[1])


def _is_matrix(weight: np.ndarray) -> bool:
    """One large picture, whose rows and columns are units and inputs."""
    return weight.shape[:2] == (1, 1)


def _picture(weight: np.ndarray) -> np.ndarray:
    """The filters of one layer: a column per map that is made, a row per map that is seen."""
    made, _, height, width = weight.shape
    if _is_matrix(weight) and height > width:
        weight = weight.transpose(0, 1, 3, 2)  # a matrix lies on its long side
        height, width = width, height
    pictures = weight.transpose(1, 0, 2, 3).reshape(-1, height, width)
    return mosaic(pictures, made, gap=0 if height == width == 1 else 1)


def _draw(ax: Any, name: str, picture: np.ndarray, weight: np.ndarray, colours: Theme) -> None:
    largest = float(np.nanmax(np.abs(picture))) or 1.0
    draw(ax, picture, colours, (-largest, largest))
    ax.set_anchor("W")
    made, seen, height, width = weight.shape
    if _is_matrix(weight):
        ax.set_aspect("auto")
        what = f"{height} units of {width} inputs"
    elif height == width == 1:
        ax.spines[:].set_visible(True)
        what = f"{made} coefficients"
    else:
        from_what = f" of {seen} maps" if seen > 1 else ""
        what = f"{made} × {height}×{width}{from_what}"
    ax.set_title(f"{name}   ", pad=4)
    ax.set_title(
        f"{what}; paper −{number(largest)}, ink {number(largest)}",
        loc="right",
        fontsize=8,
        fontweight="normal",
        color=colours.muted,
    )


def _in_words(weights: Mapping[str, Any]) -> str:
    layers = ", ".join(f"{name} with {len(np.asarray(w))}" for name, w in weights.items())
    return f"The weights of the layers as small pictures: {layers}."
