"""What waits to leave."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.effects import EndUtterance
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.outbox import PADDED_TO, Outbox
from vivavoce.protocol import (
    ConversationItemInputAudioTranscriptionDelta,
    InputAudioBufferCleared,
    ResponseFunctionCallArgumentsDelta,
    ResponseMcpCallArgumentsDelta,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ServerEvent,
    to_builtins,
)

PART = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
CALL = {"response_id": "r", "item_id": "i", "output_index": 0}
DELTAS: list[tuple[type[ServerEvent], dict[str, Any]]] = [
    (ResponseOutputTextDelta, PART),
    (ResponseOutputAudioTranscriptDelta, PART),
    (ResponseFunctionCallArgumentsDelta, {**CALL, "call_id": "c"}),
    (ResponseMcpCallArgumentsDelta, CALL),
    (ConversationItemInputAudioTranscriptionDelta, {"item_id": "i", "content_index": 0}),
]


def test_events_are_numbered_as_they_are_made_and_taken_once() -> None:
    outbox = Outbox(CountingIds())
    assert not Outbox(CountingIds()).waiting
    outbox.emit(InputAudioBufferCleared)
    outbox.error("No.", code="invalid_value", param="audio", event_id="mine")
    assert outbox.waiting
    first, second = outbox.take_events()
    assert (to_builtins(first)["event_id"], to_builtins(second)["event_id"]) == ("event_1", "event_2")
    assert to_builtins(second)["error"] == {
        "type": "invalid_request_error",
        "message": "No.",
        "code": "invalid_value",
        "param": "audio",
        "event_id": "mine",
    }
    assert outbox.take_events() == []


def test_effects_keep_their_order_and_are_taken_once() -> None:
    outbox = Outbox(CountingIds())
    effects = [EndUtterance("b"), EndUtterance("a")]
    for effect in effects:
        outbox.effect(effect)
    assert outbox.waiting
    assert outbox.take_effects() == effects
    assert outbox.take_effects() == []
    assert not outbox.waiting


@pytest.mark.parametrize(("event", "fields"), DELTAS)
@pytest.mark.parametrize("delta", ["", "a", "Grüße aus Köln", "x" * PADDED_TO, "x" * 40])
def test_the_length_of_a_text_delta_does_not_give_its_words_away(
    event: type[ServerEvent], fields: dict[str, Any], delta: str
) -> None:
    outbox = Outbox(CountingIds(), obfuscate=True)
    outbox.emit(event, **fields, delta=delta)
    (sent,) = outbox.take_events()
    padding = to_builtins(sent)["obfuscation"]
    assert (len(delta.encode()) + len(padding)) % PADDED_TO == 0
    assert len(padding) < PADDED_TO


def test_other_events_are_not_padded_nor_any_where_nobody_asks_for_it() -> None:
    outbox = Outbox(CountingIds(), obfuscate=True)
    outbox.emit(ResponseOutputAudioDelta, **PART, delta=b"abc")
    plain = Outbox(CountingIds())
    plain.emit(ResponseOutputTextDelta, **PART, delta="abc")
    for event in (*outbox.take_events(), *plain.take_events()):
        assert "obfuscation" not in to_builtins(event)
