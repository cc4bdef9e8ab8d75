"""The settings of a job: one row each, which is its flag, its key in the TOML file and its check.

Later sources win: defaults, then `--config file.toml`, then `--set key=value`, then flags. A typo
in any of them is refused with the nearest known name.
"""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from steepest.errors import RequestError, closest, said

__all__ = ["SETTINGS", "Setting", "merged"]


class Setting(NamedTuple):
    """One setting. `read` takes what a flag or TOML gives and returns the checked value."""

    name: str
    default: Any
    read: Callable[[str, Any], Any]
    shown: str
    help: str


def _refuse(name: str, expected: str, got: Any) -> RequestError:
    return RequestError(said(f"--{name}", "cannot be read", expected=expected, got=repr(got)))


def text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(name, "text", value)
    return value


def count(name: str, value: Any) -> int:
    """A whole number of at least 1."""
    whole = seed(name, value)
    if whole < 1:
        raise _refuse(name, "a whole number from 1", value)
    return whole


def seed(name: str, value: Any) -> int:
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):  # words, and TOML's nan and inf
        raise _refuse(name, "a whole number", value) from None
    if isinstance(value, bool) or (isinstance(value, float) and whole != value) or whole < 0:
        raise _refuse(name, "a whole number from 0", value)
    return whole


def rate(name: str, value: Any) -> float:
    """A learning rate: positive and finite."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        raise _refuse(name, "a number such as 0.01", value) from None
    if not (math.isfinite(number) and number > 0):
        raise RequestError(
            said(
                f"--{name}",
                "the learning rate must be positive and finite",
                got=value,
                write=f"--{name} 0.01",
            )
        )
    return number


def yes(name: str, value: Any) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in words:
        raise _refuse(name, "true or false", value)
    return words[str(value).lower()]


def native(name: str, value: Any) -> bool | str:
    return value if value == "auto" else yes(name, value)


def _listed(value: Any) -> list[Any]:
    return value.replace(" ", "").split(",") if isinstance(value, str) else list(value)


def names(name: str, value: Any) -> tuple[str, ...]:
    """Names such as B,CHAS."""
    if not isinstance(value, str | list | tuple) or not all(isinstance(n, str) for n in value):
        raise _refuse(name, "names such as A,B", value)
    listed = value.split(",") if isinstance(value, str) else value
    return tuple(n.strip() for n in listed if n.strip())


def widths(name: str, value: Any) -> tuple[int, ...]:
    """Layer widths such as 64,32."""
    try:
        return tuple(count(name, n) for n in _listed(value))
    except (TypeError, RequestError):
        raise _refuse(name, "widths such as 64,32", value) from None


def shares(name: str, value: Any) -> tuple[float, ...]:
    """Three shares such as 0.7,0.15,0.15."""
    try:
        parts = tuple(float(n) for n in _listed(value))
    except (TypeError, ValueError):
        raise _refuse(name, "three shares such as 0.7,0.15,0.15", value) from None
    if len(parts) != 3 or not all(math.isfinite(p) and p >= 0 for p in parts):
        raise _refuse(name, "three shares such as 0.7,0.15,0.15", value)
    return parts


def or_none(read: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """The word none stands for "not set": TOML has no other way to write it."""
    return lambda name, value: None if value == "none" else read(name, value)


SETTINGS = (
    Setting("source", None, text, "", "a file, a folder of images, or a packaged set's name"),
    Setting("target", None, or_none(text), "COLUMN", "the column to predict (the last one)"),
    Setting("task", None, or_none(text), "TASK", "regression or classification (by the target)"),
    Setting("leave-out", (), names, "A,B", "columns that are not to be features"),
    Setting("split", (0.7, 0.15, 0.15), shares, "A,B,C", "shares of train, validation and test"),
    Setting("scale", None, text, "HOW", "minmax, mean, standard, lecun or none (by the model)"),
    Setting("missing", "refuse", text, "HOW", "empty cells: refuse, drop, median or mode"),
    Setting("group", None, or_none(text), "COLUMN", "keep rows of one group in one part"),
    Setting("shuffle", True, yes, "", "split and train in random order, or in the file's"),
    Setting("model", "mlp", text, "NAME", "linear, mlp, lenet5 or lenet5-modern"),
    Setting("hidden", (64, 64), widths, "N,N", "widths of the hidden layers"),
    Setting("activation", "tanh", text, "NAME", "between the layers: tanh, relu, sigmoid, …"),
    Setting("pooling", "average", text, "HOW", "of lenet5-modern: average or max"),
    Setting("loss", None, or_none(text), "NAME", "mse, mae, huber, cross_entropy, … (by the task)"),
    Setting("optimizer", "adam", text, "NAME", "sgd, momentum, nesterov, adam, adamw, …"),
    Setting("schedule", "none", text, "NAME", "none, step, exponential, cosine or sgdr"),
    Setting("lr", None, or_none(rate), "RATE", "the learning rate (by the optimizer)"),
    Setting("epochs", 300, count, "N", "passes over the training part, at most"),
    Setting("batch-size", 32, count, "N", "rows per step"),
    Setting("patience", 30, or_none(count), "N", "stop after so many epochs without improvement"),
    Setting("restore-best", True, yes, "", "keep the best epoch's weights, or the last ones"),
    Setting("compile", "auto", native, "HOW", "whole epochs as native code: auto, true or false"),
    Setting("threads", None, or_none(count), "N", "processors to use, at most (all of them)"),
    Setting("seed", 0, seed, "N", "of the split, the weights and the shuffling"),
    Setting("out", None, or_none(text), "FOLDER", "the run's folder (runs/ and the data's name)"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def merged(config: str | None, sets: list[str], flags: dict[str, Any]) -> dict[str, Any]:
    """All settings, complete and checked; keys are names with underscores."""
    given: dict[str, Any] = {}
    if config is not None:
        given |= _from_file(Path(config))
    for item in sets:
        key, equals, value = item.partition("=")
        if not equals:
            raise RequestError(said("--set", "needs key=value", got=repr(item), write="lr=0.01"))
        given[_known(key, "--set")] = value
    given |= {_known(key, "flag"): value for key, value in flags.items()}
    return {
        s.name.replace("-", "_"): s.read(s.name, given[s.name]) if s.name in given else s.default
        for s in SETTINGS
    }


def _known(key: str, where: str) -> str:
    name = key.strip().replace("_", "-")
    if name not in _BY_NAME:
        raise RequestError(f"{where}: no setting {key!r}{closest(name, _BY_NAME)}")
    return name


def _from_file(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, at its top level or in any table of it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(said(str(path), "is not valid TOML", got=error)) from None
    found: dict[str, Any] = {}
    for key, value in content.items():
        inner = value if isinstance(value, dict) else {key: value}
        found |= {_known(k, str(path)): v for k, v in inner.items()}
    return found
