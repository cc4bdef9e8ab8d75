"""Where in a model an error happened: the layer's path, and the model up to it.

"Shapes cannot be multiplied" is of little use in a network of ten layers. The innermost module
through which an error passes is remembered with it; every module further out writes the path anew,
so the message ends up with the path from the module that the user called:

    model.2 Linear(64, 32): linear: the last axis of the input must be the layer's inputs
      expected  (*, 64)
      got       (8, 10)
      model     0 Linear(4, 10)
                1 ReLU()
                2 Linear(64, 32)  <- here
"""

from typing import Any

__all__ = ["located", "short"]

SHOWN = 6  # layers before the failing one
LONGEST = 24  # letters of an argument


def short(module: Any) -> str:
    """A module as it was written, in one line: Linear(64, 32)."""
    name = type(module).__name__
    args, kwargs = module._made_with
    given = [*(("", a) for a in args), *((f"{key}=", a) for key, a in kwargs.items())]
    plain = [
        f"{key}{_brief(a)}" for key, a in given if isinstance(a, bool | int | float | str | tuple)
    ]
    return f"{name}({', '.join(plain)})"


def _brief(argument: Any) -> str:
    """An argument as it was written; of a long one, such as a table, the beginning."""
    text = repr(argument)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def located(error: RuntimeError, outer: Any) -> None:
    """Write into an error's message where in `outer` it happened."""
    if type(error) is not RuntimeError:  # a class of its own has a message of its own
        return
    known = vars(error)
    layer = known.setdefault("layer", outer)
    message = known.setdefault("message", str(error))
    path = next((p for p, inner in outer.named_modules() if inner is layer), "")
    where = f"model.{path} " if path else ""
    outline = _outline(outer, layer) if path else ""
    error.args = (f"{where}{short(layer)}: {message}{outline}",)


def _outline(outer: Any, layer: Any) -> str:
    """The layers of a model up to the one that failed, one per line."""
    lines = []
    for path, inner in outer.named_modules():
        if inner is layer:
            lines.append(f"{path} {short(inner)}  <- here")
            break
        if not inner._modules:
            lines.append(f"{path} {short(inner)}")
    if len(lines) > SHOWN + 1:
        lines = ["…", *lines[-SHOWN - 1 :]]
    return "\n  model     " + "\n            ".join(lines)
