"""What a session hears: transcripts, told and failed, and who may listen at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.scripted import LoudnessVad, ScriptedModel, ScriptedTranscriber, scripted_engines
from vivavoce.errors import EngineError
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


def test_a_failed_transcription_is_told_and_the_turn_goes_on(stage: Stage) -> None:
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
        )
    )
    (failed,) = client.of(ConversationItemInputAudioTranscriptionFailed)
    assert failed.error.message == "It is too loud here."
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
    assert {record.message for record in caplog.records} == {"The transcriber failed"}


def test_a_transcript_that_comes_late_does_not_go_into_an_item_that_took_its_name(stage: Stage) -> None:
    def spoken(client: Client) -> ConversationItemCreate:
        part = InputAudio(audio=client.tone(200))
        return ConversationItemCreate(item=MessageItem(id="item_x", role="user", content=[part]))

    async def scenario(client: Client) -> None:
        client.do(spoken(client))
        await asyncio.sleep(0.5)
        client.do(ConversationItemDelete(item_id="item_x"))
        client.do(spoken(client))
        client.do(ResponseCreate())
        await client.response()

    engines = scripted_engines(hears=["first", "second"], answers=[["Yes."]], hearing_delay=1.0)
    run(stage.play(scenario, engines))
    model = engines.llm
    assert isinstance(model, ScriptedModel)
    (item,) = model.requests[0].items
    assert isinstance(item, MessageItem)
    assert [part.transcript for part in item.content if isinstance(part, InputAudio)] == ["second"]


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
