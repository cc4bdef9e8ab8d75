"""How activations and losses are called."""

import numpy as np
from cases import (
    HALF,
    INF,
    T3,
    TIES,
    I,
    M,
    S,
    V,
    X,
    Y,
    floats,
    ints,
    plain,
    positives,
    rates,
    refused,
    smooth,
)

__all__: list[str] = []

# ---- activations --------------------------------------------------------------------------------

for alpha in (0.5, 1.0, 2.0):
    smooth("elu", lambda F, x, a=alpha: F.elu(x, a), X)
    smooth("celu", lambda F, x, a=alpha: F.celu(x, a), X)
for slope in (0.0, 0.01, 0.3, 1.5):
    smooth("leaky_relu", lambda F, x, s=slope: F.leaky_relu(x, s), X)
smooth("prelu", lambda F, x, w: F.prelu(x, w), X, floats(1))
smooth("prelu", lambda F, x, w: F.prelu(x, w), X, floats(4))
smooth("prelu", lambda F, x, w: F.prelu(x, w), T3, floats(3))
smooth("prelu", lambda F, x, w: F.prelu(x, w), V, floats(1))
smooth("gelu", lambda F, x: F.gelu(x, approximate="tanh"), X)
for beta, threshold in ((1.0, 20.0), (2.0, 1.0), (0.5, 3.0)):
    smooth("softplus", lambda F, x, b=beta, t=threshold: F.softplus(x, b, t), X * 3)
for low, high in ((-1.0, 1.0), (-0.5, 2.0), (0.0, 0.1)):
    smooth("hardtanh", lambda F, x, a=low, b=high: F.hardtanh(x, a, b), X)
for name in ("softmax", "log_softmax", "softmin"):
    for dim in (0, 1, -1):
        smooth(name, lambda F, x, n=name, d=dim: getattr(F, n)(x, dim=d), X)
        smooth(name, lambda F, x, n=name, d=dim: getattr(F, n)(x, dim=d), T3)
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, dim=0), V * 300)
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, dim=0), S)
    masked = np.where(M, X, INF if name == "softmin" else -INF)
    masked[:, 0] = X[:, 0]
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, dim=1), masked)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, dim=1), HALF)
    plain(name, lambda F, x, n=name: getattr(F, n)(x, dim=1), np.zeros((0, 3)))
    refused(name, lambda F, x, n=name: getattr(F, n)(x, dim=2), X)
smooth("relu", lambda F, x: x.relu(), TIES)
plain("relu", lambda F, x: F.relu(x), I)
refused("prelu", lambda F, x, w: F.prelu(x, w), X, floats(3))
refused("gelu", lambda F, x: F.gelu(x, approximate="yes"), X)

# ---- losses -------------------------------------------------------------------------------------

