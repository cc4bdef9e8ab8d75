"""Parameter: a tensor that a module lists, saves, and gives to the optimizer."""

from typing import Any

from steepest.tensors import Tensor, as_tensor

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module it is assigned to.

    Args:
        data: the first value, whose memory is shared.
        requires_grad: False for a parameter that training must not change.
    """

    def __init__(self, data: Any, requires_grad: bool = True):
        given = as_tensor(data)
        super().__init__(given.value, given.version, given.version[0])
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"
