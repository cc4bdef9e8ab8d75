"""Samples for the names of PyTorch's surface of which its own lists have none."""

from typing import Any, NamedTuple

import numpy as np
import torch

__all__ = ["OUR_SAMPLES", "Sample"]


class Sample(NamedTuple):
    """The arguments of one call, in PyTorch's tensors and dtypes."""

    args: tuple
    kwargs: dict[str, Any]


def _calls(*args: tuple, **kwargs: Any) -> list[Sample]:
    return [Sample(a, kwargs) for a in args]


_X = torch.arange(12.0, dtype=torch.float64).reshape(3, 4)
_DATA = ([1, 2], [[1.0, 2.0]], 3, 2.5, True, [[True], [False]], np.ones(2), np.arange(3), _X)

OUR_SAMPLES: dict[str, list[Sample]] = {
    "tensor": [*_calls(*((d,) for d in _DATA)), *_calls(([1, 2],), dtype=torch.float64)],
    "as_tensor": [*_calls(*((d,) for d in _DATA)), *_calls(([1, 2],), dtype=torch.float32)],
    "from_numpy": _calls((np.ones((2, 3)),), (np.arange(4, dtype=np.int32),)),
    "rand": [*_calls((3, 4), ((20,),), ()), *_calls((2, 9), dtype=torch.float64)],
    "randperm": [*_calls((0,), (1,), (12,), (70,)), *_calls((9,), dtype=torch.int32)],
    "manual_seed": _calls((3,), (2**40,)),
    "tolist": _calls((_X,), (_X[0, 0],), (_X > 3,)),
    "dropout": _calls((_X.clone().requires_grad_(),)),
    "numpy": _calls((_X,), (_X > 3,)),
    "einsum": [
        *_calls(("ij,kj->ik", _X, _X), ("ij->j", _X), ("ij,ij", _X, _X)),
        *_calls(("ij,jk,kl", _X, _X.T, _X)),
        *_calls(("...ij,...jk->...ik", _X[None], _X.T[None]), ("ii->i", _X[:, :3])),
    ],
    "embedding": _calls((torch.tensor([[0, 2], [1, 0]]), _X.clone().requires_grad_())),
    "detach": _calls((_X,), (_X.clone().requires_grad_(),)),
    "__setitem__": _calls(
        *((_X, at, 7.0) for at in (0, (slice(None), 1), ..., _X > 3, torch.tensor([0, 2]))),
        *((_X, at, _X[0]) for at in (0, slice(0, 2), torch.tensor([0, 2]))),
    ),
}
