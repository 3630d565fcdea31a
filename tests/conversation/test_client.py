from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.client import RETRIEVED_MS
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    Failed,
    ItemAdded,
    PlaybackInterrupted,
    ResponseBegan,
    ResponseEnded,
)
from vivavoce.conversation.client_requests import ANSWER_S
from vivavoce.conversation.client_sent import REMEMBERED
from vivavoce.protocol import Unknown

if TYPE_CHECKING:
    from tests.conversation.conftest import Desk

SECOND = bytes(48_000)
SESSION: dict[str, Any] = {
    "type": "realtime",
    "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}}},
}


# --- history ------------------------------------------------------------------------------------------------


def test_a_spoken_turn_grows_word_by_word(desk: Desk) -> None:
    desk.answer(words="Good ", audio=SECOND)
    assert desk.words("a") == "Good "
    part = desk.part("r", "a")
    desk.hear("response.output_audio_transcript.delta", **part, delta="day")
    desk.hear("response.output_audio.done", **part)
    desk.hear("response.output_audio_transcript.done", **part, transcript="Good day.")
    desk.end()
    assert desk.words("a") == "Good day."
    assert desk.of(ItemAdded) == [ItemAdded("a")]
    assert desk.of(AudioReceived) == [AudioReceived("a", 0, "r", SECOND)]
    assert desk.of(AudioFinished) == [AudioFinished("a", 0)]
    assert [len(desk.of(kind)) for kind in (ResponseBegan, ResponseEnded)] == [1, 1]
    assert desk.sent == []


def test_a_written_turn_grows_too(desk: Desk) -> None:
    desk.answer()
    part = desk.part("r", "a")
    desk.hear("response.output_text.delta", **part, delta="Good d")
    assert desk.words("a") == "Good d"
    desk.hear("response.output_text.done", **part, text="Good day.")
    item = {
        "type": "message",
        "id": "a",
        "role": "assistant",
        "content": [{"type": "output_text", "text": ""}],
    }
    desk.hear("conversation.item.done", item=item | {"status": "completed"})
    assert desk.words("a") == "Good day."


def test_the_users_words_come_even_before_their_item(desk: Desk) -> None:
    prefix = "conversation.item.input_audio_transcription."
    desk.hear(prefix + "delta", item_id="u", delta="hel")
    desk.hear(prefix + "delta", item_id="u", content_index=0, delta="lo")
    assert desk.words("u") == "hello"
    item = {
        "type": "message",
        "id": "u",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    desk.hear("conversation.item.added", item=item, previous_item_id=None)
    desk.hear(prefix + "completed", item_id="u", content_index=0, transcript="Hello.", usage=USAGE)
    assert desk.words("u") == "Hello."
    assert desk.of(ItemAdded) == [ItemAdded("u")]


USAGE = {"type": "duration", "seconds": 1}


def test_items_come_and_go(desk: Desk) -> None:
    desk.hear(
        "conversation.item.created",
        item={
            "type": "message",
            "id": "s",
            "role": "system",
            "content": [{"type": "input_text", "text": "x"}],
        },
    )
    desk.hear("conversation.item.deleted", item_id="s")
    desk.hear("conversation.item.deleted", item_id="s")
    assert len(desk.client.history) == 0


def test_words_about_unknown_items_are_passed_over(desk: Desk) -> None:
    part = desk.part("r", "nowhere")
    desk.hear("response.output_audio_transcript.delta", **part, delta="x")
    desk.hear("response.output_audio_transcript.done", **part, transcript="x")
    desk.hear("response.output_text.delta", **part, delta="x")
    desk.hear("response.output_text.done", **part, text="x")
    desk.hear("conversation.item.truncated", item_id="nowhere", content_index=0, audio_end_ms=10)
    desk.client.receive(Unknown(type="strange", raw={}), 0.0)
    desk.drain()
    assert desk.notices == []
    assert desk.sent == []


# --- interruption -------------------------------------------------------------------------------------------


def test_barge_in_cuts_history_and_server_where_the_ear_was(desk: Desk) -> None:
    desk.hear("session.created", session=SESSION)
    desk.answer(words="one two three four", audio=SECOND * 2)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.end()
    desk.now = 1.0
    desk.speech()
    assert desk.of(PlaybackInterrupted) == [PlaybackInterrupted("a", 0, 1000)]
    (truncate,) = desk.sent
    assert (truncate["type"], truncate["item_id"], truncate["audio_end_ms"]) == (
        "conversation.item.truncate",
        "a",
        1000,
    )
    assert desk.words("a") == "one two"


def test_the_exact_words_are_asked_for_and_taken(desk: Desk) -> None:
    desk.answer(words="one two three four", audio=SECOND * 2)
    desk.now = 1.0
    desk.speech()
    desk.take()
    desk.hear("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=1000)
    assert desk.take() == ["conversation.item.retrieve"]
    item = {
        "type": "message",
        "id": "a",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "one"}],
    }
    desk.hear("conversation.item.retrieved", item=item)
    assert desk.words("a") == "one"


