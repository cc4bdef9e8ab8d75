"""Floor 3: optimizers, one small file per family, and learning-rate schedules."""

from steepest.optim import lr_scheduler as lr_scheduler
from steepest.optim.adagrad import Adagrad
from steepest.optim.adam import Adam, AdamW
from steepest.optim.optimizer import Optimizer
from steepest.optim.rmsprop import RMSprop
from steepest.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
