from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.connections import ConnectionStatus
from vivavoce.errors import ToolError
from vivavoce.observe.logs import SessionLog, content_is_logged
from vivavoce.protocol import ErrorDetail

STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
SECRET = "my number is 12345"
AGENT, TOOL = SimpleNamespace(name="Ada"), SimpleNamespace(name="get_weather")


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in STANDARD}


def a_session(stage: Any, forms: SimpleNamespace) -> None:
    stage.opened(model="voice-1")
    stage.told("connection_status", status="connected")
    stage.speech_started()
    stage.speech_stopped()
    stage.understood(SECRET)
    stage.response()
    stage.now = 1.25
    stage.done(output=[forms.message(SECRET)], usage=forms.usage(text=3, spoke=4))
    stage.told("tool_start", agent=AGENT, tool=TOOL, call_id="call_1", arguments=SECRET)
    stage.told("tool_end", agent=AGENT, tool=TOOL, call_id="call_1", arguments=SECRET, output=SECRET)
    stage.told("tool_approval_required", agent=AGENT, tool=TOOL, call_id="call_2", arguments=SECRET)
    stage.told("handoff", from_agent=AGENT, to_agent=SimpleNamespace(name="Bob"))
    stage.told("guardrail_tripped", response_id="resp_1", item_id="item_1", message=SECRET)
    stage.told("audio_interrupted", item_id="item_1", heard_ms=300)
    stage.told("history_updated", history=[])
    stage.told("error", error=ToolError(SECRET))
    stage.told("error", error=ErrorDetail(type="server_error", message=SECRET))
    stage.server("error", error={"type": "server_error", "code": "oops", "message": SECRET})
    stage.now = 2.0
    stage.observer.close(stage.now)
    stage.observer.close(stage.now)


def test_messages_are_static_and_hold_nothing_of_the_user(
    show: Callable[..., Any], forms: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        a_session(show(SessionLog(content=False, session="call 7")), forms)
    assert [(record.levelname, record.msg) for record in caplog.records] == [
        ("INFO", "Session opened"),
        ("DEBUG", "Connection"),
        ("DEBUG", "Speech started"),
        ("DEBUG", "Speech stopped"),
        ("DEBUG", "Speech understood"),
        ("DEBUG", "Response began"),
        ("DEBUG", "Response ended"),
        ("DEBUG", "Tool began"),
        ("DEBUG", "Tool ended"),
        ("INFO", "Tool waits for approval"),
        ("INFO", "Handoff"),
        ("WARNING", "Output guardrail tripped"),
        ("DEBUG", "Playback interrupted"),
        ("WARNING", "Error in the session"),
        ("WARNING", "The server reported an error"),
        ("INFO", "Session closed"),
    ]
    assert all(fields(record)["session"] == "call 7" for record in caplog.records)
    assert SECRET not in " ".join(str(vars(record)) for record in caplog.records)
    found = {record.msg: fields(record) for record in caplog.records}
    assert found["Session opened"]["model"] == "voice-1"
    assert found["Response ended"] == {
        "response_id": "resp_1",
        "status": "completed",
        "seconds": 1.25,
        "input_tokens": 3,
        "output_tokens": 4,
        "session": "call 7",
    }
    assert found["Tool began"] == {
        "agent": "Ada",
        "tool": "get_weather",
        "call_id": "call_1",
        "session": "call 7",
    }
    assert found["Error in the session"]["error_type"] == "ToolError"
    assert found["Session closed"]["seconds"] == 2.0


def test_content_is_logged_when_asked_for(
    show: Callable[..., Any], forms: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        a_session(show(SessionLog(content=True)), forms)
    with_content = {record.msg for record in caplog.records if "content" in fields(record)}
    assert with_content == {
        "Speech understood",
        "Tool began",
        "Tool ended",
        "Tool waits for approval",
        "Output guardrail tripped",
        "Error in the session",
        "The server reported an error",
    }
    assert {fields(record)["content"] for record in caplog.records if "content" in fields(record)} == {SECRET}


def test_nothing_is_made_of_events_that_nobody_logs(
    show: Callable[..., Any], forms: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "vivavoce"):
        a_session(show(SessionLog(content=False)), forms)
    assert {record.levelname for record in caplog.records} == {"INFO", "WARNING"}


def test_a_failed_response_is_a_warning_with_its_reason(
    show: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    stage = show(SessionLog(content=False))
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        stage.done(status="failed", status_details={"type": "failed"})
        stage.done(status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    assert [(record.levelname, vars(record).get("reason")) for record in caplog.records] == [
        ("WARNING", None),
        ("DEBUG", "turn_detected"),
    ]


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("TRUE", True), ("0", False), ("", False)])
def test_the_environment_may_ask_for_content(
    value: str, wanted: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VIVAVOCE_LOG_CONTENT", value)
    assert content_is_logged() is wanted
    log = SessionLog()
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        log.on_session_event(SimpleNamespace(type="error", error=ToolError("oh")), 0.0)
        log.on_session_event(ConnectionStatus("connected"), 0.0)
    assert [("content" in fields(record)) for record in caplog.records] == [wanted, False]


def test_a_session_that_never_opened_closes_without_a_length(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        SessionLog(content=False).close(5.0)
    assert fields(caplog.records[0]) == {}
