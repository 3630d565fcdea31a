"""The measurements of the client half run from end to end, with figures that can be true."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from bench.process import ROOT, wire
from bench.report import Report
from bench.sdk import Sizes, sdk
from bench.sdk_kit import OURS, THEIRS
from bench.sdk_wire import Script
from bench.speech import FRAME_BYTES

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads what a process used from /proc"),
    # A dozen processes, one after another, before the first test.
    pytest.mark.timeout(240),
]
TINY = Sizes(deltas=50, rounds=1, minutes=(1, 2), sessions=3, turns=20, calls=2, cuts=1, items=3)


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    """All tables of one run, by their title's first words."""
    report = Report()
    sdk(report, TINY, [OURS])
    return {table["title"].partition(":")[0]: table["rows"] for table in report.sections["sdk"]}


def test_receiving_costs_more_than_the_least(tables: dict[str, Any]) -> None:
    rows = tables["Receiving audio"]

    labels = [f"{name}, events read" for name in (OURS,)]
    assert [row["client"] for row in rows] == [
        "websockets, json, base64",
        *labels,
        f"{OURS}, and an observer",
    ]
    assert rows[0]["best to floor"] == 1
    assert all(0 < row["best"] <= row["median"] for row in rows)


def test_a_turn_is_measured_early_and_late(tables: dict[str, Any]) -> None:
    rows = tables["A turn of a long conversation"]

    assert [row["client"] for row in rows] == [OURS]
    assert all(row["turn 10"] > 0 and row["turn 20"] > 0 for row in rows)


def test_ours_keeps_little_of_what_nobody_reads(tables: dict[str, Any]) -> None:
    rows = tables["MB kept of audio that is not read"]

    assert [row["client"] for row in rows] == [OURS, OURS]
    # Two minutes are 5.8 MB. A reader that stopped has it waiting for it, as audio and as events.
    assert rows[0]["reader"] == "nobody"
    assert rows[0]["2 min"] < 5 < rows[1]["2 min"]


def test_idle_sessions_take_some_memory(tables: dict[str, Any]) -> None:
    rows = tables["3 idle sessions, each"]

    assert [row["client"] for row in rows] == [OURS]
    assert all(0 < row["KB allocated"] < 5000 and row["CPU ms to open"] > 0 for row in rows)


def test_a_call_is_answered_before_a_response_is_asked_for(tables: dict[str, Any]) -> None:
    rows = tables["Round trip of a tool that does nothing, ms"]

    assert [(row["client"], row["tool"]) for row in rows] == [(OURS, "async"), (OURS, "sync")]
    assert all(0 < row["output p50"] < row["response.create p50"] for row in rows)


def test_the_wait_before_a_reconnection_is_not_counted_as_work(tables: dict[str, Any]) -> None:
    (row,) = tables[f"{OURS}"]

    assert row["items replayed"] == 3
    # The first wait is half a second or up to a quarter less.
    assert 370 < row["wait before it, median"] <= 500
    assert 0 < row["best"] <= row["median"]


def test_the_versions_are_told(tables: dict[str, Any]) -> None:
    assert tables["These clients"] == [{"client": OURS, "version": version(OURS)}]


@pytest.mark.parametrize("client", [OURS, THEIRS])
def test_both_run_the_same_program(client: str) -> None:
    if client == THEIRS and importlib.util.find_spec("agents") is None:
        pytest.skip("needs openai-agents to compare with")
    with wire() as server:
        url = f"ws://127.0.0.1:{server.port}/v1/realtime?deltas=3&words=2&calls=2"
        command = [sys.executable, "-m", "bench.sdk_reader"]

        def run(name: str, *options: str) -> dict[str, Any]:
            done = subprocess.run(
                [*command, name, client, url, *options],
                cwd=ROOT,
                check=True,
                stdout=subprocess.PIPE,
                timeout=50,
            )
            return dict(json.loads(done.stdout))

        assert run("audio")["bytes"] == 3 * FRAME_BYTES
        assert len(run("turns", "2")["turn_ms"]) == 2
        run("calls", "async")
        timed = json.loads(server.said.readline())
    assert len(timed["output_ms"]) == len(timed["response_ms"]) == 2


def test_a_script_is_read_from_a_url() -> None:
    assert Script.of("/v1/realtime?deltas=20&words=3&model=gpt-realtime") == Script(20, 3, 0)
    assert Script.of("/v1/realtime") == Script()
