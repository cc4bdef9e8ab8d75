"""Floor 5: what a trained model has learned, and the surface it was learned on, as plain arrays
that the floor above draws."""

from steepest.explain.curvature import (
    Adapted,
    Density,
    Eigen,
    Estimate,
    eigenvalues,
    spectral_density,
    trace,
)
from steepest.explain.filters import filters
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

__all__ = [
    "Adapted",
    "Density",
    "Eigen",
    "Estimate",
    "Followed",
    "Mistake",
    "Objective",
    "Plane",
    "Responses",
    "Surface",
    "WeightPath",
    "eigenvalues",
    "feature_maps",
    "filters",
    "followed",
    "hessian_plane",
    "path_plane",
    "random_plane",
    "receptive_field",
    "responses",
    "spectral_density",
    "surface",
    "trace",
    "weights_plane",
    "worst_mistakes",
]
