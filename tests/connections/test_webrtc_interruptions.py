"""What a session hears of a call when the agent is interrupted, from either side."""

from __future__ import annotations

from typing import Any

from tests.connections.rtc_heard import BEGUN, ENDED, FRAME, Call, loud, made

from vivavoce.connections.webrtc_speech import CUT_ITEMS, RESPONSES, TAIL_MS
from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    PlaybackEnded,
    PlaybackInterrupted,
)
from vivavoce.protocol import (
    ConversationItemTruncate,
    InputAudioBufferClear,
    OutputAudioBufferClear,
    ResponseCancel,
)
from vivavoce.protocol.codec import to_builtins


def playing(**session: Any) -> Call:
    call = Call(**session)
    call.begin()
    call.buffer("started")
    call.hear(loud(100))
    call.told()
    return call


def test_speech_of_the_user_cuts_at_once() -> None:
    call = playing()
    call.get("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    call.hear(loud(100))
    call.buffer("cleared")
    call.done(status="cancelled")
    assert call.told() == [
        "input_audio_buffer.speech_started", "cleared/r", "output_audio.done/r", "done/r"
    ]  # fmt: skip
    assert call.send(ConversationItemTruncate(item_id="r_item", content_index=0, audio_end_ms=80)) == []


def test_speech_that_interrupts_nothing_lets_the_answer_go_on() -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    call = playing(audio={"input": {"turn_detection": detection}})
    call.get("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    call.hear(loud(100))
    assert call.told() == ["input_audio_buffer.speech_started", "sound/r_item 120"]


def test_speech_also_cuts_what_is_made_and_was_to_play_next() -> None:
    call = playing()
    call.done()
    call.begin("b")
    call.done("b")
    call.told()
    call.get("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
    assert call.told() == [
        "input_audio_buffer.speech_started", "output_audio.done/r", "output_audio.done/b", "done/b"
    ]  # fmt: skip
    call.buffer("started", "b")
    call.hear(loud(500))
    assert call.told() == ["started/b"]


def test_the_server_cuts_by_itself() -> None:
    call = playing()
    call.done()
    call.told()
    call.buffer("cleared")
    call.hear(loud(100))
    assert call.told() == ["output_audio.done/r", "cleared/r"]


def test_the_last_of_a_cut_answer_is_not_the_beginning_of_the_next() -> None:
    call = playing()
    call.buffer("cleared")
    call.hear(loud(60), FRAME)
    call.begin("b")
    call.hear(loud(40))
    call.buffer("started", "b")
    assert call.told()[-2:] == ["started/b", "sound/b_item 40"]
    call.buffer("cleared", "b")
    call.hear(loud(TAIL_MS), loud(60))
    call.begin("c")
    call.buffer("started", "c")
    assert call.told()[-2:] == ["started/c", "sound/c_item 60"]


def test_a_truncation_from_here_clears_the_server() -> None:
    call = playing()
    call.done()
    call.told()
    truncate = ConversationItemTruncate(event_id="t", item_id="r_item", content_index=0, audio_end_ms=80)
    assert call.send(truncate) == [OutputAudioBufferClear(event_id="t")]
    assert call.told() == ["output_audio.done/r"]
    assert call.send(truncate) == []
    call.hear(loud(100))
    assert call.told() == []


def test_a_truncation_of_what_the_server_has_played_stays_one() -> None:
    call = playing()
    call.done()
    call.buffer("stopped")
    truncate = ConversationItemTruncate(item_id="r_item", content_index=0, audio_end_ms=80)
    assert call.send(truncate) == [truncate]
    assert call.told() == ["done/r", *ENDED]
    other = ConversationItemTruncate(item_id="old", content_index=0, audio_end_ms=80)
    call.begin("b")
    assert call.send(other) == [other]


def test_a_cancelled_answer_is_not_heard_any_more() -> None:
    call = playing()
    cancel = ResponseCancel(event_id="c", response_id="r")
    assert call.send(cancel) == [cancel, OutputAudioBufferClear(event_id="c")]
    call.hear(loud(100))
    assert call.told() == []


def test_an_answer_that_is_made_and_about_to_play_is_cancelled_by_clearing() -> None:
    call = Call()
    call.begin()
    call.done()
    cancel = ResponseCancel(event_id="c", response_id="r")
    assert call.send(cancel) == [OutputAudioBufferClear(event_id="c")]
    assert call.told() == [*BEGUN, "output_audio.done/r", "done/r"]


def test_cancelling_one_answer_lets_another_be_played() -> None:
    call = playing()
    call.begin("b")
    cancel = ResponseCancel(response_id="b")
    assert call.send(cancel) == [cancel]
    assert call.send(ResponseCancel()) == [ResponseCancel()]
    call.told()
    call.hear(loud(60))
    assert call.told() == ["sound/r_item 60"]


def test_clearing_cuts_and_other_events_are_what_they_are() -> None:
    call = playing()
    assert call.send(InputAudioBufferClear()) == [InputAudioBufferClear()]
    assert call.send(OutputAudioBufferClear()) == [OutputAudioBufferClear()]
    call.hear(loud(100))
    assert call.told() == []


def test_what_is_remembered_is_bounded() -> None:
    call = playing()
    for index in range(RESPONSES * 3):
        call.begin(f"r{index}")
        call.done(f"r{index}")
    call.hear(loud(60))
    told = call.told()
    assert "sound/r_item 60" in told  # what plays is never let go
    assert [name for name in told if name.startswith("done/")] == [
        f"done/r{n}" for n in range(RESPONSES * 3 - 1)
    ]
    assert len(call.speech._responses) <= RESPONSES
    for index in range(CUT_ITEMS):
        call.begin(f"c{index}")
        call.buffer("cleared", f"c{index}")
    assert len(call.speech._cut_items) == CUT_ITEMS


def test_an_answer_without_a_word_yet_is_cancelled_and_cleared() -> None:
    call = Call()
    call.get("response.created", response=made("r", "in_progress"))
    cancel = ResponseCancel(event_id="c", response_id="r")
    assert call.send(cancel) == [cancel, OutputAudioBufferClear(event_id="c")]
    call.part("content_part.added", part={"type": "audio"})
    call.buffer("started")
    call.hear(loud(100))
    assert call.told() == [*BEGUN, "started/r"]


class Mirror:
    """A call, and the client's conversation that hears it."""

    def __init__(self) -> None:
        self.call = Call()
        self.conversation = ClientConversation()
        self.notices: list[Any] = []

    def step(self) -> None:
        for event in self.call.events:
            self.conversation.receive(event, self.call.now)
        self.call.events.clear()
        self.conversation.handle_deadline(self.call.now)
        self.notices += self.conversation.notices()

    def hear(self, *pieces: bytes) -> None:
        for piece in pieces:
            for start in range(0, len(piece), 960):
                self.call.hear(piece[start : start + 960])
                self.step()

    def of(self, *kinds: type) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kinds)]

    def speak(self, words: str) -> None:
        self.call.begin()
        item = {
            "id": "r_item",
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self.call.get("response.output_item.added", response_id="r", output_index=0, item=item)
        self.call.get("conversation.item.added", previous_item_id=None, item=item)
        self.call.part("output_audio_transcript.delta", delta=words)
        self.call.done()
        self.call.buffer("started")
        self.step()


def test_the_conversation_hears_an_answer_that_outlasts_its_making() -> None:
    mirror = Mirror()
    mirror.speak("Hello there.")
    mirror.hear(loud(3000))
    mirror.call.buffer("stopped")
    mirror.hear(FRAME * 20)
    received = mirror.of(AudioReceived)
    assert sum(len(notice.data) for notice in received) == 3000 * 48
    assert [type(notice) for notice in mirror.of(AudioFinished, PlaybackEnded)] == [
        AudioFinished,
        PlaybackEnded,
    ]
    assert mirror.conversation.is_quiet(mirror.call.now)


def test_the_conversation_is_cut_where_the_ear_was() -> None:
    mirror = Mirror()
    mirror.speak("One two three four five six seven eight nine ten.")
    mirror.hear(loud(1000))
    mirror.conversation.interrupt(mirror.call.now)
    (event,) = mirror.conversation.events_to_send()
    assert mirror.call.send(event) == [OutputAudioBufferClear(event_id=event.event_id)]
    mirror.step()
    (cut,) = mirror.of(PlaybackInterrupted)
    assert 940 <= cut.heard_ms <= 1000
    [item] = mirror.conversation.history.items
    words = to_builtins(item)["content"][0]["transcript"]
    assert 0 < len(words.split()) < 6
    before = len(mirror.of(AudioReceived))
    mirror.hear(loud(500))
    assert len(mirror.of(AudioReceived)) == before


def test_the_conversation_can_be_interrupted_before_the_first_sound() -> None:
    mirror = Mirror()
    mirror.speak("Hello.")
    mirror.conversation.interrupt(mirror.call.now)
    [event] = mirror.conversation.events_to_send()
    assert [type(sent) for sent in mirror.call.send(event)] == [OutputAudioBufferClear]
    mirror.step()
    mirror.hear(loud(500))
    assert mirror.of(AudioReceived) == []
    assert mirror.conversation.is_quiet(mirror.call.now)
