from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.client_history import ClientHistory, text_of
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    ItemChanged,
    PlaybackEnded,
    PlaybackInterrupted,
)
from vivavoce.conversation.client_speech import AgentSpeech
from vivavoce.conversation.held_audio import Withheld
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.protocol import MessageItem, PcmuFormat, replace
from vivavoce.protocol.codec import server_event_from

SECOND = bytes(48_000)


class Mouth:
    """An agent's speech: message ``a`` of response ``r`` unless said otherwise."""

    def __init__(self, tracker: RealtimePlaybackTracker | None = None) -> None:
        self.history = ClientHistory()
        self.speech = AgentSpeech(self.history, tracker)
        self.now = 0.0

    def begin(self, response: str = "r", *items: str, hold: bool = False) -> None:
        self.speech.began(response)
        if hold:
            self.speech.hold(response)
        for item in items or ("a",):
            self.history.add(MessageItem(id=item, role="assistant", content=()))
            self.speech.message_began(response, item)

    def hear(self, kind: str, response: str = "r", item: str = "a", **fields: Any) -> None:
        audio = fields.pop("audio", None)
        part = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        event: Any = server_event_from({"type": f"response.output_{kind}", "event_id": "e", **part, **fields})
        self.speech.hear(event if audio is None else replace(event, delta=audio), self.now)

    def sound(self, audio: bytes = SECOND, **place: str) -> None:
        self.hear("audio.delta", delta="", audio=audio, **place)

    def buffer(self, what: str, response: str = "r") -> None:
        kind = f"output_audio_buffer.{what}"
        event: Any = server_event_from({"type": kind, "event_id": "e", "response_id": response})
        self.speech.hear(event, self.now)

    def say(self, words: str, **place: str) -> None:
        self.hear("audio_transcript.delta", delta=words, **place)

    def words(self, item: str = "a") -> str:
        message = self.history.get(item)
        assert isinstance(message, MessageItem)
        return " ".join(map(text_of, message.content))

    def of(self, kind: type) -> list[Any]:
        return [notice for notice in self.speech.take_notices() if isinstance(notice, kind)]


@pytest.fixture
def mouth() -> Mouth:
    return Mouth()


def test_speech_passes_and_is_heard_to_its_end(mouth: Mouth) -> None:
    mouth.begin()
    mouth.say("Hello.")
    mouth.sound()
    mouth.hear("audio.done")
    assert mouth.speech.is_playing("a", 0.5)
    assert mouth.speech.next_deadline() == 1.0
    mouth.speech.handle_deadline(1.0)
    assert mouth.speech.take_notices() == [
        ItemChanged("a"),
        AudioReceived("a", 0, "r", SECOND),
        AudioFinished("a", 0),
        PlaybackEnded("a", 0),
    ]
    assert not mouth.speech.is_sounding(1.0)


def test_a_message_without_an_end_ends_with_its_response(mouth: Mouth) -> None:
    mouth.begin()
    mouth.sound()
    assert mouth.speech.next_deadline() is None
    mouth.now = 2.0
    mouth.speech.ended("r", mouth.now)
    assert mouth.of(PlaybackEnded) == [PlaybackEnded("a", 0)]


def test_the_tracker_says_what_was_heard() -> None:
    tracker = RealtimePlaybackTracker()
    mouth = Mouth(tracker)
    mouth.speech.set_format(PcmuFormat())
    mouth.begin()
    mouth.sound(bytes(8000))
    mouth.hear("audio.done")
    tracker.on_play_bytes("a", 0, bytes(4000))
    mouth.speech.handle_deadline(100.0)
    assert mouth.of(PlaybackEnded) == []
    tracker.on_play_ms("a", 0, 500)
    mouth.speech.handle_deadline(100.0)
    assert mouth.of(PlaybackEnded) == [PlaybackEnded("a", 0)]


def test_stopping_keeps_what_was_heard(mouth: Mouth) -> None:
    mouth.begin()
    mouth.say("one two three four")
    mouth.sound()
    mouth.hear("audio.done")
    cuts = mouth.speech.stop(0.5)
    assert [(cut.item_id, cut.heard_ms) for cut in cuts] == [("a", 500)]
    assert mouth.of(PlaybackInterrupted) == [PlaybackInterrupted("a", 0, 500)]
    assert mouth.words() == "one two"
    assert mouth.speech.stop(0.6) == []
    assert mouth.of(PlaybackInterrupted) == []


def test_what_comes_late_of_a_cancelled_response_is_not_passed_on(mouth: Mouth) -> None:
    mouth.begin("r", "a", "b")
    mouth.sound(SECOND)
    mouth.say("Hello")
    mouth.speech.cancel("r")
    mouth.speech.cancel(None)
    mouth.sound(SECOND)
    mouth.hear("audio.done")
    mouth.say("never heard", item="b")
    assert len(mouth.of(AudioReceived)) == 1
    assert (mouth.words("a"), mouth.words("b")) == ("Hello", "")


def test_a_message_that_was_never_heard_has_no_words_after_a_stop(mouth: Mouth) -> None:
    mouth.begin("r", "a")
    mouth.say("not a sound of it")
    mouth.speech.cancel("r")
    mouth.speech.stop(0.0)
    assert mouth.words("a") == ""


