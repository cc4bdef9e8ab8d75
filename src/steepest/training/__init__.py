"""Floor 4: training. The loop, what surrounds it, and what comes out: scores, models, runs."""

from steepest.training.atomic import write_bytes, write_text
from steepest.training.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from steepest.training.choices import (
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    loss_for,
    target_for,
    usual_loss,
)
from steepest.training.closed_form import closed_form, to_the_minimum
from steepest.training.fit import fit
from steepest.training.linear_weights import linear_weights, weight_unit
from steepest.training.loop import run_epoch
from steepest.training.manifest import manifest, processor
from steepest.training.measure import answered
from steepest.training.predict import Predictions, predict
from steepest.training.result import Fit
from steepest.training.run_folder import RunFolder
from steepest.training.save import Saved, load, save
from steepest.training.scores import Score, Scores, baseline_of, evaluate

__all__ = [
    "fit",
    "Fit",
    "run_epoch",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "loss_for",
    "target_for",
    "usual_loss",
    "Callback",
    "CSVLogger",
    "EarlyStopping",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "answered",
    "manifest",
    "processor",
    "closed_form",
    "to_the_minimum",
    "linear_weights",
    "weight_unit",
    "baseline_of",
    "evaluate",
    "Score",
    "Scores",
    "predict",
    "Predictions",
    "load",
    "save",
    "Saved",
    "RunFolder",
    "write_bytes",
    "write_text",
]
