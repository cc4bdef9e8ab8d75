"""Floor 2, first step: Tensor, the tape that remembers what was done to it, operators, indexing."""

from steepest.tensors.indexing import get_item, set_item
from steepest.tensors.inplace import assign, in_place
from steepest.tensors.operators import (
    add,
    aligned,
    binary,
    broadcast_to,
    cast_to,
    common_shape,
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
from steepest.tensors.tape import Tape, enable_grad, no_grad, recording, renewed, set_grad_enabled
from steepest.tensors.tensor import Node, Tensor, as_tensor, from_numpy, method, tensor

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
    "common_shape",
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
    "renewed",
    "reshape",
    "set_grad_enabled",
    "set_item",
    "sub",
    "tensor",
    "where",
]
