"""What an optimizer is given, checked: groups of parameters, and numbers within their limits."""

from typing import Any

import numpy as np

from steepest.core import said
from steepest.tensors import Tensor

__all__ = ["check", "check_share", "grouped", "listed", "refuse"]


def check(optimizer: str, what: str, value: Any, below: float = np.inf) -> None:
    """Refuse a setting outside [0, below); NaN is outside.

    Raises:
        ValueError: with PyTorch's words, "Invalid learning rate: -1".
    """
    if not 0 <= value < below:
        limit = "finite number, 0 or more" if below == np.inf else f"number in [0, {below})"
        raise ValueError(said(optimizer, f"Invalid {what}: {value}", expected=f"a {limit}"))


def check_share(optimizer: str, what: str, value: Any) -> None:
    """Refuse a setting outside [0, 1].

    Raises:
        ValueError: with PyTorch's words, "Invalid rho value: 2".
    """
    if not 0 <= value <= 1:
        raise ValueError(said(optimizer, f"Invalid {what}: {value}", expected="a number in [0, 1]"))


def refuse(optimizer: str, wrong: bool, what: str) -> None:
    """Refuse a setting that is wrong, for a reason of its own.

    Raises:
        ValueError: with PyTorch's words.
    """
    if wrong:
        raise ValueError(said(optimizer, what))


def grouped(name: str, params: Any) -> list[dict[str, Any]]:
    """What an optimizer was given, as a list of groups."""
    if isinstance(params, Tensor):
        raise TypeError(
            said(
                name,
                "params argument given to the optimizer should be an iterable of Tensors or dicts",
                got="a tensor",
                write=f"{name}([x], ...)",
            )
        )
    groups = _sequence(name, params)
    if not groups:
        raise ValueError(
            said(
                name,
                "optimizer got an empty parameter list",
                write="model.parameters(), taken anew for each optimizer",
            )
        )
    return groups if isinstance(groups[0], dict) else [{"params": groups}]


def listed(name: str, params: Any) -> list[Tensor]:
    """The parameters of a group as a list, checked."""
    params = [params] if isinstance(params, Tensor) else _sequence(name, params)
    for p in params:
        if not isinstance(p, Tensor):
            raise TypeError(said(name, "optimizer can only optimize Tensors", got=type(p).__name__))
        if not p.is_leaf:
            raise ValueError(
                said(
                    name,
                    "can't optimize a non-leaf Tensor",
                    got=f"a tensor of shape {p.shape} computed by {p.grad_fn!r}",
                    write="x.detach().requires_grad_()",
                )
            )
    return params


def _sequence(name: str, params: Any) -> list[Any]:
    if not np.iterable(params):
        raise TypeError(
            said(name, "optimizer can only optimize Tensors", got=type(params).__name__)
        )
    if isinstance(params, set | frozenset):
        raise TypeError(
            said(name, "parameters need an order, and a set has none", write="a list of tensors")
        )
    return list(params)
