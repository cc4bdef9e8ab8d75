"""How many threads compiled programs may use, in PyTorch's words."""

import os

from steepest.errors import RequestError, said

__all__ = ["get_num_threads", "set_num_threads"]

_chosen: int | None = None


def processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """Threads that a compiled program may use; the processors of this process, unless chosen."""
    return _chosen or processors()


def set_num_threads(number: int) -> None:
    """Let compiled programs use up to `number` threads.

    A program whose step is short runs on one thread whatever this says, and a longer one on as many
    as its first steps ran fastest on. No result depends on it: the bits are the same.

    Raises:
        RequestError: the number is not a whole number of at least one.
    """
    global _chosen
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise RequestError(
            said(
                "set_num_threads",
                "there must be a thread",
                expected="a whole number of at least 1",
                got=repr(number),
                write="set_num_threads(1)",
            )
        )
    _chosen = number
