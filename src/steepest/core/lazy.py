"""Heavy packages load when they are used, not when they are named.

`matplotlib = lazy("matplotlib.pyplot")` at the top of a file keeps the imports where a reader looks
for them and `import steepest` fast. A package that is missing says which extra brings it.
"""

import importlib
from types import ModuleType
from typing import Any

__all__ = ["lazy"]


class _Lazy(ModuleType):
    def __init__(self, name: str, extra: str | None):
        super().__init__(name)
        self.__dict__["_extra"] = extra

    def __getattr__(self, attribute: str) -> Any:
        try:
            module = importlib.import_module(self.__name__)
        except ModuleNotFoundError as missing:
            if missing.name is None or not self.__name__.startswith(missing.name):
                raise
            extra = self.__dict__["_extra"]
            package = self.__name__.split(".")[0]
            how = f"pip install 'steepest[{extra}]'" if extra else f"pip install {package}"
            raise ModuleNotFoundError(
                f"this needs the package {package!r}, which is not installed\n  write     {how}",
                name=missing.name,
            ) from None
        return getattr(module, attribute)


def lazy(name: str, extra: str | None = None) -> Any:
    """A stand-in for the module `name` that imports it at the first attribute access."""
    return _Lazy(name, extra)
