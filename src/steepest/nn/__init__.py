"""Floor 3: modules. Layers, activations, losses, containers, and what all of them inherit."""

from steepest.nn import functional as functional
from steepest.nn import init as init
from steepest.nn import utils as utils
from steepest.nn.activation import (
    GLU,
    Hardsigmoid,
    Hardtanh,
    LogSigmoid,
    ScaledTanh,
    Sigmoid,
    Softsign,
    Tanh,
    Tanhshrink,
)
from steepest.nn.attention import MultiheadAttention
from steepest.nn.batch_norm import BatchNorm1d, BatchNorm2d, InstanceNorm1d, InstanceNorm2d
from steepest.nn.collection import ModuleDict, ParameterDict, ParameterList
from steepest.nn.container import ModuleList, Sequential
from steepest.nn.conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from steepest.nn.describe import build, describe, ends_in_softmax
from steepest.nn.dropout import Dropout
from steepest.nn.embedding import Embedding
from steepest.nn.layer_norm import GroupNorm, LayerNorm, RMSNorm
from steepest.nn.lazy import LazyConv2d, LazyLinear
from steepest.nn.likelihood import GaussianNLLLoss, KLDivLoss, PoissonNLLLoss
from steepest.nn.linear import Bilinear, Flatten, Identity, Linear, Unflatten
from steepest.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
    SumSquaresLoss,
)
from steepest.nn.map_loss import MAPLoss
from steepest.nn.margin import (
    CosineEmbeddingLoss,
    CosineSimilarity,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelSoftMarginLoss,
    PairwiseDistance,
    SoftMarginLoss,
    TripletMarginLoss,
)
from steepest.nn.module import Module
from steepest.nn.padding import ConstantPad2d, ZeroPad2d
from steepest.nn.parameter import Parameter
from steepest.nn.pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from steepest.nn.rbf import RBF
from steepest.nn.rectifier import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardswish,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    SiLU,
    Softplus,
)
from steepest.nn.recurrent import GRU, LSTM, RNN
from steepest.nn.recurrent_cell import GRUCell, LSTMCell, RNNCell
from steepest.nn.softmax import LogSoftmax, Softmax, Softmin
from steepest.nn.sub_sampling import SubSampling
from steepest.nn.summary import LayerRow, Summary, outline, summary
from steepest.nn.table_conv import TableConv2d
from steepest.nn.transformer import TransformerEncoder, TransformerEncoderLayer
from steepest.nn.watching import watching

__all__ = [
    "Module",
    "Parameter",
    "Sequential",
    "ModuleList",
    "ModuleDict",
    "ParameterList",
    "ParameterDict",
    "LazyLinear",
    "LazyConv2d",
    "Linear",
    "Bilinear",
    "Embedding",
    "Identity",
    "Flatten",
    "Unflatten",
    "Dropout",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "TableConv2d",
    "MaxPool1d",
    "MaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "LayerNorm",
    "RMSNorm",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "RNN",
    "RNNCell",
    "MultiheadAttention",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "SubSampling",
    "ConstantPad2d",
    "ZeroPad2d",
    "RBF",
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "ScaledTanh",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "L1Loss",
    "MAPLoss",
    "MSELoss",
    "NLLLoss",
    "SmoothL1Loss",
    "SumSquaresLoss",
    "GaussianNLLLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "MultiLabelSoftMarginLoss",
    "PairwiseDistance",
    "SoftMarginLoss",
    "TripletMarginLoss",
    "build",
    "describe",
    "ends_in_softmax",
    "functional",
    "init",
    "utils",
    "LayerRow",
    "Summary",
    "outline",
    "summary",
    "watching",
]
