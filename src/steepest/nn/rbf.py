"""Radial basis functions as an output layer: how far an answer is from each class's code."""

from typing import Any

import numpy as np

from steepest import functional as F
from steepest.core import said
from steepest.nn.module import Module
from steepest.tensors import Tensor, as_tensor

__all__ = ["RBF"]


class RBF(Module):
    """y_i = Σ_j (x_j − w_ij)²: (n, features) becomes (n, classes), a penalty for each class.

    The smallest penalty wins. The codes w are given and not learned: were they free, all of them
    and the answers could shrink to one point, where the penalties are 0 and nothing is told apart.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86(11), 1998, equation 7.

    Args:
        codes: (classes, features), one code for each class.

    Raises:
        ValueError: codes of other axes.
        RuntimeError: when called, an input of another length than the codes.
    """

    def __init__(self, codes: Any):
        super().__init__()
        codes = as_tensor(np.asarray(codes, np.float32))
        if codes.ndim != 2:
            raise ValueError(said("RBF", "one code for each class", got=f"shape {codes.shape}"))
        self.register_buffer("codes", codes)

    def forward(self, input: Tensor) -> Tensor:
        features = self.codes.shape[1]
        if input.ndim != 2 or input.shape[1] != features:
            raise RuntimeError(
                said(
                    "RBF",
                    "codes and input must be of one length",
                    expected=f"(n, {features})",
                    got=tuple(input.shape),
                )
            )
        apart = F.unsqueeze(input, 1) - self.codes
        return F.sum(apart * apart, 2)

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        return (self.codes.shape.numel(),) * 2

    def extra_repr(self) -> str:
        classes, features = self.codes.shape
        return f"{classes} classes, codes of {features}"
