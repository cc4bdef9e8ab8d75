"""What is kept on disk, so that a program is compiled once per machine, not once per process.

An entry's name says all that it depends on (see `naming`). It carries a digest of its content; one
that does not match (a full disk, a crash) is as good as none and is written anew. Processes may
share the folder: entries appear by renaming, complete or not at all.

The folder is `steepest` in the user's cache folder, or what STEEPEST_CACHE names; with
STEEPEST_CACHE empty nothing is kept.
"""

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["load", "save"]

_MAGIC = b"steepest program 1\n"
_MOST = 500  # entries; beyond, the ones unused for longest go


def folder() -> Path | None:
    """Where entries are; None where nothing is kept."""
    chosen = os.environ.get("STEEPEST_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    home = Path.home()
    usual = home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or usual
    return Path(base) / "steepest"


def load(name: str) -> tuple[dict[str, Any], bytes] | None:
    """(facts, code) of an entry, or None where there is none, or a broken one."""
    place = folder()
    if place is None:
        return None
    path = place / name
    try:
        content = path.read_bytes()
        os.utime(path)  # used now: not the first to go
    except OSError:
        return None
    head = len(_MAGIC) + 32
    if content[: len(_MAGIC)] != _MAGIC or len(content) < head + 8:
        return None
    body = content[head:]
    if hashlib.sha256(body).digest() != content[len(_MAGIC) : head]:
        return None
    length = int.from_bytes(body[:8], "little")
    return json.loads(body[8 : 8 + length]), body[8 + length :]


def save(name: str, facts: dict[str, Any], code: bytes) -> None:
    """Keep an entry; a folder that cannot be written keeps nothing."""
    place = folder()
    if place is None:
        return
    written = json.dumps(facts).encode()
    body = len(written).to_bytes(8, "little") + written + code
    with contextlib.suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(place / name, _MAGIC + hashlib.sha256(body).digest() + body)
        _tidy(place)


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)  # nobody waits for the disk: after a crash, the digest tells
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _tidy(place: Path) -> None:
    """Drop the entries unused for longest, a quarter at a time."""
    entries = [entry for entry in os.scandir(place) if entry.is_file()]
    if len(entries) > _MOST:
        entries.sort(key=lambda entry: entry.stat().st_mtime)
        for entry in entries[: _MOST // 4]:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
