"""Taking: threads that have done their own shares of a nest take what is left of the others'.

Where threads divide a long nest, each has the same number of shares of it, side by side, and runs
the first half of them at once, then half of what is left, and so on; all of them, if it is alone.
So it finds in its cache what it left there a step ago. A thread that has none left takes the last
half of another's, whose processor may be slower, or not its own at all for a while, or who has not
even come so far. Which thread runs a share changes no number.

Every thread has a word for each nest of a phase: 32 bits say of which nest in which step it speaks,
16 which share is its next one, 16 where its shares end. A word that speaks of another nest says
that none is taken yet. Whoever takes some exchanges the whole word, so no share is taken twice.
"""

from steepest.compiler.emit.functions import Function

__all__ = ["taking"]

_TAKE = """\
define hidden { i64, i64, i64 } @take(
    ptr %words, i64 %each, i64 %thread, i64 %threads, i64 %nest, i64 %shares
) {
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
  %at = mul i64 %whose, %each
  %place = getelementptr i8, ptr %words, i64 %at
  %own = icmp eq i64 %k, 0
  br label %look
look:
  %word = load atomic i64, ptr %place monotonic, align 8
  %other = xor i64 %word, %mine
  %strange = lshr i64 %other, 32
  %fresh = icmp ne i64 %strange, 0
  %ahead = lshr i64 %word, 16
  %next_one = and i64 %ahead, 65535
  %last_one = and i64 %word, 65535
  %low = select i1 %fresh, i64 0, i64 %next_one
  %high = select i1 %fresh, i64 %shares, i64 %last_one
  %some = icmp ult i64 %low, %high
  br i1 %some, label %try, label %next
try:
  %left = sub i64 %high, %low
  %above = add i64 %left, 1
  %half = lshr i64 %above, 1
  %many = select i1 %alone, i64 %left, i64 %half
  %after = add i64 %low, %many
  %before = sub i64 %high, %many
  %from = select i1 %own, i64 %low, i64 %before
  %to = select i1 %own, i64 %after, i64 %high
  %new_low = select i1 %own, i64 %after, i64 %low
  %new_high = select i1 %own, i64 %high, i64 %before
  %middle = shl i64 %new_low, 16
  %ends = or i64 %middle, %new_high
  %new = or i64 %mine, %ends
  %pair = cmpxchg ptr %place, i64 %word, i64 %new monotonic monotonic, align 8
  %done = extractvalue { i64, i1 } %pair, 1
  br i1 %done, label %taken, label %look
next:
  %following = add i64 %k, 1
  br label %owner
taken:
  %found = insertvalue { i64, i64, i64 } poison, i64 %whose, 0
  %bounds = insertvalue { i64, i64, i64 } %found, i64 %from, 1
  %part = insertvalue { i64, i64, i64 } %bounds, i64 %to, 2
  ret { i64, i64, i64 } %part
none:
  ret { i64, i64, i64 } zeroinitializer
}"""


def taking() -> Function:
    """The function `take`: given a nest's words, from one thread's of which to the next are `each`
    bytes, it gives whose shares to run, the first, and the one after the last; 0 where nobody has
    any left."""
    return Function("@take", ["ptr", *["i64"] * 5], _TAKE, result="{ i64, i64, i64 }")
