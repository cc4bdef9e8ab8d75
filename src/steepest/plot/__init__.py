"""Floor 6: pictures of what training computed. One file per kind of picture; add a plot here.

    loss_curve          how training went, epoch by epoch
    predicted_actual    regression: predictions, targets and residuals
    confusion_matrix    classification: which class was taken for which
    feature_weights     what each feature adds in a linear model
    decision_regions    the plane of two features, cut up into classes
    filters             the weights of a network's layers as small pictures
    feature_maps        what every layer makes of one image
    responses           what each unit of a layer responds to most
    mistakes            the images that a classifier gets wrong and is sure of
    unfolding           the data after each layer, and how well a plane separates them there
    flow                signal and gradient by layer, and units that no longer learn
    chain_rule          a small expression with every local derivative
    descent             optimizers on a function that can be written down
    spectrum            the eigenvalues of a Hessian
    landscape           the loss on a plane through a model's weights, and a path across it
    report_html         all of it as one page

and pieces to draw one's own with: band, bars, log_axis, contours, path.

Every picture takes plain arrays and returns a matplotlib Figure, `figure.savefig("loss.png")`, in
the theme "light" or "dark". Its label is its alternative text.
"""

from steepest.plot.chain import chain_rule
from steepest.plot.classification import confusion_matrix
from steepest.plot.contours import contours, path
from steepest.plot.decision import decision_regions
from steepest.plot.descent import descent
from steepest.plot.feature_maps import feature_maps
from steepest.plot.filters import filters
from steepest.plot.flow import flow
from steepest.plot.landscape import landscape
from steepest.plot.loss_curve import loss_curve
from steepest.plot.mistakes import mistakes
from steepest.plot.regression import predicted_actual
from steepest.plot.report import ModelSection, Report, Weights, report_html
from steepest.plot.responses import responses
from steepest.plot.series import band, bars, log_axis, ranges
from steepest.plot.spectrum import spectrum
from steepest.plot.style import THEMES, Theme, can_write, drawing, finished, new_figure, number, rc
from steepest.plot.svg import inline_svg
from steepest.plot.unfolding import unfolding
from steepest.plot.weights import feature_weights

__all__ = [
    "THEMES",
    "ModelSection",
    "Report",
    "Theme",
    "Weights",
    "band",
    "bars",
    "can_write",
    "chain_rule",
    "confusion_matrix",
    "contours",
    "decision_regions",
    "descent",
    "drawing",
    "feature_maps",
    "feature_weights",
    "filters",
    "finished",
    "flow",
    "inline_svg",
    "landscape",
    "log_axis",
    "loss_curve",
    "mistakes",
    "new_figure",
    "number",
    "path",
    "predicted_actual",
    "ranges",
    "rc",
    "report_html",
    "responses",
    "spectrum",
    "unfolding",
]
