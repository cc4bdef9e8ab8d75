"""One file per claim; docs/lessons.md says how to write one."""

__all__: list[str] = []
