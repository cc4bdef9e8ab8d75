"""What has native code: dtypes per row. Anything else is refused before any stage runs."""

import numpy as np

from steepest.compiler.buffers import BASES
from steepest.compiler.graph import Graph, Value
from steepest.core import RequestError, said

__all__ = ["check_supported"]

_ANY, _NUMBERS, _FLOATS = "biuf", "iuf", "f"
_KINDS = {
    **dict.fromkeys(("exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "erf"), _FLOATS),
    **dict.fromkeys(("div", "pow"), _FLOATS),
    **dict.fromkeys(("neg", "sum", "contract", "scatter_add", "fold"), _NUMBERS),
}


def check_supported(graph: Graph) -> None:
    """Raise RequestError, naming the user's line, where a value has no native code."""
    for v in graph.values():
        wanted = _KINDS.get(v.row.name, _ANY) if v.row is not None else _ANY
        kinds = {x.dtype.kind for x in (v.operands[:1] or (v,))}
        if v.dtype not in BASES or not kinds <= set(wanted):
            _refuse(v)


def _refuse(v: Value) -> None:
    name = v.row.name if v.row is not None else v.kind
    where = v.origin or "compile"
    dtypes = ", ".join(str(x.dtype) for x in (*v.operands, v))
    raise RequestError(
        said(
            where,
            f"{name} of {dtypes} cannot be compiled",
            expected="float32 or float64" if v.dtype.kind == "f" else "other dtypes",
            got=np.dtype(v.dtype),
            write="x.to(float32), or compute this outside the compiled step",
        )
    )
