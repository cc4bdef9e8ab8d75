"""What has native code: dtypes per row. Anything else is refused before any stage runs."""

import numpy as np

from steepest import primitives as P
from steepest.compiler.graph import Graph, Value
from steepest.compiler.memory.buffers import BASES
from steepest.core import Primitive, RequestError, said

__all__ = ["check_supported"]

_ANY, _NUMBERS, _FLOATS = "biuf", "iuf", "f"
_KINDS: dict[Primitive | None, str] = {
    **dict.fromkeys((P.exp, P.log, P.sqrt, P.tanh, P.sigmoid, P.sin, P.cos, P.erf), _FLOATS),
    **dict.fromkeys((P.div, P.pow_), _FLOATS),
    **dict.fromkeys((P.neg, P.sum_, P.contract, P.scatter_add, P.fold), _NUMBERS),
}


def check_supported(graph: Graph) -> None:
    """Raise RequestError, naming the user's line, where a value has no native code."""
    for v in graph.values():
        wanted = _KINDS.get(v.row, _ANY)
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
