"""The `steepest` command: finds the verb, runs it, and turns mistakes into messages.

Exit status: 0 done, 1 the job failed, 2 the request was wrong, 130 interrupted.
"""

import importlib
import io
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from steepest.cli.verbs import VERBS
from steepest.errors import Problem, RequestError, closest

__all__ = ["main"]


class Verbs(TyperGroup):
    """A group whose verbs are modules that load when they are used, so that --help is instant."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"steepest.cli.{name.replace('-', '_')}")
        command: Any = typer.main.get_command(module.app)
        command.name = name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise RequestError(f"steepest: no verb {args[0]!r}{closest(args[0], VERBS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(
    cls=Verbs,
    name="steepest",
    help="Train networks on a plain processor, and see why they learn.",
    epilog="Start here: steepest train housing",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def steepest() -> None:
    """Train networks on a plain processor, and see why they learn."""


def main() -> None:
    """Run the command line and leave with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an arrow is no reason to fail in a small charset
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="steepest")
    except RequestError as mistake:
        _leave(str(mistake), 2)
    except Problem as problem:
        _leave(str(problem), 1)
    except KeyboardInterrupt:
        _leave("interrupted", 130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except (ModuleNotFoundError, OSError) as problem:  # a package, or room on the disk
        _leave(str(problem), 1)


def _leave(message: str, status: int) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(status)
