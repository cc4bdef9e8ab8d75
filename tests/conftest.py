"""Settings that all tests share: examples drawn the same way every time, PyTorch on one core."""

import torch
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")
torch.set_num_threads(1)
