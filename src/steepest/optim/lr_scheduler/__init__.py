"""Learning-rate schedules: the learning rate as a function of the step."""

from steepest.optim.lr_scheduler.combine import ChainedScheduler, SequentialLR
from steepest.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from steepest.optim.lr_scheduler.cycle import CyclicLR, OneCycleLR
from steepest.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from steepest.optim.lr_scheduler.plateau import ReduceLROnPlateau
from steepest.optim.lr_scheduler.scheduler import LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
