"""The graph of the chain rule: steps as boxes, local derivatives on the arrows between them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from steepest.plot.style import Theme, drawing, finished, new_figure, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["chain_rule"]


def chain_rule(chain: Any, *, title: str = "", theme: str = "light") -> "Figure":
    """Draw an expression from its inputs (left) to its result (right).

    chain: `steps` with `name`, `value`, `derivative`; `edges` with `start`, `end`, `derivative`;
        the number of `inputs`; and `paths(i)` of each with their `product`
    """
    places, ways = _places(chain)
    columns = 1 + max(x for x, _ in places)
    rows = 1 + max(abs(y) for _, y in [*places, *(at for way in ways for at in way)])
    with drawing(theme) as colours:
        lines = [_sum(chain, i) for i in range(chain.inputs)]
        figure = new_figure(max(6.4, 1.65 * columns), 1.7 * rows + 0.9 + 0.2 * len(lines))
        ax = figure.add_subplot()
        for edge, way in zip(chain.edges, ways, strict=True):
            _draw_edge(ax, way, edge, _bend(edge, chain), colours)
        for i, step in enumerate(chain.steps):
            _draw_step(ax, places[i], step, i < chain.inputs, colours)
        ax.set(xlim=(-0.6, columns - 0.4), ylim=(-rows + 0.35, rows - 0.35))
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set_title(title)
        figure.supxlabel("\n".join(lines), fontsize=8.5, x=0.02, ha="left")
        return finished(
            figure, f"The chain rule of {title or 'an expression'}: {'; '.join(lines)}."
        )


Place = tuple[int, float]


def _places(chain: Any) -> tuple[list[Place], list[list[Place]]]:
    """Column and height of each step, and the places through which each edge goes.

    A step stands as far right as its longest way from an input. An edge that passes a column has a
    place of its own there, as a step has, so nothing hides it.
    """
    depth = [0] * len(chain.steps)
    for edge in chain.edges:
        depth[edge.end] = max(depth[edge.end], depth[edge.start] + 1)
    # who stands where: the number of a step, or of an edge and the column
    ways: list[list[Any]] = [
        [e.start, *((i, d) for d in range(depth[e.start] + 1, depth[e.end])), e.end]
        for i, e in enumerate(chain.edges)
    ]
    columns: dict[int, list[Any]] = {d: [] for d in range(max(depth) + 1)}
    for i, d in enumerate(depth):
        columns[d].append(i)
    for way in ways:
        for passing in way[1:-1]:
            columns[passing[1]].append(passing)
    places: dict[Any, Place] = {}
    for d, members in columns.items():
        before: dict[Any, list[float]] = {member: [] for member in members}
        for start, end in (pair for way in ways for pair in pairwise(way)):
            if end in before and start in places:
                before[end].append(places[start][1])
        heights = {
            m: -sum(b) / len(b) if b else float(i) for i, (m, b) in enumerate(before.items())
        }
        for rank, member in enumerate(sorted(members, key=heights.__getitem__)):
            places[member] = (d, (len(members) - 1) / 2 - rank)
    through = [[places[member] for member in way] for way in ways]
    return [places[i] for i in range(len(chain.steps))], through


def _bend(edge: Any, chain: Any) -> float:
    """x · x: of two arrows between the same steps, each goes its own way."""
    twins = [e for e in chain.edges if (e.start, e.end) == (edge.start, edge.end)]
    if len(twins) == 1:
        return 0.0
    return 0.3 if twins[0] is edge else -0.3


def _draw_edge(ax: Any, way: Sequence[Place], edge: Any, bend: float, colours: Theme) -> None:
    pieces = list(pairwise(way))
    for i, (start, end) in enumerate(pieces):
        last = i == len(pieces) - 1
        arrow = {"arrowstyle": "-|>" if last else "-", "color": colours.muted, "linewidth": 1.2}
        arrow |= {"shrinkA": 0 if i else 21, "shrinkB": 21 if last else 0}
        arrow |= {"connectionstyle": f"arc3,rad={bend if len(pieces) == 1 else 0}"}
        ax.annotate("", end, start, arrowprops=arrow)
    (x0, y0), (x1, y1) = way[0], way[1]
    if len(way) > 2:  # in the room that it has to itself
        x0, y0 = x1, y1
    # the top of the arc, whose control point is `bend` of the way's length beside its middle
    middle = ((x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2)
    box = {"boxstyle": "round,pad=0.15", "facecolor": colours.paper, "edgecolor": "none"}
    text = {"ha": "center", "va": "center", "fontsize": 8, "color": colours.series[1]}
    ax.text(*middle, f"×{number(edge.derivative)}", **text, bbox=box, zorder=4)


def _draw_step(ax: Any, place: Any, step: Any, given: bool, colours: Theme) -> None:
    edge = colours.series[0] if given else colours.ink
    box = {"boxstyle": "round,pad=0.35", "facecolor": colours.paper, "edgecolor": edge}
    lines = f"{step.name}\n{number(step.value)}"
    weight = "bold" if given else "normal"
    text = {"ha": "center", "va": "center", "fontsize": 9, "linespacing": 1.25}
    ax.text(*place, lines, **text, fontweight=weight, bbox=box, zorder=5)


def _sum(chain: Any, i: int) -> str:
    """∂/∂x = 2 · 3 + 1 · 4 = 10"""
    step, paths = chain.steps[i], chain.paths(i)
    terms = [" · ".join(number(chain.edges[e].derivative) for e in p.edges) for p in paths]
    whole = number(step.derivative)
    return f"∂/∂{step.name} = {' + '.join(terms) or '0'} = {whole}"
