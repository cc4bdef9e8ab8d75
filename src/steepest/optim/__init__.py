"""Floor 3: optimizers, one small file per family, and learning-rate schedules."""

from steepest.optim import lr_scheduler as lr_scheduler
from steepest.optim.adadelta import Adadelta
from steepest.optim.adafactor import Adafactor
from steepest.optim.adagrad import Adagrad
from steepest.optim.adam import Adam, AdamW
from steepest.optim.adamax import Adamax
from steepest.optim.asgd import ASGD
from steepest.optim.lbfgs import LBFGS
from steepest.optim.muon import Muon
from steepest.optim.nadam import NAdam
from steepest.optim.optimizer import Optimizer
from steepest.optim.radam import RAdam
from steepest.optim.rmsprop import RMSprop
from steepest.optim.rprop import Rprop
from steepest.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]
