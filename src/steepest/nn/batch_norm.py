"""Batch and instance normalization: layers that remember the averages of what they have seen.

The running averages are buffers: they change in place while training, are saved with the weights,
and stand still in use.
"""

import warnings
from typing import Any

import numpy as np

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor, no_grad

__all__ = ["BatchNorm1d", "BatchNorm2d", "InstanceNorm1d", "InstanceNorm2d"]


class _Norm(Module):
    """A scale and a shift per channel, and running averages of mean and variance."""

    axes: tuple[int, ...]  # how many axes an input may have

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        like = {"device": device, "dtype": dtype}
        scale, shift = (
            Parameter(F.zeros(num_features, **like)) if wanted else None
            for wanted in (affine, affine and bias)
        )
        self.register_parameter("weight", scale)
        self.register_parameter("bias", shift)
        kept = track_running_stats
        self.register_buffer("running_mean", F.zeros(num_features, **like) if kept else None)
        self.register_buffer("running_var", F.ones(num_features, **like) if kept else None)
        count = F.zeros((), dtype=np.int64) if kept else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget what was seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale by 1, shift by 0, and forget what was seen."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def check_axes(self, input: Tensor) -> None:
        if input.ndim not in self.axes:
            expected = " or ".join(f"{n}D" for n in self.axes)
            raise ValueError(
                said(type(self).__name__, "input", expected=expected, got=f"{input.ndim}D")
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Norm):
    """In training each channel by the batch's mean and variance, in use by the running ones."""

    def forward(self, input: Tensor) -> Tensor:
        self.check_axes(input)
        learning = self.training and self.track_running_stats
        momentum: Any = 0.0 if self.momentum is None else self.momentum
        if learning and self.num_batches_tracked is not None:
            with no_grad():
                self.num_batches_tracked.add_(1)
                if self.momentum is None:
                    momentum = 1 / self.num_batches_tracked.to(input.dtype)
        means, variances = self.running_mean, self.running_var
        if self.training and not self.track_running_stats:
            means = variances = None
        own = self.training or (means is None and variances is None)
        return F.batch_norm(
            input, means, variances, self.weight, self.bias, own, momentum, self.eps
        )


class BatchNorm1d(_BatchNorm):
    """Each channel brought to mean 0 and variance 1: (N, C) or (N, C, L) keeps its shape.

    The formula, Args, Raises and source are those of `BatchNorm2d`; mean and variance go over N
    and, where there is one, L.
    """

    axes = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel brought to mean 0 and variance 1: images (N, C, H, W) keep their shape.

        (x − x̄) / √(s² + eps) · weight + bias

    In training x̄ and s² are the batch's own, over N, H and W, s² with divisor n, and the running
    averages become (1 − momentum) · running + momentum · batch, their variance with divisor n − 1.
    In use (after `eval()`) x̄ and s² are the running averages.

    `weight` (C,) starts at 1, `bias` (C,) at 0; the buffers running_mean, running_var and
    num_batches_tracked at 0, 1 and 0.

    Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing
    internal covariate shift", ICML 2015.

    Args:
        num_features: the number of channels C, axis 1 of the input.
        eps: added to the variance before its root is taken.
        momentum: the weight of the newest batch in the running averages; None for the mean of all.
        affine: whether a learnt scale (and, with `bias`, a shift) follows.
        track_running_stats: whether to keep averages, for use; without them each batch's own serve.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.
        bias: False for a scale alone.

    Raises:
        ValueError: when called, other axes, or in training a single number per channel.
        RuntimeError: when called, another number of channels.
    """

    axes = (4,)


class _InstanceNorm(_Norm):
    """Each channel of each sample by its own mean and variance. Arguments: as for batches."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ):
        how = (eps, momentum, affine, track_running_stats, device, dtype)
        super().__init__(num_features, *how, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self.check_axes(input)
        single = input.ndim == self.axes[0]  # a sample without an axis for samples
        axis = 0 if single else 1
        if input.shape[axis] != self.num_features:
            what = f"expected input's size at dim={axis} to match num_features"
            if self.affine:
                got = input.shape[axis]
                raise ValueError(
                    said(type(self).__name__, what, expected=self.num_features, got=got)
                )
            warnings.warn(f"{what} ({self.num_features}), which is not used here", stacklevel=2)
        out = F.instance_norm(
            F.unsqueeze(input, 0) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return F.squeeze(out, 0) if single else out


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample to mean 0 and variance 1: (N, C, L) or (C, L) keeps its shape.

    The formula, Args, Raises and source are those of `InstanceNorm2d`; mean and variance go over L.
    """

    axes = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample to mean 0 and variance 1: (N, C, H, W) or (C, H, W).

        (x − x̄) / √(s² + eps) · weight + bias           x̄ and s² over H and W, also in use

    Nothing is learnt and no averages are kept unless asked for. With `track_running_stats` averages
    over the samples are kept as in `BatchNorm2d`, and take the place of x̄ and s² in use.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization", 2016.

    Args:
        num_features, eps, momentum, …: as for `BatchNorm2d`; affine and track_running_stats are
            False unless said otherwise.

    Raises:
        ValueError: when called, other axes, a single place, or, with affine, other channels.
    """

    axes = (3, 4)
