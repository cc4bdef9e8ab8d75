"""Group: some parameters, and the settings that apply to them.

The learning rate is a number to whoever reads or writes it, and a tensor to a step that is being
compiled: so a schedule may change it before every call of a program, and a program is the same for
all rates.
"""

from typing import Any

import numpy as np

from steepest.tensors import Tensor, computing

__all__ = ["Group"]

_DATA = "lr"


class Group(dict):
    """A dict of settings.

    Attributes:
        traced: what a step that is being compiled finds in place of a number.
    """

    traced: dict[str, Any]
    _rate: Tensor

    def __new__(cls, *args: Any) -> "Group":
        self = super().__new__(cls)
        self.traced = {}
        self._rate = Tensor(np.zeros(()))
        return self

    def __init__(self, settings: dict[str, Any]):
        super().__init__()
        self.update(settings)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if computing() else self.traced.get(key, super().get(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if key == _DATA:
            value = self._followed(value)
        super().__setitem__(key, value)

    def _followed(self, value: Any) -> Any:
        """A new rate, once the tensor that stands for it has it too."""
        if value is self._rate:  # what a step has done to the group is undone
            value = float(self._rate)
        if isinstance(value, Tensor) or not computing():
            self.traced[_DATA] = value
        else:
            self._rate.value[...] = value
            self.traced[_DATA] = self._rate
        return value

    def update(self, *settings: Any, **more: Any) -> None:
        for key, value in dict(*settings, **more).items():
            self[key] = value
