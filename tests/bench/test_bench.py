"""The benchmark works from end to end: a server, a load of two callers, and figures that can be true."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.local
@pytest.mark.skipif(
    sys.platform != "linux", reason="the benchmark reads what a server used from Linux' /proc"
)
def test_two_callers_are_answered_and_measured(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    options = ["--sessions", "2", "--warm-up", "0.5", "--seconds", "3.6", "--out", str(out)]

    subprocess.run([sys.executable, "-m", "bench", "latency", *options], cwd=ROOT, check=True, timeout=50)

    tables = json.loads(out.read_text())["sections"]["latency"]
    shares, clocks, costs = (table["rows"][0] for table in tables)
    answered, spoken = shares["answered"].split("/")
    assert int(answered) == int(spoken) >= 1
    # The detector needs half a second of silence, and the server some time.
    assert 500 < clocks["speech p50"] < 5000
    assert 0 < shares["p50"] < clocks["frame p50"] < clocks["speech p50"]
    assert 0 < costs["floor"] < costs["CPU ms/session-s"]


def test_an_unknown_measurement_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "speed", "--out", str(tmp_path / "figures.json")]

    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=50)

    assert done.returncode == 2
    assert "no such measurement: speed" in done.stdout
    assert not (tmp_path / "figures.json").exists()
