"""Learning-rate schedules: the learning rate as a function of the step."""

from steepest.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from steepest.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from steepest.optim.lr_scheduler.scheduler import LRScheduler

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]
