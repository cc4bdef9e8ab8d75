"""A lesson in words: claim, method, result and verdict, with the numbers of the run filled in."""

from collections.abc import Mapping

from steepest.core import RequestError, closest, said
from steepest.lessons.lesson import Found, Lesson

__all__ = ["LANGUAGES", "check_language", "told"]

# The frame of every lesson: headings, then the verdicts.
LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "claim": "claim",
        "method": "method",
        "result": "result",
        "verdict": "verdict",
        "picture": "picture",
        "holds": "holds",
        "fails": "does not hold here",
        "depends": "depends on {on}",
        "open": "is not decided by {seeds} seeds",
    },
    "zh": {
        "claim": "论断",
        "method": "方法",
        "result": "结果",
        "verdict": "判定",
        "picture": "图",
        "holds": "成立",
        "fails": "在此不成立",
        "depends": "取决于{on}",
        "open": "{seeds} 个随机种子不足以判定",
    },
}


def check_language(lang: str) -> None:
    """
    Raises:
        RequestError: there is no such language.
    """
    if lang not in LANGUAGES:
        raise RequestError(said("--lang", f"no language {lang!r}{closest(lang, LANGUAGES)}"))


def told(lesson: Lesson, found: Found, lang: str = "en") -> dict[str, str]:
    """Title, claim, method, result and verdict, in this order."""
    text, frame = lesson.texts[lang], LANGUAGES[lang]
    numbers, verdict = found.numbers(), lesson.judge(found)
    on = text.words[verdict.on] if verdict.on else ""
    return {
        "title": text.title,
        "claim": text.claim.format_map(numbers),
        "method": text.method.format_map(numbers),
        "result": text.result.format_map(numbers),
        "verdict": frame[verdict.kind].format(on=on, seeds=len(found.trials)),
    }
