"""The documented example of `vivavoce.testing`: it runs as a program and under pytest, in under a second."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "test_front_desk.py"


def test_each_call_of_the_example_takes_less_than_a_second() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 0, done.stderr
    seconds = [float(number) for number in re.findall(r": ([0-9.]+) s$", done.stdout, re.MULTILINE)]
    assert len(seconds) == 3
    assert sum(seconds) < 1.0, done.stdout


def test_the_example_runs_under_pytest() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=40, check=False, cwd=EXAMPLE.parents[1]
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
