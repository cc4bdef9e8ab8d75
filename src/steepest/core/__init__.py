"""Floor 0: what every other floor stands on, and what knows nothing of any of them."""

from steepest.core.aval import DEFAULT_DTYPE, Aval, is_float, promote, result_dtype, sizes
from steepest.core.bind import Eager, Primitive, current, install, interpreting, spread
from steepest.core.lazy import lazy
from steepest.core.streams import Streams
from steepest.core.threads import get_num_threads, set_num_threads
from steepest.errors import Problem, RequestError, closest, said

__all__ = [
    "Aval",
    "DEFAULT_DTYPE",
    "is_float",
    "promote",
    "result_dtype",
    "sizes",
    "Eager",
    "Primitive",
    "current",
    "install",
    "interpreting",
    "spread",
    "Problem",
    "RequestError",
    "closest",
    "said",
    "lazy",
    "Streams",
    "get_num_threads",
    "set_num_threads",
]
