"""A step length along a direction that satisfies the strong Wolfe conditions.

The loss must fall enough (Armijo) and the slope must have become flat enough. First steps grow
until they enclose such a length, then the interval shrinks; every trial is the minimum of the cubic
through the values and slopes at two known points.

Source: Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, algorithms 3.5 and 3.6.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Point", "strong_wolfe"]

ENOUGH, FLAT = 1e-4, 0.9  # of the first slope: what the loss must fall by, what may remain
SMALLEST = 1e-9  # change of a parameter that is still worth a trial


class Point(NamedTuple):
    """What is known at step length t: the loss, its gradient, and its slope along the direction."""

    t: Any
    loss: float
    gradient: Any
    slope: Any


def strong_wolfe(
    at: Callable[[Any], Point], start: Point, t: Any, longest: Any, trials: int
) -> Point:
    """A point that satisfies the conditions, or the best one after so many trials.

    Args:
        at: evaluates the loss at a step length.
        start: the point at 0.
        t: the first length to try.
        longest: the largest element of the direction, in absolute value.
        trials: how many more lengths may be tried after the first.
    """
    before, now = start, at(t)
    for tried in range(trials):
        risen = now.loss > _allowed(start, now.t) or (tried > 1 and now.loss >= before.loss)
        if not risen and abs(now.slope) <= -FLAT * start.slope:
            return now
        if risen or now.slope >= 0:
            return _narrowed(at, start, [before, now], longest, trials - tried)
        bounds = now.t + 0.01 * (now.t - before.t), now.t * 10
        before, now = now, at(_lowest(before, now, bounds))
    return start if start.loss <= now.loss else now


def _allowed(start: Point, t: Any) -> Any:
    return start.loss + ENOUGH * t * start.slope


def _narrowed(
    at: Callable[[Any], Point], start: Point, ends: list[Point], longest: Any, trials: int
) -> Point:
    """The conditions hold somewhere between two ends: shrink the interval until they are met."""
    best = 0 if ends[0].loss <= ends[1].loss else 1
    slow = False
    for _ in range(trials):
        if abs(ends[1].t - ends[0].t) * longest < SMALLEST:
            break
        t, slow = _inside(ends, slow)
        now = at(t)
        if now.loss > _allowed(start, t) or now.loss >= ends[best].loss:
            ends[1 - best] = now
            best = 0 if ends[0].loss <= ends[1].loss else 1
            continue
        if abs(now.slope) <= -FLAT * start.slope:
            return now
        if now.slope * (ends[1 - best].t - ends[best].t) >= 0:
            ends[1 - best] = ends[best]
        ends[best] = now
    return ends[best]


def _inside(ends: list[Point], slow: bool) -> tuple[Any, bool]:
    """The next length to try, and whether it lies so near an end that the next one must not."""
    t = _lowest(ends[0], ends[1], None)
    left, right = sorted((ends[0].t, ends[1].t))
    margin = 0.1 * (right - left)
    near = bool(min(right - t, t - left) < margin)
    if near and (slow or t >= right or t <= left):
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, near


def _lowest(p: Point, q: Point, bounds: tuple[Any, Any] | None) -> Any:
    """Where the cubic through two points has its minimum, kept within bounds (the two points)."""
    p, q = (p, q) if p.t <= q.t else (q, p)
    low, high = bounds or (p.t, q.t)
    mixed = p.slope + q.slope - 3 * (p.loss - q.loss) / (p.t - q.t)
    square = mixed**2 - p.slope * q.slope
    if square < 0:
        return (low + high) / 2.0
    root = square.sqrt()
    t = q.t - (q.t - p.t) * ((q.slope + root - mixed) / (q.slope - p.slope + 2 * root))
    return min(max(t, low), high)
