"""Mathematics on vectors: sqrt, exp, log, tanh, sigmoid, erf, sin, cos and pow of float32, and the
first five of float64, as instructions.

formats         what the formats are like; polynomials
estimates       1/x and √x from the processor's guesses
tables          tanh from a table of short polynomials
exponential     exp, tanh, sigmoid, erf
logarithm       log
through_double  sin, cos, pow
functions       all of them by name

Largest errors, sampled over the whole range (tests hold them): exp, log, tanh, sigmoid and erf
below 1.25 units in the last place, sin, cos and pow below 1; infinities, NaN, −0 and subnormal
numbers are right. The other functions of float64, and sin and cos beyond |x| = 2⁴⁰, go to the C
library, one lane at a time.

The coefficients are least maximum fits of our own; those for float32 with the lower ones rounded
first and the rest fitted again.
"""

from steepest.compiler.vecmath.functions import FUNCTIONS, IN_DOUBLE

__all__ = ["FUNCTIONS", "IN_DOUBLE"]
