"""Devices: there is one, this processor. Its names are understood so that scripts run as they are.

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""

from typing import Any

from steepest.core import said
from steepest.tensors.tensor import Tensor

__all__ = ["device", "is_device", "on_processor"]

_KNOWN = ("cpu", "cuda", "mps", "xpu", "meta")


class device:
    """The name of a device, such as "cpu" or "cuda:0".

    Attributes:
        type: the part before the colon.
        index: the number after it, or None.
    """

    def __init__(self, type: Any, index: int | None = None):
        name, _, number = str(type).partition(":")
        if name not in _KNOWN:
            raise RuntimeError(said("device", "there is no such device", expected="cpu", got=type))
        self.type, self.index = name, int(number) if number else index

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        number = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{number})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def is_device(x: Any) -> bool:
    """Whether x names a device rather than a dtype."""
    return isinstance(x, device) or (isinstance(x, str) and x.partition(":")[0] in _KNOWN)


def on_processor(name: str, given: Any) -> None:
    """Refuse every device but this processor.

    Raises:
        RuntimeError: another one.
    """
    if given is not None and device(given).type != "cpu":
        raise RuntimeError(said(name, "there is no such device", expected="cpu", got=given))


Tensor.device = property(lambda x: device("cpu"))  # type: ignore[attr-defined]
Tensor.is_cuda = False  # type: ignore[attr-defined]
