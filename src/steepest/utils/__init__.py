"""Names of PyTorch's utilities: `from steepest.utils.data import DataLoader`."""

from steepest.utils import data as data

__all__ = ["data"]
