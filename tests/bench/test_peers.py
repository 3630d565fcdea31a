"""Two servers on the same engines; in the peer's place is a program that understands its command line."""

import sys
from pathlib import Path

import pytest
from bench.peers import Contender, compare, own, peer, version_of
from bench.report import Report
from bench.wire import kind_of

STAND_IN = """\
#!{python}
import os, sys
if sys.argv[1] == "-c":
    print("1.1.0")
else:
    assert sys.argv[1:4] == ["-m", "bench.peer_main", "serve"], sys.argv
    options = dict(zip(sys.argv[4::2], sys.argv[5::2]))
    serve = ["-m", "vivavoce", "serve", "--engines", "bench", "--port", options["--port"]]
    os.execv("{python}", ["{python}", *serve, "--max-sessions", options["--num_pipelines"]])
"""


@pytest.mark.local
@pytest.mark.timeout(180)
@pytest.mark.skipif(
    sys.platform != "linux", reason="the benchmark reads what a server used from Linux' /proc"
)
def test_servers_are_measured_side_by_side(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(STAND_IN.format(python=sys.executable))
    python.chmod(0o755)
    contenders = [
        Contender("own", own),
        Contender(f"peer {version_of(str(python))}", peer(str(python), reopen_ms=0)),
        Contender("more", own, levels=(16,)),
    ]
    report = Report()

    compare(report, contenders, [1], 0.5, 4.0, left_out="nobody")

    (table,) = report.sections["peers"]
    assert [row["server"] for row in table["rows"]] == ["own", "peer 1.1.0"]
    for row in table["rows"]:
        assert row["answered"] == "1/1"
        # The detector needs half a second of silence, and the server some time.
        assert 500 < row["speech p50"] < 5000
        assert row["CPU ms/session-s"] > 0
        assert 30 < row["MB"] < 2000
    assert table["note"].endswith("left out: nobody.")


def test_a_missing_peer_is_told() -> None:
    with pytest.raises(LookupError, match="/no/python cannot be run"):
        version_of("/no/python")
    with pytest.raises(LookupError, match="--peer-python"):
        version_of(sys.executable)


@pytest.mark.parametrize(
    "event",
    [
        b'{"type":"response.done","response":{"object":"realtime.response"},"event_id":"event_1"}',
        b'{"event_id":"event_1","response":{"output":[{"type":"message"}]},"type":"response.done"}',
    ],
    ids=["first", "behind what has types itself"],
)
def test_the_type_of_an_event_is_found_where_a_server_writes_it(event: bytes) -> None:
    assert kind_of(event) == b"response.done"