def test_written_words_pass_too(mouth: Mouth) -> None:
    mouth.begin()
    mouth.hear("text.delta", delta="Hel")
    mouth.hear("text.done", text="Hello.")
    assert mouth.words() == "Hello."
    mouth.hear("text.delta", item="nowhere", delta="x")
    mouth.hear("text.done", item="nowhere", text="x")
    assert mouth.of(ItemChanged) == [ItemChanged("a")] * 2


# --- held back ----------------------------------------------------------------------------------------------


def test_speech_waits_for_its_words_to_pass(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound()
    mouth.say("Hello.")
    mouth.hear("audio.done")
    mouth.hear("audio_transcript.done", transcript="Hello.")
    assert mouth.of(AudioReceived) == []
    mouth.speech.passed("a", 0, 6, mouth.now)
    assert mouth.speech.take_notices() == [AudioReceived("a", 0, "r", SECOND), AudioFinished("a", 0)]


def test_speech_that_is_stopped_while_it_waits_was_never_said(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound()
    mouth.say("Hello.")
    mouth.speech.stop(mouth.now)
    assert mouth.words() == ""
    mouth.speech.passed("a", 0, 6, mouth.now)
    assert mouth.of(AudioReceived) == []
    mouth.begin("r2", "a", hold=True)
    mouth.speech.stop(mouth.now)
    assert mouth.of(ItemChanged) == []


def test_speech_that_is_refused_is_thrown_away(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound()
    mouth.say("Hello.")
    mouth.speech.withhold("r", mouth.now)
    mouth.speech.passed("a", 0, 6, mouth.now)
    assert mouth.of(AudioReceived) == []


def test_speech_without_words_is_reported(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound()
    mouth.speech.ended("r", mouth.now)
    assert mouth.of(Withheld) == [Withheld("r", "a", len(SECOND), "no_words")]


# --- a connection that is lost ------------------------------------------------------------------------------


def test_what_has_arrived_is_played_on_without_a_connection(mouth: Mouth) -> None:
    mouth.begin("old")
    mouth.speech.ended("old", mouth.now)
    mouth.begin()
    mouth.say("one two three four five six seven eight nine ten")
    mouth.sound()
    assert mouth.speech.lose_connection() == {"r": ["a"]}
    assert mouth.words() == "one two three"
    assert mouth.speech.next_deadline() == 1.0
    mouth.speech.handle_deadline(1.0)
    assert mouth.of(PlaybackEnded) == [PlaybackEnded("a", 0)]
    assert mouth.speech.lose_connection() == {}


def test_audio_of_no_known_message_is_cut_with_the_connection(mouth: Mouth) -> None:
    mouth.speech.began("r")
    mouth.sound(item="unknown")
    assert mouth.speech.lose_connection() == {"r": ["unknown"]}
    assert mouth.of(ItemChanged) == []


def test_what_is_held_back_when_the_connection_breaks_is_never_said(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound()
    mouth.say("Hello.")
    mouth.speech.lose_connection()
    mouth.speech.passed("a", 0, 6, mouth.now)
    assert mouth.of(AudioReceived) == []
    assert mouth.words() == ""


def test_what_waits_of_no_known_message_is_only_thrown_away(mouth: Mouth) -> None:
    mouth.begin(hold=True)
    mouth.sound(item="unknown")
    mouth.speech.stop(mouth.now)
    assert mouth.speech.take_notices() == []


def test_messages_of_no_running_response_are_not_remembered(mouth: Mouth) -> None:
    mouth.speech.message_began("nobody's", "a")
    mouth.begin("r", "b")
    assert mouth.speech.lose_connection() == {"r": ["b"]}


def test_what_is_held_of_a_response_that_the_server_plays_stays_held_when_the_next_begins() -> None:
    mouth = Mouth()
    mouth.begin(hold=True)
    mouth.buffer("started")
    mouth.say("One two.")
    mouth.speech.ended("r", mouth.now)
    mouth.begin("s", "b", hold=True)
    mouth.sound()
    assert mouth.of(AudioReceived) == []
    mouth.speech.passed("a", 0, 8, mouth.now)
    assert [notice.response_id for notice in mouth.of(AudioReceived)] == ["r"]


def test_what_the_server_plays_itself_outlasts_its_response() -> None:
    mouth = Mouth()
    mouth.begin()
    mouth.buffer("started")
    mouth.sound()
    mouth.speech.ended("r", mouth.now)
    mouth.now = 1.5
    mouth.speech.handle_deadline(mouth.now)
    assert mouth.of(PlaybackEnded) == []
    mouth.sound()
    mouth.buffer("stopped", "another")
    mouth.hear("audio.done")
    mouth.buffer("stopped")
    mouth.now = 2.5
    mouth.speech.handle_deadline(mouth.now)
    assert mouth.of(PlaybackEnded) == [PlaybackEnded("a", 0)]
    mouth.begin("s", "b")
    mouth.buffer("started", "s")
    mouth.speech.lose_connection()
    mouth.begin("s", "b")
    mouth.sound(response="s", item="b")
    mouth.speech.ended("s", mouth.now)
    mouth.now = 3.5
    mouth.speech.handle_deadline(mouth.now)
    assert mouth.of(PlaybackEnded) == [PlaybackEnded("b", 0)]
