"""What a session hears of a call: each test is a short call, on one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vivavoce.audio.g711 import encode_ulaw
from vivavoce.connections.webrtc_speech import (
    CUT_ITEMS,
    PATIENCE_S,
    PAUSE_MS,
    RESPONSES,
    TAIL_MS,
    IncomingSpeech,
)
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
from vivavoce.protocol.codec import server_event_from, to_builtins

FRAME = bytes(960)


def loud(ms: float = 20, level: int = 5000) -> bytes:
    return np.full(round(ms * 24), level, "<i2").tobytes()


class Call:
    """A call, and what the session has heard of it: short names of events, and sound in milliseconds."""

    def __init__(self, **session: Any) -> None:
        self.speech = IncomingSpeech()
        self.now = 0.0
        self.events: list[Any] = []
        self.get("session.created", session={"type": "realtime", **session})
        self.events.clear()

    def take(self, events: Any) -> None:
        self.events += events

    def get(self, kind: str, **fields: Any) -> None:
        event = server_event_from({"type": kind, "event_id": "e", **fields})
        self.take(self.speech.receive(event, self.now))

    def begin(self, response: str = "r", *items: str) -> None:
        self.get("response.created", response=made(response, "in_progress"))
        for item in items or (response + "_item",):
            self.part("content_part.added", response, item, part={"type": "audio"})

    def part(self, kind: str, response: str = "r", item: str = "", **fields: Any) -> None:
        place = {"response_id": response, "item_id": item or response + "_item"}
        self.get(f"response.{kind}", output_index=0, content_index=0, **place, **fields)

    def done(self, response: str = "r", status: str = "completed") -> None:
        self.part("output_audio.done", response)
        self.get("response.done", response=made(response, status))

    def buffer(self, what: str, response: str = "r") -> None:
        self.get(f"output_audio_buffer.{what}", response_id=response)

    def hear(self, *pieces: bytes) -> None:
        for piece in pieces:
            for start in range(0, len(piece), 960):
                self.now += 0.02
                self.take(self.speech.hear(piece[start : start + 960], self.now))

    def send(self, event: Any) -> list[Any]:
        sent, heard = self.speech.send(event, self.now)
        self.take(heard)
        return list(sent)

    def wait(self) -> None:
        deadline = self.speech.next_deadline()
        assert deadline is not None
        assert list(self.speech.handle_deadline(deadline - 0.01)) == []
        self.now = deadline
        self.take(self.speech.handle_deadline(deadline))

    def told(self) -> list[str]:
        """What was heard since the last time; sound as ``sound/item 120``, added up."""
        told: list[str] = []
        sound: dict[str, float] = {}
        for event in self.events:
            if event.type == "response.output_audio.delta":
                if told and told[-1].startswith(f"sound/{event.item_id} "):
                    told.pop()
                else:
                    sound[event.item_id] = 0
                sound[event.item_id] += len(event.delta) / 48
                told.append(f"sound/{event.item_id} {sound[event.item_id]:g}")
            else:
                told.append(short(event))
        self.events.clear()
        return told


def made(response: str, status: str) -> dict[str, Any]:
    return {
        "id": response,
        "object": "realtime.response",
        "status": status,
        "output": [],
        "conversation_id": "c",
    }


def short(event: Any) -> str:
    name = event.type.removeprefix("response.").removeprefix("output_audio_buffer.")
    response = getattr(event, "response_id", None) or getattr(getattr(event, "response", None), "id", "")
    return f"{name}/{response}".rstrip("/")


BEGUN = ["created/r", "content_part.added/r"]
ENDED = ["output_audio.done/r", "stopped/r"]


def test_an_answer_is_what_is_between_started_and_stopped() -> None:
    call = Call()
    call.hear(FRAME * 10)
    call.begin()
    call.buffer("started")
    call.hear(loud(200))
    call.done()
    call.hear(loud(180))
    call.buffer("stopped")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 200", "done/r", "sound/r_item 180"]
    call.hear(FRAME * 10, loud(100))
    assert call.told() == ENDED


def test_deltas_name_their_part_and_come_in_pieces() -> None:
    call = Call()
    call.get("response.created", response=made("r", "in_progress"))
    place = {"response_id": "r", "item_id": "i", "output_index": 2, "content_index": 1}
    call.get("response.content_part.added", part={"type": "audio"}, **place)
    call.buffer("started")
    call.hear(loud(200))
    deltas = [event for event in call.events if event.type == "response.output_audio.delta"]
    assert [len(delta.delta) // 48 for delta in deltas] == [20, 60, 60, 60]
    assert len({delta.event_id for delta in deltas}) == 4
    assert {name: getattr(deltas[0], name) for name in place} == place


def test_sound_that_comes_before_its_started_is_not_lost() -> None:
    call = Call()
    call.begin()
    call.hear(FRAME * 20, loud(120))
    call.buffer("started")
    call.hear(loud(60))
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 180"]


def test_a_noise_long_before_the_answer_is_no_part_of_it() -> None:
    call = Call()
    call.begin()
    call.hear(loud(40), FRAME * 40, loud(60))
    call.buffer("started")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 60"]


def test_what_is_kept_of_early_sound_is_bounded() -> None:
    call = Call()
    call.begin()
    call.hear(loud(5000))
    call.buffer("started")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 1000"]


def test_the_end_of_the_sound_comes_after_its_stopped_and_ends_with_silence() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.done()
    call.buffer("stopped")
    call.hear(loud(100), FRAME, loud(40))
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 20", "done/r", "sound/r_item 120"]
    call.hear(FRAME * (PAUSE_MS // 20))
    assert call.told() == ["sound/r_item 20", *ENDED]


def test_an_end_without_silence_has_a_bound() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.done()
    call.buffer("stopped")
    call.hear(loud(1000))
    assert call.told() == [
        *BEGUN, "started/r", "sound/r_item 20", "done/r", f"sound/r_item {TAIL_MS - 20}", *ENDED
    ]  # fmt: skip


def test_an_end_without_any_sound_has_a_bound_too() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.hear(loud(20))
    call.done()
    call.buffer("stopped")
    call.told()
    call.wait()
    assert call.now == pytest.approx(0.02 + PATIENCE_S)
    assert call.told() == ENDED
    assert call.speech.next_deadline() is None
    assert list(call.speech.handle_deadline(99)) == []


def test_an_answer_that_is_made_before_it_sounds_is_done_when_it_has_begun_to() -> None:
    call = Call()
    call.begin()
    call.done()
    call.get("rate_limits.updated", rate_limits=[])
    assert call.told() == [*BEGUN, "rate_limits.updated"]
    call.buffer("started")
    assert call.told() == ["started/r"]
    call.hear(loud(20))
    assert call.told() == ["sound/r_item 20", "done/r"]
    assert call.speech.next_deadline() is None


def test_an_answer_that_never_sounds_is_done_after_a_moment() -> None:
    call = Call()
    call.begin()
    call.done()
    call.told()
    call.wait()
    assert call.told() == ["done/r"]
    call.buffer("started")  # later than anybody would think
    call.hear(loud(20))
    call.buffer("stopped")
    call.hear(FRAME * 3)
    assert call.told() == ["started/r", "sound/r_item 20", *ENDED]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_answer_that_went_wrong_is_done_at_once(status: str) -> None:
    call = Call()
    call.begin()
    call.done(status=status)
    assert call.told() == [*BEGUN, "done/r"]


def test_written_answers_and_strangers_go_through() -> None:
    call = Call()
    call.get("response.created", response=made("r", "in_progress"))
    call.part("content_part.added", part={"type": "text", "text": ""})
    call.get("response.done", response=made("r", "completed"))
    call.get("response.done", response=made("other", "completed"))
    call.part("output_audio.done", "other")
    call.part("content_part.added", "other", part={"type": "audio"})
    call.buffer("started", "other")
    call.hear(loud(100))
    call.buffer("stopped", "other")
    call.buffer("cleared", "other")
    call.get("brand.new")
    assert call.told() == [
        "created/r", "content_part.added/r", "done/r", "done/other", "output_audio.done/other",
        "content_part.added/other", "started/other", "stopped/other", "cleared/other", "brand.new",
    ]  # fmt: skip
    assert call.speech.next_deadline() is None


def test_two_answers_play_one_after_the_other() -> None:
    call = Call()
    call.begin("a")
    call.buffer("started", "a")
    call.hear(loud(40))
    call.done("a")
    call.begin("b")
    call.done("b")
    assert call.told()[-3:] == ["done/a", "created/b", "content_part.added/b"]
    assert call.speech.next_deadline() is None  # it waits for the first one to end
    call.buffer("stopped", "a")
    call.buffer("started", "b")
    call.hear(loud(40))
    assert call.told() == [
        "sound/a_item 20", "output_audio.done/a", "stopped/a", "started/b", "sound/b_item 20", "done/b"
    ]  # fmt: skip


def test_what_waits_behind_an_answer_is_waited_for_from_its_end_on() -> None:
    call = Call()
    call.begin("a")
    call.buffer("started", "a")
    call.hear(loud(40))
    call.begin("b")
    call.done("b")
    call.buffer("stopped", "a")
    call.hear(FRAME * 3)
    assert call.speech.next_deadline() == call.now + PATIENCE_S
    call.begin("c")
    assert call.told()[-3:] == ["done/b", "created/c", "content_part.added/c"]


def test_telephone_audio_is_what_a_session_for_it_gets() -> None:
    call = Call(audio={"output": {"format": {"type": "audio/pcmu"}}})
    call.begin()
    call.buffer("started")
    tone = (8000 * np.sin(np.arange(24_000) * 2 * np.pi * 400 / 24_000)).astype("<i2").tobytes()
    call.hear(tone)
    call.done()
    call.buffer("stopped")
    call.hear(FRAME * 3)
    sound = b"".join(event.delta for event in call.events if event.type == "response.output_audio.delta")
    assert len(sound) == 8000
    assert sound != encode_ulaw(bytes(16_000))
    call.get("session.updated", session={"type": "transcription"})
    assert call.speech.session is not None


# --- interruptions ----------------------------------------------------------------------------------------


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


# --- with the mirror of the conversation ------------------------------------------------------------------


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
