"""Normalization: numbers brought to mean 0 and variance 1 (or root mean square 1), then scaled.

What the mean is taken over is the whole difference between the functions:

    batch_norm       each channel, over all samples and places
    instance_norm    each channel of each sample, over its places
    group_norm       some channels of each sample, over their places
    layer_norm       each sample, over its last axes
    rms_norm         likewise, without a mean

Channels are axis 1. A scale `weight` and a shift `bias` may follow; both are learnt.
"""

import math
from typing import Any

import numpy as np

from steepest.core import said, sizes
from steepest.functional.math import rsqrt
from steepest.functional.reduction import mean
from steepest.functional.shape import reshape
from steepest.tensors import Tensor, no_grad

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def _standardized(x: Tensor, axes: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """x with mean 0 and variance 1 over the axes; the mean and the variance that it had."""
    centre = mean(x, axes, keepdim=True)
    centred = x - centre
    variance = mean(centred * centred, axes, keepdim=True)
    return centred * rsqrt(variance + eps), centre, variance


def _per_channel(x: Tensor, values: Tensor) -> Tensor:
    """One number per channel, shaped so that it meets the channels of x."""
    return reshape(values, (1, -1, *(1,) * (x.ndim - 2)))


def _transformed(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """x times a number per channel, plus another."""
    x = x if weight is None else x * _per_channel(x, weight)
    return x if bias is None else x + _per_channel(x, bias)


def _check_channels(name: str, x: Tensor, **given: Tensor | None) -> None:
    """Axes for samples and channels, and as many numbers as channels in what is given."""
    if x.ndim < 2:
        raise RuntimeError(said(name, "expected samples and channels", got=f"shape {x.shape}"))
    for what, values in given.items():
        if values is not None and values.shape.numel() != x.shape[1]:
            raise RuntimeError(
                said(
                    name,
                    f"{what} holds one number per channel",
                    expected=x.shape[1],
                    got=values.shape,
                )
            )


def _check_several(name: str, x: Tensor, count: int, what: str) -> None:
    """One number alone has no variance."""
    if count == 1:
        raise ValueError(
            said(name, f"Expected more than 1 {what} when training", got=f"input size {x.shape}")
        )


def _remember(running: Tensor | None, seen: Tensor, momentum: Any) -> None:
    """Move a running average towards what this batch has, in place."""
    if running is not None:
        with no_grad():
            seen = reshape(seen.detach(), running.shape)
            running.copy_((1 - momentum) * running + momentum * seen)


def _as_before(x: Tensor, centre: Tensor, variance: Tensor, eps: float) -> Tensor:
    """x by a mean and a variance per channel that earlier batches had."""
    return (x - _per_channel(x, centre)) * _per_channel(x, rsqrt(variance + eps))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − x̄) / √(s² + eps) · weight + bias, x̄ and s² of each channel over samples and places.

    In training x̄ and s² are the batch's own, s² with divisor n; and the running averages, if
    given, become (1 − momentum) · running + momentum · batch, their variance with divisor n − 1.
    In use x̄ and s² are the running averages. Source: Ioffe and Szegedy, ICML 2015.

    Args:
        input: (N, C) or (N, C, places …); the other tensors have shape (C,).

    Raises:
        ValueError: a single number per channel in training, or eps is not positive.
        RuntimeError: shapes do not fit, or no running averages in use.
    """
    name = "batch_norm"
    if eps < 0 or (training and eps == 0):
        raise ValueError(said(name, "eps must be positive", got=eps))
    count = math.prod(input.shape) // max(input.shape[1], 1) if input.ndim > 1 else 0
    if training:
        _check_several(name, input, count, "value per channel")
    running = {"running_mean": running_mean, "running_var": running_var}
    _check_channels(name, input, **running, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                said(name, "Expected running_mean and running_var when not training")
            )
        return _transformed(_as_before(input, running_mean, running_var, eps), weight, bias)
    places = (0, *range(2, input.ndim))
    out, centre, variance = _standardized(input, places, eps)
    if count:  # a batch without samples teaches nothing
        _remember(running_mean, centre, momentum)
        _remember(running_var, variance * (count / (count - 1)), momentum)
    return _transformed(out, weight, bias)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` of every sample alone: x̄ and s² of each channel of each sample over its places.

    The running averages move towards the mean over the samples of their x̄ and s²; with
    `use_input_stats=False` they take the place of both. Source: Ulyanov et al., 2016.

    Args:
        input: (N, C, places …); the other tensors have shape (C,).

    Raises:
        ValueError: a single place. RuntimeError: shapes do not fit, or no running averages.
    """
    name = "instance_norm"
    count = math.prod(input.shape[2:])
    if use_input_stats:
        _check_several(name, input, count, "spatial element")
    running = {"running_mean": running_mean, "running_var": running_var}
    _check_channels(name, input, **running, weight=weight, bias=bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                said(name, "Expected running_mean and running_var when use_input_stats=False")
            )
        return _transformed(_as_before(input, running_mean, running_var, eps), weight, bias)
    out, centre, variance = _standardized(input, tuple(range(2, input.ndim)), eps)
    _remember(running_mean, mean(centre, 0), momentum)
    _remember(running_var, mean(variance, 0) * (count / (count - 1)), momentum)
    return _transformed(out, weight, bias)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − x̄) / √(s² + eps) · weight + bias, x̄ and s² over the channels of one of `num_groups`.

    Source: Wu and He, ECCV 2018.

    Args:
        input: (N, C) or (N, C, places …); weight and bias have shape (C,).

    Raises:
        RuntimeError: shapes do not fit. ValueError: there is one number in all.
    """
    name = "group_norm"
    _check_channels(name, input, weight=weight, bias=bias)
    samples, channels, *places = input.shape
    if num_groups < 1 or channels % num_groups:
        raise RuntimeError(
            said(name, "groups share the channels equally", got=f"{channels} by {num_groups}")
        )
    _check_several(name, input, math.prod(input.shape) // num_groups, "value per channel")
    groups = reshape(input, (samples, num_groups, math.prod(places) * channels // num_groups))
    return _transformed(reshape(_standardized(groups, (2,), eps)[0], input.shape), weight, bias)


def _last_axes(
    name: str, x: Tensor, normalized_shape: Any, *given: Tensor | None
) -> tuple[int, ...]:
    """The axes that are normalized together, checked against the shapes of all that is given."""
    shape = sizes((normalized_shape,))
    count = len(shape)
    if not shape or x.shape[-count:] != shape:
        raise RuntimeError(
            said(
                name,
                "the last axes of the input must be the normalized shape",
                expected=shape,
                got=x.shape,
            )
        )
    for values in given:
        if values is not None and values.shape != shape:
            raise RuntimeError(
                said(
                    name,
                    "weight and bias have the normalized shape",
                    expected=shape,
                    got=values.shape,
                )
            )
    return tuple(range(x.ndim - count, x.ndim))


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − x̄) / √(s² + eps) · weight + bias, x̄ and s² over the last axes.

    Source: Ba, Kiros and Hinton, 2016.

    Args:
        normalized_shape: the sizes of those axes; weight and bias have this shape.

    Raises:
        RuntimeError: shapes do not fit.
    """
    axes = _last_axes("layer_norm", input, normalized_shape, weight, bias)
    out = _standardized(input, axes, eps)[0]
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / √(mean x² + eps) · weight, the mean over the last axes.

    Source: Zhang and Sennrich, NeurIPS 2019.

    Args:
        normalized_shape: the sizes of those axes; weight has this shape.
        eps: the dtype's distance from 1 to the next number by default.

    Raises:
        RuntimeError: shapes do not fit.
    """
    axes = _last_axes("rms_norm", input, normalized_shape, weight)
    least = float(np.finfo(input.dtype).eps) if eps is None else eps
    out = input * rsqrt(mean(input * input, axes, keepdim=True) + least)
    return out if weight is None else out * weight
