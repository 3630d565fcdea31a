"""When something fails, the person hears of it, and waits for nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vivavoce.engines.scripted import (
    Pause,
    ScriptedSynthesizer,
    ScriptedTranscriber,
    Step,
    scripted_engines,
)
from vivavoce.errors import EngineError
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    AudioPart,
    ConversationItemInputAudioTranscriptionFailed,
    ResponseContentPartDone,
    ResponseCreate,
    ResponseCreateParams,
    ResponseOutputAudioDelta,
    Transcription,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage

APOLOGY = SessionOptions().apology


def test_a_model_that_fails_apologises_aloud_before_the_response_fails(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        response = await client.response()
        assert response.status == "failed"
        assert client.transcript == APOLOGY
        assert client.of(ResponseOutputAudioDelta)

    run(stage.play(scenario, scripted_engines(answers=[[EngineError("No such model.")]])))


def test_what_was_said_before_the_failure_is_heard_to_its_end(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        assert (await client.response()).status == "failed"
        assert client.transcript == f"One two. Three {APOLOGY}"
        words = len(client.transcript.split())
        assert len(client.audio) == words * 200 * 48

    answer: list[Step] = ["One two. Three ", Pause(1), EngineError("Gone.")]
    run(stage.play(scenario, scripted_engines(answers=[answer])))


def test_words_that_a_failing_voice_did_not_speak_are_not_said(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        assert (await client.response()).status == "failed"
        part = client.of(ResponseContentPartDone)[0].part
        assert isinstance(part, AudioPart)
        assert part.transcript == "One two."

    engines = scripted_engines(answers=[["One two. ", "Three four. "]])
    voice = ScriptedSynthesizer(fails_on="Three")
    run(stage.play(scenario, replace(engines, synthesizer=voice)))


def test_a_written_answer_does_not_apologise(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=ResponseCreateParams(output_modalities=["text"])))
        response = await client.response()
        assert (response.status, response.output) == ("failed", [])

    run(stage.play(scenario, scripted_engines(answers=[[EngineError("No such model.")]])))


def test_the_operator_may_have_no_apology(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        response = await client.response()
        assert (response.status, response.output) == ("failed", [])

    engines = scripted_engines(answers=[[EngineError("No such model.")]])
    run(stage.play(scenario, engines, SessionOptions(apology="")))


@pytest.mark.parametrize(
    ("explained", "told"),
    [(True, "The transcriber did not answer in time."), (False, "The transcriber failed.")],
)
def test_a_transcriber_that_never_answers_is_given_up(stage: Stage, *, explained: bool, told: str) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(transcription=Transcription(model="any"))
        await client.turn()
        began = asyncio.get_running_loop().time()
        failed = await client.wait(ConversationItemInputAudioTranscriptionFailed)
        assert failed.error.message == told
        assert asyncio.get_running_loop().time() - began <= SessionOptions().transcription_wait_s
        assert (await client.response()).status == "completed"

    engines = scripted_engines(answers=[["Pardon?"]])
    deaf = ScriptedTranscriber(["too late"], delay=10_000)
    options = SessionOptions(explain_failures=explained)
    run(stage.play(scenario, replace(engines, transcriber=deaf), options))
