"""How normalization, distances and the functions behind other layers are called."""

from typing import Any

from cases import T3, V, X, Y, floats, positives, refused, smooth

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
refused("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), X, Y[:, :3])
refused("normalize", lambda F, x: F.normalize(x), V)
