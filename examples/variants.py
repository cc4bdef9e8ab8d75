"""A program in its three forms: eager, compiled, and with PyTorch, which is one import away.

The forms are made from the program's text, by what a person would change: the imports, and the line
`@torch.compile` before the training step.
"""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

__all__ = ["COMPILED", "EAGER", "PROGRAMS", "PYTORCH", "variant"]

FOLDER = Path(__file__).parent
PROGRAMS = sorted(
    path.stem for path in FOLDER.glob("*.py") if "\n    @torch.compile\n" in path.read_text()
)
EAGER, COMPILED, PYTORCH = "eager", "compiled", "PyTorch"


def variant(program: str, form: str) -> Callable[..., list[float]]:
    """The program's `main` in that form: from a number of steps, epochs or updates to the losses.

    What the program prints is held back.
    """
    path = FOLDER / f"{program}.py"
    text = path.read_text()
    if form != COMPILED:
        text = text.replace("    @torch.compile\n", "")
    if form == PYTORCH:
        text = text.replace("import steepest as torch", "import torch").replace("steepest", "torch")
    names: dict = {"__name__": program}
    exec(compile(text, str(path), "exec"), names)

    def main(*steps: int) -> list[float]:
        with contextlib.redirect_stdout(io.StringIO()):
            return names["main"](*steps)

    return main
