"""The graph of the chain rule: steps as boxes, local derivatives on the arrows between them."""

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
    places = _places(chain)
    columns = 1 + max(x for x, _ in places)
    rows = 1 + max(abs(y) for _, y in places)
    with drawing(theme) as colours:
        lines = [_sum(chain, i) for i in range(chain.inputs)]
        figure = new_figure(max(6.4, 1.65 * columns), 1.7 * rows + 0.9 + 0.2 * len(lines))
        ax = figure.add_subplot()
        for edge in chain.edges:
            _draw_edge(ax, places, edge, chain, colours)
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


def _places(chain: Any) -> list[tuple[int, float]]:
    """Column and height of each step: as far right as its longest way from an input, and in a
    column evenly spaced about the middle."""
    depth = [0] * len(chain.steps)
    for edge in chain.edges:
        depth[edge.end] = max(depth[edge.end], depth[edge.start] + 1)
    columns: dict[int, list[int]] = {}
    for i, d in enumerate(depth):
        columns.setdefault(d, []).append(i)
    places: dict[int, tuple[int, float]] = {}
    for d, members in sorted(columns.items()):

        def above(i: int) -> float:
            starts = [places[e.start][1] for e in chain.edges if e.end == i and e.start in places]
            return -sum(starts) / len(starts) if starts else float(i)

        members.sort(key=above)
        for rank, i in enumerate(members):
            # two lone steps in neighbouring columns would hide the arrows that pass between
            places[i] = (d, (len(members) - 1) / 2 - rank)
    return [places[i] for i in range(len(chain.steps))]


def _draw_edge(ax: Any, places: Any, edge: Any, chain: Any, colours: Theme) -> None:
    twins = [e for e in chain.edges if (e.start, e.end) == (edge.start, edge.end)]
    bend = 0.0
    if len(twins) > 1:  # x · x: two arrows between the same steps
        bend = 0.3 if twins[0] is edge else -0.3
    elif places[edge.end][0] - places[edge.start][0] > 1:
        bend = -0.25 if places[edge.start][1] >= places[edge.end][1] else 0.25
    (x0, y0), (x1, y1) = places[edge.start], places[edge.end]
    arrow = {"arrowstyle": "-|>", "color": colours.muted, "linewidth": 1.2}
    arrow |= {"shrinkA": 21, "shrinkB": 21, "connectionstyle": f"arc3,rad={bend}"}
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
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
