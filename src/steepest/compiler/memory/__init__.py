"""Nests -> memory: where values lie, the tiles of products, and what threads divide.

buffers, parts          places in memory, and places inside others
layout                  padding, and the dimension along which each value is contiguous
roles                   who does what in a contraction, and which letter has the lanes
contraction, matrices   the register tiles of a product, from a cost model; products for a library
tiling                  the tile of a nest
pieces, sharing         sums in fixed pieces; what the threads divide
offsets, plan           one block of memory for all
"""

__all__: list[str] = []
