"""How much resident memory compiling leaves behind, measured in this process."""

import gc
import os
from collections.abc import Iterator

import numpy as np

from steepest import functional as F
from steepest import nn, optim, tensor
from steepest.compiler import compile

__all__ = ["compiled", "growth"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """MiB of this process that are in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE / 2**20


def trained(width: int) -> None:
    """One compiled step of a new network, which is then forgotten."""
    model = nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step(x, y):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    compile(step)(tensor(np.ones((4, 3), np.float32)), tensor(np.ones((4, 2), np.float32)))


def compiled(compilations: int) -> Iterator[int]:
    """Compile so many programs, no two alike: new networks, and one function of new numbers."""
    scaled = compile(lambda x, factor: (x.tanh() * factor).sum())
    for i in range(0, compilations, 2):
        trained(20 + i)
        scaled(tensor(np.ones((3, 7), np.float32)), float(i))
        yield i + 2


def growth(compilations: int) -> tuple[float, float]:
    """MiB in memory after a fifth of the compilations, and after all."""
    readings = [
        resident() for done in compiled(compilations) if done in (compilations // 5, compilations)
    ]
    return readings[0], readings[-1]
