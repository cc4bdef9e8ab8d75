"""The pace of this processor, beside the one on which the limits in milliseconds were set.

A compiler's work is Python and branching C++, far from what a roofline measures. The eager steps of
PyTorch on the smallest networks are work of that kind; their times stood beside the limits when
these were set.
"""

from statistics import median

from benchmarks.peers import TORCH
from benchmarks.results import Results

__all__ = ["THERE", "pace"]

THERE = {"W1": 130.0, "W2": 422.0, "W3": 109.0}  # µs per eager step of PyTorch


def pace(results: Results) -> float | None:
    """How many times longer such work takes here; None where it was not timed."""
    here = {row.workload: row.time.middle for row in results.rows if row.peer == TORCH}
    ratios = [here[name] / there for name, there in THERE.items() if name in here]
    return median(ratios) if ratios else None
