"""How many cores this process may use: what the machine has is not what a container gets."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["usable_cpus"]


def usable_cpus(root: Path = Path("/")) -> int:
    """Return how many cores this process may use, at least 1.

    The least of its affinity and the CPU quotas of its control groups (version 2 and 1), rounded down.

    Args:
        root: where `proc` and `sys` are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min([cores, *_quotas(root)])))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the quota, in cores, of each control group that this process is in, up to the outermost."""
    try:
        memberships = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in memberships:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        # A container sees its own group as the outermost; the path may then not exist below it.
        group = top / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(top):
                yield _quota(folder, "cpu.cfs_quota_us cpu.cfs_period_us" if controllers else "cpu.max")


def _quota(folder: Path, files: str) -> float:
    try:
        quota, period = (int(word) for name in files.split() for word in (folder / name).read_text().split())
    except (OSError, ValueError):  # no such group, or "max": no quota
        return math.inf
    return quota / period if quota > 0 else math.inf
