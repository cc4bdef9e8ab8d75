"""What all optimizers share: parameters in groups, a state per parameter, one loop.

An optimizer is a subclass with two methods: `initial`, the state before the first step, and
`update`, the rule for one parameter, written as mathematics. Everything that changes between steps
is a tensor changed in place (parameters, averages, the step count) or is read from the group at
every step (the learning rate), so `step()` can be traced, compiled and run for a whole epoch.
"""

import copy
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from steepest.core import said
from steepest.optim.group import Group
from steepest.optim.settings import grouped, listed
from steepest.tensors import Tensor, cast_to, computing, emptied, enable_grad, no_grad, tensor

__all__ = ["Optimizer", "count"]


class Optimizer:
    """Base of all optimizers; one of your own defines `initial` and `update`.

        class Descent(Optimizer):
            def __init__(self, params, lr):
                super().__init__(params, {"lr": lr})

            def update(self, p, g, state, group):
                p -= group["lr"] * g

    Attributes:
        param_groups: list of dicts, each holding "params" and the settings that apply to them.
        state: per parameter, its tensors by PyTorch's names.
        defaults: the settings of a group that does not say otherwise.
    """

    # PyTorch chooses among several implementations of one rule by these names. Here there is one;
    # the names are accepted, and kept in the groups so that checkpoints fit both ways.
    execution: ClassVar[dict[str, Any]] = {}

    # What is counted once per parameter, in float32 whatever the parameter's dtype.
    scalars: ClassVar[tuple[str, ...]] = ("step",)

    # Slots that no step reads: what they hold may differ among steps that are compiled once.
    __slots__ = ("__dict__", "__weakref__", "_defaults")
    __unread__: ClassVar[tuple[str, ...]] = ("_defaults",)

    def __init__(
        self, params: Any, defaults: dict[str, Any], execution: dict[str, Any] | None = None
    ):
        """
        Args:
            params: tensors, or dicts that each hold "params" and settings of their own.
            defaults: settings for the groups that lack them.
            execution: PyTorch's names for the choice of an implementation.

        Raises:
            TypeError: `params` is one tensor, or holds something that is not a tensor.
            ValueError: no parameter, or one that was computed from others.
        """
        name, execution = type(self).__name__, execution or {}
        unknown = set(execution) - set(self.execution)
        if unknown:
            raise TypeError(said(name, f"unknown argument {min(unknown)!r}"))
        if execution.get("differentiable"):
            raise ValueError(said(name, "an update in place cannot be differentiated"))
        self._defaults = {**defaults, **self.execution, **execution}
        self.state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        for group in grouped(name, params):
            self.add_param_group(group)

    @property
    def defaults(self) -> dict[str, Any]:
        if not computing():
            raise RuntimeError(
                said(
                    f"{type(self).__name__}.defaults",
                    "the settings of groups to come; a step reads those in param_groups",
                    write='group["lr"], of a group in param_groups',
                )
            )
        return self._defaults

    # ---- what an optimizer defines ---------------------------------------------------------------

    def initial(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first update."""
        return {}

    def update(self, p: Any, g: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the parameter p, whose gradient is g, in place."""
        raise NotImplementedError(f"{type(self).__name__} defines neither update() nor step()")

    # ---- what a user calls -----------------------------------------------------------------------

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: computes the loss and its gradients again, and returns the loss.

        Returns:
            The closure's loss, or None.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        g = -p.grad if group.get("maximize") else p.grad
                        self.update(p, g, self._state(p, group), group)
        return loss

    def prepare(self) -> None:
        """Make the state of every parameter now instead of at its first update.

        A program compiled from `step()` then finds the tensors that it will carry along.
        """
        for group in self.param_groups:
            for p in group["params"]:
                self._state(p, group)

    def _state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = self.state[p]
        if not state:
            state.update(self.initial(p, group))
        return state

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; with `set_to_none=False` set them to 0 in their memory."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = emptied(p, set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize more parameters, with settings of their own where the dict holds any."""
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(
                said(name, "param_group must be a dict", got=type(param_group).__name__)
            )
        params = listed(name, param_group["params"])
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if known & {id(p) for p in params}:
            raise ValueError(said(name, "some parameters appear in more than one parameter group"))
        if len({id(p) for p in params}) < len(params):
            raise ValueError(said(name, "a parameter appears twice in one parameter group"))
        self.param_groups.append(Group({**self.defaults, **param_group, "params": params}))

    # ---- saving ----------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """State and settings in PyTorch's layout: parameters are numbered over all groups.

        What PyTorch does not save has a name that begins with an underscore, and is left out.
        """
        number = {
            id(p): i
            for i, p in enumerate(p for group in self.param_groups for p in group["params"])
        }
        groups = [
            {**group, "params": [number[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {
            number[id(p)]: {key: value for key, value in values.items() if key[0] != "_"}
            for p, values in self.state.items()
            if values
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken, by this library or by PyTorch; tensors are copied.

        Raises:
            ValueError: the groups differ in number or in size.
        """
        name, groups = type(self).__name__, state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError(
                said(
                    name,
                    "loaded state dict has a different number of parameter groups",
                    expected=len(self.param_groups),
                    got=len(groups),
                )
            )
        parameters: dict[int, Tensor] = {}
        for mine, given in zip(self.param_groups, groups, strict=True):
            if len(mine["params"]) != len(given["params"]):
                raise ValueError(
                    said(
                        name,
                        "loaded state dict contains a parameter group that doesn't match the size "
                        "of optimizer's group",
                        expected=f"{len(mine['params'])} parameters",
                        got=f"{len(given['params'])} parameters",
                    )
                )
            parameters.update(zip(given["params"], mine["params"], strict=True))
        self.state.clear()
        for number, values in state_dict["state"].items():
            p = parameters[number]
            self.state[p] = {
                key: _restored(value, np.dtype(np.float32) if key in self.scalars else p.dtype)
                for key, value in values.items()
            }
        for mine, given in zip(self.param_groups, groups, strict=True):
            mine.update(copy.deepcopy({k: v for k, v in given.items() if k != "params"}))

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            lines = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            text += f"\nParameter Group {i}\n{''.join(lines)}"
        return text + ")"


def _restored(value: Any, dtype: np.dtype) -> Any:
    """A copy of a saved tensor, or of a list of them, in that dtype; anything else as it is."""
    if isinstance(value, list):
        return [_restored(part, dtype) for part in value]
    return tensor(np.asarray(value), dtype=dtype) if hasattr(value, "shape") else value


def count(state: dict[str, Any], key: str = "step") -> Any:
    """Count a step; returns the number of steps so far as a float64 scalar.

    In float32, 1 − 0.999 ᵗ would lose five of its seven digits at the first step.
    """
    step = state[key]
    step += 1
    return cast_to(step, np.dtype(np.float64))
