"""What all tests share: examples drawn the same way every time, PyTorch on one core, a cache of
compiled programs of their own, and Tensor's methods, which the pages of `functional` add to it when
they are imported."""

import atexit
import os
import shutil
import sys
import tempfile

import torch
from hypothesis import settings

from steepest import functional

assert functional

if "STEEPEST_CACHE" not in os.environ:  # the first process makes it, its children inherit it
    os.environ["STEEPEST_CACHE"] = tempfile.mkdtemp(prefix="steepest-tests-")
    atexit.register(shutil.rmtree, os.environ["STEEPEST_CACHE"], ignore_errors=True)

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
torch.set_num_threads(1)


def pytest_terminal_summary(terminalreporter):
    """How much of PyTorch's surface agrees, where the test of it was among those that ran."""
    surface = sys.modules.get("test_torch_surface")
    if surface is not None:
        for line in surface.counts():
            terminalreporter.write_line(line)