@pytest.mark.parametrize("audio_end_ms", [0, RETRIEVED_MS + 1])
def test_nothing_and_very_much_is_not_asked_for(desk: Desk, audio_end_ms: int) -> None:
    desk.answer()
    desk.hear("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=audio_end_ms)
    assert desk.sent == []


def test_speech_after_the_reply_was_heard_interrupts_nothing(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.end()
    desk.now = 2.0
    desk.speech()
    assert desk.of(PlaybackInterrupted) == []
    assert desk.sent == []


@pytest.mark.parametrize(
    ("turn_detection", "interrupted"),
    [
        (None, True),
        ({"type": "server_vad"}, True),
        ({"type": "server_vad", "interrupt_response": True}, True),
        ({"type": "semantic_vad", "interrupt_response": False}, False),
    ],
)
def test_the_session_says_whether_speech_interrupts(
    desk: Desk, turn_detection: Any, interrupted: bool
) -> None:
    desk.hear(
        "session.updated",
        session={"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}},
    )
    desk.answer(audio=SECOND)
    desk.speech()
    assert bool(desk.of(PlaybackInterrupted)) is interrupted


@pytest.mark.parametrize(
    "session", [{"type": "realtime"}, {"type": "realtime", "audio": {}}, {"type": "transcription"}]
)
def test_sessions_that_say_little_interrupt(desk: Desk, session: dict[str, Any]) -> None:
    desk.hear("session.created", session=session)
    desk.answer(audio=SECOND)
    desk.speech()
    assert desk.of(PlaybackInterrupted)


def test_late_speech_of_a_cancelled_response_is_dropped(desk: Desk) -> None:
    desk.answer(words="one two", audio=SECOND)
    desk.speech()
    before = len(desk.of(AudioReceived))
    part = desk.part("r", "a")
    desk.hear("response.output_audio.delta", **part, delta="", audio=SECOND)
    desk.hear("response.output_audio_transcript.delta", **part, delta=" three")
    desk.hear("response.output_audio.done", **part)
    assert len(desk.of(AudioReceived)) == before
    assert desk.of(AudioFinished) == []
    assert desk.words("a") == ""


def test_words_that_were_never_sounded_are_not_history(desk: Desk) -> None:
    desk.answer(words="never heard")
    desk.speech()
    assert desk.words("a") == ""
    desk.message("r", "b")
    desk.hear("response.output_audio_transcript.delta", **desk.part("r", "b"), delta="nor this")
    assert desk.words("b") == ""
    assert desk.of(PlaybackInterrupted) == []


def test_a_message_heard_to_its_end_keeps_its_words(desk: Desk) -> None:
    desk.answer(words="heard", audio=SECOND)
    desk.hear("response.output_audio.done", **desk.part("r", "a"))
    desk.message("r", "b")
    desk.hear("response.output_audio_transcript.delta", **desk.part("r", "b"), delta="not heard")
    desk.now = 5.0
    desk.speech()
    assert (desk.words("a"), desk.words("b")) == ("heard", "")
    assert desk.sent == []


def test_audio_of_an_item_that_is_no_history_is_interrupted_all_the_same(desk: Desk) -> None:
    desk.hear("response.output_audio.delta", **desk.part("r", "aside"), delta="", audio=SECOND)
    desk.speech()
    assert desk.take() == ["conversation.item.truncate"]


def test_interrupt_stops_generation_and_playback(desk: Desk) -> None:
    desk.answer(words="one two", audio=SECOND)
    desk.client.interrupt(0.5)
    desk.drain()
    assert desk.take() == ["response.cancel", "conversation.item.truncate"]
    assert desk.of(PlaybackInterrupted) == [PlaybackInterrupted("a", 0, 500)]
    desk.hear("response.output_audio.delta", **desk.part("r", "a"), delta="", audio=SECOND)
    assert len(desk.of(AudioReceived)) == 1
    desk.end(status="cancelled")
    desk.answer("r2", "b", audio=SECOND)
    assert len(desk.of(AudioReceived)) == 2


def test_interrupt_before_the_first_sound_cancels(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.client.interrupt(0.0)
    desk.drain()
    assert desk.take() == ["response.create", "response.cancel"]
    desk.answer(audio=SECOND)
    assert desk.of(AudioReceived) == []


def test_a_driver_can_see_whether_there_is_something_to_send(desk: Desk) -> None:
    before = desk.client.has_output
    desk.client.request_response(0.0)
    assert (before, desk.client.has_output) == (False, True)


def test_interrupting_silence_does_nothing(desk: Desk) -> None:
    desk.client.interrupt(0.0)
    desk.drain()
    assert desk.sent == []
    assert desk.notices == []


# --- errors and deadlines -----------------------------------------------------------------------------------


def server_error(event_id: str | None, code: str = "x") -> dict[str, Any]:
    return {"type": "invalid_request_error", "message": "no", "code": code, "event_id": event_id}


def test_an_error_is_reported(desk: Desk) -> None:
    desk.hear("error", error=server_error(None))
    assert [notice.error.code for notice in desk.of(Failed)] == ["x"]


def test_an_error_about_what_came_too_late_is_not(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.client.interrupt(0.1)
    desk.drain()
    for event in desk.sent:
        desk.hear("error", error=server_error(event["event_id"]))
    assert desk.of(Failed) == []


def test_a_repeated_request_is_not_reported(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.drain()
    (event,) = desk.sent
    desk.hear("error", error=server_error(event["event_id"], "conversation_already_has_active_response"))
    assert desk.of(Failed) == []
    assert desk.client.next_deadline() == 0.5


def test_an_unanswered_request_is_reported(desk: Desk) -> None:
    desk.client.request_response(0.0)
    desk.client.handle_deadline(ANSWER_S)
    desk.drain()
    assert [notice.error.code for notice in desk.of(Failed)] == ["response_create_unanswered"]


def test_the_memory_of_housekeeping_is_bounded(desk: Desk) -> None:
    desk.answer(audio=SECOND)
    desk.client.interrupt(0.0)
    first = next(event for event in desk.client.events_to_send() if event.type == "response.cancel")
    for _ in range(REMEMBERED):
        desk.client.interrupt(0.0)
    desk.hear("error", error=server_error(str(first.event_id)))
    assert len(desk.of(Failed)) == 1
