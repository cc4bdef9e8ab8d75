"""The images that a classifier gets wrong and is sure of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.core import RequestError, said
from steepest.plot.mosaic import draw
from steepest.plot.style import drawing, finished, new_figure, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["mistakes"]

_ACROSS = 5


def mistakes(
    images: Any,
    true: Sequence[object],
    answers: Sequence[object],
    chances: Sequence[float],
    *,
    theme: str = "light",
) -> "Figure":
    """Draw images with their class, what they were taken for, and how sure the model was.

    images: (n, height, width), the most confident mistake first
    true, answers, chances: n classes, n answers, and the probability of each answer

    Raises:
        RequestError: there is no mistake to draw.
    """
    images = np.asarray(images, np.float64)
    if not len(images):
        raise RequestError(said("mistakes", "the model makes no mistake here"))
    across = min(_ACROSS, len(images))
    down = -(-len(images) // across)
    with drawing(theme) as colours:
        figure = new_figure(1.6 * across + 0.3, 2.05 * down)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for ax in axes[len(images) :]:
            ax.set_visible(False)
        lines = []
        for ax, image, was, taken, sure in zip(axes, images, true, answers, chances, strict=False):
            draw(ax, image, colours)
            ax.set_title(f"{shortened(was, 9)}", pad=15, loc="center")
            under = f"taken for {shortened(taken, 9)}, {sure:.1%}"
            ax.text(
                0.5, 1.03, under, transform=ax.transAxes, ha="center", fontsize=7.5,
                color=colours.muted,
            )  # fmt: skip
            ax.spines[:].set(visible=True, color=colours.rule)
            lines.append(f"{was} taken for {taken} ({sure:.1%})")
        return finished(figure, f"{len(images)} confident mistakes: {'; '.join(lines)}.")
