"""Losses as modules: loss = MSELoss(); loss(output, target).

Each is the function of that name in `functional` with its settings. Weights are buffers, so they
are saved and converted with the module.
"""

from steepest import functional as F
from steepest.nn.module import Module
from steepest.tensors import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "SumSquaresLoss",
]


class _Loss(Module):
    """A number that says how wrong an output is."""

    def __init__(self, reduction: str = "mean"):
        super().__init__()
        self.reduction = reduction


class MSELoss(_Loss):
    """The mean squared error, mean((output − target)²). Output and target have one shape, any.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
    """

    def __init__(self, *, reduction: str = "mean"):
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class SumSquaresLoss(Module):
    """The sum of squares, Σ(output − target)². Output and target have one shape, any.

    Raises:
        ValueError: when called, shapes that differ.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.sum_squares_loss(input, target)


class L1Loss(_Loss):
    """The mean absolute error, mean(|output − target|). Output and target have one shape, any.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
    """

    def __init__(self, *, reduction: str = "mean"):
        super().__init__(reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class HuberLoss(_Loss):
    """Squared for small errors, straight for large ones, so that outliers count less.

        ½ e² where |e| < delta, delta · (|e| − ½ delta) beyond          e = output − target

    Output and target have one shape, any.

    Source: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
    35, 1964.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.
        delta: where the straight part begins, above 0.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
        RuntimeError: when called, a delta that is not positive.
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0):
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(_Loss):
    """The Huber loss divided by beta: the slope of the straight part is 1.

        ½ e² / beta where |e| < beta, |e| − ½ beta beyond               e = output − target

    Output and target have one shape, any. Source: Girshick, "Fast R-CNN", ICCV 2015.

    Args:
        reduction: "mean", "sum", or "none" for the losses themselves.
        beta: where the straight part begins; with 0 this is L1Loss.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
        RuntimeError: when called, a negative beta.
    """

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0):
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class BCELoss(_Loss):
    """Binary cross entropy of probabilities, −(t log p + (1 − t) log(1 − p)).

    Output p and target t, both between 0 and 1, have one shape, any; logarithms are kept above
    −100. Scores go to `BCEWithLogitsLoss` instead, which is exact where p would round to 0 or 1.

    Args:
        weight: what each element counts, broadcast to the target.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
        RuntimeError: when called, an output that is no probability.
    """

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean"):
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross entropy of σ(output), exact for outputs of any size.

        −(t log σ(x) + (1 − t) log(1 − σ(x)))

    Output x and target t have one shape, any.

    Args:
        weight: what each element counts, broadcast to the target.
        reduction: "mean", "sum", or "none" for the losses themselves.
        pos_weight: what a 1 in the target counts against a 0, per column: the factor of t log σ(x).

    Raises:
        ValueError: when called, shapes that differ, or an unknown reduction.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class NLLLoss(_Loss):
    """Minus the log-probability of the true class; the output comes from LogSoftmax.

    The output has shape (n, classes), (n, classes, …) or (classes,), the target holds class numbers
    and has that shape without classes. With `weight` the mean is weighted, too.

    Args:
        weight: what each class counts, (classes,).
        ignore_index: the class number of rows that count for nothing.
        reduction: "mean", "sum", or "none" for the losses themselves.

    Raises:
        ValueError: when called, one target per row is not what there is, or an unknown reduction.
        IndexError: when called, a target that is not a class.
        RuntimeError: when called, targets that are not whole numbers, or a weight of another shape.
    """

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class CrossEntropyLoss(_Loss):
    """Minus the log of the true class's softmax; the output is scores, without a softmax.

        −log(exp(x_t) / Σ_c exp(x_c)) of scores x and the true class t

    The output has shape (n, classes), (n, classes, …) or (classes,), the target holds class numbers
    and has that shape without classes; or it holds probabilities in the output's shape, and the
    loss is Σ_c p_c times that of class c. With `weight` the mean over class numbers is weighted.

    Source: label smoothing: Szegedy et al., "Rethinking the Inception architecture for computer
    vision", CVPR 2016.

    Args:
        weight: what each class counts, (classes,).
        ignore_index: the class number of rows that count for nothing.
        reduction: "mean", "sum", or "none" for the losses themselves.
        label_smoothing: how much of each target is spread evenly over all classes, 0 to 1.

    Raises: as `NLLLoss`; RuntimeError: when called, a label_smoothing outside 0 to 1.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ):
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )
