"""JAX's peers: a whole epoch inside one `lax.scan`, one jitted call per step, and many scans.

All gather the mini-batch inside the compiled function and donate the state, so that weights are
changed in place.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.jax_networks import forward, loss_of, statistics, update_of
from benchmarks.peer import Peer
from benchmarks.workloads import Sweep, Workload
from steepest.core import lazy

__all__ = ["beginning", "jax_per_step", "jax_scan", "jax_sweep", "stepping"]

jax = lazy("jax")


def stepping(workload: Workload) -> Callable[..., Any]:
    """(state, x, y, row numbers) -> (state, loss); see `beginning` for the state."""
    loss_function, (_, update) = loss_of(workload.loss), update_of(workload)

    def loss_and_kept(parameters: Any, kept: Any, x: Any, y: Any, key: Any) -> tuple[Any, Any]:
        output, kept = forward(workload, parameters, kept, x, key)
        return loss_function(output, y), kept

    gradient = jax.value_and_grad(loss_and_kept, has_aux=True)

    def step(state: Any, x: Any, y: Any, rows: Any) -> Any:
        parameters, slots, kept, t = state
        key = jax.random.fold_in(jax.random.key(0), t)
        (loss, kept), gradients = gradient(parameters, kept, x[rows], y[rows], key)
        t = t + 1
        new = [update(*each, t) for each in zip(parameters, gradients, slots, strict=True)]
        return ([p for p, _ in new], [s for _, s in new], kept, t), loss

    return step


def beginning(workload: Workload) -> Any:
    """The state before the first step: parameters, their slots, running statistics, steps done."""
    count, _ = update_of(workload)
    parameters = workload.weights()
    slots = [tuple(np.zeros_like(p) for _ in range(count)) for p in parameters]
    return parameters, slots, statistics(workload), np.int32(0)


class _Held:
    """A state on JAX's side that can be put back to the beginning."""

    def __init__(self, start: Any):
        self._start = start
        self.state = None

    def reset(self) -> None:
        self.state = jax.block_until_ready(jax.tree.map(jax.numpy.array, self._start))


def jax_scan(workload: Workload) -> Peer:
    """The epoch as one compiled function: `lax.scan` over the mini-batches' row numbers."""
    step, held = stepping(workload), _Held(beginning(workload))
    data = (workload.x, workload.y, np.stack(workload.batches()))
    x, y, order = map(jax.numpy.array, data)

    def whole(state: Any, x: Any, y: Any, order: Any) -> Any:
        return jax.lax.scan(lambda state, rows: step(state, x, y, rows), state, order)

    compiled = jax.jit(whole, donate_argnums=0)

    def run() -> np.ndarray:
        held.state, losses = compiled(held.state, x, y, order)
        return np.asarray(losses)

    return Peer(held.reset, run)


def jax_per_step(workload: Workload) -> Peer:
    """The step as one compiled function, called from a loop in Python."""
    compiled = jax.jit(stepping(workload), donate_argnums=0)
    held = _Held(beginning(workload))
    x, y = jax.numpy.array(workload.x), jax.numpy.array(workload.y)
    batches = [jax.numpy.array(rows) for rows in workload.batches()]

    def run() -> np.ndarray:
        losses = []
        for rows in batches:
            held.state, loss = compiled(held.state, x, y, rows)
            losses.append(loss)
        return np.array([float(loss) for loss in losses])

    return Peer(held.reset, run)


def jax_sweep(sweep: Sweep) -> Peer:
    """All trainings in one compiled function: `vmap` over the scans, learning rates as data."""
    members = sweep.members()
    held = _Held(jax.tree.map(lambda *each: np.stack(each), *map(beginning, members)))
    x, y = jax.numpy.array(sweep.x), jax.numpy.array(sweep.y)
    rates = jax.numpy.array([member.settings["lr"] for member in members])
    order = jax.numpy.array(np.stack([member.batches() for member in members]))

    def whole(state: Any, rate: Any, order: Any, x: Any, y: Any) -> Any:
        step = stepping(replace(sweep, settings={"lr": rate}))
        return jax.lax.scan(lambda state, rows: step(state, x, y, rows), state, order)

    compiled = jax.jit(jax.vmap(whole, in_axes=(0, 0, 0, None, None)), donate_argnums=0)

    def run() -> np.ndarray:
        held.state, losses = compiled(held.state, rates, order, x, y)
        return np.asarray(losses).T

    return Peer(held.reset, run)
