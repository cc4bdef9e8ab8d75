"""All passes of the simplifier, in order, on one page."""

from steepest.compiler.graph import Graph
from steepest.compiler.simplify import (
    algebra,
    choices,
    constants,
    contractions,
    joins,
    movement,
    reductions,
    windows,
)
from steepest.compiler.simplify.rewriter import Rewriter
from steepest.compiler.simplify.sequences import shared_joins
from steepest.compiler.simplify.whole import flat_inputs, masks_from_outputs

__all__ = ["PAGES", "simplify"]

# Importing a page enters its rules.
PAGES = (constants, algebra, movement, reductions, choices, contractions, windows, joins)


def simplify(graph: Graph) -> Graph:
    """The same numbers from fewer and more canonical equations.

    Invariant: the same inputs in the same order (one that is only ever reshaped comes in that
    shape), the same outputs and states, equal up to rounding for finite inputs.
    """
    rewrite = Rewriter()
    rewritten = rewrite(graph)
    whole = shared_joins(masks_from_outputs(flat_inputs(rewritten)))
    return rewritten if whole is rewritten else rewrite(whole)
