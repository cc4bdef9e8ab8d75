"""Nests -> the order in which they run, and what the step may overwrite when.

By now every value has its place. Dependencies are computed again from what each nest will really
read (a value that one nest computes for itself may have been stored by another since), expensive
values that several nests would compute are stored by one of them, and states are updated in place
where no reader of the old value comes later.
"""

from steepest.compiler.graph import Value
from steepest.compiler.nests.costs import is_expensive
from steepest.compiler.nests.fuse import Fusion
from steepest.compiler.nests.nest import Nest

__all__ = ["ordered"]


def ordered(fusion: Fusion) -> Fusion:
    """The same nests, complete and in the order in which they run."""
    _link_reads(fusion)
    _keep_expensive(fusion)
    _link_reads(fusion)
    _settle_states(fusion)
    fusion.nests = _in_order(fusion.nests)
    return fusion


def _link_reads(fusion: Fusion) -> None:
    """Rule 6: whoever reads a stored value runs after the nest that stores it."""
    for nest in fusion.nests:
        for leaf in fusion.loads(nest):
            if leaf in fusion.home:
                fusion.link(nest, fusion.home[leaf])


def _keep_expensive(fusion: Fusion) -> None:
    """Rule 2's exception: an expensive row that several nests evaluate is stored by one."""
    where: dict[Value, list[tuple[Nest, set]]] = {}
    for nest in fusion.nests:
        for v, indices in fusion.walked(nest).visited.items():
            if v not in fusion.home and is_expensive(v):
                where.setdefault(v, []).append((nest, indices))
    for v, places in where.items():
        numbers = {nest.number for nest, _ in places}
        for nest, indices in places if len(places) > 1 else []:
            first = not any(nest.after >> n & 1 for n in numbers)
            if first and nest.index_of(v) in indices:
                fusion.put(v, nest)
                for other in {other for other, _ in places} - {nest}:
                    fusion.link(other, nest)
                break


def _settle_states(fusion: Fusion) -> None:
    """Rule 5: in place where every other reader of the old value can run first, and where the nest
    itself reads it only where it writes; else aside."""
    reads = {nest: fusion.reads(nest) for nest in fusion.nests}
    for before, after in fusion.graph.state:
        if after is before:
            continue
        writer = fusion.home[after]
        readers = [nest for nest in fusion.nests if before in reads[nest] and nest is not writer]
        own = reads[writer].get(before, set())
        misplaced = bool(own - {writer.index_of(after)}) or writer.kind == "scatter"
        misplaced = misplaced or (bool(own) and after in writer.sums)
        if misplaced or any(nest.waits_for(writer) for nest in readers):
            fusion.aside.add(before)
            continue
        for nest in readers:
            fusion.link(writer, nest)


def _in_order(nests: list[Nest]) -> list[Nest]:
    """The nests as they were opened, but each after all that it waits for."""
    order: list[Nest] = []
    pending, done = list(nests), 0
    while pending:
        nest = next(nest for nest in pending if not nest.after & ~done)
        pending.remove(nest)
        order.append(nest)
        done |= 1 << nest.number
    return order
