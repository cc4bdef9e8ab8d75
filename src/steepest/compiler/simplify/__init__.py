"""Simplify: Graph -> Graph. The same numbers from fewer and more canonical equations.

passes        all of it in order
rewriter      rebuilds the graph, one rule at a time; equal equations become one
constants     what is known now; ranges of labels
algebra       neutral elements, signs, constant factors
movement      reshape, permute, broadcast: fewer, and after the arithmetic
reductions    sums and maxima over fewer axes
choices       where, bools, one-hot labels
contractions  only real products stay
whole         passes that see the whole graph: masks of rectifiers, flat inputs
twins         states that are always equal are carried once
"""

from steepest.compiler.simplify.passes import simplify
from steepest.compiler.simplify.twins import merge_twins

__all__ = ["merge_twins", "simplify"]
