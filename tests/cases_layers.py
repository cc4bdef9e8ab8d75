"""How normalization, distances and the functions behind other layers are called."""

from typing import Any

import numpy as np
from cases import T3, V, X, Y, floats, ints, plain, positives, refused, smooth

__all__: list[str] = []

IMAGES, SIGNALS = floats(3, 4, 3, 2), floats(3, 4, 5)
C1, C2, C3, C4 = floats(4), floats(4), floats(4), positives(4)

# ---- normalization ------------------------------------------------------------------------------


def remembering(
    function: Any, x: Any, mean: Any, variance: Any, *args: Any, **settings: Any
) -> Any:
    """The result, and the running averages that the call has changed."""
    mean, variance = mean.detach().clone(), variance.detach().clone()
    return function(x, mean, variance, *args, **settings), mean, variance


for x in (X, SIGNALS, IMAGES):
    smooth(
        "batch_norm",
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True),
        *(x, C1, C2),
    )
    smooth(
        "batch_norm",
        lambda F, x, m, v: remembering(F.batch_norm, x, m, v, training=True, momentum=0.3),
        *(x, C3, C4),
    )
    smooth(
        "batch_norm",
        lambda F, x, m, v, w, b: F.batch_norm(x, m.detach(), v.detach(), w, b, eps=0.1),
        *(x, C3, C4, C1, C2),
    )
    smooth(
        "group_norm", lambda F, x, w, b: F.group_norm(x, 2 if x.ndim > 2 else 1, w, b), *(x, C1, C2)
    )
    smooth("group_norm", lambda F, x: F.group_norm(x, 4 if x.ndim > 2 else 1, eps=0.01), x)
for x in (SIGNALS, IMAGES):
    smooth("instance_norm", lambda F, x: F.instance_norm(x), x)
    smooth(
        "instance_norm",
        lambda F, x, m, v, w, b: remembering(F.instance_norm, x, m, v, w, b, momentum=0.3),
        *(x, C3, C4, C1, C2),
    )
    smooth(
        "instance_norm",
        lambda F, x, m, v: F.instance_norm(x, m.detach(), v.detach(), use_input_stats=False),
        *(x, C3, C4),
    )
smooth("layer_norm", lambda F, x, w, b: F.layer_norm(x, (4,), w, b), T3, C1, C2)
smooth("layer_norm", lambda F, x: F.layer_norm(x, [3, 4], eps=0.1), T3)
smooth("layer_norm", lambda F, x, w: F.layer_norm(x, (3, 4), w), T3, X)
smooth("rms_norm", lambda F, x, w: F.rms_norm(x, (4,), w), T3, C1)
smooth("rms_norm", lambda F, x: F.rms_norm(x, [3, 4], eps=0.1), T3)

refused("batch_norm", lambda F, x: F.batch_norm(x, None, None, training=True), X[:1])
refused("batch_norm", lambda F, x: F.batch_norm(x, None, None), X)
refused("batch_norm", lambda F, x: F.batch_norm(x, None, None, training=True, eps=0.0), X)
refused("batch_norm", lambda F, x, w: F.batch_norm(x, None, None, w, training=True), X, X[0, :3])
refused("batch_norm", lambda F, x: F.batch_norm(x, x[0, :2], x[0], training=True), X)
refused("instance_norm", lambda F, x: F.instance_norm(x), X)
refused("instance_norm", lambda F, x: F.instance_norm(x, use_input_stats=False), SIGNALS)
refused("instance_norm", lambda F, x, w: F.instance_norm(x, weight=w), SIGNALS, X[0, :3])
refused("group_norm", lambda F, x: F.group_norm(x, 3), X)
refused("group_norm", lambda F, x: F.group_norm(x, 4), X[:1])
refused("group_norm", lambda F, x: F.group_norm(x, 2), V)
refused("group_norm", lambda F, x, w: F.group_norm(x, 2, w), X, X[0, :3])
refused("layer_norm", lambda F, x: F.layer_norm(x, (3,)), X)
refused("layer_norm", lambda F, x: F.layer_norm(x, ()), X)
refused("layer_norm", lambda F, x: F.layer_norm(x, (2, 3, 4)), X)
refused("layer_norm", lambda F, x, w: F.layer_norm(x, (4,), w), X, V[:3])
refused("rms_norm", lambda F, x: F.rms_norm(x, (3,)), X)
refused("rms_norm", lambda F, x, w: F.rms_norm(x, (4,), w), X, V[:3])

# ---- distances ----------------------------------------------------------------------------------

HOLED = X.copy()
HOLED[1] = 0.0
for x in (X, HOLED, T3):
    smooth("normalize", lambda F, x: F.normalize(x), x, order=1 if x is HOLED else 2)
    smooth("normalize", lambda F, x: F.normalize(x, dim=0, eps=1.0), x)
for p in (1.0, 3.0, float("inf")):
    smooth("normalize", lambda F, x, p=p: F.normalize(x, p, -1), X)
    smooth("pairwise_distance", lambda F, x, y, p=p: F.pairwise_distance(x, y, p), X, Y)
