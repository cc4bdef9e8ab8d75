"""One function per peer: a workload becomes a function that trains one epoch from the same weights.

Each returns the loss of every step, so that the peers can be compared before they are timed. A peer
that is not installed is left out by name. JAX does not come with the development extra:
`pip install 'jax[cpu]==0.10.2'` adds its two peers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.jax_peers import jax_per_step, jax_scan
from benchmarks.networks import network, optimizer_of
from benchmarks.workloads import Workload
from steepest import api as steepest
from steepest.compiler import Epochs
from steepest.core import lazy

__all__ = ["BASE", "PEERS", "REFERENCE"]

Epoch = Callable[[], Sequence[float] | np.ndarray]

torch = lazy("torch")


def steepest_compiled(workload: Workload) -> Epoch:
    """The eager step below, compiled: the whole timed epoch is one native call."""
    model, loss_function = network(steepest, workload)
    optimizer = optimizer_of(steepest, model, workload)
    optimizer.prepare()
    parameters = list(model.parameters())
    states = [value for held in optimizer.state.values() for value in held.values()]
    initial, order = workload.weights(), np.concatenate(workload.batches())

    def step(x: Any, y: Any) -> Any:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    epochs = Epochs(step)

    def epoch() -> np.ndarray:
        for parameter, value in zip(parameters, initial, strict=True):
            parameter.value[...] = value
        for state in states:
            state.value[...] = 0
        return epochs.run([workload.x, workload.y], order, workload.batch)

    return epoch


def _eager(library: Any, workload: Workload) -> Epoch:
    """The loop that a PyTorch user writes; it runs on both libraries."""
    model, loss_function = network(library, workload)
    x, y = library.from_numpy(workload.x), library.from_numpy(workload.y)
    batches = [library.from_numpy(b) for b in workload.batches()]
    initial = [library.from_numpy(value) for value in workload.weights()]

    def epoch() -> list[float]:
        with library.no_grad():
            for parameter, value in zip(model.parameters(), initial, strict=True):
                parameter.copy_(value)
        optimizer = optimizer_of(library, model, workload)
        losses = []
        for batch in batches:
            loss = loss_function(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses]

    return epoch


def pytorch_eager(workload: Workload) -> Epoch:
    """PyTorch as it is usually run, on one thread."""
    torch.set_num_threads(1)
    return _eager(torch, workload)


def steepest_eager(workload: Workload) -> Epoch:
    """Our NumPy mode, in which every operation can be looked at; not the fast path."""
    return _eager(steepest, workload)


def numpy_products(workload: Workload) -> Epoch:
    """Only the matrix products of a step, in NumPy: what no eager library can go below."""
    batches, layers = workload.batches(), workload.weights()[0::2]

    def epoch() -> list[float]:
        for batch in batches:
            h = workload.x[batch]
            inputs = []
            for weight in layers:
                inputs.append(h)
                h = h @ weight.T
            for weight, before in zip(layers[::-1], inputs[::-1], strict=True):
                _ = h.T @ before
                h = h @ weight
        return []

    return epoch


PEERS: dict[str, Callable[[Workload], Epoch]] = {
    "steepest compiled": steepest_compiled,
    "JAX scan": jax_scan,
    "JAX jit per step": jax_per_step,
    "PyTorch eager": pytorch_eager,
    "steepest eager": steepest_eager,
    "NumPy products only": numpy_products,
}
BASE = "steepest compiled"  # the ratios are times divided by its time
REFERENCE = "steepest eager"  # whose losses the others must have
