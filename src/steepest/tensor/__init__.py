"""Floor 2, first step: Tensor, the tape that remembers what was done to it, operators, indexing."""

from steepest.tensor.indexing import get_item, set_item
from steepest.tensor.inplace import assign, in_place
from steepest.tensor.operators import (
    add,
    aligned,
    binary,
    broadcast_to,
    cast_to,
    div,
    maximum,
    mul,
    neg,
    operand,
    pow,
    reshape,
    sub,
    where,
)
from steepest.tensor.tape import Tape, enable_grad, no_grad, recording, set_grad_enabled
from steepest.tensor.tensor import Node, Tensor, as_tensor, from_numpy, method, tensor

__all__ = [
    "Node",
    "Tape",
    "Tensor",
    "add",
    "aligned",
    "as_tensor",
    "assign",
    "binary",
    "broadcast_to",
    "cast_to",
    "div",
    "enable_grad",
    "from_numpy",
    "get_item",
    "in_place",
    "maximum",
    "method",
    "mul",
    "neg",
    "no_grad",
    "operand",
    "pow",
    "recording",
    "reshape",
    "set_grad_enabled",
    "set_item",
    "sub",
    "tensor",
    "where",
]
