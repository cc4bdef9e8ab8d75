"""Meeting: a barrier, which all threads reach before any goes on.

It counts who has come; the last one to come starts the next generation, for which the others wait:
spinning, and after a while giving their turn to whoever else wants the processor, for there may be
more threads than processors. Who finds out that a thread will never come leaves.
"""

from steepest.compiler.emit.functions import Function
from steepest.compiler.memory.sharing import ABANDONED, GENERATION, YIELD

__all__ = ["meeting"]

_PATIENCE = 1000  # rounds of waiting before the processor is given away

_MEET = """\
define hidden i1 @meet(ptr %team, i64 %threads) {{
entry:
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %go, label %arrive
arrive:
  %generation = getelementptr i8, ptr %team, i64 {generation}
  %now = load atomic i64, ptr %generation acquire, align 8
  %before = atomicrmw add ptr %team, i64 1 acq_rel
  %come = add i64 %before, 1
  %last = icmp eq i64 %come, %threads
  br i1 %last, label %open, label %wait
open:
  store atomic i64 0, ptr %team monotonic, align 8
  %next = add i64 %now, 1
  store atomic i64 %next, ptr %generation release, align 8
  br label %go
wait:
  %round = phi i64 [0, %arrive], [%again, %spin], [0, %hope], [0, %give]
  %seen = load atomic i64, ptr %generation acquire, align 8
  %opened = icmp ne i64 %seen, %now
  br i1 %opened, label %go, label %spin
spin:
{pause}  %again = add i64 %round, 1
  %patient = icmp ult i64 %again, {patience}
  br i1 %patient, label %wait, label %tired
tired:
  %flag = getelementptr i8, ptr %team, i64 {abandoned}
  %abandoned = load atomic i64, ptr %flag monotonic, align 8
  %hopeless = icmp ne i64 %abandoned, 0
  %place = getelementptr i8, ptr %team, i64 {give}
  %yield = load ptr, ptr %place, align 8
  %some = icmp ne ptr %yield, null
  br i1 %hopeless, label %leave, label %hope
hope:
  br i1 %some, label %give, label %wait
give:
  call i32 %yield()
  br label %wait
go:
  ret i1 false
leave:
  ret i1 true
}}"""


def meeting(pause: str) -> Function:
    """The function `meet`; `pause` is an instruction for a processor that waits, or nothing."""
    text = _MEET.format(
        pause=f"  {pause}\n" if pause else "",
        patience=_PATIENCE,
        generation=GENERATION,
        abandoned=ABANDONED,
        give=YIELD,
    )
    return Function("@meet", ["ptr", "i64"], text, result="i1")
