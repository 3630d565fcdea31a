"""What a session hears: transcripts, told and failed, and who may listen at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.scripted import LoudnessVad, ScriptedModel, ScriptedTranscriber, scripted_engines
from vivavoce.errors import EngineError
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudio,
    MessageItem,
    ResponseCreate,
    Transcription,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage


def test_the_transcript_is_told_word_by_word_when_asked_for(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="whatever"))
        await client.turn(600)
        done = await client.wait(ConversationItemInputAudioTranscriptionCompleted)
        assert done.transcript == "one two three"

    client = run(stage.play(scenario, scripted_engines(hears=["one two three"], answers=[[]])))
    deltas = client.of(ConversationItemInputAudioTranscriptionDelta)
    assert "".join(delta.delta or "" for delta in deltas) == "one two three"
    assert len(deltas) > 1


@pytest.mark.parametrize(
    ("explained", "told"), [(True, "It is too loud here."), (False, "The transcriber failed.")]
)
def test_a_failed_transcription_is_told_and_the_turn_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture, *, explained: bool, told: str
) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="whatever"))
        await client.turn(600)
        response = await client.response()
        assert response.status == "completed"
        await client.turn(600)
        assert (await client.response(2)).status == "completed"

    client = run(
        stage.play(
            scenario,
            scripted_engines(
                hears=[EngineError("It is too loud here."), "second"], answers=[["What?"], ["Ah."]]
            ),
            SessionOptions(explain_failures=explained),
        )
    )
    (failed,) = client.of(ConversationItemInputAudioTranscriptionFailed)
    assert failed.error.message == told
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.WARNING, "The transcriber failed")
    assert (vars(record)["detail"], vars(record)["item_id"]) == ("It is too loud here.", failed.item_id)
    assert [event.transcript for event in client.of(ConversationItemInputAudioTranscriptionCompleted)] == [
        "second"
    ]


@pytest.mark.parametrize("where", ["open", "finish"])
def test_a_transcriber_that_breaks_says_no_more_than_that(
    stage: Stage, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    class Broken(ScriptedTranscriber):
        def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
            if where == "open":
                raise RuntimeError("/secret")
            return self

        def feed(self, pcm: bytes) -> None:
            """Take it and do nothing."""

        async def finish(self) -> Transcript:
            raise RuntimeError("/secret")

    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="whatever"))
        for count in (1, 2):
            await client.turn(400)
            assert (await client.response(count)).status == "completed"

    engines = replace(scripted_engines(answers=[["What?"]] * 2), transcriber=Broken())
    client = run(stage.play(scenario, engines))
    failures = client.of(ConversationItemInputAudioTranscriptionFailed)
    assert [failed.error.message for failed in failures] == ["The transcriber failed."] * 2
    logged = {(record.levelno, record.message, bool(record.exc_info)) for record in caplog.records}
    assert logged == {(logging.ERROR, "The transcriber failed", True)}


class Measuring(ScriptedTranscriber):
    """Tells how long each recording was, `delay` seconds after its end, and notes what it was doing.

    Args:
        delay: seconds.
    """

    def __init__(self, delay: float) -> None:
        super().__init__()
        self.delay = delay
        self.notes: list[str] = []
        self.running = 0
        self.most = 0

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        return Measured(self)


class Measured:
    """One recording."""

    def __init__(self, owner: Measuring) -> None:
        self.owner = owner
        self.size = 0
        self.open = True

    def feed(self, pcm: bytes) -> None:
        assert self.open
        self.size += len(pcm)
        self.owner.notes.append("fed")

    async def finish(self) -> Transcript:
        await asyncio.sleep(self.owner.delay)
        return Transcript(f"{round(self.size / 32)} ms")

    async def aclose(self) -> None:
        self.owner.running -= self.open
        self.open = False


def spoken(client: Client, ms: int, item_id: str = "item_x") -> ConversationItemCreate:
    part = InputAudio(audio=client.tone(ms))
    return ConversationItemCreate(item=MessageItem(id=item_id, role="user", content=[part]))


def transcripts(client: Client) -> list[str]:
    return [event.transcript for event in client.of(ConversationItemInputAudioTranscriptionCompleted)]


@pytest.mark.parametrize("after", [0.0, 0.5])
@pytest.mark.parametrize("busy", [True, False])
def test_a_recording_says_nothing_in_an_item_that_took_its_name(
    stage: Stage, *, after: float, busy: bool
) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="any"))
        if busy:
            client.do(spoken(client, 100, "before"))
        client.do(spoken(client, 200))
        await asyncio.sleep(after)
        client.do(ConversationItemDelete(item_id="item_x"))
        client.do(spoken(client, 300))
        client.do(ResponseCreate())
        await client.response()

    ears = Measuring(1.0)
    engines = replace(scripted_engines(answers=[["Yes."]]), transcriber=ears)
    client = run(stage.play(scenario, engines))
    assert transcripts(client) == ["100 ms"] * busy + ["300 ms"]
    model = engines.llm
    assert isinstance(model, ScriptedModel)
    item = model.requests[0].items[-1]
    assert isinstance(item, MessageItem)
    assert [part.transcript for part in item.content if isinstance(part, InputAudio)] == ["300 ms"]
    assert ears.running == 0


def test_recordings_are_transcribed_one_at_a_time_in_their_order(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="any"))
        for number in range(1, 5):
            client.do(spoken(client, number * 100, f"item_{number}x"))
        client.do(ConversationItemDelete(item_id="item_2x"))
        await client.wait(ConversationItemInputAudioTranscriptionCompleted, 3)

    ears = Measuring(1.0)
    client = run(stage.play(scenario, replace(scripted_engines(), transcriber=ears)))
    assert transcripts(client) == ["100 ms", "300 ms", "400 ms"]
    assert ears.most == 1
    times = client.times(ConversationItemInputAudioTranscriptionCompleted)
    assert times == [pytest.approx(seconds) for seconds in (1, 2, 3)]


def test_others_are_heard_between_the_pieces_of_a_long_recording(stage: Stage) -> None:
    ears = Measuring(0.0)

    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="any"))
        client.do(spoken(client, 5500))
        while not transcripts(client):
            await asyncio.sleep(0)
            ears.notes.append("another")

    client = run(stage.play(scenario, replace(scripted_engines(), transcriber=ears)))
    assert transcripts(client) == ["5500 ms"]
    fed = [index for index, note in enumerate(ears.notes) if note == "fed"]
    assert len(fed) == 6 + 1  # and what the resampler kept
    assert all("another" in ears.notes[first:second] for first, second in pairwise(fed[:6]))


def test_a_long_recording_that_is_deleted_is_left_at_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    ears = Measuring(0.0)

    async def scenario(client: Client) -> None:
        client.do(spoken(client, 60_000))
        for _ in range(4):
            await asyncio.sleep(0)
        fed = len(ears.notes)
        assert fed > 1
        client.do(ConversationItemDelete(item_id="item_x"))
        await asyncio.sleep(1)
        assert len(ears.notes) == fed
        assert ears.running == 0

    run(stage.play(scenario, replace(scripted_engines(), transcriber=ears)))
    assert not caplog.records


def test_a_session_beyond_the_detectors_slots_is_refused(stage: Stage) -> None:
    class Full(LoudnessVad):
        def open(self) -> int:
            if self.open_slots:
                raise EngineError("All slots are in use.")
            return super().open()

    async def scenario(client: Client) -> None:
        with pytest.raises(EngineError, match="All slots"):
            stage.join()
        client.do(ResponseCreate())
        await client.response()

    run(stage.play(scenario, replace(scripted_engines(answers=[["Yes."]]), vad=Full())))
