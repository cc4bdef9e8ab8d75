"""Subnormal numbers as zeros, while a program goes through the rows of data.

Numbers below 1.2·10⁻³⁸ (float32) appear by themselves in training: in the exponentials of classes
that are certain to be wrong, in the running averages of a gradient that has become 0. A processor
computes with them a hundred times slower than with others, and nothing is learned from them: the
LeNet of 1998 would take ten times as long from its fifth epoch on. So the thread's arithmetic is
set to take them for 0 when such a program begins, and set back when it ends. Functions made by
`steepest.compile`, which go through no rows, keep them.
"""

__all__ = ["flushing"]

_RUN = """\
define i64 @run({pointers}, {counts}) nounwind {{
entry:
{read}  %flushing = or {word} %before, {bits}
{write}  %done = call i64 @steps({pointers}, {counts})
{restore}  ret i64 %done
}}"""

# The register that rules a thread's arithmetic goes by way of memory on x86: results and operands
# are two of its bits there, one on ARM.
_SSE = {
    "word": "i32",
    "bits": str(0x8040),
    "read": "  %place = alloca i32\n  call void @llvm.x86.sse.stmxcsr(ptr %place)\n"
    "  %before = load i32, ptr %place\n",
    "write": "  store i32 {}, ptr %place\n  call void @llvm.x86.sse.ldmxcsr(ptr %place)\n",
}
_NEON = {
    "word": "i64",
    "bits": str(1 << 24),
    "read": "  %before = call i64 @llvm.aarch64.get.fpcr()\n",
    "write": "  call void @llvm.aarch64.set.fpcr(i64 {})\n",
}


def flushing(features: str, pointers: str, counts: str) -> str:
    """The function `run` around a function `steps` of the same arguments, for a processor with
    these features; "" where it is not known how."""
    known = _SSE if "+sse2" in features else _NEON if "+neon" in features else None
    if known is None:
        return ""
    write, restore = (known["write"].format(x) for x in ("%flushing", "%before"))
    return _RUN.format_map(
        known | {"write": write, "restore": restore, "pointers": pointers, "counts": counts}
    )