CLASS, SCORES = np.array([0, 3, 1, 2, 1, 0]), floats(6, 4)
IMAGES, LABELS = floats(2, 4, 3, 2), ints(2, 3, 2, low=0, high=4)
SOFT = (lambda e: e / e.sum(1, keepdims=True))(np.exp(floats(6, 4)))
W4 = positives(4)
for reduction in ("mean", "sum", "none"):
    r = {"reduction": reduction}
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        smooth(name, lambda F, x, y, n=name, r=r: getattr(F, n)(x, y, **r), X, Y)
        smooth(name, lambda F, x, y, n=name, r=r: getattr(F, n)(x, y, **r), TIES, TIES + M)
    for width in (0.25, 1.0, 3.0):
        smooth("huber_loss", lambda F, x, y, d=width, r=r: F.huber_loss(x, y, delta=d, **r), X, Y)
        smooth(
            "smooth_l1_loss",
            lambda F, x, y, b=width, r=r: F.smooth_l1_loss(x, y, beta=b, **r),
            X,
            Y,
        )
    smooth("smooth_l1_loss", lambda F, x, y, r=r: F.smooth_l1_loss(x, y, beta=0.0, **r), X, Y)
    P1, T1 = rates(3, 4), rates(3, 4)
    # PyTorch rounds its second derivative near 0 and 1, by adding 1e-12 to p(1 - p).
    smooth(
        "binary_cross_entropy", lambda F, p, t, r=r: F.binary_cross_entropy(p, t, **r), P1, T1,
        order=1,
    )  # fmt: skip
    smooth(
        "binary_cross_entropy",
        lambda F, p, m, w, r=r: F.binary_cross_entropy(p, m.to(p.dtype), w.detach(), **r),
        P1, M, positives(4),
    )  # fmt: skip
    name = "binary_cross_entropy_with_logits"
    smooth(name, lambda F, x, t, r=r: F.binary_cross_entropy_with_logits(x, t, **r), X * 3, T1)
    smooth(
        name,
        lambda F, x, m, w, p, r=r: F.binary_cross_entropy_with_logits(
            x, m.to(x.dtype), w.detach(), pos_weight=p.detach(), **r
        ),
        X, M, positives(4), positives(4),
    )  # fmt: skip
    smooth(
        name,
        lambda F, x, m, r=r: F.binary_cross_entropy_with_logits(x, m.to(x.dtype), **r),
        np.array([-1e4, 1e4, 0.0, -40, 40]), np.array([1, 0, 1, 0, 1], bool),
    )  # fmt: skip
    for smoothing in (0.0, 0.1, 1.0):
        s = r | {"label_smoothing": smoothing}
        smooth("cross_entropy", lambda F, x, t, s=s: F.cross_entropy(x, t, **s), SCORES, CLASS)
        smooth("cross_entropy", lambda F, x, t, s=s: F.cross_entropy(x, t, **s), IMAGES, LABELS)
        smooth("cross_entropy", lambda F, x, t, s=s: F.cross_entropy(x, t, **s), V, np.array(2))
        smooth(
            "cross_entropy",
            lambda F, x, t, w, s=s: F.cross_entropy(x, t, w.detach(), **s),
            SCORES, CLASS, W4,
        )  # fmt: skip
        for ignored in (1, -100):
            smooth(
                "cross_entropy",
                lambda F, x, t, w, s=s, i=ignored: F.cross_entropy(
                    x, t, w.detach(), ignore_index=i, **s
                ),
                IMAGES, np.where(LABELS == 1, ignored, LABELS), W4,
            )  # fmt: skip
        smooth("cross_entropy", lambda F, x, t, s=s: F.cross_entropy(x, t, **s), SCORES, SOFT)
        smooth(
            "cross_entropy",
            lambda F, x, t, w, s=s: F.cross_entropy(x, t.detach(), w.detach(), **s),
            SCORES, SOFT, W4,
        )  # fmt: skip
    smooth("nll_loss", lambda F, x, t, r=r: F.nll_loss(x, t, **r), SCORES, CLASS)
    smooth("nll_loss", lambda F, x, t, r=r: F.nll_loss(x, t, **r), IMAGES, LABELS)
    smooth(
        "nll_loss",
        lambda F, x, t, w, r=r: F.nll_loss(x, t, w.detach(), ignore_index=1, **r),
        SCORES, CLASS, W4,
    )  # fmt: skip
    plain(
        "nll_loss", lambda F, x, t, r=r: F.nll_loss(x, t, **r),
        np.array([[-INF, 0.0], [0.0, -INF]]), np.array([1, 0]),
    )  # fmt: skip
    smooth(
        "cross_entropy", lambda F, x, t, r=r: F.cross_entropy(x, t, **r),
        np.array([[1e4, -1e4, 0.0], [0.0, 88.0, -500.0]]), np.array([1, 2]),
    )  # fmt: skip
    plain("cross_entropy", lambda F, x, t, r=r: F.cross_entropy(x, t, **r), SCORES, CLASS * 0 - 100)
    plain("cross_entropy", lambda F, x, t, r=r: F.cross_entropy(x, t, **r), SCORES[:0], CLASS[:0])
    for name in ("mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy"):
        plain(name, lambda F, x, y, n=name, r=r: getattr(F, n)(x, y, **r), X[:0], Y[:0])
smooth("sum_squares_loss", lambda F, x, y: F.sum_squares_loss(x, y), X, Y)
smooth(
    "binary_cross_entropy", lambda F, p, m: F.binary_cross_entropy(p, m.to(p.dtype)),
    np.array([1e-7, 1 - 1e-7, 0.5, 0.0, 1.0]), np.array([1, 0, 1, 1, 0], bool),
    order=1, rtol=1e-8,
)  # fmt: skip
plain("mse_loss", lambda F, x, y: F.mse_loss(x, y), X, Y.astype(np.float32))
refused("mse_loss", lambda F, x, y: F.mse_loss(x, y, reduction="average"), X, Y)
refused("huber_loss", lambda F, x, y: F.huber_loss(x, y, delta=0.0), X, Y)
refused("binary_cross_entropy", lambda F, x, y: F.binary_cross_entropy(x, y), X * 5, rates(3, 4))
refused("binary_cross_entropy", lambda F, x, y: F.binary_cross_entropy(x, y), rates(3), rates(3, 1))
refused(
    "binary_cross_entropy_with_logits",
    lambda F, x, y: F.binary_cross_entropy_with_logits(x, y), floats(3, 1), rates(3),
)  # fmt: skip
refused("cross_entropy", lambda F, x, t: F.cross_entropy(x, t), SCORES, CLASS[:5])
refused("cross_entropy", lambda F, x, t: F.cross_entropy(x, t), SCORES, CLASS + 1)
refused("cross_entropy", lambda F, x, t: F.cross_entropy(x, t), SCORES, floats(6))
refused("cross_entropy", lambda F, x, t: F.cross_entropy(x, t, label_smoothing=2.0), SCORES, CLASS)
refused("cross_entropy", lambda F, x, t: F.cross_entropy(x, t), S, np.array(1))
refused("cross_entropy", lambda F, x, t, w: F.cross_entropy(x, t, w), SCORES, CLASS, floats(3))
refused("nll_loss", lambda F, x, t: F.nll_loss(x, t), SCORES, CLASS - 1)
