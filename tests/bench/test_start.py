"""Import times and sizes of both SDKs can be true."""

from __future__ import annotations

import pytest
from bench.report import Report
from bench.start import imports

pytest.importorskip("agents", reason="needs openai-agents to compare with")


def test_both_are_measured() -> None:
    report = Report()

    imports(report, times=1)

    times, *sizes = report.sections["imports"]
    by_name = {row["what"]: row["CPU ms"] for row in times["rows"]}
    assert by_name["import vivavoce"] < by_name["the SDK's names"] < by_name["the same of openai-agents"]
    assert [size["title"].rpartition(" of ")[2] for size in sizes] == ["vivavoce, MB", "openai-agents, MB"]
    assert all(size["rows"][0]["MB"] > size["rows"][1]["MB"] > 0 for size in sizes)
