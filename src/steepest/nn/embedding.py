"""Embedding: a learnt vector for each of a number of symbols."""

from typing import Any

from steepest import functional as F
from steepest.core import said
from steepest.nn import init
from steepest.nn.module import Module
from steepest.nn.parameter import Parameter
from steepest.tensors import Tensor, no_grad

__all__ = ["Embedding"]


class Embedding(Module):
    """Row i of `weight` for symbol i: whole numbers (*) become vectors (*, embedding_dim).

    `weight` has shape (num_embeddings, embedding_dim) and starts normal, with PyTorch's numbers for
    the same seed.

    Source: Bengio et al., "A neural probabilistic language model", JMLR 3, 2003.

    Args:
        num_embeddings: how many symbols there are.
        embedding_dim: the length of their vectors.
        padding_idx: a symbol whose vector starts at 0 and does not learn.
        max_norm: vectors that are looked up and longer than this are shortened to it, in place.
        norm_type: the p of the p-norm that `max_norm` bounds.
        scale_grad_by_freq: divide a vector's gradient by how often it is looked up in the batch.
        sparse: gradients are dense; True is refused.
        device: accepted if it is "cpu".
        dtype: float32 unless said otherwise.

    Raises:
        AssertionError: padding_idx is not a symbol, or given vectors have another shape.
        IndexError: when called, a number that is not a symbol's.
        NotImplementedError: when called with sparse=True.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ):
        super().__init__()
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            limit = f"below {num_embeddings}"
            raise AssertionError(
                said("Embedding", "padding_idx is a symbol", expected=limit, got=padding_idx)
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            first = F.zeros(shape, device=device, dtype=dtype)
            self.weight = Parameter(first, requires_grad=not _freeze)
            self.reset_parameters()
        elif tuple(_weight.shape) != shape:
            raise AssertionError(said("Embedding", "_weight", expected=shape, got=_weight.shape))
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> "Embedding":
        """An embedding with given vectors, which stay as they are unless `freeze` is False."""
        if embeddings.ndim != 2:
            got = embeddings.shape
            raise AssertionError(said("Embedding", "expected a matrix of vectors", got=got))
        how = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        rows, features = embeddings.shape
        return cls(rows, features, *how, _weight=embeddings, _freeze=freeze)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False}
        told = [f"{n}={getattr(self, n)}" for n, v in usual.items() if getattr(self, n) != v]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *told])
