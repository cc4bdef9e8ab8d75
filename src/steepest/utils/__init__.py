"""Floor 4: the names under which PyTorch keeps its loaders, `utils.data`."""

from steepest.utils import data as data

__all__ = ["data"]
