"""From what `vivavoce` tells to what `openai-agents` would tell."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from vivavoce import agents, protocol
from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.errors import ConnectionLostError
from vivavoce.openai_agents.realtime import events as theirs
from vivavoce.openai_agents.realtime import model_events as model
from vivavoce.openai_agents.realtime.items import item_from
from vivavoce.openai_agents.realtime.translation import model_events_from, session_events_from
from vivavoce.protocol.codec import decode_server_event
from vivavoce.session import events as ours

INFO = theirs.RealtimeEventInfo(None)
AGENT: agents.RealtimeAgent[None] = agents.RealtimeAgent("Ada")
OTHER: agents.RealtimeAgent[None] = agents.RealtimeAgent("Bea")
HELLO = protocol.MessageItem(id="item_1", role="user", content=(protocol.InputText(text="Hello"),))
CALL = protocol.FunctionCallItem(
    id="item_2", call_id="call_1", name="look", arguments="{}", status="completed"
)
PART: dict[str, Any] = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
ERROR = protocol.ErrorDetail(type="server_error", message="out of order")


@agents.function_tool
def look() -> str:
    return "Nothing."


def updated(item: protocol.Item) -> model.RealtimeModelItemUpdatedEvent:
    spelled = item_from(item)
    assert spelled is not None
    return model.RealtimeModelItemUpdatedEvent(spelled)


MEANINGS: list[tuple[Any, list[Any]]] = [
    (protocol.ErrorEvent(event_id="e", error=ERROR), [model.RealtimeModelErrorEvent(ERROR)]),
    (
        protocol.ConversationItemAdded(event_id="e", item=HELLO, previous_item_id=None),
        [updated(HELLO)],
    ),
    (protocol.ConversationItemAdded(event_id="e", item=CALL, previous_item_id=None), []),
    (protocol.ConversationItemRetrieved(event_id="e", item=HELLO), [updated(HELLO)]),
    (
        protocol.ResponseOutputItemAdded(event_id="e", response_id="resp_1", output_index=0, item=CALL),
        [],
    ),
    (
        protocol.ResponseOutputItemDone(event_id="e", response_id="resp_1", output_index=0, item=CALL),
        [
            updated(CALL),
            model.RealtimeModelToolCallEvent("look", "call_1", "{}", id="item_2"),
        ],
    ),
    (
        protocol.ResponseOutputItemDone(event_id="e", response_id="resp_1", output_index=0, item=HELLO),
        [updated(HELLO)],
    ),
    (
        protocol.ConversationItemDeleted(event_id="e", item_id="item_1"),
        [model.RealtimeModelItemDeletedEvent("item_1")],
    ),
    (
        protocol.ResponseOutputAudioDelta(event_id="e", delta=b"\1\0", **PART),
        [model.RealtimeModelAudioEvent(b"\1\0", "resp_1", "item_1", 0)],
    ),
    (
        protocol.ResponseOutputAudioDone(event_id="e", **PART),
        [model.RealtimeModelAudioDoneEvent("item_1", 0)],
    ),
    (
        protocol.ResponseOutputAudioTranscriptDelta(event_id="e", delta="Good", **PART),
        [model.RealtimeModelTranscriptDeltaEvent("item_1", "Good", "resp_1")],
    ),
    (
        protocol.ResponseOutputTextDelta(event_id="e", delta="Good", **PART),
        [model.RealtimeModelOutputTextDeltaEvent("item_1", "Good", "resp_1")],
    ),
    (
        protocol.InputAudioBufferTimeoutTriggered(
            event_id="e", item_id="item_1", audio_start_ms=0, audio_end_ms=5000
        ),
        [model.RealtimeModelInputAudioTimeoutTriggeredEvent("item_1", 0, 5000)],
    ),
    (protocol.InputAudioBufferCleared(event_id="e"), []),
]


@pytest.mark.parametrize(("event", "meaning"), MEANINGS, ids=lambda value: getattr(value, "type", ""))
def test_a_server_event_comes_raw_and_then_as_what_it_means(event: Any, meaning: list[Any]) -> None:
    raw, *told = model_events_from(event)
    assert raw == model.RealtimeModelRawServerEvent(protocol.to_builtins(event))
    assert told == meaning


def decoded(**fields: Any) -> Any:
    event = decode_server_event(protocol_json({"event_id": "e", **fields}))
    assert not isinstance(event, list)
    return event


def protocol_json(data: dict[str, Any]) -> str:
    import json

    return json.dumps(data)


USED = {
    "total_tokens": 30,
    "input_tokens": 20,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 5, "audio_tokens": 15, "image_tokens": 0, "cached_tokens": 7},
    "output_token_details": {"text_tokens": 2, "audio_tokens": 8},
}


def response(**fields: Any) -> dict[str, Any]:
    plain = {"id": "resp_1", "object": "realtime.response", "status": "completed", "output": []}
    return {**plain, "status_details": None, "metadata": None, "usage": None, **fields}


def test_an_answer_begins_and_ends() -> None:
    begun = model_events_from(decoded(type="response.created", response=response(status="in_progress")))
    ended = model_events_from(decoded(type="response.done", response=response()))
    assert begun[1:] == [model.RealtimeModelTurnStartedEvent(response_id="resp_1")]
    assert ended[1:] == [model.RealtimeModelTurnEndedEvent(response_id="resp_1")]


def test_what_an_answer_took_comes_before_its_end() -> None:
    _, used, ended = model_events_from(decoded(type="response.done", response=response(usage=USED)))
    assert isinstance(used, model.RealtimeModelUsageEvent)
    assert isinstance(ended, model.RealtimeModelTurnEndedEvent)
    assert (used.usage.requests, used.usage.total_tokens) == (1, 30)
    assert used.input_tokens_details == model.RealtimeModelInputTokensDetails(5, 15, 0, 7)
    assert used.output_tokens_details == model.RealtimeModelOutputTokensDetails(2, 8)


def test_a_transcript_that_is_complete() -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    event = decoded(
        type=kind,
        item_id="item_1",
        content_index=0,
        transcript="Hello",
        usage={"type": "duration", "seconds": 1},
    )
    told = model_events_from(event)[1:]
    assert told == [model.RealtimeModelInputAudioTranscriptionCompletedEvent("item_1", "Hello")]


def test_an_event_that_nobody_knows_comes_raw() -> None:
    data = {"type": "vendor.hint", "event_id": "e", "level": 3}
    [raw] = model_events_from(decoded(**data))
    assert raw == model.RealtimeModelRawServerEvent(data)


def test_the_line_itself() -> None:
    error = ConnectionLostError("gone")
    assert model_events_from(ConnectionStatus("connected")) == [
        model.RealtimeModelConnectionStatusEvent("connected")
    ]
    assert model_events_from(ConnectionFailed(error)) == [model.RealtimeModelExceptionEvent(error)]


AUDIO = model.RealtimeModelAudioEvent(b"\1\0", "resp_1", "item_1", 0)
CUT = model.RealtimeModelAudioInterruptedEvent("item_1", 0)
TOLD: list[tuple[Any, list[Any]]] = [
    (ours.RealtimeAgentStart(AGENT, "resp_1"), [theirs.RealtimeAgentStartEvent(AGENT, INFO)]),
    (
        ours.RealtimeAgentEnd(AGENT, "resp_1", "completed", "Good day."),
        [theirs.RealtimeAgentEndEvent(AGENT, INFO)],
    ),
    (ours.RealtimeHandoff(AGENT, OTHER), [theirs.RealtimeHandoffEvent(AGENT, OTHER, INFO)]),
    (
        ours.RealtimeToolStart(AGENT, look, "call_1", "{}"),
        [theirs.RealtimeToolStart(AGENT, look, "{}", INFO)],
    ),
    (
        ours.RealtimeToolEnd(AGENT, look, "call_1", "{}", "Nothing."),
        [theirs.RealtimeToolEnd(AGENT, look, "{}", "Nothing.", INFO)],
    ),
    (
        ours.RealtimeToolApprovalRequired(AGENT, look, "call_1", "{}"),
        [theirs.RealtimeToolApprovalRequired(AGENT, look, "call_1", "{}", INFO)],
    ),
    (
        ours.RealtimeAudio(ours.AudioChunk(b"\1\0", "resp_1", "item_1", 0), "item_1", 0),
        [theirs.RealtimeRawModelEvent(AUDIO, INFO), theirs.RealtimeAudio(AUDIO, "item_1", 0, INFO)],
    ),
    (ours.RealtimeAudioEnd("item_1", 0), [theirs.RealtimeAudioEnd(INFO, "item_1", 0)]),
    (
        ours.RealtimeAudioInterrupted("item_1", 0, 300),
        [theirs.RealtimeRawModelEvent(CUT, INFO), theirs.RealtimeAudioInterrupted(INFO, "item_1", 0)],
    ),
    (ours.RealtimeError(ERROR), [theirs.RealtimeError(ERROR, INFO)]),
    (ours.RealtimeHistoryAdded(HELLO), [theirs.RealtimeHistoryAdded(updated(HELLO).item, INFO)]),
    (
        ours.RealtimeHistoryAdded(protocol.FunctionCallOutputItem(call_id="call_1", output="Nothing.")),
        [],
    ),
    (
        ours.RealtimeGuardrailTripped((), "Good", "item_1", "resp_1"),
        [theirs.RealtimeGuardrailTripped([], "Good", INFO)],
    ),
    (
        ours.RealtimeInputAudioTimeoutTriggered("item_1", 0, 5000),
        [theirs.RealtimeInputAudioTimeoutTriggered(INFO)],
    ),
    (
        ConnectionStatus("disconnected"),
        [theirs.RealtimeRawModelEvent(model.RealtimeModelConnectionStatusEvent("disconnected"), INFO)],
    ),
    (ours.RealtimePlaybackEnded("item_1", 0), []),
    (protocol.ConversationItemDeleted(event_id="e", item_id="item_1"), []),
]


@pytest.mark.parametrize(("event", "told"), TOLD, ids=lambda value: getattr(value, "type", ""))
def test_a_session_event_is_told_as_there(event: Any, told: list[Any]) -> None:
    assert session_events_from(event, INFO) == told


def test_a_raw_event_is_told_with_what_it_means() -> None:
    event = ours.RealtimeRawModelEvent(protocol.ConversationItemDeleted(event_id="e", item_id="item_1"))
    told = session_events_from(event, INFO)
    assert [one.data.type for one in told if isinstance(one, theirs.RealtimeRawModelEvent)] == [
        "raw_server_event",
        "item_deleted",
    ]


def test_a_history_is_translated_once_and_when_it_is_read() -> None:
    reads: list[int] = []

    def read() -> list[protocol.Item]:
        reads.append(1)
        return [HELLO]

    [told] = session_events_from(ours.RealtimeHistoryUpdated(read), INFO)
    assert isinstance(told, theirs.RealtimeHistoryUpdated)
    assert (told.type, told.info, reads) == ("history_updated", INFO, [])
    assert told.history == told.history == [updated(HELLO).item]
    assert asdict(told)["history"] == [updated(HELLO).item]
    assert reads == [1]


def test_every_event_of_the_union_can_be_told() -> None:
    kinds = {type(one) for _, told in TOLD for one in told} | {theirs.RealtimeHistoryUpdated}
    assert kinds == set(theirs.RealtimeSessionEvent.__args__)
