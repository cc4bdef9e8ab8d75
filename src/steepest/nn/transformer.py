"""Transformer encoder: attention and a small network, each added to what it is given.

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
"""

import copy
from collections.abc import Callable
from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn.attention import MultiheadAttention
from steepest.nn.container import ModuleList
from steepest.nn.dropout import Dropout
from steepest.nn.layer_norm import LayerNorm
from steepest.nn.linear import Linear
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]


class TransformerEncoderLayer(Module):
    """x ← norm(x + attention(x)), then x ← norm(x + network(x)): (L, N, d_model) keeps its shape.

    The attention is a `MultiheadAttention` of the sequence with itself, the network
    W₂ activation(W₁ x + b₁) + b₂ at every place; both end in dropout.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017; norm_first: Xiong et al., "On
    layer normalization in the transformer architecture", ICML 2020.

    Args:
        d_model: the length of every vector.
        nhead: the number of heads.
        dim_feedforward: the width of the network's hidden layer.
        dropout: the probability of dropping while training.
        activation: "relu", "gelu", or a function.
        layer_norm_eps: as in `LayerNorm`.
        batch_first: sequences are (N, L, d_model) instead of (L, N, d_model).
        norm_first: x + attention(norm(x)) and x + network(norm(x)) instead.
        bias: False for layers without bias.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        RuntimeError: an unknown activation. Others: as `MultiheadAttention`.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        like = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first=batch_first, **like
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, **like)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **like)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **like)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **like)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _named(activation) if isinstance(activation, str) else activation

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The sequence, encoded; masks are those of `MultiheadAttention`."""
        masks = (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            src = src + self._attended(self.norm1(src), *masks)
            return src + self._through(self.norm2(src))
        src = self.norm1(src + self._attended(src, *masks))
        return self.norm2(src + self._through(src))

    def _attended(
        self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool
    ) -> Tensor:
        out, _ = self.self_attn(
            x,
            x,
            x,
            key_padding_mask=padding,
            need_weights=False,
            attn_mask=mask,
            is_causal=is_causal,
        )
        return self.dropout1(out)

    def _through(self, x: Tensor) -> Tensor:
        hidden = self.dropout(self.activation(self.linear1(x)))
        return self.dropout2(self.linear2(hidden))


def _named(activation: str) -> Callable[[Tensor], Tensor]:
    if activation not in ("relu", "gelu"):
        got = repr(activation)
        raise RuntimeError(
            said("TransformerEncoderLayer", "activation should be relu/gelu", got=got)
        )
    return F.relu if activation == "relu" else F.gelu


class TransformerEncoder(Module):
    """Copies of one encoder layer, one after the other: (L, N, d_model) keeps its shape.

    The copies start with equal weights; each learns its own. Source: as for
    `TransformerEncoderLayer`.

    Args:
        encoder_layer: what is copied, weights included.
        num_layers: how often.
        norm: a last normalization, or None.
        enable_nested_tensor, mask_check: accepted; they choose how PyTorch computes, not what.
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ):
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """The sequence through all layers; masks are those of `MultiheadAttention`."""
        hint = bool(is_causal) and mask is not None
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, hint)
        return src if self.norm is None else self.norm(src)
