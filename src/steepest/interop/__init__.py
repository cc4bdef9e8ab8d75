"""Floor 5: other libraries' files and objects.

torch_model.load_state_dict(interop.to_torch(model.state_dict()))
model.load_state_dict(torch_model.state_dict())             # needs no help
checkpoint = interop.load_torch("run.pt")                   # a file of torch.save
interop.save_torch({"model": model.state_dict()}, "run.pt") # one for torch.load
"""

from steepest.interop.torch_file import load_torch, save_torch
from steepest.interop.torch_live import to_torch

__all__ = ["load_torch", "save_torch", "to_torch"]
