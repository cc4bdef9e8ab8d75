"""Taking: threads that have done their own shares of a nest take what is left of the others'.

Where threads divide a nest, each has four shares of it, side by side, and runs the first two at
once, then the others; all four, if it is alone. So it finds in its cache what it left there a step
ago. A thread that has none left takes the last ones of others, whose processor may be slower, or
not theirs at all for a while. Which thread runs a share changes no number.

Every thread has a word on a line of its own: 32 bits say of which nest in which step it speaks, 16
which share is its next one, 16 where its shares end. Whoever takes one exchanges the whole word, so
no share is taken twice.
"""

from steepest.compiler.emit.functions import Function
from steepest.compiler.sharing import LINE, QUEUES

__all__ = ["taking"]

_SHARES = 4  # of each thread

_OFFER = """\
define hidden void @offer(ptr %team, i64 %thread, i64 %nest) {{
entry:
  %line = mul i64 %thread, {line}
  %at = add i64 %line, {queues}
  %own = getelementptr i8, ptr %team, i64 %at
  %low = mul i64 %thread, {shares}
  %high = add i64 %low, {shares}
  %top = shl i64 %nest, 32
  %middle = shl i64 %low, 16
  %ends = or i64 %middle, %high
  %word = or i64 %top, %ends
  store atomic i64 %word, ptr %own monotonic, align 8
  ret void
}}"""

_TAKE = """\
define hidden {{ i64, i64 }} @take(ptr %team, i64 %thread, i64 %threads, i64 %nest) {{
entry:
  %mine = shl i64 %nest, 32
  %alone = icmp eq i64 %threads, 1
  br label %owner
owner:
  %k = phi i64 [0, %entry], [%following, %next]
  %more = icmp ult i64 %k, %threads
  br i1 %more, label %visit, label %none
visit:
  %past = add i64 %thread, %k
  %whose = urem i64 %past, %threads
  %line = mul i64 %whose, {line}
  %at = add i64 %line, {queues}
  %place = getelementptr i8, ptr %team, i64 %at
  %first = icmp eq i64 %k, 0
  br label %look
look:
  %word = load atomic i64, ptr %place monotonic, align 8
  %other = xor i64 %word, %mine
  %strange = lshr i64 %other, 32
  %same = icmp eq i64 %strange, 0
  %ahead = lshr i64 %word, 16
  %low = and i64 %ahead, 65535
  %high = and i64 %word, 65535
  %left = icmp ult i64 %low, %high
  %some = and i1 %same, %left
  br i1 %some, label %try, label %next
try:
  %many = sub i64 %high, %low
  %all = icmp eq i64 %many, {shares}
  %two = and i1 %first, %all
  %twice = zext i1 %two to i64
  %double = select i1 %alone, i64 2, i64 %twice
  %from_low = shl i64 65536, %double
  %change = select i1 %first, i64 %from_low, i64 -1
  %new = add i64 %word, %change
  %pair = cmpxchg ptr %place, i64 %word, i64 %new monotonic monotonic, align 8
  %done = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %done, label %taken, label %look
next:
  %following = add i64 %k, 1
  br label %owner
taken:
  %last = sub i64 %high, 1
  %one = select i1 %first, i64 %low, i64 %last
  %share = lshr i64 %one, %double
  %every = mul i64 %threads, {shares}
  %shares = lshr i64 %every, %double
  %found = insertvalue {{ i64, i64 }} poison, i64 %share, 0
  %part = insertvalue {{ i64, i64 }} %found, i64 %shares, 1
  ret {{ i64, i64 }} %part
none:
  ret {{ i64, i64 }} zeroinitializer
}}"""


def taking() -> list[Function]:
    """The functions `offer`, with which a thread announces its shares of a nest, and `take`, which
    gives the number of a part and in how many of its size the nest is divided; 0 of 0 where nobody
    has any left."""
    offer, take = (
        text.format(line=LINE, queues=QUEUES, shares=_SHARES) for text in (_OFFER, _TAKE)
    )
    return [
        Function("@offer", ["ptr", "i64", "i64"], offer),
        Function("@take", ["ptr", "i64", "i64", "i64"], take, result="{ i64, i64 }"),
    ]
