"""Graph -> Nests: which values are stored, which loop nest computes each, and in which order.

affine, index       indices, and what movement does to them
nest, reach         loop nests, and what can be computed in one: whatever its index reaches
costs               what is worth computing again, or storing
results, turned     copies that the rest relies on
found, supply       what nests have; what they need is stored, or can be computed in them
fuse                the nests of a graph
keep, order         what is stored for others; which nest runs when
images              along what images lie: samples or channels
pseudo              the nests as a page to read
"""

__all__: list[str] = []
