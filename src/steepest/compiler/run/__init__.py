"""A program on arrays: one native call runs many steps.

signature   what the native function takes, and where
team        the threads that run it
pages       memory of the user, made before it is written to
program     memory of its own, and the user's arrays
"""

__all__: list[str] = []
