"""The benchmark of calls works from end to end: a server, two peers, and figures that can be true."""

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
def test_two_calls_are_answered_and_measured(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    options = ["--calls", "2", "--seconds", "6", "--out", str(out)]

    subprocess.run([sys.executable, "-m", "bench", "calls", *options], cwd=ROOT, check=True, timeout=50)

    tables = json.loads(out.read_text())["sections"]["calls"]
    shares, costs = (table["rows"][0] for table in tables)
    answered, spoken = shares["answered"].split("/")
    assert int(answered) == int(spoken) >= 1
    # The detector needs half a second of silence, and the way to the ear some time.
    assert 500 < shares["end of turn p50"] < shares["heard p50"] < 5000
    assert 0 < shares["share p50"] < shares["heard p50"]
    assert shares["ready p50"] > 0
    assert costs["CPU ms/call-s"] > 0
