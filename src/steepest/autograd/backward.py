"""The reverse sweep: the chain rule from the result back to the leaves.

Nodes are visited so that every node comes after all that used it, since its gradient is the sum of
what each use contributes and must be complete before it is passed on. The order is found without
recursion: a recurrent network unrolled over a long sequence would exceed Python's stack.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from steepest import primitives as P
from steepest.autograd.hooks import hooked
from steepest.core import said
from steepest.tensors import UNKEPT, Node, Tensor, assign, method, renewed, set_grad_enabled

__all__ = ["backward", "grad"]


_COMPLETE: Any = object()  # on the stack, above a node whose operands have all been visited


def backward_order(roots: Iterable[Any]) -> list[Node]:
    """All nodes that the roots came from, results before operands."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack = [*roots]
    while stack:
        node = stack.pop()
        if node is _COMPLETE:
            order.append(stack.pop())
        elif isinstance(node, Node) and node not in seen:
            seen.add(node)
            stack += (node, _COMPLETE, *node.edges)
    order.reverse()
    return order


class Changed(Tensor):
    """Stands in for an operand, or a result, whose value was changed in place afterwards.

    Its shape may still be asked for; a derivative that needs its numbers gets the error.
    """

    def __init__(self, what: str, stale: Tensor, node: Node, expected: int):
        super().__init__(stale.value, node=stale.node)
        self.message = said(
            node.row.name,
            f"{what} of shape {stale.shape}, needed for the gradient, was changed in place",
            expected=f"version {expected}",
            got=f"version {stale.version[0]}",
            write="change a copy (x.clone()), or call backward() before the change",
        )

    @property
    def value(self) -> Any:
        raise RuntimeError(self.message)

    @value.setter
    def value(self, value: Any) -> None:
        self.known = value

    @property
    def shape(self) -> Any:
        return self.known.shape

    @property
    def dtype(self) -> Any:
        return self.known.dtype


def saved(node: Node) -> list[Any]:
    """The operands as they were when the operation ran."""
    found: list[Any] = []
    for value, edge, version, stamp in zip(
        node.operands, node.edges, node.versions, node.stamps, strict=True
    ):
        x = edge if isinstance(edge, Tensor) else Tensor(value, version, stamp, edge)
        found.append(x if version[0] == stamp else Changed("an operand", x, node, stamp))
    return found


def result(node: Node) -> Tensor:
    """What the operation gave, with the history that it had."""
    out = Tensor(node.value, node.version, node.stamp, node)
    return out if node.version[0] == node.stamp else Changed("the result", out, node, node.stamp)


def sweep(
    roots: Sequence[Tensor], seeds: Sequence[Tensor], *, keep: bool
) -> tuple[dict[int, Tensor], list[Node]]:
    """Gradients of Σ ⟨root, seed⟩, by id of the node or leaf that each belongs to; the nodes."""
    starts = [root if root.node is None else root.node for root in roots]
    gradients: dict[int, Tensor] = {}
    for start, seed in zip(starts, seeds, strict=True):
        _accumulate(gradients, start, seed)
    order = backward_order(starts)
    for node in order:
        g = gradients.get(id(node))
        if g is None:
            continue
        if node.hooks:
            g = gradients[id(node)] = hooked(node, g)
        if node.operands is None:
            raise RuntimeError(
                said(
                    node.row.name,
                    "this graph was freed by an earlier backward()",
                    write="backward(retain_graph=True) the first time, or compute the result again",
                )
            )
        out, operands = result(node), saved(node)
        for edge, rule in zip(node.edges, node.row.vjp, strict=True):
            if edge is not None and rule is not None:
                _accumulate(gradients, edge, rule(g, out, *operands, **node.params))
        if not keep:
            node.operands = node.value = None  # type: ignore[assignment]
    return gradients, order


def _accumulate(gradients: dict[int, Tensor], edge: Any, g: Tensor) -> None:
    before = gradients.get(id(edge))
    gradients[id(edge)] = g if before is None else P.add(before, g)


