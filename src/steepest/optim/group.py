"""Group: some parameters, and the settings that apply to them.

The learning rate is a number to whoever reads or writes it, and a tensor to a step that is being
compiled: so a schedule may change it before every call of a program, and a program is the same for
all rates. So is any other setting that is a number, or some of them, from when it is changed for
the first time: until then it is a constant of the program.
"""

from typing import Any

import numpy as np

from steepest.tensors import Tensor, computing

__all__ = ["Group", "is_on"]

_RATE = "lr"


class Group(dict):
    """A dict of settings.

    Attributes:
        traced: what a step that is being compiled finds in place of a number.
    """

    traced: dict[str, Any]
    _followers: dict[str, Any]

    def __new__(cls, *args: Any) -> "Group":
        self = super().__new__(cls)
        self.traced, self._followers = {}, {}
        return self

    def __init__(self, settings: dict[str, Any]):
        super().__init__()
        self.update(settings)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if computing() else self.traced.get(key, super().get(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if key == _RATE or self._is_data(key, value):
            value = self._followed(key, value)
        else:
            self.traced.pop(key, None)
            self._followers.pop(key, None)
        super().__setitem__(key, value)

    def _is_data(self, key: str, value: Any) -> bool:
        """Whether a setting is, or now becomes, one that may change from step to step."""
        if not computing() or value is self._followers.get(key):
            return key in self.traced
        old, new = _numbers(super().get(key, value)), _numbers(value)
        if not new or len(old) != len(new):
            return False
        # Whole numbers are counts, of which a step depends in other ways.
        return key in self.traced or (old != new and any(isinstance(x, float) for x in old + new))

    def _followed(self, key: str, value: Any) -> Any:
        """A new value, once what stands for it has it too: a tensor for each number."""
        own = self._followers.get(key)
        if own is not None and value is own:  # what a step has done to the group is undone
            value = tuple(map(float, own)) if isinstance(own, tuple) else float(own)
        if isinstance(value, Tensor) or not computing():
            self.traced[key] = value
            return value
        numbers = value if isinstance(value, tuple | list) else (value,)
        if own is None:
            tensors = tuple(Tensor(np.zeros(())) for _ in numbers)
            own = self._followers[key] = tensors if len(tensors) > 1 else tensors[0]
        for tensor, number in zip(own if isinstance(own, tuple) else (own,), numbers, strict=True):
            tensor.value[...] = number
        self.traced[key] = own
        return value

    def update(self, *settings: Any, **more: Any) -> None:
        for key, value in dict(*settings, **more).items():
            self[key] = value


def _numbers(setting: Any) -> tuple:
    """The numbers that a setting is; none of them where it is anything else."""
    held = tuple(setting) if isinstance(setting, tuple | list) else (setting,)
    kinds = (isinstance(x, int | float) and not isinstance(x, bool) for x in held)
    return held if all(kinds) else ()


def is_on(setting: Any) -> bool:
    """Whether a setting is not 0; one that changes from step to step counts as one that is not."""
    return isinstance(setting, Tensor) or setting != 0
