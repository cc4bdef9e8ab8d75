"""How shapes, products, selections, creation and conversion are called."""

import numpy as np
from cases import (
    INF,
    NAN,
    T3,
    TIES,
    B,
    I,
    M,
    S,
    V,
    X,
    Y,
    bools,
    floats,
    ints,
    plain,
    refused,
    smooth,
)

__all__: list[str] = []

# ---- shape --------------------------------------------------------------------------------------

for shape in ((12,), (2, 6), (2, -1), (-1,), (1, 3, 4, 1), (4, 3)):
    for name in ("reshape", "view"):
        smooth(name, lambda F, x, n=name, s=shape: getattr(x, n)(*s), X)
        smooth(name, lambda F, x, n=name, s=shape: getattr(x, n)(s), X)
smooth("reshape", lambda F, x: F.reshape(x, (6, 2)), X)
smooth("reshape", lambda F, x: F.reshape(x, (-1,)), S)
smooth("reshape_as", lambda F, x, y: x.reshape_as(y), X, floats(2, 6))
smooth("view_as", lambda F, x, y: x.view_as(y), X, floats(2, 6))
for dims in ((2, 0, 1), (-1, 1, 0), (0, 1, 2)):
    smooth("permute", lambda F, x, d=dims: F.permute(x, d), T3)
    smooth("permute", lambda F, x, d=dims: x.permute(*d), T3)
for i, j in ((0, 1), (-1, 0), (1, 1), (2, -2)):
    smooth("transpose", lambda F, x, i=i, j=j: F.transpose(x, i, j), T3)
    smooth("movedim", lambda F, x, i=i, j=j: F.movedim(x, i, j), T3)
smooth("transpose", lambda F, x: (x.T, x.mT), X)
smooth("t", lambda F, x: F.t(x), X)
smooth("t", lambda F, x: F.t(x), V)
smooth("t", lambda F, x: F.t(x), S)
for dim in (0, 1, 2, -1, -3):
    smooth("unsqueeze", lambda F, x, d=dim: F.unsqueeze(x, d), X)
for dim in (0, 1, -1, (0, 2), (1,)):
    smooth("squeeze", lambda F, x, d=dim: F.squeeze(x, d), floats(1, 3, 1))
smooth("squeeze", lambda F, x: F.squeeze(x), floats(1, 3, 1))
smooth("squeeze", lambda F, x: x.squeeze(0), S)
smooth("unsqueeze", lambda F, x: x.unsqueeze(0), S)
for first, last in ((0, -1), (1, 2), (0, 1), (1, 1), (-2, -1)):
    smooth("flatten", lambda F, x, i=first, j=last: F.flatten(x, i, j), T3)
smooth("flatten", lambda F, x: F.flatten(x), S)
smooth("flatten", lambda F, x: F.flatten(x, 1), floats(3, 0, 2))
smooth("unflatten", lambda F, x: x.unflatten(1, (2, 2)), X)
smooth("unflatten", lambda F, x: F.unflatten(x, -1, (-1, 2)), X)
smooth("ravel", lambda F, x: F.ravel(x), T3)
for shape in ((3, 4), (2, 3, 4), (-1, 4), (5, -1, -1)):
    smooth("expand", lambda F, x, s=shape: x.expand(*s), floats(3, 1) if shape[-1] == 4 else X)
smooth("expand", lambda F, x: x.expand(2, 3), S)
smooth("expand_as", lambda F, x, y: x.expand_as(y), floats(1, 4), X)
smooth("broadcast_to", lambda F, x: F.broadcast_to(x, (2, 3, 4)), floats(3, 1))
smooth("broadcast_tensors", lambda F, x, y: F.broadcast_tensors(x, y), floats(3, 1), V)
for times in ((2,), (2, 3), (1, 1), (3, 1, 2), (0, 2)):
    smooth("repeat", lambda F, x, t=times: x.repeat(*t), X if len(times) > 1 else V)
