"""Floor 7: what a learner is told, tried: one claim per lesson, with a verdict from the data.

found = lesson("bowl-and-wedge").run(seeds=5)
told(lesson("bowl-and-wedge"), found)["verdict"]        # holds, does not hold here, …
"""

from steepest.lessons.catalogue import lesson, names
from steepest.lessons.lesson import Found, Lesson, Text, Trial, Verdict, across, all_of
from steepest.lessons.page import Page, drawn
from steepest.lessons.practice import cosine, practise
from steepest.lessons.spread import Spread
from steepest.lessons.told import LANGUAGES, check_language, told

__all__ = [
    "LANGUAGES",
    "Found",
    "Lesson",
    "Page",
    "Spread",
    "Text",
    "Trial",
    "Verdict",
    "across",
    "all_of",
    "check_language",
    "cosine",
    "drawn",
    "lesson",
    "names",
    "practise",
    "told",
]
