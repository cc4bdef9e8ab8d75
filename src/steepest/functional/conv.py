"""Convolution: filters slid over the input, the same weights at every place.

    out[n, o, p] = b[o] + Σ_c Σ_q w[o, c, q] · x[n, c, s·p + d·q]

for stride s and dilation d, x having been padded with zeros (PyTorch's convention: the filter is
not turned around). It is one `contract` of the input's windows with the filters. The transposed
convolution is its adjoint: what was gathered in a window is spread over it.
"""

from typing import Any

from steepest import primitives as P
from steepest.core import said
from steepest.functional.sliding import pad, per_axis, reaches, sliding
from steepest.tensors import Tensor, reshape

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

_PLACES, _TAPS = "xyz", "uvw"  # the letters of a contraction


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Filters (out, in / groups, taps) slid along one axis of (n, in, length), or of one signal.

    Args, Returns and Raises: as for `conv2d`, each size one number.
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Filters slid over images.

    Args:
        input: (n, in, height, width), or one image without the first axis.
        weight: (out, in / groups, filter height, filter width).
        bias: (out), or None.
        stride: by how many elements the filter moves.
        padding: zeros on either side; "valid" for none, "same" for as many as keep the size.
        dilation: the distance between the elements that a filter looks at.
        groups: channels and filters are cut into so many parts that do not see each other.

    Returns:
        (n, out, 1 + ⌊(height + 2·padding − dilation·(filter height − 1) − 1) / stride⌋, …).

    Raises:
        RuntimeError: sizes that do not fit together.
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The adjoint of `conv1d`: (n, in, length), or one signal, by filters (in, out / groups, taps).

    Args, Returns and Raises: as for `conv_transpose2d`, each size one number.
    """
    given = (stride, padding, output_padding, groups, dilation)
    return _conv_transpose("conv_transpose1d", 1, input, weight, bias, *given)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The adjoint of `conv2d`: every element of the input spreads the filter over the result.

    Args:
        input: (n, in, height, width), or one image without the first axis.
        weight: (in, out / groups, filter height, filter width).
        bias: (out), or None.
        stride: by how many elements of the result two neighbours of the input lie apart.
        padding: so many elements are cut off on either side.
        output_padding: so many rows and columns are added at the end; less than stride or dilation.

    Returns:
        (n, out, (height − 1)·stride − 2·padding + dilation·(filter height − 1) + 1 +
        output_padding, …).

    Raises:
        RuntimeError: sizes that do not fit together.
    """
    given = (stride, padding, output_padding, groups, dilation)
    return _conv_transpose("conv_transpose2d", 2, input, weight, bias, *given)


