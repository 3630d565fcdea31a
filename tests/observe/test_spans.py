from __future__ import annotations

import subprocess
import sys

import pytest

from vivavoce.observe.spans import Spans, present_only


def test_without_an_sdk_nobody_sees_spans() -> None:
    # In a process of its own: other tests may have set a global provider.
    code = "from vivavoce.observe.spans import Spans; print(Spans().begin(0.0))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "False\n"


def test_without_opentelemetry_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert not Spans().begin(0.0)


def test_times_of_the_loop_keep_their_distance() -> None:
    spans = Spans()
    assert spans.at(12.5) - spans.at(10.0) == 2_500_000_000


def test_what_has_no_value_is_left_out() -> None:
    assert present_only({"a": 0, "b": None, "c": "", "d": "x", "e": False}) == {"a": 0, "d": "x", "e": False}
