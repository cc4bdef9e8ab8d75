"""Floor 5: what a trained model has learned, and the surface it was learned on, as plain arrays
that the floor above draws.

chain               an expression step by step, with its local derivatives
descent             where optimizers walk on functions that can be written down
objective           the loss as a function of all weights
surface, path       planes through the weights; the way that training took
curvature           its Hessian: eigenvalues, trace, spectrum
flow, unfolding     signals and gradients through the layers; the data, layer by layer
filters, layers     weights as they are looked at; feature maps
responses, mistakes what a unit responds to; where a classifier is wrong and sure of it
"""

from steepest.explain.chain import Chain, chain
from steepest.explain.curvature import (
    Adapted,
    Density,
    Eigen,
    Estimate,
    eigenvalues,
    spectral_density,
    trace,
)
from steepest.explain.descent import FUNCTIONS, Analytic, Descent, descend
from steepest.explain.filters import filters
from steepest.explain.flow import Flow, LayerFlow, flow
from steepest.explain.layers import feature_maps
from steepest.explain.mistakes import Mistake, worst_mistakes
from steepest.explain.objective import Objective
from steepest.explain.path import WeightPath
from steepest.explain.responses import Responses, receptive_field, responses
from steepest.explain.surface import (
    Followed,
    Plane,
    Surface,
    followed,
    hessian_plane,
    path_plane,
    random_plane,
    surface,
    weights_plane,
)
from steepest.explain.unfolding import Stage, unfolding

__all__ = [
    "FUNCTIONS",
    "Adapted",
    "Analytic",
    "Chain",
    "Density",
    "Descent",
    "Eigen",
    "Estimate",
    "Flow",
    "Followed",
    "LayerFlow",
    "Mistake",
    "Objective",
    "Plane",
    "Responses",
    "Stage",
    "Surface",
    "WeightPath",
    "chain",
    "descend",
    "eigenvalues",
    "feature_maps",
    "filters",
    "flow",
    "followed",
    "hessian_plane",
    "path_plane",
    "random_plane",
    "receptive_field",
    "responses",
    "spectral_density",
    "surface",
    "trace",
    "unfolding",
    "weights_plane",
    "worst_mistakes",
]
