"""One answer: how it is interrupted, how it fails, and how much of it waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.base import (
    Engines,
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    SpeechChunk,
    SpeechOptions,
    TextDelta,
)
from vivavoce.engines.scripted import Pause, Step, scripted_engines
from vivavoce.errors import EngineError
from vivavoce.pipeline import SessionOptions
from vivavoce.pipeline.answering import CLAUSES_AHEAD
from vivavoce.protocol import (
    InputAudioBufferSpeechStarted,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    StatusError,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage

MINUTE = bytes(24000 * 2 * 60)
CALL = FunctionCallDelta(0, "look", "{}")
TEXT = ResponseCreateParams(output_modalities=["text"])


class Model:
    """Answers with a script and notes when it was left, and how far it had come.

    Args:
        steps: of every answer; any exception among them is raised.
        lingering: seconds that it takes to stop.
    """

    def __init__(self, *steps: Step | Exception, lingering: float = 0.0) -> None:
        self.steps = steps
        self.lingering = lingering
        self.left: list[float] = []
        self.running = 0
        self.given = 0

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        self.running += 1
        try:
            for step in self.steps:
                self.given += 1
                match step:
                    case str():
                        yield TextDelta(step)
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                    case Exception():
                        raise step
                    case _:
                        yield step
            yield ModelDone()
        finally:
            self.running -= 1
            self.left.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.lingering)

    async def aclose(self) -> None:
        """Nothing is held."""


class Voice:
    """Speaks the same chunks for every clause, at the pace of `seconds` each."""

    sample_rate = 24000
    voice_names = ("alloy",)

    def __init__(self, *chunks: bytes | Exception, seconds: float = 0.0) -> None:
        self.chunks = chunks
        self.seconds = seconds
        self.running = 0
        self.made = 0

    def knows_voice(self, name: str) -> bool:
        return name in self.voice_names

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        self.running += 1
        try:
            for chunk in self.chunks:
                await asyncio.sleep(self.seconds)
                if isinstance(chunk, Exception):
                    raise chunk
                self.made += len(chunk)
                yield SpeechChunk(chunk)
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        """Nothing is held."""


def engines(model: Model, voice: Voice | None = None, hears: Sequence[str] = ("x",) * 9) -> Engines:
    base = scripted_engines(hears=hears, hearing_delay=0.2)
    return replace(base, llm=model, synthesizer=voice or base.synthesizer)


async def no_time() -> None:
    """Let everybody act who need not wait."""
    for _ in range(10):
        await asyncio.sleep(0)


# --- interruption -----------------------------------------------------------------------------------------

STAGES = {
    "thinking": (Model(Pause(100), "Too late."), Voice(bytes(4800)), 1.0),
    "synthesising the first clause": (Model("One, two. ", Pause(100)), Voice(bytes(4800), seconds=100), 1.0),
    "speaking while the model goes on": (
        Model("One, two. ", Pause(100), "Three."),
        Voice(*[bytes(4800)] * 100, seconds=0.05),
        1.0,
    ),
    "held back by the bound": (Model("One. ", "Two. ", Pause(100)), Voice(MINUTE, MINUTE), 1.0),
    "the queue of clauses is full": (Model(*["Word. "] * 100), Voice(bytes(4800), seconds=100), 1.0),
    "a call waits for what is said before": (
        Model("Wait. ", CALL),
        Voice(bytes(4800), seconds=100),
        1.0,
    ),
}


@pytest.mark.parametrize("state", STAGES)
@pytest.mark.parametrize("by", ["voice", "client"])
def test_an_interruption_stops_model_and_voice_at_once(stage: Stage, state: str, by: str) -> None:
    shared_model, shared_voice, after = STAGES[state]
    model = Model(*shared_model.steps)
    voice = Voice(*shared_voice.chunks, seconds=shared_voice.seconds)

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(after)
        assert model.running + voice.running > 0
        if by == "client":
            client.do(ResponseCancel())
        else:
            await client.speak(80)
            await client.wait(InputAudioBufferSpeechStarted)
        cut = asyncio.get_running_loop().time()
        response = await client.response()
        assert response.status == "cancelled"
        await no_time()
        assert (model.running, voice.running) == (0, 0)
        assert asyncio.get_running_loop().time() == cut
        heard = len(client.audio)
        await asyncio.sleep(200)
        assert len(client.audio) == heard
        assert client.times(ResponseDone) == [cut]

    run(stage.play(scenario, engines(model, voice)))


def test_an_interruption_while_the_transcript_is_awaited_asks_no_model(stage: Stage) -> None:
    model = Model("Never said.")

    async def scenario(client: Client) -> None:
        await client.turn(400)
        assert not client.of(ResponseDone)
        await client.speak(100)
        assert (await client.response()).status == "cancelled"
        await asyncio.sleep(0.5)
        assert model.given == 0
        await client.pause()
        assert (await client.response(2)).status == "completed"

    slow = scripted_engines(hears=["a", "b"], hearing_delay=0.9)
    run(stage.play(scenario, replace(slow, llm=model)))


def test_an_interruption_while_audio_drains_sends_nothing_more(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await client.wait(ResponseOutputAudioDelta, 12)
        await client.speak(100)
        response = await client.response()
        assert response.status == "cancelled"
        assert 0 < len(client.audio) < 20 * 200 * 48
        events = [event for _, event in client.events]
        rest = events[events.index(client.of(ResponseDone)[0]) + 1 :]
        await client.pause(300)
        assert not [event for event in rest if getattr(event, "response_id", None) == response.id]

    run(stage.play(scenario, engines(Model("word " * 20 + "."))))


def test_the_answer_after_an_interrupted_one_is_whole(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await client.wait(ResponseOutputAudioDelta, 3)
        await client.turn(400)
        assert (await client.response(2)).status == "completed"

    answers = [["word " * 20 + "."], ["So it is."]]
    client = run(stage.play(scenario, scripted_engines(hears=["x"], answers=answers)))
    second = client.of(ResponseDone)[1].response.id
    deltas = [delta for delta in client.of(ResponseOutputAudioTranscriptDelta) if delta.response_id == second]
    assert "".join(delta.delta for delta in deltas) == "So it is."


def test_a_model_that_is_slow_to_stop_holds_nobody_up(stage: Stage) -> None:
    model = Model("One. ", Pause(100), lingering=0.4)

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(1)
        client.do(ResponseCancel())
        client.do(ResponseCreate())
        await asyncio.sleep(0.1)
        assert model.running == 1

    run(stage.play(scenario, engines(model)))
    assert model.left == [1.0, 1.1]


# --- failure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "voice", "detail"),
    [
        (Model(EngineError("No such model.")), None, "No such model."),
        (Model("One. ", Pause(1), EngineError("Gone.")), None, "Gone."),
        (Model("Half a", EngineError("Gone.")), None, "Gone."),
        (Model("One. ", "Two. "), Voice(EngineError("Hoarse.")), "Hoarse."),
        (Model(*["Word. "] * 60), Voice(bytes(480), EngineError("Hoarse.")), "Hoarse."),
        (Model("Wait. ", CALL), Voice(bytes(4800), EngineError("Hoarse.")), "Hoarse."),
        (Model(RuntimeError("/secret")), None, "/secret"),
        (Model("One. ", Pause(1)), Voice(bytes(4800), RuntimeError("/secret")), "/secret"),
    ],
)
@pytest.mark.parametrize("explained", [True, False])
def test_a_failure_ends_the_response_with_a_clear_message_and_the_session_goes_on(
    stage: Stage,
    caplog: pytest.LogCaptureFixture,
    model: Model,
    voice: Voice | None,
    detail: str,
    *,
    explained: bool,
) -> None:
    known = detail != "/secret"
    code = "engine_error" if known else "server_error"
    told = detail if known and explained else "An answer failed."

    async def scenario(client: Client) -> None:
        for count in (1, 2):
            client.do(ResponseCreate())
            response = await client.response(count)
            assert response.status == "failed"
            details = response.status_details
            assert details is not None
            assert isinstance(details.error, StatusError)
            assert (details.error.code, details.error.message) == (code, told)
            await no_time()
            assert model.running == 0
            assert voice is None or voice.running == 0

    client = run(stage.play(scenario, engines(model, voice), SessionOptions(explain_failures=explained)))
    done = client.of(ResponseDone)
    assert len(done) == len(caplog.records) == 2
    for record, event in zip(caplog.records, done, strict=True):
        assert record.message == "An answer failed"
        assert record.levelno == (logging.WARNING if known else logging.ERROR)
        assert bool(record.exc_info) is not known
        fields = vars(record)
        assert (fields["detail"], fields["response_id"]) == (detail, event.response.id)
        assert fields["session_id"] == client.session.id


def test_both_halves_may_fail_at_once(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        assert (await client.response()).status == "failed"

    model = Model("One. ", Pause(0.5), EngineError("Gone."))
    run(stage.play(scenario, engines(model, Voice(EngineError("Hoarse."), seconds=0.5))))


def test_a_failure_while_being_cancelled_is_no_news_to_the_client(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    class Sulking(Model):
        async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
            try:
                yield TextDelta("One. ")
                await asyncio.sleep(100)
            finally:
                raise EngineError("How rude.")

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(1)
        client.do(ResponseCancel())
        await asyncio.sleep(1)
        assert [event.response.status for event in client.of(ResponseDone)] == ["cancelled"]

    run(stage.play(scenario, engines(Sulking())))
    assert [record.message for record in caplog.records] == ["An answer failed"]


def test_a_written_answer_that_fails_keeps_what_was_written(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=TEXT))
        response = await client.response()
        assert response.status == "failed"
        assert len(response.output) == 1

    run(stage.play(scenario, engines(Model("Half a", EngineError("Gone.")))))


# --- bounds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk_ms", [20, 500, 60_000])
def test_a_voice_that_speaks_ten_minutes_is_held_back(stage: Stage, chunk_ms: int) -> None:
    chunk = bytes(48 * chunk_ms)
    voice = Voice(*[chunk] * (600_000 // chunk_ms))

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        begun = 0
        while not client.of(ResponseDone):
            await asyncio.sleep(5)
            ahead_ms = (voice.made - len(client.audio)) / 48
            assert ahead_ms <= 30_000 + max(chunk_ms, 1000)
            begun += ahead_ms > 25_000
        assert begun > 100

    client = run(stage.play(scenario, engines(Model("A very long story."), voice)))
    assert len(client.audio) == 600_000 * 48


def test_a_voice_waits_without_haste_for_a_reader_that_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = Voice(*[bytes(48 * 20)] * 10_000)

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(2)
        client.writable = False
        await asyncio.sleep(60)
        made, timers = voice.made, 0
        loop: Any = asyncio.get_running_loop()
        call_at = loop.call_at

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal timers
            timers += 1
            return call_at(*args, **kwargs)

        monkeypatch.setattr(loop, "call_at", counted)
        await asyncio.sleep(600)
        assert voice.made == made
        assert timers <= 600 + 1
        client.writable = True
        client.session.resume()
        await asyncio.sleep(10)
        assert voice.made > made

    run(stage.play(scenario, engines(Model("A very long story."), voice)))


def test_the_model_is_never_far_ahead_of_the_voice(stage: Stage) -> None:
    model = Model(*["Word. "] * 500)

    async def scenario(client: Client) -> None:
        client.do(ResponseCreate())
        await asyncio.sleep(50)
        assert model.given <= CLAUSES_AHEAD + 3
        client.do(ResponseCancel())

    run(stage.play(scenario, engines(model, Voice(bytes(4800), seconds=100))))
