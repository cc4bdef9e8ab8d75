"""Tensor: a value, and, when gradients are wanted, how it came to be.

`value` is a NumPy array when computing eagerly and a traced variable while a program is being
compiled; nothing above this floor needs to know which. What a Tensor can do is added by the pages
that define it: a function marked `@method` in any page of floor 2 is also a method of Tensor.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from steepest.core import DEFAULT_DTYPE, current, is_float, said
from steepest.tensors.written import written

__all__ = ["Node", "Tensor", "as_tensor", "from_numpy", "method", "tensor"]

F = TypeVar("F", bound=Callable[..., Any])


class Node:
    """One recorded operation: the row, what it was given, and where each operand's gradient goes.

    Attributes:
        operands: the values that the row was given; their tensors are not kept, because a tensor
            that is changed in place later gets a history that contains this node: such a cycle
            would keep all memory alive.
        edges: for each operand its node, or the leaf itself, or None where no gradient is wanted.
        versions: the version counter of each operand's memory.
        stamps: what the counters said.
    """

    __slots__ = (
        *("edges", "hooks", "operands", "params", "row", "stamp", "stamps", "value"),
        *("version", "versions"),
    )

    def __init__(
        self,
        row: Any,
        params: dict,
        operands: list,
        edges: list,
        versions: list,
        stamps: list,
        out: "Tensor",
    ):
        self.row = row
        self.params = params
        self.operands = operands
        self.edges = edges
        self.versions = versions
        self.stamps = stamps
        self.value = out.value
        self.version = version = out.version
        self.stamp = version[0]
        self.hooks: dict[int, Any] | None = None  # of the result's gradient

    def __repr__(self) -> str:
        return f"<{self.row.name} backward>"


class Tensor:
    """An n-dimensional array with automatic differentiation.

    Attributes:
        value: the NumPy array (or, in a program being traced, the variable) behind the tensor.
        grad: the accumulated gradient of a leaf after `backward`, or None.
        requires_grad: whether gradients with respect to this tensor, or through it, are recorded.
    """

    # What every operation reads has a slot, which is fastest; a tensor may have other attributes.
    __slots__ = (
        *("__dict__", "__weakref__", "node", "requires_grad", "synced", "value", "version"),
        "view_of",
    )

    grad: "Tensor | None" = None
    hooks: dict[int, Any] | None = None  # of a leaf's gradient; a computed tensor's are its node's

    __array_ufunc__ = None  # NumPy leaves `array * tensor` to Tensor

    def __init__(
        self,
        value: Any,
        version: list[int] | None = None,
        synced: int = 0,
        node: Node | None = None,
    ):
        self.value = value
        self.requires_grad = node is not None
        self.node = node
        # Shared by all tensors that share memory; counts in-place changes.
        self.version = [0] if version is None else version
        self.synced = synced  # the version to which `node` belongs
        # (base, row, params) when memory is shared; no row for a view that was taken unrecorded
        self.view_of: tuple[Tensor, Any, dict] | None = None

    if TYPE_CHECKING:  # the operators and methods that the other pages of floor 2 add

        def __getattr__(self, name: str) -> Any: ...
        def __getitem__(self, index: Any) -> "Tensor": ...
        def __setitem__(self, index: Any, new: Any) -> None: ...
        def __add__(self, other: Any) -> "Tensor": ...
        def __radd__(self, other: Any) -> "Tensor": ...
        def __sub__(self, other: Any) -> "Tensor": ...
        def __rsub__(self, other: Any) -> "Tensor": ...
        def __mul__(self, other: Any) -> "Tensor": ...
        def __rmul__(self, other: Any) -> "Tensor": ...
        def __truediv__(self, other: Any) -> "Tensor": ...
        def __rtruediv__(self, other: Any) -> "Tensor": ...
        def __pow__(self, other: Any) -> "Tensor": ...
        def __matmul__(self, other: Any) -> "Tensor": ...
        def __neg__(self) -> "Tensor": ...
        def __lt__(self, other: Any) -> "Tensor": ...
        def __le__(self, other: Any) -> "Tensor": ...
        def __gt__(self, other: Any) -> "Tensor": ...
        def __ge__(self, other: Any) -> "Tensor": ...
        def __eq__(self, other: Any) -> "Tensor": ...  # type: ignore[override]
        def __ne__(self, other: Any) -> "Tensor": ...  # type: ignore[override]

    @property
    def shape(self) -> "Size":
        return Size(self.value.shape)

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    @property
    def ndim(self) -> int:
        return len(self.value.shape)

    @property
    def is_leaf(self) -> bool:
        return self.node is None

    @property
    def grad_fn(self) -> Node | None:
        return self.node

    @property
    def data(self) -> "Tensor":
        """The same memory without history. Assigning to it gives the tensor another value."""
        return self.detach()

    @data.setter
    def data(self, new: "Tensor") -> None:
        self.value = current.interpreter.below.rebound(self.value, as_tensor(new).value)

    def detach(self) -> "Tensor":
        """The same memory without history: no gradient flows through the result."""
        return Tensor(self.value, self.version, self.synced)

    def alias(self) -> "Tensor":
        """The tensor as it is now, history included, whatever is done to `self` in place later.

        It knows no base, and its history must be up to date (`renewed`).
        """
        out = self.detach()
        out.requires_grad, out.node = self.requires_grad, self.node
        return out

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Start (or stop) recording what is done with this leaf; returns the tensor."""
        if requires_grad and not is_float(self.dtype):
            raise RuntimeError(
                said(
                    "requires_grad_",
                    "only floating-point tensors can require gradients",
                    expected="float32 or float64",
                    got=self.dtype,
                    write="x.float().requires_grad_()",
                )
            )
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                said(
                    "requires_grad_",
                    "a computed tensor cannot stop requiring gradients",
                    write="x.detach()",
                )
            )
        self.requires_grad = requires_grad
        return self

    # ---- out of the library ----------------------------------------------------------------------

    def numbers(self, asked: str) -> np.ndarray:
        """The numbers, for Python to look at; in a traced program an error that names `asked`."""
        return current.interpreter.below.numbers(self.value, asked)

    def numpy(self) -> np.ndarray:
        """The NumPy array that shares the tensor's memory."""
        if self.requires_grad:
            raise RuntimeError(
                said("numpy", "the tensor requires grad", write="x.detach().numpy()")
            )
        return self.numbers("numpy")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The Python number in a tensor of one element."""
        if self.value.size != 1:
            raise RuntimeError(
                said("item", "only a tensor of one element is a number", got=f"shape {self.shape}")
            )
        return self.numbers("item").item()

    def tolist(self) -> Any:
        return self.numbers("tolist").tolist()

    def __bool__(self) -> bool:
        if self.value.size != 1:
            raise RuntimeError(
                said(
                    "bool",
                    "the truth of a tensor with several elements is ambiguous",
                    got=f"shape {self.shape}",
                    write="x.any() or x.all()",
                )
            )
        return bool(self.numbers("bool").item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if is_float(self.dtype):
            raise TypeError(said("index", "only integer tensors can index", got=self.dtype))
        return int(self.item())

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.value.shape[0]

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.ndim else format(str(self), spec)

    def __contains__(self, number: Any) -> bool:
        wanted = number.numbers("in") if isinstance(number, Tensor) else number
        return bool((self.numbers("in") == wanted).any())

    def __deepcopy__(self, memo: dict) -> "Tensor":
        if not self.is_leaf:
            raise RuntimeError(
                said("deepcopy", "only leaves can be copied", write="x.detach().clone()")
            )
        out = type(self)(current.interpreter.below.kept(self.value))
        memo[id(self)] = out
        out.requires_grad = self.requires_grad
        given = {k: deepcopy(v, memo) for k, v in vars(self).items() if k != "hooks"}
        out.__dict__.update(given)
        return out

    def __repr__(self) -> str:
        return written(self.numbers("print"), "tensor(", self._notes())

    def _notes(self) -> list[str]:
        usual = (DEFAULT_DTYPE, np.dtype(np.int64), np.dtype(bool))
        told = self.dtype in (usual if self.value.size else usual[:1])
        notes = [] if told else [f"dtype={self.dtype}"]
        if self.node is not None:
            return [*notes, f"grad_fn={self.node!r}"]
        return [*notes, "requires_grad=True"] if self.requires_grad else notes

    __hash__ = object.__hash__


class Size(tuple):
    """A shape: a tuple that also counts its elements, as in PyTorch."""

    def numel(self) -> int:
        return math.prod(self)

    def __repr__(self) -> str:
        return f"Size({list(self)})"

    __str__ = tuple.__repr__


def method(function: F, name: str | None = None) -> F:
    """Make a function of a tensor a method of Tensor too: one definition, both ways to write it."""
    setattr(Tensor, name or function.__name__, function)
    return function


def tensor(
    data: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """A new tensor holding a copy of `data` (numbers, nested lists, arrays, tensors).

    Python floats become float32, Python ints int64; arrays keep their dtype.
    """
    del device  # there is one: this processor. Accepted so that scripts run as they are
    if isinstance(data, Tensor):
        data = data.detach().numpy()
    given = isinstance(_first(data), np.ndarray | np.generic)
    if isinstance(data, list | tuple):
        data = _plain(data)
    array = np.array(data, dtype=dtype)
    if dtype is None and not given and array.dtype == np.float64:
        array = array.astype(DEFAULT_DTYPE)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            said("tensor", "the data are not numbers", expected="numbers", got=array.dtype)
        )
    return Tensor(array).requires_grad_(requires_grad) if requires_grad else Tensor(array)


def _first(data: Any) -> Any:
    """The first number of nested lists: it tells whether they hold NumPy's numbers or Python's."""
    while isinstance(data, list | tuple) and data:
        data = data[0]
    return data


def _plain(data: Any) -> Any:
    """Nested lists with the tensors in them replaced by their numbers."""
    if isinstance(data, Tensor):
        return data.tolist()
    return [_plain(x) for x in data] if isinstance(data, list | tuple) else data


def as_tensor(data: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` itself if it is a tensor of that dtype; else a tensor that shares what it can."""
    if isinstance(data, Tensor) and (dtype is None or data.dtype == np.dtype(dtype)):
        return data
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == np.dtype(dtype)):
        return from_numpy(data)
    return tensor(data, dtype=dtype, device=device)


def from_numpy(array: np.ndarray) -> Tensor:
    """A tensor that shares the array's memory."""
    if not isinstance(array, np.ndarray):
        raise TypeError(said("from_numpy", "expected a NumPy array", got=type(array).__name__))
    return Tensor(array)
