"""Linear regression and linear classification: one layer, y = x·w + b."""

from steepest import nn

__all__ = ["linear"]


def linear(inputs: int, outputs: int = 1, *, bias: bool = True) -> nn.Module:
    """x·w + b: one weight per input and output, and one bias per output.

    Args:
        inputs: the number of features.
        outputs: 1 for a regression, the number of classes for a classification.
        bias: False for x·w alone, which is 0 where all features are.
    """
    return nn.Sequential(nn.Linear(inputs, outputs, bias=bias))
