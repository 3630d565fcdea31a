"""How many cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vivavoce.cpus import usable_cpus


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def system(root: Path, memberships: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": memberships, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("memberships", "files", "expected"),
    [
        pytest.param("0::/", {}, 8, id="no quota file"),
        pytest.param("0::/", {"cpu.max": "max 100000"}, 8, id="no quota"),
        pytest.param("0::/", {"cpu.max": "200000 100000"}, 2, id="container, version 2"),
        pytest.param("0::/", {"cpu.max": "350000 100000"}, 3, id="rounded down"),
        pytest.param("0::/", {"cpu.max": "50000 100000"}, 1, id="never below one"),
        pytest.param("0::/", {"cpu.max": "1600000 100000"}, 8, id="more than the affinity"),
        pytest.param(
            "0::/slice/unit",
            {"slice/cpu.max": "200000 100000", "slice/unit/cpu.max": "400000 100000"},
            2,
            id="the strictest group counts",
        ),
        pytest.param(
            "5:memory:/m\n4:cpu,cpuacct:/docker/1\n0::/",
            {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"},
            3,
            id="container, version 1",
        ),
        pytest.param(
            "4:cpu:/",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            8,
            id="no quota, version 1",
        ),
    ],
)
def test_a_quota_limits_the_cores(
    memberships: str, files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    below = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    assert usable_cpus(system(tmp_path, memberships, below)) == expected


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path) == 8


def test_without_affinity_the_machine_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cpus(tmp_path) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cpus(tmp_path) == 1
