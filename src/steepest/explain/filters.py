"""The weights of every layer, in the shape in which they are looked at."""

import numpy as np

from steepest import nn

__all__ = ["filters"]


def filters(model: nn.Module, sample_shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The weights by layer.

    Args:
        model: a trained model.
        sample_shape: of the data, (channels, height, width) for images.

    Returns:
        For a convolution (made, seen, height, width), NaN where there is no connection; for a
        linear layer whose inputs are pixels likewise; for another one (1, 1, outputs, inputs); for
        the codes of an output layer of 84, (10, 1, 12, 7).
    """
    found: dict[str, np.ndarray] = {}
    pixels = True  # nothing but shape has changed so far
    for path, layer in model.named_modules():
        if isinstance(layer, nn.TableConv2d):
            found[path] = _with_gaps(layer)
        elif isinstance(layer, nn.Conv2d):
            found[path] = layer.weight.detach().numpy()
        elif isinstance(layer, nn.SubSampling):
            found[path] = layer.weight.detach().numpy()[:, None, None, None]
        elif isinstance(layer, nn.Linear):
            weight = layer.weight.detach().numpy()
            image = pixels and len(sample_shape) == 3
            found[path] = weight.reshape(-1, *sample_shape) if image else weight[None, None]
        elif isinstance(layer, nn.RBF):
            codes = layer.codes.numpy()
            drawn = codes.shape[1] == 84
            found[path] = codes.reshape(-1, 1, 12, 7) if drawn else codes[None, None]
        pixels = pixels and not found
    return found


def _with_gaps(layer: nn.TableConv2d) -> np.ndarray:
    """A table convolution's filters, NaN where the table has no connection."""
    whole = np.array(layer.filters().detach().numpy())
    for made, seen in enumerate(layer.table):
        whole[made, [i for i in range(layer.in_channels) if i not in seen]] = np.nan
    return whole
