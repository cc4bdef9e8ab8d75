"""Simplify: Graph -> Graph. The same numbers from fewer and more canonical equations.

passes        all of it in order
rewriter      rebuilds the graph, one rule at a time; equal equations become one
constants     what is known now; ranges of labels
algebra       neutral elements, signs, constant factors
movement      reshape, permute, broadcast: fewer, and after the arithmetic
reductions    sums and maxima over fewer axes
choices       where, bools, one-hot labels
contractions  only real products stay
windows       convolutions: overlap-adds become products, parts of images are cut out first
joins         arrays side by side: joined where the table pads and adds
whole         passes that see the whole graph: masks of rectifiers, flat inputs
sequences     the same, of what the steps of a sequence share
twins         states that are always equal are carried once
"""

from steepest.compiler.simplify.passes import simplify
from steepest.compiler.simplify.twins import merge_twins

__all__ = ["merge_twins", "simplify"]