for dim in (0, 1, -1):
    smooth("cat", lambda F, x, y, d=dim: F.cat([x, y, x], d), X, Y)
    smooth("stack", lambda F, x, y, d=dim: F.stack((x, y), d), X, Y)
smooth("stack", lambda F, x, y: F.stack([x, y]), S, floats())
smooth("cat", lambda F, x, y: F.cat((x, y), dim=1), floats(2, 0), floats(2, 3))
smooth("cat", lambda F, x, y: F.cat((x, y)), np.array([-0.0, INF]), np.array([NAN, -0.0]))
smooth("cat", lambda F, x, y: F.cat((x, y)), np.zeros(0), X)
plain("cat", lambda F, x, y: F.cat((x, y)), I, X)
plain("cat", lambda F, x, y: F.cat((x, y)), B, I)
for dim, start, length in ((0, 1, 2), (1, 0, 4), (-1, 2, 1), (0, -2, 2), (1, 4, 0)):
    smooth("narrow", lambda F, x, d=dim, s=start, n=length: F.narrow(x, d, s, n), X)
for size in (1, 2, 3, 4, [1, 3], [4, 0]):
    smooth("split", lambda F, x, s=size: F.split(x, s, 1), X)
for count in (1, 2, 3, 4, 7):
    smooth("chunk", lambda F, x, c=count: F.chunk(x, c, -1), X)
smooth("split", lambda F, x: x.split(2), X)
smooth("chunk", lambda F, x: x.chunk(2), X)
smooth("unbind", lambda F, x: F.unbind(x), X)
smooth("unbind", lambda F, x: x.unbind(-1), T3)
plain("split", lambda F, x: F.split(x, 2), np.zeros((0, 2)))
plain("dim", lambda F, x: (x.dim(), x.ndim, x.numel(), x.size(), x.size(-1), len(x)), T3)
plain("numel", lambda F, x: F.numel(x), T3)
plain("size", lambda F, x: (x.size(0), x.size(dim=1), tuple(x.size()), x.shape.numel()), T3)
refused("reshape", lambda F, x: x.reshape(5), X)
refused("reshape", lambda F, x: x.reshape(-1, -1), X)
refused("reshape", lambda F, x: x.reshape(-2, 6), X)
refused("reshape", lambda F, x: x.reshape(-1, 0), X)
refused("permute", lambda F, x: x.permute(0), X)
refused("permute", lambda F, x: x.permute(0, 0), X)
refused("permute", lambda F, x: x.permute(0, 2), X)
refused("transpose", lambda F, x: x.transpose(0, 2), X)
refused("t", lambda F, x: x.t(), T3)
refused("unsqueeze", lambda F, x: x.unsqueeze(3), X)
refused("squeeze", lambda F, x: x.squeeze(2), X)
refused("flatten", lambda F, x: x.flatten(1, 0), X)
refused("unflatten", lambda F, x: x.unflatten(1, (3, 2)), X)
refused("expand", lambda F, x: x.expand(4, 4), X)
refused("expand", lambda F, x: x.expand(3), X)
refused("expand", lambda F, x: x.expand(-1, 3, 4), X)
refused("repeat", lambda F, x: x.repeat(2), X)
refused("cat", lambda F, x, y: F.cat([x, y]), X, floats(3, 5))
refused("cat", lambda F: F.cat([]))
refused("cat", lambda F, x: F.cat([x, x]), S)
refused("cat", lambda F, x: F.cat([x, x], 2), X)
refused("stack", lambda F, x, y: F.stack([x, y]), X, V)
refused("stack", lambda F: F.stack([]))
refused("narrow", lambda F, x: F.narrow(x, 0, 2, 2), X)
refused("split", lambda F, x: x.split([1, 1]), X)
refused("split", lambda F, x: x.split(-1), X)
refused("chunk", lambda F, x: x.chunk(0), X)
refused("unbind", lambda F, x: x.unbind(2), X)
refused("broadcast_tensors", lambda F, x, y: F.broadcast_tensors(x, y), X, floats(5))

# ---- products -----------------------------------------------------------------------------------

