"""Floor 5: what a trained model has learned, as plain arrays that the floor above draws."""

from steepest.explain.filters import filters
from steepest.explain.layers import feature_maps
from steepest.explain.mistakes import Mistake, worst_mistakes
from steepest.explain.responses import Responses, receptive_field, responses

__all__ = [
    "Mistake",
    "Responses",
    "feature_maps",
    "filters",
    "receptive_field",
    "responses",
    "worst_mistakes",
]
