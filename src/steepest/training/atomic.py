"""Files that are whole or not there: written under a temporary name, synced, renamed.

A run may be killed at any moment. Whoever opens its folder afterwards finds, under every name,
either the last complete version of the file or none; a half-written one keeps its temporary name.
"""

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_bytes", "write_text"]


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Put `content` at `path`, replacing what was there in one step.

    Raises:
        OSError: the folder is missing, full, or not writable; what was at `path` is untouched.
    """
    path = Path(path)
    # In the same folder: a rename is one step only within a file system.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp gives a file that only its owner may read
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def write_text(path: str | os.PathLike, content: str) -> None:
    """Put `content` at `path` as UTF-8, replacing what was there in one step."""
    write_bytes(path, content.encode())
