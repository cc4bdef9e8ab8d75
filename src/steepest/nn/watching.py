"""Looking at a model without changing it."""

from collections.abc import Iterator
from contextlib import contextmanager

from steepest.nn.module import Module
from steepest.random import default_generator
from steepest.tensors import no_grad

__all__ = ["watching"]


@contextmanager
def watching(model: Module) -> Iterator[None]:
    """In this block the model is in use, not in training, and its gradients are not recorded.

    Looking draws no random number of the run, and leaves every mode as it was.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad(), default_generator.undisturbed():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
