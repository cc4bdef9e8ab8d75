"""One function per peer: a workload becomes something that trains epochs from the same weights.

Each gives the loss of every step, so that the peers can be compared before they are timed. A peer
that is not installed, or has no such network, is left out by name; `pip install 'steepest[bench]'`
brings them all.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.jax_peers import jax_per_step, jax_scan, jax_sweep
from benchmarks.networks import network, optimizer_of, trained
from benchmarks.peer import Peer
from benchmarks.sklearn_peer import scikit_learn
from benchmarks.tinygrad_peer import tinygrad_jit
from benchmarks.workloads import Sweep, Workload
from steepest import api as steepest
from steepest.compiler import Epochs
from steepest.core import lazy

__all__ = ["BASE", "CHANNELS_LAST", "IMPORTS", "JAX", "PEERS", "TORCH", "peers_of"]

Preparation = Callable[[Any], Peer]

torch = lazy("torch")


def steepest_compiled(workload: Workload) -> Peer:
    """The eager step, compiled as `fit` does it: the whole timed epoch is one native call."""
    model, loss_function = network(steepest, workload)
    optimizer = optimizer_of(steepest, model, workload)
    optimizer.prepare()
    for parameter, value in zip(model.parameters(), workload.weights(), strict=True):
        parameter.value[...] = value
    slots = [value for held in optimizer.state.values() for value in held.values()]
    held = [*model.parameters(), *model.buffers(), *slots]
    # As in PyTorch's peer, whose optimizer is made anew, nobody keeps a copy of zeros.
    initial = [x.value.copy() if x.value.any() else 0 for x in held]
    order = np.concatenate(workload.batches())

    # The learning rate is data, one number per step, so that trainings can share a program.
    rate, (group,) = steepest.tensor(0.0), optimizer.param_groups
    group["lr"] = rate
    rates = np.full(len(order) // workload.batch, workload.settings["lr"], np.float32)

    def step(x: Any, y: Any) -> Any:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    epochs = Epochs(step, [rate])

    def reset() -> None:
        for x, value in zip(held, initial, strict=True):
            if (x.value != value).any():
                x.value[...] = value

    def run() -> np.ndarray:
        return epochs.run([workload.x, workload.y], order, workload.batch, [rates])

    return Peer(reset, run)


def steepest_eager(workload: Workload) -> Peer:
    """Our NumPy mode, in which every operation can be looked at; not the fast path."""
    return trained(steepest, workload)


def pytorch_eager(workload: Workload) -> Peer:
    """PyTorch as it is usually run."""
    return trained(torch, workload)


def pytorch_channels_last(workload: Workload) -> Peer:
    """PyTorch with the channels of a pixel side by side, which its convolutions may like better."""
    return trained(torch, workload, arranged=lambda x: x.to(memory_format=torch.channels_last))


def pytorch_compiled(workload: Workload) -> Peer:
    """PyTorch with the forward pass, the loss and their derivative compiled."""
    return trained(torch, workload, torch.compile)


def one_by_one(prepare: Preparation) -> Preparation:
    """A peer of a sweep that trains its members one after another."""

    def prepared(sweep: Sweep) -> Peer:
        peers = [prepare(member) for member in sweep.members()]

        def reset() -> None:
            for peer in peers:
                peer.reset()

        return Peer(reset, lambda: np.stack([peer.run() for peer in peers], axis=1))

    return prepared


BASE, TORCH, JAX = "steepest compiled", "PyTorch eager", "JAX scan"  # ratios: time / BASE's time
CHANNELS_LAST = "PyTorch eager, channels last"
PEERS: dict[str, Preparation] = {
    BASE: steepest_compiled,
    TORCH: pytorch_eager,
    "torch.compile": pytorch_compiled,
    JAX: jax_scan,
    "JAX jit per step": jax_per_step,
    "scikit-learn": scikit_learn,
    "tinygrad": tinygrad_jit,
    "steepest eager": steepest_eager,
}
IMAGE_PEERS = {**PEERS, CHANNELS_LAST: pytorch_channels_last}
SWEEP_PEERS: dict[str, Preparation] = {
    BASE: one_by_one(steepest_compiled),
    TORCH: one_by_one(pytorch_eager),
    JAX: jax_sweep,
}
IMPORTS = {
    BASE: "steepest.compiler",
    TORCH: "torch",
    "torch.compile": "torch",
    JAX: "jax",
    "JAX jit per step": "jax",
    "scikit-learn": "sklearn.neural_network",
    "tinygrad": "tinygrad",
    "steepest eager": "steepest.api",
}


def peers_of(workload: Workload) -> dict[str, Preparation]:
    """The peers that are tried on a workload."""
    if isinstance(workload, Sweep):
        return SWEEP_PEERS
    return IMAGE_PEERS if workload.x.ndim == 4 else PEERS