smooth("pairwise_distance", lambda F, x, y: F.pairwise_distance(x, y, keepdim=True), X, Y)
smooth("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), X, Y)
smooth("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y, 0, 2.0), X, Y)
smooth("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y, dim=-1), T3, V)
smooth("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), HOLED, Y, order=1)
smooth(
    "cosine_similarity",
    lambda F, x, y: F.cosine_similarity(x, y, dim=-2),
    *(floats(1, 2, 3), floats(2, 1, 3)),
    order=1,  # float32 loses the second derivative of unit vectors
)
refused("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), X, Y[:, :3])
refused("normalize", lambda F, x: F.normalize(x), V)

# ---- embedding ----------------------------------------------------------------------------------

WORDS, ROWS = ints(3, 4, low=0, high=5), floats(5, 3)


def shortening(F: Any, i: Any, w: Any, **settings: Any) -> Any:
    """The result, and the rows that the call has shortened."""
    w = F.clone(w.detach())
    return F.embedding(i, w, **settings), w


smooth("embedding", lambda F, i, w: F.embedding(i, w, 2), WORDS, ROWS)
smooth("embedding", lambda F, i, w: F.embedding(i, w, padding_idx=-1), WORDS, ROWS)
smooth("embedding", lambda F, i, w: F.embedding(i, w, None, None, 2.0, True), WORDS, ROWS, order=1)
for p in (1.0, 2.0, float("inf")):
    plain(
        "embedding",
        lambda F, i, w, p=p: shortening(F, i, w, max_norm=1.5, norm_type=p),
        *(np.array([[0, 3], [3, 1]]), ROWS),
    )
refused("embedding", lambda F, i, w: F.embedding(i, w, 5), WORDS, ROWS)
refused("embedding", lambda F, i, w: F.embedding(i, w), WORDS, ROWS[0])

# ---- what other layers are made of --------------------------------------------------------------

BOTH, FORM = (floats(2, 3), floats(2, 4)), floats(5, 3, 4)
smooth("bilinear", lambda F, x, y, w: F.bilinear(x, y, w), *BOTH, FORM)
smooth("bilinear", lambda F, x, y, w, b: F.bilinear(x, y, w, b), *BOTH, FORM, floats(5))
smooth("bilinear", lambda F, x, y, w: F.bilinear(x, y, w), BOTH[0][0], BOTH[1][0], FORM)
refused("bilinear", lambda F, x, y, w: F.bilinear(x, y, w), *BOTH[::-1], FORM)
refused("bilinear", lambda F, x, y, w: F.bilinear(x[:1], y, w), *BOTH, FORM)
for dim in (-1, 0, 1):
    smooth("glu", lambda F, x, d=dim: F.glu(x, d), floats(4, 6))
refused("glu", lambda F, x: F.glu(x, 0), X)
refused("glu", lambda F, x: F.glu(x), floats())
refused("glu", lambda F, x: F.glu(x, 2), X)
for size in (1, 2, 3, 5, 7):
    smooth("adaptive_avg_pool1d", lambda F, x, n=size: F.adaptive_avg_pool1d(x, n), SIGNALS)
for sizes in ((1, 1), (2, None), 2, (5, 3), (3, 2)):
    smooth("adaptive_avg_pool2d", lambda F, x, n=sizes: F.adaptive_avg_pool2d(x, n), IMAGES)
smooth("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, (2, 1)), IMAGES[0])
refused("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, 2), X)
refused("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, (-1, 2)), IMAGES)
refused("adaptive_avg_pool2d", lambda F, x: F.adaptive_avg_pool2d(x, None), IMAGES)
refused("adaptive_avg_pool1d", lambda F, x: F.adaptive_avg_pool1d(x, 2), IMAGES)

# ---- recurrence ---------------------------------------------------------------------------------

for name, gates in (("rnn_tanh_cell", 1), ("rnn_relu_cell", 1), ("gru_cell", 3)):
    WEIGHTS = floats(gates * 4, 3), floats(gates * 4, 4)
    smooth(
        name,
        lambda F, x, h, w, u, b, c, n=name: getattr(F, n)(x, h, w, u, b, c),
        *(floats(2, 3), floats(2, 4), *WEIGHTS, floats(gates * 4), floats(gates * 4)),
    )
    smooth(
        name,
        lambda F, x, h, w, u, n=name: getattr(F, n)(x, h, w, u),
        *(floats(2, 3), floats(2, 4), *WEIGHTS),
    )
smooth(
    "lstm_cell",
    lambda F, x, h, c, w, u, b, d: F.lstm_cell(x, (h, c), w, u, b, d),
    *(floats(2, 3), floats(2, 4), floats(2, 4), floats(16, 3), floats(16, 4)),
    *(floats(16), floats(16)),
)

# ---- attention ----------------------------------------------------------------------------------

QUERY, KEY, VALUE = floats(2, 3, 4, 5), floats(2, 3, 6, 5), floats(2, 3, 6, 2)
SEEN = np.random.default_rng(4).random((4, 6)) < 0.6
SEEN[1] = False
attend = "scaled_dot_product_attention"
for settings in ({}, {"is_causal": True}, {"scale": 0.3}):
    smooth(
        attend,
        lambda F, q, k, v, s=settings: F.scaled_dot_product_attention(q, k, v, **s),
        *(QUERY, KEY, VALUE),
    )
for mask in (SEEN, floats(4, 6), floats(2, 1, 4, 6)):
    smooth(
        attend,
        lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m),
        *(QUERY, KEY, VALUE, mask),
    )
smooth(
    attend,
    lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
    *(floats(2, 4, 3, 5), floats(2, 2, 6, 5), floats(2, 2, 6, 3)),
)
refused(
    attend,
    lambda F, q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, is_causal=True),
    *(QUERY, KEY, VALUE, SEEN),
)
refused(attend, lambda F, q, k, v: F.scaled_dot_product_attention(q, k, v), QUERY, KEY[..., :3], V)

# ---- losses -------------------------------------------------------------------------------------

SIGNS, COUNTS = 2.0 * ints(3, 4, low=0, high=2) - 1, ints(3, 4, low=0, high=6).astype(float)
SHARES = np.array([[0.2, 0.0, 0.3, 0.5], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
for reduction in ("mean", "sum", "none"):
    r = {"reduction": reduction}
    for name in ("kl_div", "poisson_nll_loss", "hinge_embedding_loss", "soft_margin_loss"):
        smooth(name, lambda F, x, t, n=name, r=r: getattr(F, n)(x, t.detach(), **r), X, SIGNS + 1.5)
    smooth("kl_div", lambda F, x, t, r=r: F.kl_div(x, t, log_target=True, **r), X, Y)
    smooth("kl_div", lambda F, x, t, r=r: F.kl_div(x, t.detach(), **r), X, SHARES)
    smooth("kl_div", lambda F, x, t, r=r: F.kl_div(x, t, **r), X, positives(3, 4))
    for name in ("hinge_embedding_loss", "soft_margin_loss"):
        smooth(name, lambda F, x, t, n=name, r=r: getattr(F, n)(x, t.detach(), **r), X, SIGNS)
    smooth(
        "poisson_nll_loss",
        lambda F, x, t, r=r: F.poisson_nll_loss(x, t.detach(), True, True, **r),
        *(X, COUNTS),
    )
    smooth(
        "poisson_nll_loss",
        lambda F, x, t, r=r: F.poisson_nll_loss(x, t, False, eps=0.1, **r),
        *(positives(3, 4), COUNTS),
    )
    for shape in ((3, 4), (3, 1), (3,)):
        smooth(
            "gaussian_nll_loss",
            lambda F, x, t, v, r=r: F.gaussian_nll_loss(x, t, v, True, **r),
            *(X, Y, positives(*shape)),
        )
    smooth("gaussian_nll_loss", lambda F, x, t, r=r: F.gaussian_nll_loss(x, t, 0.4, **r), X, Y)
    smooth(
        "multilabel_soft_margin_loss",
        lambda F, x, t, w, r=r: F.multilabel_soft_margin_loss(x, t, w, **r),
        *(X, Y, V),
    )
    smooth(
        "margin_ranking_loss",
        lambda F, x, y, t, r=r: F.margin_ranking_loss(x, y, t.detach(), 0.3, **r),
        *(X, Y, SIGNS),
    )
    smooth(
        "cosine_embedding_loss",
        lambda F, x, y, t, r=r: F.cosine_embedding_loss(x, y, t.detach(), 0.2, **r),
        *(X, Y, np.array([1.0, -1.0, -1.0])),
    )
    for swap in (False, True):
        smooth(
            "triplet_margin_loss",
            lambda F, x, y, z, s=swap, r=r: F.triplet_margin_loss(x, y, z, 3.0, swap=s, **r),
            *(X, Y, X[::-1] + 0.2),
        )
smooth("kl_div", lambda F, x, t: F.kl_div(x, t, reduction="batchmean"), X, positives(3, 4))
for name in ("kl_div", "poisson_nll_loss", "hinge_embedding_loss", "gaussian_nll_loss"):
    extra = (0.5,) if name[0] == "g" else ()
    refused(name, lambda F, x, y, n=name, e=extra: getattr(F, n)(x, y, *e, reduction="all"), X, Y)
refused("gaussian_nll_loss", lambda F, x, t: F.gaussian_nll_loss(x, t, -0.5), X, Y)
refused("gaussian_nll_loss", lambda F, x, t, v: F.gaussian_nll_loss(x, t, v), X, Y, V)
refused("triplet_margin_loss", lambda F, x: F.triplet_margin_loss(x, x, x, -1.0), X)
refused("triplet_margin_loss", lambda F, x, y: F.triplet_margin_loss(x, y, y), X, V)
refused("margin_ranking_loss", lambda F, x, y: F.margin_ranking_loss(x, y, y), X, V)
refused("cosine_embedding_loss", lambda F, x: F.cosine_embedding_loss(x, x, x), X)
