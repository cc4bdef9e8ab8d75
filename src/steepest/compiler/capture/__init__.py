"""From Python to equations: a step is run twice and written down, and becomes a Graph.

refusal                     what is said where a step cannot be a program
recording                   what one run does: equations and arrays
tracer, trace               one run of the step, on tensors without numbers
agree                       a second run must do the same, equation by equation
snapshot, guard             what must stay as it was for the graph to be the step
capture, captured           all of it: a step's graph, its arrays, its guard
forms, patterns             what steps have in common, so that only one of them is traced
arguments                   a call's arrays, and what is frozen with them
"""

__all__: list[str] = []