def _seeds(outputs: Sequence[Tensor], given: Sequence[Tensor | None] | None) -> list[Tensor]:
    seeds = []
    for i, output in enumerate(outputs):
        seed = None if given is None else given[i]
        if not renewed(output):
            raise RuntimeError(
                said(
                    "backward",
                    "the result does not depend on any tensor that requires grad",
                    write="x = tensor(..., requires_grad=True) before computing with it; with what "
                    "a compiled step returns, backward() in the step",
                )
            )
        if seed is None:
            if output.value.size != 1:
                raise RuntimeError(
                    said(
                        "backward",
                        "only a single number has a gradient by itself",
                        expected="a tensor of one element",
                        got=f"shape {output.shape}",
                        write="result.sum().backward(), or backward(gradient=...)",
                    )
                )
            seed = Tensor(np.ones(output.value.shape, output.value.dtype))
        elif seed.shape != output.shape:
            raise RuntimeError(
                said("backward", "wrong gradient shape", expected=output.shape, got=seed.shape)
            )
        seeds.append(seed)
    return seeds


@method
def backward(
    tensor: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add the gradient of this tensor to `.grad` of every leaf it was computed from.

    Args:
        gradient: what the tensor's elements weigh, needed when it has more than one.
        retain_graph: keep the graph for another backward; by default only with `create_graph`.
        create_graph: record the gradients' own computation, so that they can be differentiated.

    Raises:
        RuntimeError: nothing to differentiate, a freed graph, or a needed value changed in place.
    """
    keep = create_graph if retain_graph is None else retain_graph
    seeds = _seeds([tensor], None if gradient is None else [gradient])
    with set_grad_enabled(create_graph):
        gradients, order = sweep([tensor], seeds, keep=keep)
        for leaf in _leaves(tensor, order):
            g = _of_leaf(leaf, gradients)
            if g is not None:
                _add_to_leaf(leaf, g, create_graph)


def _leaves(root: Tensor, order: list[Node]) -> list[Tensor]:
    """The leaves that a tensor was computed from, or the tensor itself."""
    if root.node is None:
        return [root]
    leaves = {edge: None for node in order for edge in node.edges if isinstance(edge, Tensor)}
    return [*leaves]


def _of_leaf(leaf: Tensor, gradients: dict[int, Tensor]) -> Tensor | None:
    g = gradients.get(id(leaf))
    return hooked(leaf, g) if g is not None and leaf.hooks else g


def _add_to_leaf(leaf: Tensor, g: Tensor, create_graph: bool) -> None:
    if leaf.grad is UNKEPT:
        return
    if leaf.grad is None:
        # A copy: two leaves may have been handed one and the same gradient.
        leaf.grad = g if create_graph else P.cast(g, dtype=g.dtype)
    elif create_graph:
        leaf.grad = P.add(leaf.grad, g)
    else:  # in its memory, which others may hold
        assign(leaf.grad, P.add(leaf.grad, g), "backward")


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`; `.grad` stays untouched.

    With `create_graph=True` the gradients can be differentiated again, to any order.

    Returns:
        One tensor per input; None for an unused one if `allow_unused`, zeros if
        `materialize_grads`.
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    given = [grad_outputs] if isinstance(grad_outputs, Tensor) else grad_outputs
    keep = create_graph if retain_graph is None else retain_graph
    for i, x in enumerate(inputs):
        if not renewed(x):
            raise RuntimeError(
                said("grad", f"input {i} does not require grad", write="x.requires_grad_()")
            )
    with set_grad_enabled(create_graph):
        gradients, _ = sweep(outputs, _seeds(outputs, given), keep=keep)
        found: list[Any] = [
            _of_leaf(x, gradients) if x.node is None else gradients.get(id(x.node)) for x in inputs
        ]
    for i, (x, g) in enumerate(zip(inputs, found, strict=True)):
        if g is None and materialize_grads:
            found[i] = Tensor(np.zeros(x.shape, x.dtype))
        elif g is None and not allow_unused:
            raise RuntimeError(
                said(
                    "grad",
                    f"input {i} was not used to compute the outputs",
                    write="grad(..., allow_unused=True)",
                )
            )
    return tuple(found)
