"""The part of PyTorch's surface that the library promises, as data, and what of it is unfinished.

`test_torch_surface` runs PyTorch's own sample inputs through every name. A name that fails must
stand in UNFINISHED with the reason, and a name in UNFINISHED must fail: whoever finishes one
strikes it from the table.
"""

__all__ = ["FUNCTIONS", "MODULES", "OPTIMIZERS", "OUTSIDE", "SCHEDULERS", "UNFINISHED"]


def _names(*pages: str) -> list[str]:
    return " ".join(pages).split()


_MATHEMATICS = """
abs add sub rsub mul div true_divide neg positive pow exp exp2 expm1 log log2 log10 log1p sqrt rsqrt
square reciprocal sin cos tan tanh sinh cosh asin acos atan sigmoid erf clamp clamp_min clamp_max
maximum minimum sign floor ceil round trunc remainder fmod floor_divide lerp addcmul addcdiv where
isnan isinf isfinite isclose allclose equal eq ne lt le gt ge logical_and logical_or logical_xor
logical_not nan_to_num __radd__ __rsub__ __rmul__ __rdiv__ __rpow__ __rmod__ __rand__ __ror__
__rxor__ __rmatmul__
"""
_REDUCTIONS = """
sum mean prod amax amin max min var std var_mean std_mean argmax argmin all any logsumexp norm
linalg.vector_norm cumsum cumprod count_nonzero sort topk argsort
"""
_PRODUCTS = """
matmul mm bmm mv dot outer addmm baddbmm einsum tensordot trace linear bilinear
"""
_SHAPES = """
reshape view transpose permute squeeze unsqueeze flatten unflatten cat stack split split_with_sizes
chunk unbind expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile flip roll
movedim narrow ravel T mT t diag diagonal tril triu contiguous clone hstack vstack meshgrid view_as
reshape_as
"""
_INDEXING = """
__getitem__ __setitem__ gather scatter scatter_add index_select index_add index_put masked_fill
masked_select take_along_dim select nonzero one_hot embedding
"""
_CREATION = """
tensor as_tensor from_numpy zeros ones full arange linspace eye zeros_like ones_like full_like
empty_like rand_like randn_like randint_like new_zeros new_ones new_full new_empty rand randn
randint randperm normal bernoulli multinomial manual_seed float double long bool int to item tolist
numpy detach
"""
_LOSSES = """
softmax log_softmax softmin cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss
binary_cross_entropy binary_cross_entropy_with_logits kl_div hinge_embedding_loss cosine_similarity
normalize
"""
_IMAGES = """
conv1d conv2d conv_transpose2d avg_pool1d avg_pool2d max_pool1d max_pool2d adaptive_avg_pool1d
adaptive_avg_pool2d pad
"""
_LAYERS = """
batch_norm layer_norm group_norm instance_norm rms_norm dropout relu leaky_relu elu selu celu gelu
silu mish softplus softsign hardtanh relu6 hardsigmoid hardswish logsigmoid glu prelu tanhshrink
scaled_dot_product_attention
"""
FUNCTIONS = _names(
    *(_MATHEMATICS, _REDUCTIONS, _PRODUCTS, _SHAPES, _INDEXING),
    *(_CREATION, _LOSSES, _IMAGES, _LAYERS),
)

MODULES = _names("""
Linear Bilinear Identity Flatten Unflatten Embedding Conv1d Conv2d ConvTranspose2d AvgPool1d
AvgPool2d MaxPool1d MaxPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d BatchNorm1d BatchNorm2d LayerNorm
GroupNorm InstanceNorm1d InstanceNorm2d RMSNorm ReLU LeakyReLU ELU SELU CELU GELU SiLU Mish Softplus
Softsign Hardtanh ReLU6 Hardsigmoid Hardswish LogSigmoid GLU PReLU Tanhshrink Sigmoid Tanh Softmax
LogSoftmax Softmin CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss
BCEWithLogitsLoss KLDivLoss HingeEmbeddingLoss CosineSimilarity Dropout RNN LSTM GRU RNNCell
LSTMCell GRUCell MultiheadAttention TransformerEncoderLayer TransformerEncoder Sequential ModuleList
ModuleDict ParameterList ParameterDict LazyLinear LazyConv2d
""")

OPTIMIZERS = _names("""
SGD Adam AdamW Adamax NAdam RAdam Adagrad Adadelta RMSprop Rprop ASGD LBFGS Adafactor Muon
""")

SCHEDULERS = _names("""
StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR CosineAnnealingLR
CosineAnnealingWarmRestarts OneCycleLR CyclicLR ReduceLROnPlateau LambdaLR MultiplicativeLR
SequentialLR ChainedScheduler
""")

# Variants of PyTorch's lists that the promise leaves out: padding is constant, numbers are real.
OUTSIDE = {
    "nn.functional.pad reflect", "nn.functional.pad replicate",
    "nn.functional.pad replicate_negative", "nn.functional.pad circular",
    "nn.functional.silu complex", "norm nuc", "bmm triton_optimized", "addmm decomposed",
}  # fmt: skip

UNFINISHED: dict[str, str] = {
    "Muon": "PyTorch iterates in bfloat16, we in the parameter's own dtype",
    "sort": "PyTorch does not say where equal bools came from; our order is stable",
    "topk": "as sort",
    "argsort": "as sort",
    "empty_like": "PyTorch's numbers are whatever was in memory; ours are zeros",
    "new_empty": "as empty_like",
    "binary_cross_entropy": "PyTorch's second derivative adds 1e-12 to p(1 − p); ours is exact",
    "hardsigmoid": "PyTorch's slope is 1/6 rounded to float32 in float64 too",
    "Hardsigmoid": "as hardsigmoid",
    "batch_norm": "a vector is refused, even one of no elements",
    "scaled_dot_product_attention": "as dropout, where dropout_p is not 0",
    "dropout": "the dropped elements come from the library's own counter-based bits",
    "Dropout": "as dropout",
}
