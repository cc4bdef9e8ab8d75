"""The manifest: what a run was made with, so that one can tell later why two runs differ."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from steepest.training.result import Fit

__all__ = ["manifest", "processor"]


def manifest(fit: Fit) -> dict[str, Any]:
    """Versions, processor, data, seed, and the optimizer's own settings; JSON-able."""
    data, group = fit.data, fit.optimizer.param_groups[0]
    own = {k: v for k, v in group.items() if isinstance(v, bool | int | float | tuple)}
    return {
        "steepest": version("steepest"),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "data": data.name,
        "data_sha256": data.digest,
        "data_provenance": data.provenance,
        "rows": {part: len(getattr(data, part)) for part in ("train", "val", "test")},
        "seed": fit.seed,
        "optimizer": own,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def processor() -> str:
    """The processor's name as its maker gives it, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for entry in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = entry.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
