"""Attention: every query gets a mean of values, weighted by how well their keys fit it."""

import math

import numpy as np

from steepest.core import said
from steepest.functional.activation import softmax
from steepest.functional.dropout import dropout
from steepest.functional.math import where
from steepest.functional.product import matmul
from steepest.functional.reduction import amax
from steepest.functional.shape import expand, flatten, transpose, unsqueeze
from steepest.tensors import Tensor

__all__ = ["attention_weights", "scaled_dot_product_attention"]


def attention_weights(
    query: Tensor, key: Tensor, mask: Tensor | None = None, scale: float | None = None
) -> Tensor:
    """softmax(scale · Q Kᵀ): a row of weights over the keys for every query, shape (…, L, S).

    Args:
        query: (…, L, E). key: (…, S, E).
        mask: bools, True where a query may look, or numbers added to the scores; a query that may
            look nowhere has weights 0.
        scale: 1 / √E unless said otherwise.
    """
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = matmul(query * factor, transpose(key, -2, -1))
    if mask is None:
        return softmax(scores, -1)
    nowhere = float("-inf")
    scores = where(mask, scores, nowhere) if mask.dtype == bool else scores + mask
    blind = amax(scores.detach(), -1, keepdim=True) == nowhere
    return where(blind, 0.0, softmax(where(blind, 0.0, scores), -1))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale · Q Kᵀ) V. Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Args:
        query: (…, L, E). key: (…, S, E). value: (…, S, V); the result is (…, L, V).
        attn_mask: bools, True where a query may look, or numbers added to the scores.
        dropout_p: the probability of dropping a weight, whatever the mode.
        is_causal: query i may look at keys 0 to i.
        scale: 1 / √E unless said otherwise.
        enable_gqa: several heads of queries (axis −3) share one of keys and values.

    Raises:
        RuntimeError: shapes do not fit, or there are a mask and `is_causal`.
    """
    name = "scaled_dot_product_attention"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        got = ", ".join(str(x.shape) for x in (query, key, value))
        raise RuntimeError(said(name, "expected at least 2 axes", got=got))
    if is_causal and attn_mask is not None:
        raise RuntimeError(said(name, "attn_mask and is_causal exclude each other"))
    if is_causal:
        attn_mask = Tensor(np.tri(query.shape[-2], key.shape[-2], dtype=bool))
    if enable_gqa:
        key, value = (_shared(name, x, query.shape[-3]) for x in (key, value))
    weights = attention_weights(query, key, attn_mask, scale)
    return matmul(dropout(weights, dropout_p), value)


def _shared(name: str, x: Tensor, heads: int) -> Tensor:
    """Each head of x repeated, until there are as many as heads of queries."""
    if heads % x.shape[-3]:
        raise RuntimeError(said(name, "heads are shared equally", got=(heads, x.shape[-3])))
    copies = unsqueeze(x, -3)
    lead, rest = x.shape[:-2], x.shape[-2:]
    return flatten(expand(copies, *lead, heads // x.shape[-3], *rest), -4, -3)