def _conv(
    name: str,
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    single = _check(name, axes, x, weight, bias, weight.shape[:1], groups)
    x = reshape(x, (1, *x.shape)) if single else x
    if x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        _refuse_channels(name, x, weight.shape[1] * groups, groups)
    size = tuple(weight.shape[2:])
    step = per_axis(name, "stride", stride, axes, 1)
    gap = per_axis(name, "dilation", dilation, axes, 1)
    x = pad(x, _zeros(name, padding, size, step, gap))
    if any(n < reach for n, reach in zip(x.shape[2:], reaches(size, gap), strict=True)):
        raise RuntimeError(
            said(
                name,
                "the filter is larger than the padded input",
                expected=f"at least {'×'.join(map(str, reaches(size, gap)))}",
                got="×".join(map(str, x.shape[2:])),
            )
        )
    seen = sliding(x, size, step, gap)
    places, taps = _PLACES[:axes], _TAPS[:axes]
    if groups == 1:
        out = P.contract(seen, weight, spec=f"nc{places}{taps},oc{taps}->no{places}")
    else:
        seen = _grouped(seen, 1, groups)
        filters = _grouped(weight, 0, groups)
        out = P.contract(seen, filters, spec=f"ngc{places}{taps},goc{taps}->ngo{places}")
        out = reshape(out, (out.shape[0], -1, *out.shape[3:]))
    return _finished(out, bias, axes, single)


def _conv_transpose(
    name: str,
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    single = _check(name, axes, x, weight, bias, (weight.shape[1] * groups,), groups)
    x = reshape(x, (1, *x.shape)) if single else x
    if x.shape[1] != weight.shape[0] or weight.shape[0] % groups:
        _refuse_channels(name, x, weight.shape[0], groups)
    size = tuple(weight.shape[2:])
    step = per_axis(name, "stride", stride, axes, 1)
    gap = per_axis(name, "dilation", dilation, axes, 1)
    edge = per_axis(name, "padding", padding, axes, 0)
    extra = per_axis(name, "output_padding", output_padding, axes, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, step, gap, strict=True)):
        raise RuntimeError(said(name, "output_padding is less than stride or dilation", got=extra))
    places, taps = _PLACES[:axes], _TAPS[:axes]
    spec = f"ngc{places},gco{taps}->ngo{places}{taps}"
    out = P.contract(_grouped(x, 1, groups), _grouped(weight, 0, groups), spec=spec)
    out = reshape(out, (out.shape[0], -1, *out.shape[3:]))
    out = _folded(out, axes, size, step, gap)
    ends = [b for a, e in zip(edge, extra, strict=True) for b in (e - a, -a)]
    return _finished(pad(out, ends[::-1]), bias, axes, single)


def _folded(
    x: Tensor, axes: int, size: tuple[int, ...], step: tuple[int, ...], gap: tuple[int, ...]
) -> Tensor:
    """The adjoint of `sliding`: windows (…, *places, *size) added up where they overlap."""
    counts, reach = x.shape[-2 * axes : -axes], reaches(size, gap)
    if reach != size:
        lead = x.ndim - axes
        shape, steps = (*x.shape[:lead], *reach), (1,) * lead + gap
        x = P.pad(x, shape=shape, starts=(0,) * x.ndim, steps=steps)
    whole = [s * (n - 1) + r for s, n, r in zip(step, counts, reach, strict=True)]
    return P.fold(x, shape=(*x.shape[: -2 * axes], *whole), size=reach, step=step)


def _zeros(
    name: str, padding: Any, size: tuple[int, ...], step: tuple[int, ...], gap: tuple[int, ...]
) -> list[int]:
    """The zeros before and after each axis, the last axis first, as `pad` wants them."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(
                said(name, f"no padding {padding!r}", expected="a number, 'same' or 'valid'")
            )
        if padding == "same" and max(step) > 1:
            raise RuntimeError(said(name, "padding 'same' needs stride 1", got=f"stride {step}"))
        lacking = [r - 1 if padding == "same" else 0 for r in reaches(size, gap)]
        return [n for total in lacking[::-1] for n in (total // 2, total - total // 2)]
    around = per_axis(name, "padding", padding, len(size), 0)
    return [n for n in around[::-1] for _ in range(2)]


def _grouped(x: Tensor, axis: int, groups: int) -> Tensor:
    """One axis as (groups, its length / groups)."""
    return reshape(x, (*x.shape[:axis], groups, -1, *x.shape[axis + 1 :]))


def _finished(out: Tensor, bias: Tensor | None, axes: int, single: bool) -> Tensor:
    """With the bias, and without the axis of samples where there was none."""
    if bias is not None:
        out = out + reshape(bias, (-1, *(1,) * axes))
    return reshape(out, out.shape[1:]) if single else out


def _check(
    name: str,
    axes: int,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    out: tuple[int, ...],
    groups: int,
) -> bool:
    """Numbers of axes, dtypes and the bias; True where x is a single sample."""
    if weight.ndim != axes + 2 or x.ndim not in (axes + 1, axes + 2):
        raise RuntimeError(
            said(
                name,
                "wrong number of axes",
                expected=f"an input of {axes + 2} axes (or {axes + 1}) and filters of {axes + 2}",
                got=f"{tuple(x.shape)} and {tuple(weight.shape)}",
            )
        )
    if groups < 1:
        raise RuntimeError(said(name, "groups is at least 1", got=groups))
    if any(t.dtype != x.dtype for t in (weight, bias) if t is not None):
        raise RuntimeError(
            said(name, "input and weights have one dtype", got=f"{x.dtype}, {weight.dtype}")
        )
    if bias is not None and tuple(bias.shape) != tuple(out):
        raise RuntimeError(said(name, "one bias per filter", expected=tuple(out), got=bias.shape))
    return x.ndim == axes + 1


def _refuse_channels(name: str, x: Tensor, wanted: int, groups: int) -> None:
    parts = f" in {groups} groups" if groups > 1 else ""
    raise RuntimeError(
        said(
            name,
            "the input's channels must be those of the filters",
            expected=f"{wanted} channels{parts}",
            got=f"{x.shape[1]} channels, shape {tuple(x.shape)}",
        )
    )
