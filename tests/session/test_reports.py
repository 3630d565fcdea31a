from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, Usage
from vivavoce.conversation.client import ClientConversation
from vivavoce.protocol.codec import server_event_from
from vivavoce.session.events import RealtimeError
from vivavoce.session.reports import Reporter
from vivavoce.session.wire_events import BetaEvent

AGENT = RealtimeAgent[Any]("Ada")
PART = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}


class Report:
    def __init__(self) -> None:
        self.conversation = ClientConversation()
        self.events: list[Any] = []
        self.usage = Usage()
        self.reporter = Reporter(self.conversation, self.events.append, self.usage)

    def hear(self, kind: str, **fields: Any) -> list[Any]:
        """Return what is published for one event of the server."""
        self.events.clear()
        event = server_event_from({"type": kind, "event_id": "e", **fields})
        self.conversation.receive(event, 0.0)
        self.reporter.report_wire(event)
        self.calls = self.reporter.report_notices(lambda _response_id: AGENT)
        return list(self.events)

    def kinds(self, kind: str, **fields: Any) -> list[str]:
        return [str(event.type) for event in self.hear(kind, **fields)]


@pytest.fixture
def report() -> Report:
    return Report()


def response(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {
        "object": "realtime.response",
        "id": "r",
        "status": status,
        "conversation_id": "c",
        "output": [],
        **fields,
    }


def test_an_event_of_the_server_comes_raw_and_under_its_name(report: Report) -> None:
    raw, wire = report.hear("input_audio_buffer.cleared")
    assert (raw.type, raw.data) == ("raw_model_event", wire)
    assert wire.type == "input_audio_buffer.cleared"


def test_an_unknown_event_comes_too(report: Report) -> None:
    assert report.kinds("brand.new") == ["raw_model_event", "brand.new"]


def test_audio_comes_once(report: Report) -> None:
    (event,) = report.hear("response.output_audio.delta", **PART, delta="AQI=")
    assert (event.type, event.audio.data, event.audio.response_id, event.item_id) == (
        "audio",
        b"\1\2",
        "r",
        "a",
    )


@pytest.mark.parametrize(
    ("kind", "beta", "fields"),
    [
        ("response.output_audio_transcript.done", "response.audio_transcript.done", {"transcript": "hi"}),
        ("response.output_audio_transcript.delta", "response.audio_transcript.delta", {"delta": "hi"}),
        ("response.output_text.done", "response.text.done", {"text": "hi"}),
        ("response.output_audio.done", "response.audio.done", {}),
    ],
)
def test_names_of_the_beta_come_once_with_the_same_fields(
    report: Report, kind: str, beta: str, fields: dict[str, str]
) -> None:
    events = report.hear(kind, **PART, **fields)
    (alias,) = [event for event in events if event.type == beta]
    assert isinstance(alias, BetaEvent)
    assert [getattr(alias, name) for name in fields] == list(fields.values())
    assert [event.type for event in events].count(kind) == 1
    with pytest.raises(AttributeError):
        _ = alias.nothing_of_the_kind
    assert beta in repr(alias)


def test_an_error_of_the_server_comes_once(report: Report) -> None:
    events = report.hear("error", error={"type": "t", "message": "m"})
    assert [event.type for event in events] == ["raw_model_event", "error"]
    assert events[1].error.message == "m"


def test_history_comes_with_items_and_as_a_whole(report: Report) -> None:
    item = {"type": "message", "id": "a", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    _, _, added, updated = report.hear("conversation.item.added", item=item)
    assert (added.type, added.item.id) == ("history_added", "a")
    assert [entry.id for entry in updated.history] == ["a"]


def test_an_item_that_was_added_and_is_gone_is_not_added(report: Report) -> None:
    item = {"type": "message", "id": "a", "role": "user", "content": []}
    for event in (
        {"type": "conversation.item.added", "item": item},
        {"type": "conversation.item.deleted", "item_id": "a"},
    ):
        report.conversation.receive(server_event_from({"event_id": "e", **event}), 0.0)
    report.reporter.report_notices(lambda _response_id: AGENT)
    assert [event.type for event in report.events] == ["history_updated", "history_updated"]


def test_an_answer_begins_and_ends_with_its_words_and_its_cost(report: Report) -> None:
    (start,) = [
        event
        for event in report.hear("response.created", response=response("in_progress"))
        if event.type == "agent_start"
    ]
    assert (start.agent, start.response_id) == (AGENT, "r")
    output = [
        {
            "type": "message",
            "id": "a",
            "role": "assistant",
            "content": [{"type": "output_audio", "transcript": "One."}],
        },
        {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}"},
        {
            "type": "message",
            "id": "b",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Two."}],
        },
    ]
    events = report.hear("response.done", response=response(output=output, usage={"total_tokens": 5}))
    (end,) = [event for event in events if event.type == "agent_end"]
    assert (end.agent, end.status, end.output) == (AGENT, "completed", "One. Two.")
    assert (report.usage.requests, report.usage.total_tokens) == (1, 5)
    assert [getattr(call, "call_id", None) for call in report.calls] == ["c"]


@pytest.mark.parametrize(
    ("details", "message"),
    [
        (
            {"type": "failed", "error": {"type": "server_error", "code": "x", "message": "no model"}},
            "no model",
        ),
        ({"type": "failed", "error": None}, "The response failed."),
        (None, "The response failed."),
    ],
)
def test_a_failed_answer_is_an_error(report: Report, details: Any, message: str) -> None:
    events = report.hear("response.done", response=response("failed", status_details=details))
    assert isinstance(events[-1], RealtimeError)
    assert events[-1].error.message == message


def test_the_users_silence_is_told(report: Report) -> None:
    *_, event = report.hear(
        "input_audio_buffer.timeout_triggered", item_id="u", audio_start_ms=1, audio_end_ms=2
    )
    assert (event.type, event.item_id, event.audio_start_ms, event.audio_end_ms) == (
        "input_audio_timeout_triggered",
        "u",
        1,
        2,
    )


def test_the_end_and_the_interruption_of_audio_are_told(report: Report) -> None:
    assert "audio_end" in report.kinds("response.output_audio.done", **PART)
    report.hear("response.output_audio.delta", **PART, delta="AQI=")
    (event,) = [
        event
        for event in report.hear("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0)
        if event.type == "audio_interrupted"
    ]
    assert (event.item_id, event.content_index, event.heard_ms) == ("a", 0, 0)
