"""Module: a function with parameters, and with modules inside it.

A layer, a network and a loss are all modules. A module writes down its computation in `forward`;
what it holds is listed, saved, converted and switched from training to use by what it inherits. The
protocol is PyTorch's, names and order included.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from steepest.core import is_float, said
from steepest.nn.hooks import Hooks, RemovableHandle
from steepest.nn.location import located
from steepest.nn.registry import Registry
from steepest.nn.state import IncompatibleKeys, load
from steepest.tensors import UNKEPT, Tensor, computing, emptied, is_device, on_processor

__all__ = ["Module"]


class Module(Registry):
    """Base of all layers, networks and losses.

        class Line(nn.Module):
            def __init__(self):
                super().__init__()
                self.slope = nn.Parameter(zeros(1))

            def forward(self, x):
                return self.slope * x

    Attributes:
        training: True in training, False in use; dropout looks at it. See `train` and `eval`.
        made_with: the constructor's arguments, (args, kwargs); not for steps.
        library: the library's own modules by name, which a saved description may name.
    """

    __slots__ = ("_made_with",)
    __unread__: ClassVar[tuple[str, ...]] = ("_made_with",)

    library: ClassVar[dict[str, type["Module"]]] = {}
    training: bool
    _made_with: tuple[tuple, dict[str, Any]]
    # Of all modules without any; one that is given some has its own.
    _before = _after = Hooks()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(f"{__package__}.") and not cls.__name__.startswith("_"):
            Module.library[cls.__name__] = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # __new__ meets the arguments before any subclass's __init__ does, so every module knows how
        # it was made and none has to do anything for it.
        self = super().__new__(cls)
        object.__setattr__(self, "_made_with", (args, kwargs))
        return self

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["training"] = True

    @property
    def made_with(self) -> tuple[tuple, dict[str, Any]]:
        if not computing():
            raise RuntimeError(
                said(
                    f"{type(self).__name__}.made_with",
                    "how a module was made is not for steps",
                    write="self.size = size in __init__, and self.size in the step",
                )
            )
        return self._made_with

    # ---- computing -------------------------------------------------------------------------------

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; every module defines its own."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._before:
                args, kwargs = self._before.before(self, args, kwargs)
            result = self.forward(*args, **kwargs)
            return self._after.after(self, args, kwargs, result) if self._after else result
        except RuntimeError as error:
            located(error, self)
            raise

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run hook(module, args) before each forward; what it returns replaces the input.

        With `with_kwargs` it is hook(module, args, kwargs) and returns both or None.
        """
        return self._own_hooks("_before").register(hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run hook(module, args, result) after each forward; what it returns replaces the result.

        With `with_kwargs` it is hook(module, args, kwargs, result).
        """
        return self._own_hooks("_after").register(hook, prepend, with_kwargs)

    def _own_hooks(self, kind: str) -> Hooks:
        return self.__dict__.setdefault(kind, Hooks())

    # ---- saving ----------------------------------------------------------------------------------

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:
        """All parameters and persistent buffers by path, sharing memory with the module.

        Args:
            prefix: put before every path.
            keep_vars: give the tensors themselves instead of detached ones.
        """
        state: dict[str, Any] = {}
        for path, module in self.named_modules(prefix="", remove_duplicate=False):
            held = {**module._parameters, **module._buffers}
            for name, x in held.items():
                if x is not None and name not in module._non_persistent:
                    key = f"{path}.{name}" if path else name
                    state[prefix + key] = x if keep_vars else x.detach()
        return state

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True
    ) -> IncompatibleKeys:
        """Copy saved tensors (or arrays) into this module's own, by path.

        Args:
            strict: refuse missing and unknown paths; otherwise they are only returned.

        Raises:
            RuntimeError: paths or shapes differ; all differences are listed and nothing is changed.
        """
        return load(self, state_dict, strict)

    # ---- changing all of it ----------------------------------------------------------------------

    def apply(self, fn: Callable[["Module"], Any]) -> Any:
        """Call fn on every module inside, then on this one; returns the module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Any:
        """Switch this module and all inside it to training; returns the module."""
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Any:
        """Switch this module and all inside it to use: no dropout."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Train all parameters, or freeze them; returns the module."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; with `set_to_none=False` set them to 0."""
        for p in self.parameters():
            p.grad = emptied(p, set_to_none)

    def to(self, *target: Any, dtype: Any = None, device: Any = None) -> Any:
        """Convert all floating-point parameters and buffers, in place; returns the module.

        Args:
            target: a dtype, a tensor that has it, or "cpu".
            device: accepted if it is "cpu"; there is no other.
        """
        for t in target:
            if is_device(t):
                device = t
            else:
                dtype = t.dtype if isinstance(t, Tensor) else t
        on_processor("to", device)
        if dtype is None:
            return self
        dtype = np.dtype(dtype)
        if not is_float(dtype):
            raise TypeError(
                said("to", "nn.Module.to only accepts floating point dtypes", got=dtype)
            )
        for x in (*self.parameters(), *self.buffers()):
            if is_float(x.dtype):
                x.data = x.detach().to(dtype)  # type: ignore[attr-defined]
                if x.grad is not None and x.grad is not UNKEPT:
                    x.grad.data = x.grad.detach().to(dtype)  # type: ignore[attr-defined]
        return self

    def float(self) -> Any:
        """Convert to float32."""
        return self.to(np.float32)

    def double(self) -> Any:
        """Convert to float64."""
        return self.to(np.float64)

    def cpu(self) -> Any:
        """The module itself: it is on the processor already."""
        return self

    # ---- describing ------------------------------------------------------------------------------

    def arguments(self) -> tuple[tuple, dict[str, Any]]:
        """The constructor's arguments that would make this module again, without its weights."""
        return self.made_with

    def work(self, given: tuple[int, ...], made: tuple[int, ...]) -> tuple[int, int]:
        """What one sample costs this layer: connections and multiply-adds.

        A connection is a weight or a bias as it is used: one that is used at 100 places counts 100
        times. Layers without weights have none.

        Args:
            given, made: the shapes of the sample that the layer is given and that it makes.
        """
        return 0, 0

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is printed."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self._modules:
            return f"{type(self).__name__}({extra})"
        lines += [f"({name}): {child!r}" for name, child in self._modules.items()]
        return framed(type(self).__name__, lines)


def framed(name: str, lines: list[str]) -> str:
    """Name(...) around indented lines."""
    inside = "".join(f"\n  {line.replace(chr(10), chr(10) + '  ')}" for line in lines)
    return f"{name}({inside}\n)" if lines else f"{name}()"
