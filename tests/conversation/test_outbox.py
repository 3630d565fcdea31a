"""What waits to leave."""

from vivavoce.conversation.effects import EndUtterance
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.outbox import Outbox
from vivavoce.protocol import InputAudioBufferCleared, to_builtins


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
