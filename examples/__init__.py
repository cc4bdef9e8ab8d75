"""Ten programs of the kind that people have, in PyTorch's words: `python -m examples`."""
