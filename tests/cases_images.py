"""How convolution, pooling and padding are called; test_convolution draws from all settings."""

from cases import NAN, T3, X, floats, plain, refused, smooth

__all__: list[str] = []

IMAGES, SIGNALS = floats(2, 3, 7, 6), floats(2, 4, 9)
FILTERS, TAPS = floats(4, 3, 3, 2), floats(6, 2, 3)
TIES = (floats(2, 3, 6, 6) * 2).round()

# ---- convolution --------------------------------------------------------------------------------

smooth("conv2d", lambda F, x, w: F.conv2d(x, w), IMAGES, FILTERS)
smooth("conv2d", lambda F, x, w: F.conv2d(x, w, padding="same"), IMAGES, FILTERS)
smooth("conv2d", lambda F, x, w: F.conv2d(x, w, padding="valid", stride=(2, 1)), IMAGES, FILTERS)
smooth("conv2d", lambda F, x, w, b: F.conv2d(x, w, b, dilation=2), IMAGES[0], FILTERS, floats(4))
smooth("conv1d", lambda F, x, w: F.conv1d(x, w, groups=2), SIGNALS, TAPS)
smooth("conv1d", lambda F, x, w: F.conv1d(x, w, None, 2, "valid", 1, 2), SIGNALS[1], TAPS)
smooth("conv_transpose1d", lambda F, x, w: F.conv_transpose1d(x, w, stride=2), SIGNALS, TAPS[:4])
smooth(
    "conv_transpose2d",
    lambda F, x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1),
    floats(2, 4, 3, 3),
    FILTERS,
    floats(3),
)
plain("conv2d", lambda F, x, w: F.conv2d(x, w), floats(0, 3, 7, 6), FILTERS)

refused("conv2d", lambda F, x, w: F.conv2d(x, w), IMAGES[:, :2], FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, groups=2), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w), IMAGES[:, :, :2], FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, stride=0), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, stride=(1, 2, 3)), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, padding=-1), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, padding="same", stride=2), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w, padding="full"), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w, b: F.conv2d(x, w, b), IMAGES, FILTERS, floats(3))
refused("conv2d", lambda F, x, w: F.conv2d(x, w.float()), IMAGES, FILTERS)
refused("conv2d", lambda F, x, w: F.conv2d(x, w), X, FILTERS)
refused("conv_transpose2d", lambda F, x, w: F.conv_transpose2d(x, w), IMAGES, FILTERS)
refused(
    "conv_transpose2d",
    lambda F, x, w: F.conv_transpose2d(x, w, output_padding=1),
    floats(2, 4, 3, 3),
    FILTERS,
)

# ---- pooling ------------------------------------------------------------------------------------

for name in ("max_pool2d", "avg_pool2d"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, 2), IMAGES)
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, (3, 2), 1, 1), IMAGES)
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, 3, 2, ceil_mode=True), TIES)
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, 2), TIES[0])
    refused(name, lambda F, x, n=name: getattr(F, n)(x, 8), IMAGES)
    refused(name, lambda F, x, n=name: getattr(F, n)(x, 2, padding=2), IMAGES)
plain("max_pool2d", lambda F, x: F.max_pool2d(x, 3, 2, 1, return_indices=True), IMAGES)
plain("max_pool1d", lambda F, x: F.max_pool1d(x, 2, return_indices=True), T3)
refused("max_pool2d", lambda F, x: F.max_pool2d(x, 2), X)
smooth("avg_pool2d", lambda F, x: F.avg_pool2d(x, 2, divisor_override=1), IMAGES)
smooth("avg_pool2d", lambda F, x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGES)
smooth("max_pool1d", lambda F, x: F.max_pool1d(x, 2), T3)
smooth("avg_pool1d", lambda F, x: F.avg_pool1d(x, 3, 2), T3)
refused("avg_pool2d", lambda F, x: F.avg_pool2d(x, 2, divisor_override=0), IMAGES)
BLANK = IMAGES.copy()
BLANK[0, 0, 2:4, 3] = NAN
plain("max_pool2d", lambda F, x: F.max_pool2d(x, 2), BLANK)

# ---- padding ------------------------------------------------------------------------------------

smooth("pad", lambda F, x: F.pad(x, (1, 2)), X)
smooth("pad", lambda F, x: F.pad(x, (1, 0, 0, 3), value=-0.1), IMAGES)
smooth("pad", lambda F, x: F.pad(x, (-1, 2, 1, -2), "constant", 0.5), IMAGES)
refused("pad", lambda F, x: F.pad(x, (1, 2, 3)), X)
refused("pad", lambda F, x: F.pad(x, (-3, -2)), X)
