"""The gradient that nobody has: what `.grad` says after a program has used the gradient up."""

from typing import Any, NoReturn

from steepest.core import said
from steepest.tensors.tensor import Tensor

__all__ = ["UNKEPT", "emptied"]


class _Unkept(Tensor):
    """Stands in `.grad` for a gradient that was not kept; whoever asks for its numbers is told.

    Adding to it changes nothing: what is added to an unknown is unknown.
    """

    def __init__(self) -> None:
        self.requires_grad, self.node, self.view_of = False, None, None
        self.version, self.synced = [0], 0

    @property
    def value(self) -> NoReturn:  # type: ignore[override]
        raise RuntimeError(
            said(
                "grad",
                "a compiled step has used this gradient and not kept it, which would cost time",
                write="return loss, [p.grad for p in model.parameters()] in the step; or "
                "zero_grad() before a backward() outside of it",
            )
        )

    def __repr__(self) -> str:
        return "<a gradient that a compiled step has used and not kept>"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __deepcopy__(self, memo: dict) -> Tensor:
        return self

    def __reduce__(self) -> str:
        return "UNKEPT"


UNKEPT = _Unkept()


def emptied(x: Tensor, set_to_none: bool) -> Any:
    """What `zero_grad` leaves in the place of a tensor's gradient."""
    if set_to_none or x.grad is None:
        return None
    return x.new_zeros(x.shape) if x.grad is UNKEPT else x.grad.detach_().zero_()
