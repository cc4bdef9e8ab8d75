"""The flags of the verbs that do a job: the data, the TOML file, and one flag per setting."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from steepest.cli.settings import SETTINGS, Setting, merged

__all__ = ["with_settings"]

_SOURCE = Annotated[
    str | None,
    typer.Argument(metavar="DATA", help="A file, a folder of images, or a packaged set."),
]
_CONFIG = Annotated[
    str | None, typer.Option("--config", "-c", metavar="FILE", help="Settings in TOML.")
]
_SETS = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting.")]


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the flags of a job; it receives all of them merged, as one dict, `settings`."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]
    flags = {s.name.replace("-", "_"): _flag(s) for s in SETTINGS if s.name != "source"}
    kinds = {"source": _SOURCE, "config": _CONFIG, "sets": _SETS, **flags}

    def verb(**given: Any) -> None:
        mine = {p.name: given.pop(p.name) for p in own}
        config, sets = given.pop("config"), given.pop("sets")
        chosen = {name: value for name, value in given.items() if value is not None}
        command(**mine, settings=merged(config, sets or [], chosen))

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in kinds.items()
    ]
    parameters += [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__annotations__ = {p.name: p.annotation for p in parameters}
    verb.__name__, verb.__doc__ = command.__name__, command.__doc__
    return verb


def _flag(setting: Setting) -> Any:
    """The flag of one setting: text that the setting reads, or a switch."""
    switch = isinstance(setting.default, bool)
    written = f"--{setting.name}/--no-{setting.name}" if switch else f"--{setting.name}"
    option = typer.Option(written, metavar=setting.shown or None, help=setting.help)
    return Annotated[bool | None, option] if switch else Annotated[str | None, option]
