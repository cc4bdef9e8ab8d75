"""PyTorch's tensors for ours, in a process that has PyTorch.

The other way needs no function: a module's or an optimizer's `load_state_dict` takes PyTorch's
tensors as they are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from steepest.core import lazy
from steepest.tensors import Tensor

__all__ = ["to_torch"]

torch = lazy("torch")


def to_torch(state: Any) -> Any:
    """Nested dicts, lists and tuples, with a PyTorch tensor (a copy) for each of ours."""
    if isinstance(state, Tensor):
        return torch.from_numpy(np.array(state.detach().numpy()))
    if isinstance(state, Mapping):
        return {key: to_torch(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(to_torch(value) for value in state)
    return state
