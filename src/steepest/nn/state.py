"""Putting saved tensors back into a module, and saying all that does not fit at once."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from steepest.core import closest
from steepest.tensors import no_grad, tensor

__all__ = ["IncompatibleKeys", "load"]


class IncompatibleKeys(NamedTuple):
    """The names that a loaded state lacked, and those that the module does not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def load(module: Any, given: Mapping[str, Any], strict: bool) -> IncompatibleKeys:
    """Copy tensors or arrays into the module's own, by name. Nothing changes if anything is wrong.

    Raises:
        TypeError: `given` is not a dict.
        RuntimeError: names (if strict) or shapes differ; the message lists all of them.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(given).__name__}.")
    own = module.state_dict(keep_vars=True)
    keys = IncompatibleKeys([k for k in own if k not in given], [k for k in given if k not in own])
    wrong = [
        f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from the saved "
        f"state, the shape in the current model is {own[key].shape}."
        for key, value in given.items()
        if key in own and tuple(value.shape) != own[key].shape
    ]
    if strict:
        wrong = _unmatched(keys, list(own)) + wrong
    if wrong:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(wrong)
        )
    with no_grad():
        for key, mine in own.items():
            if key in given:
                mine.copy_(tensor(np.asarray(given[key]), dtype=mine.dtype))
    return keys


def _unmatched(keys: IncompatibleKeys, known: list[str]) -> list[str]:
    lines = []
    if keys.missing_keys:
        lines.append(f"Missing key(s) in state_dict: {_quoted(keys.missing_keys)}.")
    if keys.unexpected_keys:
        hint = ""
        if len(keys.unexpected_keys) == 1:
            near = closest(keys.unexpected_keys[0], known)
            hint = near if near.startswith(" (did") else ""
        lines.append(f"Unexpected key(s) in state_dict: {_quoted(keys.unexpected_keys)}{hint}.")
    return lines


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)
