"""What scripts ask about graphics processors: there are none here."""

__all__ = [
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "synchronize",
]


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: numbers are drawn on the processor."""


def manual_seed_all(seed: int) -> None:
    """Nothing: numbers are drawn on the processor."""


def empty_cache() -> None:
    """Nothing: there is no other memory."""


def synchronize() -> None:
    """Nothing: results are there when a call returns."""
