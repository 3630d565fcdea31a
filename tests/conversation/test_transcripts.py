"""Transcripts on their way, and what the client is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.items import Record
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.transcripts import TranscriptDetails, Transcripts
from vivavoce.protocol import (
    ConversationItemInputAudioTranscriptionDelta,
    InputAudio,
    LogProb,
    MessageItem,
    to_builtins,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


class Typist:
    """Transcripts, and what they say."""

    def __init__(self, *, announced: bool = True) -> None:
        self.outbox = Outbox(CountingIds())
        self.transcripts = Transcripts(self.outbox)
        self.transcripts.begin("u", announced=announced)
        self.record = Record(MessageItem(id="u", role="user", content=[InputAudio(transcript=None)]))
        self.transcripts.attach("u", self.record)

    @property
    def said(self) -> list[Any]:
        events = [to_builtins(event) for event in self.outbox.take_events()]
        return [event.get("delta", event.get("transcript", event.get("error"))) for event in events]


def test_only_words_on_which_two_guesses_agree_are_told() -> None:
    typist = Typist()
    for guess in ("I", "ice cream", "ice cream is", "ice cream is nice"):
        typist.transcripts.partial("u", guess)
    assert typist.said == ["ice cream", " is"]
    assert typist.transcripts.complete("u", "ice cream is nice", 2.0)
    assert typist.said == [" nice", "ice cream is nice"]


def test_a_final_text_that_contradicts_the_deltas_has_no_delta() -> None:
    typist = Typist()
    for guess in ("ice", "ice"):
        typist.transcripts.partial("u", guess)
    typist.transcripts.complete("u", "I scream", 1.5)
    assert typist.said == ["ice", "I scream"]


def test_an_empty_transcript_is_complete_without_a_delta() -> None:
    typist = Typist()
    typist.transcripts.complete("u", "", 1.0)
    assert typist.said == [""]


def test_the_text_goes_into_the_item() -> None:
    typist = Typist()
    typist.transcripts.complete("u", "Hello", 1.0)
    assert typist.record.item == MessageItem(id="u", role="user", content=[InputAudio(transcript="Hello")])


@pytest.mark.parametrize("announced", [True, False])
def test_a_failure_is_told_to_who_asked_for_transcripts(announced: bool) -> None:
    typist = Typist(announced=announced)
    assert typist.transcripts.fail("u", "No ears.")
    failure = {"type": "server_error", "code": "transcription_failed", "message": "No ears."}
    assert typist.said == ([failure] if announced else [])
    assert "u" not in typist.transcripts


def test_who_did_not_ask_hears_nothing_but_the_model_does() -> None:
    typist = Typist(announced=False)
    for guess in ("ice", "ice"):
        typist.transcripts.partial("u", guess)
    assert typist.transcripts.complete("u", "ice", 1.0)
    assert typist.said == []


def test_results_for_nobody_are_not_expected() -> None:
    typist = Typist()
    assert "u" in typist.transcripts
    assert typist.transcripts.drop("u")
    assert not typist.transcripts.drop("u")
    typist.transcripts.partial("u", "late")
    assert not typist.transcripts.complete("u", "late", 1.0)
    assert not typist.transcripts.fail("u", "late")
    assert typist.said == []


def test_nothing_is_final_while_somebody_still_speaks() -> None:
    typist = Typist()
    typist.transcripts.begin("v", announced=True)
    assert not typist.transcripts.complete("v", "early", 1.0)
    assert not typist.transcripts.fail("v", "early")
    assert typist.said == []
    assert "v" in typist.transcripts


def test_what_the_transcriber_knows_beside_the_words_is_told() -> None:
    typist = Typist()
    sure = LogProb(token="Oui", logprob=-0.1, bytes=[79, 117, 105])
    typist.transcripts.complete("u", "Oui", 1.0, TranscriptDetails([sure], "fr"))
    completed = to_builtins(typist.outbox.take_events()[-1])
    assert completed["logprobs"] == [{"token": "Oui", "logprob": -0.1, "bytes": [79, 117, 105]}]
    assert completed["languages"] == [{"code": "fr"}]


def test_what_it_does_not_know_is_left_out() -> None:
    typist = Typist()
    typist.transcripts.complete("u", "Oui", 1.0)
    completed = to_builtins(typist.outbox.take_events()[-1])
    assert not {"logprobs", "languages"} & set(completed)


GUESSES = ("what is", "what is the", "what is the time")
LIVE = ["what is", " the", " time now"]


@pytest.mark.parametrize(
    ("options", "deltas"),
    [
        ({}, LIVE),
        ({"transcription_revised": True}, ["what is the time now"]),
        ({"transcription_revised": True, "live_transcripts": True}, LIVE),
        ({"transcription_revised": True, "transcription_only": True}, LIVE),
    ],
)
def test_words_that_may_change_are_told_when_they_stay(
    talk_with: type[Talk], options: dict[str, bool], deltas: list[str]
) -> None:
    talk = talk_with(**options)
    kind = "transcription" if "transcription_only" in options else "realtime"
    talk.send("session.update", session={"type": kind, "audio": {"input": {"transcription": {"model": "x"}}}})
    talk.hear(1.0, 320)
    for guess in GUESSES:
        talk.server.receive_partial_transcript("item_1", guess)
    talk.hear(0.0, 600)
    talk.server.receive_transcript("item_1", "what is the time now", 1.0, talk.now)
    talk.take()
    told = [e for e in talk.events if isinstance(e, ConversationItemInputAudioTranscriptionDelta)]
    assert [event.delta for event in told] == deltas
