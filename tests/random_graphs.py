"""Random programs over the table, for tests that compiled code equals replayed code."""

import numpy as np

from steepest.compiler.graph import Graph, constant, equation, inlet
from steepest.core import Aval
from steepest.primitives import TABLE

F32 = np.dtype(np.float32)
SIZES = (1, 2, 3, 5, 8, 16, 17, 20, 33)


class Maker:
    """Grows a graph by random rows from a seed."""

    def __init__(self, seed, sizes=SIZES, dtype=F32):
        self.rng = np.random.default_rng(seed)
        self.sizes, self.dtype = sizes, np.dtype(dtype)
        self.pool, self.inputs, self.arrays, self.count = [], [], {}, 0

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def shape(self, rank=None):
        rank = self.rng.integers(0, 4) if rank is None else rank
        return tuple(int(self.pick(self.sizes)) for _ in range(rank))

    def input(self, role, shape, dtype=None, limit=None):
        dtype = self.dtype if dtype is None else dtype
        name = f"{role}{len(self.inputs)}"
        v = inlet(name, Aval(shape, np.dtype(dtype)), role)
        lead = {"gathered": (40, *shape[1:]), "stepped": (3, *shape)}.get(role, shape)
        if limit:
            array = self.rng.integers(0, limit, lead).astype(dtype)
        else:
            array = self.rng.uniform(-1, 1, lead).astype(dtype)
        self.inputs.append(v)
        self.arrays[v] = array
        self.pool.append(v)
        return v

    def row(self, name, *operands, **params):
        v = equation(TABLE[name], *operands, **params)
        self.pool.append(v)
        return v

    def floats(self, condition=lambda v: True):
        return [v for v in self.pool if v.dtype == self.dtype and v.size <= 20_000 and condition(v)]

    def some(self, condition=lambda v: True):
        found = self.floats(condition)
        return self.pick(found) if found else None

    def like(self, x):
        """A value of x's shape: one that exists, or a constant, or something broadcast to it."""
        found = self.floats(lambda v: v.shape == x.shape and v is not x)
        if found and self.rng.random() < 0.6:
            return self.pick(found)
        if x.ndim and self.rng.random() < 0.6:
            kept = sorted(self.rng.permutation(x.ndim)[: self.rng.integers(0, x.ndim)].tolist())
            small = self.some(lambda v: v.shape == tuple(x.shape[d] for d in kept))
            if small is None:
                small = self.input("whole", tuple(x.shape[d] for d in kept))
            axes = tuple(d for d in range(x.ndim) if d not in kept)
            return self.row("broadcast", small, shape=x.shape, axes=axes)
        return constant(self.dtype.type(round(self.rng.uniform(-2, 2), 2)), x.shape)

    def bounded(self, x):
        """x brought back near 0, so that nothing grows from row to row."""
        return self.row(self.pick(["tanh", "sin", "sigmoid"]), x)

    # ---- kinds of rows ---------------------------------------------------------------------------

    def elementwise(self):
        x = self.some()
        name = self.pick(["tanh", "sigmoid", "sin", "cos", "neg", "erf", "floor", "round", "exp"])
        name = self.pick([name, "add", "mul", "maximum", "div", "where", "sqrt", "log", "pow"])
        if name in ("add", "mul", "maximum"):
            return self.row(name, x, self.like(x))
        if name == "where":
            bound = constant(self.dtype.type(round(self.rng.uniform(-0.5, 0.5), 3)), x.shape)
            condition = self.row("less", x, bound)
            return self.row("where", condition, self.like(x), x)
        if name in ("div", "sqrt", "log", "pow"):
            square = self.row("mul", x, x)
            positive = self.row("add", square, constant(self.dtype.type(1.5), x.shape))
            if name == "div":
                return self.row("div", self.like(x), positive)
            if name == "pow":
                return self.row("pow", positive, self.row("tanh", self.like(x)))
            return self.row(name, positive)
        return self.row(name, self.bounded(x) if name == "exp" else x)

    def reduction(self):
        x = self.some(lambda v: v.ndim)
        if x is None:
            return None
        axes = sorted(self.rng.permutation(x.ndim)[: self.rng.integers(1, x.ndim + 1)].tolist())
        if self.rng.random() < 0.15:
            index = self.row("argmax", x, axis=axes[0])
            return self.row("cast", index, dtype=self.dtype)
        if self.rng.random() < 0.3:
            return self.row("max", x, axes=tuple(axes))
        n = int(np.prod([x.shape[a] for a in axes]))
        scale = constant(
            self.dtype.type(1 / n), tuple(m for d, m in enumerate(x.shape) if d not in axes)
        )
        return self.row("mul", self.row("sum", x, axes=tuple(axes)), scale)

    def contraction(self):
        batch, rows, columns, inner = (
            "pq"[: self.rng.integers(0, 2)],
            "ab"[: self.pick([0, 1, 1, 1, 2])],
            "xy"[: self.pick([0, 1, 1, 1, 2])],
            "kl"[: self.pick([0, 1, 1, 1, 2])],
        )
        size = {i: int(self.pick(self.sizes)) for i in batch + rows + columns + inner}

        def word(letters):
            return "".join(self.rng.permutation(list(letters))) if letters else ""

        a, b, out = (
            word(batch + rows + inner),
            word(batch + inner + columns),
            word(batch + rows + columns),
        )
        if np.prod([*size.values(), 1]) > 100_000:
            return None
        operands = []
        for w in (a, b):
            shape = tuple(size[i] for i in w)
            found = self.some(lambda v, s=shape: v.shape == s)
            operands.append(found if found is not None else self.input("whole", shape))
        return self.bounded(self.row("contract", *operands, spec=f"{a},{b}->{out}"))

    def movement(self):
        x = self.some(lambda v: v.ndim)
        if x is None:
            return None
        name = self.pick(["permute", "reshape", "slice", "pad", "windows", "fold", "broadcast"])
        if name == "permute":
            return self.row(name, x, order=tuple(self.rng.permutation(x.ndim).tolist()))
        if name == "reshape":
            factors = [n for n in x.shape if n > 1]
            shape = []
            for n in factors:
                small = [f for f in (2, 3, 4, 5) if n % f == 0 and n > f]
                if small and self.rng.random() < 0.5:
                    f = self.pick(small)
                    shape += [f, n // f]
                elif shape and self.rng.random() < 0.5:
                    shape[-1] *= n
                else:
                    shape.append(n)
            return self.row(name, x, shape=tuple(shape[:4]) if len(shape) <= 4 else (x.size,))
        if name == "broadcast":
            if x.ndim > 2:
                return None
            axis, n = int(self.rng.integers(0, x.ndim + 1)), int(self.pick(self.sizes))
            return self.row(name, x, shape=(*x.shape[:axis], n, *x.shape[axis:]), axes=(axis,))
        if name in ("slice", "pad"):
            starts, sizes, steps = [], [], []
            for n in x.shape:
                step = int(self.pick([1, 1, 1, 2, 3]))
                start = int(self.rng.integers(0, n))
                starts.append(start)
                steps.append(step)
                sizes.append(int(self.rng.integers(1, (n - 1 - start) // step + 2)))
            if name == "slice":
                return self.row(
                    name, x, starts=tuple(starts), sizes=tuple(sizes), steps=tuple(steps)
                )
            starts = [int(self.rng.integers(0, 3)) for _ in x.shape]
            shape = [
                start + (n - 1) * step + 1 + int(self.rng.integers(0, 3))
                for start, n, step in zip(starts, x.shape, steps, strict=True)
            ]
            return self.row(name, x, shape=tuple(shape), starts=tuple(starts), steps=tuple(steps))
        n = x.shape[-1]
        size, step = int(self.rng.integers(1, min(n, 4) + 1)), int(self.pick([1, 2]))
        if x.ndim > 3:
            return None
        view = self.row("windows", x, size=(size,), step=(step,))
        if name == "windows":
            return view
        return self.row("fold", self.bounded(view), shape=x.shape, size=(size,), step=(step,))

    def gather(self):
        x = self.some(lambda v: v.ndim)
        if x is None:
            return None
        index = self.input("whole", self.shape(self.pick([1, 1, 2])), np.int64, limit=x.shape[0])
        if self.rng.random() < 0.5:
            return self.row("take", x, index) if x.ndim < 4 else None
        y = self.row("take", x, index)
        rows = x.shape[0] + 2
        return self.bounded(self.row("scatter_add", self.bounded(y), index, rows=rows))

    def draw(self):
        key = self.input("state", (2,), np.uint32, limit=2**31)
        shape = self.shape(self.pick([1, 2, 3]))
        self.pool.remove(key)
        drawn = self.row("uniform", key, shape=shape)
        return drawn if drawn.dtype == self.dtype else self.row("cast", drawn, dtype=self.dtype)

    def grow(self, rows):
        kinds = [self.elementwise] * 7 + [self.reduction, self.contraction, self.movement] * 2
        kinds += [self.gather, self.draw]
        for _ in range(rows):
            made = self.pick(kinds)()
            if made is not None and made.size > 20_000:
                self.pool.remove(made)

    def graph(self, rows):
        batch = int(self.pick(self.sizes))
        for role in ("state", "state", "whole", "stepped", "gathered", "gathered"):
            shape = self.shape()
            self.input(role, (batch, *shape[:2]) if role == "gathered" else shape)
        self.grow(rows)
        state = []
        for v in [v for v in self.inputs if v.role == "state"]:
            if v.dtype != self.dtype:
                state.append((v, equation(TABLE["add"], v, constant(np.uint32(1), v.shape))))
                continue
            same = self.floats(lambda u, v=v: u.shape == v.shape and u is not v)
            after = equation(TABLE["tanh"], self.pick(same)) if same else v
            if same and self.rng.random() < 0.3:  # also views, inputs, and values shared by states
                after = self.pick(same)
            state.append((v, after))
        loss = self.pick(self.floats())
        if loss.ndim:
            loss = equation(TABLE["sum"], loss, axes=tuple(range(loss.ndim)))
        outputs = [loss, *[self.pick(self.floats()) for _ in range(2)]]
        used = {x for x in Graph([], outputs, state).values() if x.kind == "input"}
        inputs = [v for v in self.inputs if v in used or v.role == "gathered"]
        state = [(before, after) for before, after in state if before in inputs]
        return Graph(inputs, outputs, state), {v: self.arrays[v] for v in inputs}, batch
