"""The lessons by name. A file in `claims/` is a lesson; nothing else lists them."""

import importlib
import pkgutil

from steepest.core import RequestError, closest
from steepest.lessons import claims
from steepest.lessons.lesson import Lesson

__all__ = ["lesson", "names"]


def names() -> list[str]:
    """The names of all lessons: their files', with hyphens."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(claims.__path__)]


def lesson(name: str) -> Lesson:
    """The lesson of that name.

    Raises:
        RequestError: there is none.
    """
    if name not in names():
        raise RequestError(f"lesson: there is no lesson {name!r}{closest(name, names())}")
    module = importlib.import_module(f"{claims.__name__}.{name.replace('-', '_')}")
    found: Lesson = module.LESSON
    return found
