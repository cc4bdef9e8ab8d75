"""One function per peer: a workload becomes something that trains epochs from the same weights.

Each gives the loss of every step, so that the peers can be compared before they are timed. A peer
that is not installed is left out by name; `pip install 'steepest[bench]'` brings them all.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.jax_peers import jax_per_step, jax_scan
from benchmarks.networks import network, optimizer_of
from benchmarks.peer import Peer
from benchmarks.workloads import Workload
from steepest import api as steepest
from steepest.compiler import Epochs
from steepest.core import lazy

__all__ = ["BASE", "PEERS", "REFERENCE"]

torch = lazy("torch")


def steepest_compiled(workload: Workload) -> Peer:
    """The eager step below, compiled: the whole timed epoch is one native call."""
    model, loss_function = network(steepest, workload)
    optimizer = optimizer_of(steepest, model, workload)
    optimizer.prepare()
    for parameter, value in zip(model.parameters(), workload.weights(), strict=True):
        parameter.value[...] = value
    slots = [value for held in optimizer.state.values() for value in held.values()]
    held = [*model.parameters(), *model.buffers(), *slots]
    initial, order = [x.value.copy() for x in held], np.concatenate(workload.batches())

    def step(x: Any, y: Any) -> Any:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    epochs = Epochs(step)

    def reset() -> None:
        for x, value in zip(held, initial, strict=True):
            x.value[...] = value

    def run() -> np.ndarray:
        return epochs.run([workload.x, workload.y], order, workload.batch)

    return Peer(reset, run)


def _eager(library: Any, workload: Workload) -> Peer:
    """The loop that a PyTorch user writes; it runs on both libraries."""
    x, y = library.from_numpy(workload.x), library.from_numpy(workload.y)
    batches = [library.from_numpy(b) for b in workload.batches()]
    made: list[Any] = []

    def reset() -> None:
        model, loss_function = network(library, workload)
        with library.no_grad():
            for parameter, value in zip(model.parameters(), workload.weights(), strict=True):
                parameter.copy_(library.from_numpy(value))
        made[:] = model, loss_function, optimizer_of(library, model, workload)

    def run() -> np.ndarray:
        model, loss_function, optimizer = made
        losses = []
        for batch in batches:
            loss = loss_function(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return np.array([float(loss) for loss in losses])

    return Peer(reset, run)


def pytorch_eager(workload: Workload) -> Peer:
    """PyTorch as it is usually run, on one thread."""
    torch.set_num_threads(1)
    return _eager(torch, workload)


def steepest_eager(workload: Workload) -> Peer:
    """Our NumPy mode, in which every operation can be looked at; not the fast path."""
    return _eager(steepest, workload)


PEERS: dict[str, Callable[[Workload], Peer]] = {
    "steepest compiled": steepest_compiled,
    "JAX scan": jax_scan,
    "JAX jit per step": jax_per_step,
    "PyTorch eager": pytorch_eager,
    "steepest eager": steepest_eager,
}
BASE = "steepest compiled"  # the ratios are times divided by its time
REFERENCE = "steepest eager"  # whose losses the others must have
