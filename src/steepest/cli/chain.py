"""`steepest chain "tanh(w*x + b)" x=1 w=2 b=-1`: the chain rule of an expression, as a graph."""

import ast
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from steepest import explain
from steepest import functional as F
from steepest import plot as pictures
from steepest.cli.console import console
from steepest.cli.drawing import checked, written
from steepest.core import RequestError, closest, said

__all__ = ["app"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    name: getattr(F, name)
    for name in ("sigmoid", "tanh", "relu", "exp", "log", "sqrt", "sin", "cos", "abs")
}
_OPERATORS: Mapping[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


@app.command()
def chain(
    expression: Annotated[str, typer.Argument(metavar="EXPRESSION", help="Such as 'x*y + x'.")],
    inputs: Annotated[list[str], typer.Argument(metavar="NAME=NUMBER…", help="Such as x=3 y=4.")],
    theme: Annotated[str, typer.Option(metavar="NAME", help="light or dark.")] = "light",
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file: .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Draw an expression step by step, with every local derivative and their products."""
    path = checked(out, Path("chain"), theme)
    given = dict(_input(text) for text in inputs)
    try:
        tree = ast.parse(expression.replace("^", "**"), mode="eval").body
    except SyntaxError:
        raise RequestError(said("chain", "this is no expression", got=repr(expression))) from None
    found = explain.chain(lambda **leaves: _value(tree, leaves), **given)
    figure = pictures.chain_rule(found, title=expression, theme=theme)
    written(figure, path, theme)
    console().print(str(figure.get_label()), soft_wrap=True)
    console().print(f"picture    {path}", soft_wrap=True)


def _input(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise RequestError(said("chain", "an input has a value", got=text, write="x=3")) from None


def _value(tree: ast.expr, leaves: Mapping[str, Any]) -> Any:
    """What the expression is worth: sums, products, powers and a few functions, nothing else."""
    match tree:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in leaves:
            return leaves[name]
        case ast.Name(id=name):
            raise RequestError(said("chain", f"{name} has no value", write=f"{name}=1"))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, leaves), _value(right, leaves))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(operand, leaves))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
            return _FUNCTIONS[name](_value(argument, leaves))
        case ast.Call(func=ast.Name(id=name)):
            known = f"{', '.join(_FUNCTIONS)}, of one number"
            hint = closest(name, _FUNCTIONS)
            raise RequestError(said("chain", f"no function {name!r}{hint}", expected=known))
    raise RequestError(said("chain", "only + − × ÷ powers and functions", got=ast.unparse(tree)))