for left, right in (
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((5, 2, 3), (3,)), ((5, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((2, 3), (5, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((2, 0), (0, 3)), ((0, 2), (2, 3)),
    ((1, 1), (1, 1)),
):  # fmt: skip
    smooth("matmul", lambda F, x, y: F.matmul(x, y), floats(*left), floats(*right))
    smooth("matmul", lambda F, x, y: x @ y, floats(*left), floats(*right))
smooth("mm", lambda F, x, y: F.mm(x, y), floats(2, 3), floats(3, 4))
smooth("bmm", lambda F, x, y: F.bmm(x, y), floats(5, 2, 3), floats(5, 3, 4))
smooth("mv", lambda F, x, y: F.mv(x, y), floats(2, 3), floats(3))
smooth("dot", lambda F, x, y: F.dot(x, y), floats(3), floats(3))
smooth("outer", lambda F, x, y: F.outer(x, y), floats(3), floats(2))
smooth("addmm", lambda F, b, x, y: F.addmm(b, x, y), floats(4), floats(2, 3), floats(3, 4))
smooth(
    "addmm",
    lambda F, b, x, y: F.addmm(b, x, y, beta=0.5, alpha=2),
    floats(2, 4), floats(2, 3), floats(3, 4),
)  # fmt: skip
for shape in ((3,), (5, 3), (2, 5, 3), (0, 3)):
    smooth("linear", lambda F, x, w: F.linear(x, w), floats(*shape), floats(4, 3))
    smooth("linear", lambda F, x, w, b: F.linear(x, w, b), floats(*shape), floats(4, 3), floats(4))
for equation, shapes in (
    ("ij,jk->ik", ((2, 3), (3, 4))), ("ij,jk", ((2, 3), (3, 4))), ("i,i->", ((3,), (3,))),
    ("bij,bjk->bik", ((5, 2, 3), (5, 3, 4))), ("i,j->ij", ((3,), (2,))), ("ij->ji", ((2, 3),)),
    ("ij->", ((2, 3),)), ("ij->j", ((2, 3),)), ("ij,ij->i", ((2, 3), (2, 3))), ("ji", ((2, 3),)),
    ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 2))), ("ij,k->j", ((2, 3), (4,))), (",i->i", ((), (3,))),
    ("i,ij,j->", ((2,), (2, 3), (3,))), (" i j , j -> i", ((2, 3), (3,))),
    ("a,a,a->a", ((3,), (3,), (3,))), ("ii->i", ((3, 3),)), ("ii", ((3, 3),)),
    ("...ij,...jk->...ik", ((5, 2, 3), (3, 4))), ("b...i,i->b...", ((2, 4, 3), (3,))),
    ("...->...", ((2, 3),)), ("iji,j->i", ((3, 2, 3), (2,))), ("ij,jk", ((2, 3), (1, 4))),
    ("i...,...i", ((2, 3), (3, 2))), ("...j,...j->...", ((4, 1, 3), (2, 3))),
):  # fmt: skip
    smooth("einsum", lambda F, *xs, e=equation: F.einsum(e, *xs), *(floats(*s) for s in shapes))
plain("matmul", lambda F, x, y: x @ y, ints(2, 3), ints(3, 4))
refused("matmul", lambda F, x, y: x @ y, floats(2, 3), floats(2, 3))
refused("matmul", lambda F, x, y: x @ y, floats(5, 2, 3), floats(4, 3, 2))
refused("matmul", lambda F, x, y: x @ y, floats(), floats(3))
refused("matmul", lambda F, x: x @ 3, floats(3))
refused("mm", lambda F, x, y: F.mm(x, y), floats(2, 3), floats(3))
refused("bmm", lambda F, x, y: F.bmm(x, y), floats(5, 2, 3), floats(1, 3, 2))
refused("mv", lambda F, x, y: F.mv(x, y), floats(2, 3), floats(2))
refused("dot", lambda F, x, y: F.dot(x, y), floats(3), floats(4))
refused("dot", lambda F, x, y: F.dot(x, y), floats(2, 3), floats(3))
refused("outer", lambda F, x, y: F.outer(x, y), floats(2, 3), floats(3))
refused("addmm", lambda F, b, x, y: F.addmm(b, x, y), floats(5), floats(2, 3), floats(3, 4))
refused("linear", lambda F, x, w: F.linear(x, w), floats(5, 2), floats(4, 3))
refused("einsum", lambda F, x, y: F.einsum("ij,jk->ik", x, y), floats(2, 3), floats(2, 3))
refused("einsum", lambda F, x, y: F.einsum("ij,j->k", x, y), floats(2, 3), floats(3))
refused("einsum", lambda F, x: F.einsum("ijk->i", x), floats(2, 3))
refused("einsum", lambda F, x: F.einsum("ii->i", x), floats(2, 3))
refused("einsum", lambda F, x: F.einsum("ij,jk->ik", x), floats(2, 3))

# ---- selection ----------------------------------------------------------------------------------

ROW, PICK = ints(5, low=0, high=3), ints(3, 2, low=0, high=4)
smooth("gather", lambda F, x, i: F.gather(x, 1, i), X, PICK)
smooth("gather", lambda F, x, i: x.gather(-1, i), X, PICK)
smooth("gather", lambda F, x, i: F.gather(x, 0, i), X, ints(2, 4, low=0, high=3))
smooth("gather", lambda F, x, i: F.gather(x, 1, i), X, ints(2, 3, low=0, high=4))
smooth("gather", lambda F, x, i: F.gather(x, 0, i), V, ints(6, low=0, high=4))
smooth("take_along_dim", lambda F, x, i: F.take_along_dim(x, i, 1), X, PICK)
smooth("take_along_dim", lambda F, x, i: F.take_along_dim(x, i, 0), X, ints(1, 4, low=0, high=3))
smooth("index_select", lambda F, x, i: F.index_select(x, 0, i), X, ROW)
smooth("index_select", lambda F, x, i: x.index_select(-1, i), X, ROW)
smooth("masked_fill", lambda F, x, m: F.masked_fill(x, m, 2.5), X, M)
smooth("masked_fill", lambda F, x, m: x.masked_fill(m, -INF), X, M[0])
smooth("masked_fill", lambda F, x, m: x.masked_fill(m, 1), X, M)
plain("masked_fill", lambda F, x, m: x.masked_fill(m, 7), I, M)
plain("masked_fill", lambda F, x, m: x.masked_fill(m, 2.5), I, M)
smooth("masked_select", lambda F, x, m: F.masked_select(x, m), X, M)
smooth("masked_select", lambda F, x, m: F.masked_select(x, m), X, M[0])
smooth("masked_select", lambda F, x, m: F.masked_select(x, m), X, np.zeros((3, 4), bool))
for x in (TIES, I, B, np.zeros((0, 2)), np.array(3.0), np.array(0)):
    plain("nonzero", lambda F, x: F.nonzero(x), x)
plain("one_hot", lambda F, x: F.one_hot(x), ROW)
plain("one_hot", lambda F, x: F.one_hot(x, 7), PICK)
plain("one_hot", lambda F, x: F.one_hot(x, 4), np.array(2))
plain("one_hot", lambda F, x: F.one_hot(x, 4), np.zeros(0, np.int64))
smooth("embedding", lambda F, i, w: F.embedding(i, w), PICK, floats(5, 3))
smooth("embedding", lambda F, i, w: F.embedding(i, w), np.array(2), floats(5, 3))
refused("gather", lambda F, x, i: F.gather(x, 1, i), X, PICK + 4)
smooth("gather", lambda F, x, i: F.gather(x, 0, i), S, np.array(0))
smooth("take_along_dim", lambda F, x, i: F.take_along_dim(x, i), X, ROW)
smooth("take_along_dim", lambda F, x, i: F.take_along_dim(x, i, 1), V.reshape(1, 4), PICK)
refused("gather", lambda F, x, i: F.gather(x, 1, i), X, ROW)
refused("gather", lambda F, x, i: F.gather(x, 1, i), X, -PICK - 1)
refused("gather", lambda F, x, i: F.gather(x, 2, i), X, PICK)
refused("gather", lambda F, x, i: F.gather(x, 0, i), X, ints(2, 5, low=0, high=3))
refused("gather", lambda F, x, i: F.gather(x, 0, i), X, np.zeros((2, 4)))
refused("index_select", lambda F, x, i: F.index_select(x, 0, i), X, ROW + 3)
refused("index_select", lambda F, x, i: F.index_select(x, 2, i), X, ROW)
refused("index_select", lambda F, x, i: F.index_select(x, 0, i), X, PICK)
refused("masked_fill", lambda F, x, m: F.masked_fill(x, m, 1.0), X, I)
refused("masked_fill", lambda F, x, m: F.masked_fill(x, m, 1.0), X, bools(3, 5))
refused("masked_select", lambda F, x, m: F.masked_select(x, m), X, bools(3, 5))
refused("one_hot", lambda F, x: F.one_hot(x, 2), np.array([0, 2]))
refused("one_hot", lambda F, x: F.one_hot(x), np.array([0, -2]))
refused("one_hot", lambda F, x: F.one_hot(x), np.array([0.0, 1.0]))
refused("one_hot", lambda F, x: F.one_hot(x), np.zeros(0, np.int64))
refused("embedding", lambda F, i, w: F.embedding(i, w), np.array([5]), floats(5, 3))
refused("embedding", lambda F, i, w: F.embedding(i, w), np.array([-1]), floats(5, 3))
refused("embedding", lambda F, i, w: F.embedding(i, w), np.array([1.0]), floats(5, 3))

# ---- creation and conversion --------------------------------------------------------------------

for name in ("zeros", "ones"):
    plain(name, lambda F, n=name: [getattr(F, n)(*s) for s in ((2, 3), ((2, 3),), (0,), ([2],))])
    plain(name, lambda F, n=name: getattr(F, n)(2, 3, dtype=F.int64))
    plain(name + "_like", lambda F, x, n=name: getattr(F, n + "_like")(x), I)
    plain(name + "_like", lambda F, x, n=name: getattr(F, n + "_like")(x, dtype=F.float64), I)
    plain("new_" + name, lambda F, x, n=name: getattr(x, "new_" + n)(2, 3), X)
    plain("new_" + name, lambda F, x, n=name: getattr(x, "new_" + n)((2, 3), dtype=F.bool), X)
plain("empty", lambda F: F.empty(2, 3).shape)  # what is in it may be anything
plain("empty_like", lambda F, x: F.empty_like(x) * 0, I)
for value in (True, 3, 2.5, INF):
    plain("full", lambda F, v=value: F.full((2, 3), v))
    plain("new_full", lambda F, x, v=value: x.new_full((2,), v), X)
    plain("full_like", lambda F, x, v=value: F.full_like(x, v), X)
plain("full", lambda F: F.full((), 2.0, dtype=F.float64))
plain("eye", lambda F: (F.eye(3), F.eye(2, 3), F.eye(3, 2, dtype=F.int64), F.eye(0)))
for given in ((5,), (2, 5), (0, 10, 3), (5, 0, -2), (0, 1, 0.25), (2.5,), (0,), (1, 5.0), (3, 3)):
    plain("arange", lambda F, g=given: F.arange(*g))
plain("arange", lambda F: F.arange(5, dtype=F.float64))
plain("arange", lambda F: F.arange(0, 1, 0.1))
for given in ((0, 1, 5), (1, -1, 4), (3, 3, 1), (0, 1, 0), (-2, 2, 101)):
    plain("linspace", lambda F, g=given: F.linspace(*g))
plain("linspace", lambda F: F.linspace(0, 1, 7, dtype=F.float64))
refused("arange", lambda F: F.arange(0, 5, -1))
refused("arange", lambda F: F.arange(0, 5, 0))
refused("linspace", lambda F: F.linspace(0, 1, -1))
refused("zeros", lambda F: F.zeros(-1))
for cast in ("float", "double", "half", "bool", "long", "int", "short", "byte"):
    for x in (np.array([0.0, 1.7, 2.3, 100.0]), ints(4, low=0), bools(4)):
        plain("to", lambda F, x, c=cast: getattr(x, c)(), x)
smooth("to", lambda F, x: x.to(F.float32).to(F.float64) if x.dtype == F.float64 else x.float(), X)
smooth("to", lambda F, x: x.to(F.float64), X)
smooth("to", lambda F, x: x.to("cpu"), X)
smooth("to", lambda F, x: x.to(device="cpu", dtype=F.float32), X)
plain("to", lambda F, x, y: x.to(y), I, X)
smooth("type_as", lambda F, x, y: x.type_as(y), X, Y)
plain("type_as", lambda F, x, y: x.type_as(y), I, X)
smooth("cpu", lambda F, x: x.cpu(), X)
smooth("contiguous", lambda F, x: x.T.contiguous(), X)

# ---- rearranging --------------------------------------------------------------------------------

smooth("select", lambda F, x: F.select(x, 1, -1), T3)
smooth("split_with_sizes", lambda F, x: F.split_with_sizes(x, [1, 3], 1), X)
smooth("flip", lambda F, x: (F.flip(x, (0, -1)), x.flip(1)), T3)
smooth("roll", lambda F, x: (F.roll(x, 2), F.roll(x, (1, -5), (0, 2))), T3)
smooth("tile", lambda F, x: (F.tile(x, (2,)), x.tile(2, 1, 1, 2)), T3)
smooth("repeat_interleave", lambda F, x: (F.repeat_interleave(x, 2), x.repeat_interleave(3, 1)), X)
for offset in (0, 1, -2, 5):
    smooth("diagonal", lambda F, x, k=offset: F.diagonal(x, k, 1, 2), T3)
    smooth("diag", lambda F, x, v, k=offset: (F.diag(x, k), F.diag(v, k)), X, floats(3))
    for name in ("tril", "triu"):
        smooth(name, lambda F, x, n=name, k=offset: getattr(F, n)(x, k), T3)
for name in ("hstack", "vstack"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)([x, y]), X, X[:, :4])
    smooth(name, lambda F, x, y, n=name: getattr(F, n)([x, y]), floats(3), floats(3))
