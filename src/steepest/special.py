"""Special functions under the name that PyTorch gives them: `steepest.special`."""

from steepest.functional import (
    erf,
    exp2,
    expm1,
    log1p,
    log_softmax,
    logsumexp,
    round,
    softmax,
)
from steepest.functional import sigmoid as expit

__all__ = ["erf", "exp2", "expit", "expm1", "log1p", "log_softmax", "logsumexp", "round", "softmax"]
