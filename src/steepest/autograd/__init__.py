"""Floor 2: gradients. The reverse sweep, what is built on it, and the slow road that checks it."""

from steepest.autograd import functional
from steepest.autograd.backward import backward, grad
from steepest.autograd.check import gradcheck, gradgradcheck, numerical_gradient
from steepest.autograd.function import Function
from steepest.autograd.hooks import RemovableHandle
from steepest.tensors import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "RemovableHandle",
    "backward",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "numerical_gradient",
    "set_grad_enabled",
]
