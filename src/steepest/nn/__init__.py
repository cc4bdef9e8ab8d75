"""Floor 3: modules. Layers, activations, losses, containers, and what all of them inherit."""

from steepest.nn import functional as functional
from steepest.nn import init as init
from steepest.nn.activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from steepest.nn.container import ModuleList, Sequential
from steepest.nn.describe import build, describe, ends_in_softmax
from steepest.nn.dropout import Dropout
from steepest.nn.linear import Flatten, Identity, Linear, Unflatten
from steepest.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
    SumSquaresLoss,
)
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.nn.softmax import LogSoftmax, Softmax, Softmin

__all__ = [
    "Module",
    "Parameter",
    "Sequential",
    "ModuleList",
    "Linear",
    "Identity",
    "Flatten",
    "Unflatten",
    "Dropout",
    "CELU",
    "ELU",
    "GELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "SumSquaresLoss",
    "build",
    "describe",
    "ends_in_softmax",
    "functional",
    "init",
]