for indexing in ("ij", "xy"):
    smooth(
        "meshgrid", lambda F, x, y, i=indexing: F.meshgrid(x, y, indexing=i), floats(2), floats(3)
    )
plain("new_empty", lambda F, x: x.new_empty(2, 3).zero_(), X)
refused("tril", lambda F, x: F.tril(x), floats(3))

# ---- writing by index ---------------------------------------------------------------------------

PLACES = np.array([[0, 2, 1, 1], [2, 0, 0, 2]])
smooth("scatter", lambda F, x, y: F.scatter(x, 0, F.as_tensor(PLACES), y), X, floats(2, 4))
smooth("scatter", lambda F, x: x.scatter(1, F.as_tensor(PLACES), 0.5), X)
smooth("scatter_add", lambda F, x, y: F.scatter_add(x, 0, F.as_tensor(PLACES), y), X, floats(2, 4))
smooth("index_add", lambda F, x, y: F.index_add(x, 0, F.tensor([2, 0, 2]), y, alpha=2), X, Y)
smooth("index_put", lambda F, x, y: F.index_put(x, (F.tensor([2, 0]),), y[:2]), X, Y)
smooth("index_put", lambda F, x, y: F.index_put(x, (F.tensor([2, 0, 2]),), y, True), X, Y)

# ---- second names -------------------------------------------------------------------------------

for name in ("concat", "concatenate"):
    smooth(name, lambda F, x, y, n=name: getattr(F, n)([x, y], 1), X, Y)
smooth("moveaxis", lambda F, x: F.moveaxis(x, 0, 2), T3)
for name in ("swapaxes", "swapdims"):
    smooth(name, lambda F, x, n=name: getattr(F, n)(x, 0, 2), T3)
