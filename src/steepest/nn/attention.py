"""Multi-head attention: several small attentions side by side, each with its own view.

Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.
"""

from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.linear import Linear
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor

__all__ = ["MultiheadAttention", "NonDynamicallyQuantizableLinear"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, by the name under which PyTorch prints the last layer of an attention."""


class MultiheadAttention(Module):
    """Several attentions side by side, each with its own view of queries, keys and values.

        head = softmax(Q Kᵀ / √(embed_dim / num_heads)) V           Q = query W_Qᵀ + b_Q, …
        out = (head, head, …) W_Oᵀ + b_O

    Each head has its share of the columns of Q, K and V. Called as `out, weights = attention(query,
    key, value)` with (L, N, embed_dim), (S, N, kdim) and (S, N, vdim), or all without N; `out` has
    the query's shape, `weights` (N, L, S). For masks see `forward`.

    W_Q, W_K and W_V are the rows of in_proj_weight (3 · embed_dim, embed_dim), or, where kdim or
    vdim differ, q_proj_weight, k_proj_weight and v_proj_weight; they start uniform after Glorot.
    out_proj is a Linear layer. Biases start at 0.

    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Args:
        embed_dim: the length of queries and results, divided among the heads.
        num_heads: how many attentions there are side by side.
        dropout: the probability of dropping a weight while training.
        bias: False for linear layers without bias.
        add_bias_kv: a learnt key and value beside those of the sequence.
        add_zero_attn: a key and value of zeros beside those of the sequence.
        kdim, vdim: the lengths of keys and values, embed_dim unless said otherwise.
        batch_first: sequences are (N, L, *) instead of (L, N, *); (L, *) is one sequence.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        ValueError: sizes that are not positive.
        AssertionError: heads that do not share embed_dim, or, when called, shapes that do not fit.
        RuntimeError: when called, masks that do not fit.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        name = "MultiheadAttention"
        if embed_dim <= 0 or num_heads <= 0:
            got = f"{embed_dim} and {num_heads}"
            raise ValueError(said(name, "embed_dim and num_heads must be greater than 0", got=got))
        if embed_dim % num_heads:
            got = f"{embed_dim} by {num_heads}"
            raise AssertionError(said(name, "embed_dim must be divisible by num_heads", got=got))
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first, self.add_zero_attn = batch_first, add_zero_attn
        alike = self.kdim == self.vdim == embed_dim
        shapes: dict[str, tuple[int, ...] | None] = {
            "q_proj_weight": None if alike else (embed_dim, embed_dim),
            "k_proj_weight": None if alike else (embed_dim, self.kdim),
            "v_proj_weight": None if alike else (embed_dim, self.vdim),
            "in_proj_weight": (3 * embed_dim, embed_dim) if alike else None,
            "in_proj_bias": (3 * embed_dim,) if bias else None,
            "bias_k": (1, 1, embed_dim) if add_bias_kv else None,
            "bias_v": (1, 1, embed_dim) if add_bias_kv else None,
        }
        like = {"device": device, "dtype": dtype}
        for key, shape in shapes.items():
            self.register_parameter(key, Parameter(F.zeros(shape, **like)) if shape else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights of what comes in anew, and set the biases to 0."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if self._parameters[name] is not None:
                init.xavier_uniform_(self._parameters[name])
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for learnt in (self.bias_k, self.bias_v):
            if learnt is not None:
                init.xavier_normal_(learnt)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The attended values, shaped like the query, and the weights (N, L, S) or None.

        Args:
            query: (L, N, E) and key, value: (S, N, *), or as `batch_first` says.
            key_padding_mask: (N, S), True where nobody may look, or numbers added to the scores.
            need_weights: whether to return the weights.
            attn_mask: (L, S) or (N · heads, L, S), True where a query may not look, or numbers.
            average_attn_weights: the mean over the heads instead of (N, heads, L, S).
            is_causal: a hint that attn_mask is causal; the mask is what counts.

        Raises:
            RuntimeError: a hint without the mask, or masks that do not fit.
            AssertionError: shapes do not fit.
        """
        name = "MultiheadAttention"
        if is_causal and attn_mask is None:
            raise RuntimeError(said(name, "Need attn_mask if specifying the is_causal hint."))
        if query.ndim not in (2, 3) or {key.ndim, value.ndim} != {query.ndim}:
            got = ", ".join(str(x.shape) for x in (query, key, value))
            raise AssertionError(said(name, "expected three inputs of 2D or 3D", got=got))
        single = query.ndim == 2
        if single:
            query, key, value = (F.unsqueeze(x, 0) for x in (query, key, value))
        elif not self.batch_first:
            query, key, value = (F.transpose(x, 0, 1) for x in (query, key, value))
        q, k, v = self._projected(query, key, value)
        mask = self._mask(name, q.shape, k.shape[1], key_padding_mask, attn_mask)
        k, v, mask = self._lengthened(k, v, mask)
        q, k, v = (self._in_heads(x) for x in (q, k, v))
        weights = F.dropout(F.attention_weights(q, k, mask), self.dropout, self.training)
        out = F.flatten(F.transpose(weights @ v, 1, 2), 2)
        out = self.out_proj(out)
        shown = F.mean(weights, 1) if average_attn_weights else weights
        if single:
            out, shown = F.squeeze(out, 0), F.squeeze(shown, 0)
        elif not self.batch_first:
            out = F.transpose(out, 0, 1)
        return out, shown if need_weights else None

    def _projected(self, *inputs: Tensor) -> list[Tensor]:
        """Query, key and value, each through its linear layer: (N, L, E)."""
        sizes = (self.embed_dim, self.kdim, self.vdim)
        if any(x.shape[-1] != size for x, size in zip(inputs, sizes, strict=True)):
            got = [x.shape[-1] for x in inputs]
            raise AssertionError(said("MultiheadAttention", "last axes", expected=sizes, got=got))
        if self.in_proj_weight is not None:
            weights = F.chunk(self.in_proj_weight, 3)
        else:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        shared = self.in_proj_bias
        biases = (None,) * 3 if shared is None else F.chunk(shared, 3)
        return [F.linear(*given) for given in zip(inputs, weights, biases, strict=True)]

    def _mask(
        self,
        name: str,
        query: tuple[int, ...],
        length: int,
        padding: Tensor | None,
        mask: Tensor | None,
    ) -> Tensor | None:
        """Both masks as numbers to add to the scores, (N or 1, heads or 1, L or 1, S)."""
        count, wanted = query[0], query[1]
        shapes = ((wanted, length), (count * self.num_heads, wanted, length))
        if mask is not None:
            if mask.shape not in shapes:
                raise RuntimeError(said(name, "attn_mask", expected=shapes, got=mask.shape))
            several = (count, self.num_heads) if mask.ndim == 3 else (1, 1)
            mask = F.reshape(_added(mask), (*several, wanted, length))
        if padding is not None:
            if padding.shape.numel() != count * length or padding.shape[-1] != length:
                expected, got = (count, length), padding.shape
                raise AssertionError(said(name, "key_padding_mask", expected=expected, got=got))
            padding = F.reshape(_added(padding), (count, 1, 1, length))
        if mask is None or padding is None:
            return padding if mask is None else mask
        return mask + padding

    def _lengthened(
        self, k: Tensor, v: Tensor, mask: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys and values with the learnt one and that of zeros, open to everyone."""
        more: list[tuple[Any, Any]] = []
        if self.bias_k is not None:
            more.append((self.bias_k, self.bias_v))
        if self.add_zero_attn:
            more.append((F.zeros(1, 1, self.embed_dim, dtype=k.dtype),) * 2)
        for key, value in more:
            shape = (k.shape[0], 1, self.embed_dim)
            k = F.cat([k, F.expand(key, *shape)], 1)
            v = F.cat([v, F.expand(value, *shape)], 1)
            mask = None if mask is None else F.pad(mask, (0, 1))
        return k, v, mask

    def _in_heads(self, x: Tensor) -> Tensor:
        """(N, L, E) as (N, heads, L, E / heads)."""
        return F.transpose(F.unflatten(x, 2, (self.num_heads, -1)), 1, 2)


def _added(mask: Tensor) -> Tensor:
    """A mask as numbers to add: −∞ where it is True."""
    return F.where(mask, float("-inf"), 0.0) if mask.dtype == bool else mask
