"""What stands between the wire and the conversation: noise filters, judges of pauses, clarity of sounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.noise.base import NoiseKind
from vivavoce.engines.scripted import LoudnessVad, ScriptedTranscriber, scripted_engines
from vivavoce.engines.turn.base import TurnSoFar
from vivavoce.errors import EngineError
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import (
    AudioInput,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ErrorEvent,
    InputAudio,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    LogProb,
    MessageItem,
    NoiseReduction,
    PcmuFormat,
    RealtimeSession,
    ResponseCreate,
    ResponseDone,
    SemanticVad,
    ServerVad,
    SessionUpdate,
    Transcription,
    TranscriptionSession,
    TranscriptionSessionAudio,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from tests.pipeline.conftest import Client, Stage

NEAR = NoiseReduction(type="near_field")
QUIET_VAD = ServerVad(create_response=False)


# --- noise -------------------------------------------------------------------------------------------------


class Hushing:
    """Makes everything half as loud; fails after so many frames."""

    def __init__(self, frames: int = 10_000, *, opens: bool = True) -> None:
        self.left = frames
        self.opens = opens
        self.opened: list[tuple[NoiseKind, float, int]] = []
        self.closed = 0

    def open(self, kind: NoiseKind, strength: float, sample_rate: int) -> Hushing:
        self.opened.append((kind, strength, sample_rate))
        if not self.opens:
            raise EngineError("no room for a filter")
        return self

    def process(self, frame: bytes) -> bytes:
        if not self.left:
            raise RuntimeError("/secret")
        self.left -= 1
        return bytes(len(frame))

    def close(self) -> None:
        self.closed += 1


def test_everybody_hears_the_filtered_audio(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(noise_reduction=NEAR)
        await client.turn()
        assert client.of(InputAudioBufferSpeechStarted) == []
        client.set_input(noise_reduction=None)
        await client.turn()
        await client.wait(InputAudioBufferSpeechStopped)

    reducer = Hushing()
    run(stage.play(scenario, replace(scripted_engines(answers=[["Yes."]]), noise=reducer)))
    assert (reducer.opened, reducer.closed) == ([("near_field", 1.0, 24000)], 1)


def test_what_is_retrieved_is_filtered_and_as_long_as_what_came(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(noise_reduction=NEAR, turn_detection=None, format=PcmuFormat())
        client.append(client.tone(333))
        client.do(InputAudioBufferCommit())
        committed = await client.wait(InputAudioBufferCommitted)
        client.do(ConversationItemRetrieve(item_id=committed.item_id))
        item = (await client.wait(ConversationItemRetrieved)).item
        assert isinstance(item, MessageItem)
        (part,) = item.content
        assert isinstance(part, InputAudio)
        assert part.audio == b"\xff" * (333 * 8)

    reducer = Hushing()
    run(stage.play(scenario, replace(scripted_engines(), noise=reducer)))
    assert reducer.opened[-1] == ("near_field", 1.0, 8000)


@pytest.mark.parametrize("reducer", [Hushing(frames=5), Hushing(opens=False)], ids=["process", "open"])
def test_a_filter_that_fails_is_left_out(
    stage: Stage, caplog: pytest.LogCaptureFixture, reducer: Hushing
) -> None:
    async def scenario(client: Client) -> None:
        client.set_input(noise_reduction=NEAR)
        await client.turn()
        assert (await client.response()).status == "completed"
        assert client.of(ErrorEvent) == []

    run(stage.play(scenario, replace(scripted_engines(answers=[["Yes."]]), noise=reducer)))
    assert [record.message for record in caplog.records] == ["The noise reduction failed"]


# --- pauses ------------------------------------------------------------------------------------------------


class Judge:
    """Says of each pause in turn how complete the turn is, after a delay."""

    sample_rate = 8000
    window_s = 0.5

    def __init__(self, *answers: float | Exception, delay: float = 0.01) -> None:
        self.answers = list(answers)
        self.delay = delay
        self.asked: list[TurnSoFar] = []

    async def completeness(self, turn: TurnSoFar) -> float:
        self.asked.append(turn)
        answer = self.answers.pop(0)
        await asyncio.sleep(self.delay)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Nothing is held."""


def wait_after_speech(stage: Stage, judge: Judge | None, **input_settings: Any) -> float:
    """Return how long the end of a turn took, in seconds."""

    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=SemanticVad(create_response=False), **input_settings)
        await client.speak(640)
        spoken = asyncio.get_running_loop().time()
        await client.pause(4500)
        await client.wait(InputAudioBufferSpeechStopped)
        waits.append(client.times(InputAudioBufferSpeechStopped)[0] - spoken)

    waits: list[float] = []
    run(stage.play(scenario, replace(scripted_engines(hears=["Hi"]), turn=judge)))
    return waits[0]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(1.0, 0.4), (0.0, 4.0), (EngineError("broken"), 0.8), (RuntimeError("broken"), 0.8)],
)
def test_the_judge_decides_how_long_a_pause_may_be(
    stage: Stage, caplog: pytest.LogCaptureFixture, answer: float | Exception, seconds: float
) -> None:
    judge = Judge(answer)
    assert wait_after_speech(stage, judge) == pytest.approx(seconds, abs=0.08)
    assert len(judge.asked) == 1
    assert bool(caplog.records) == isinstance(answer, Exception)


def test_without_a_judge_the_length_of_the_pause_decides(stage: Stage) -> None:
    assert wait_after_speech(stage, None) == pytest.approx(0.8, abs=0.08)


def test_a_judge_that_hangs_is_not_waited_for(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    assert wait_after_speech(stage, Judge(1.0, delay=60)) == pytest.approx(0.8, abs=0.08)
    assert [record.message for record in caplog.records] == ["The turn-end detector failed"]


@pytest.mark.parametrize("telephone", [False, True])
def test_the_judge_hears_the_newest_audio_and_reads_the_words(stage: Stage, *, telephone: bool) -> None:
    class Drafting(ScriptedTranscriber):
        def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
            stream: Any = super().open(options, on_partial)
            stream.draft = "I would like to"
            return stream

    judge = Judge(1.0)

    async def scenario(client: Client) -> None:
        fmt = {"format": PcmuFormat()} if telephone else {}
        client.set_input(
            turn_detection=SemanticVad(create_response=False), transcription=Transcription(model="m"), **fmt
        )
        await client.turn(1000)
        await client.wait(InputAudioBufferSpeechStopped)

    run(stage.play(scenario, replace(scripted_engines(), turn=judge, transcriber=Drafting(["Hi"]))))
    (asked,) = judge.asked
    assert asked.transcript == "I would like to"
    assert len(asked.pcm) == pytest.approx(8000, abs=40)  # half a second
    assert any(asked.pcm[:5000])  # the end of the speech
    assert abs(int.from_bytes(asked.pcm[-2:], "little", signed=True)) < 200  # and the pause


def test_words_that_come_in_the_pause_are_judged_too(stage: Stage) -> None:
    class Telling(ScriptedTranscriber):
        def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
            asyncio.get_running_loop().call_later(0.96, on_partial, "That is all")
            return super().open(options, on_partial)

    judge = Judge(0.0, 1.0, delay=0.2)

    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=SemanticVad(create_response=False))
        await client.speak(640)
        await client.pause(2000)
        await client.wait(InputAudioBufferSpeechStopped)
        assert client.times(InputAudioBufferSpeechStopped)[0] < 1.5

    run(stage.play(scenario, replace(scripted_engines(), turn=judge, transcriber=Telling(["Hi"]))))
    assert [turn.transcript for turn in judge.asked] == ["", "That is all"]


# --- transcripts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("included", [True, False])
def test_how_sure_the_transcriber_is_is_told_to_who_asks(stage: Stage, *, included: bool) -> None:
    sure = (LogProb(token="Hi", logprob=-0.5, bytes=[72, 105]),)
    wishes: list[TranscriptionOptions] = []

    class Sure(ScriptedTranscriber):
        honours = frozenset({"logprobs", "language", "keywords", "prompt", "delay", "languages"})

        def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
            wishes.append(options)
            stream: Any = super().open(options, on_partial)

            async def finish() -> Transcript:
                return Transcript("Hi", "en", sure)

            stream.finish = finish
            return stream

    async def scenario(client: Client) -> None:
        if included:
            client.do(
                SessionUpdate(session=RealtimeSession(include=["item.input_audio_transcription.logprobs"]))
            )
        heard = Transcription(model="m", language="en", keywords=["Oslo"], delay="low", prompt="A call.")
        client.set_input(transcription=heard, turn_detection=QUIET_VAD)
        await client.turn()
        done = await client.wait(ConversationItemInputAudioTranscriptionCompleted)
        assert (done.logprobs == list(sure)) == included
        assert done.languages

    run(stage.play(scenario, replace(scripted_engines(), transcriber=Sure())))
    assert wishes[0] == TranscriptionOptions(
        model="m", language="en", keywords=("Oslo",), delay="low", prompt="A call.", logprobs=included
    )


def test_a_transcription_session_tells_words_before_the_commit_and_never_answers(stage: Stage) -> None:
    class Early(ScriptedTranscriber):
        def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
            for delay, text in guesses:
                asyncio.get_running_loop().call_later(delay, on_partial, text)
            guesses.clear()
            return super().open(options, on_partial)

    guesses = [(0.2, "one"), (0.3, "one two"), (0.4, "one two")]

    async def scenario(client: Client) -> None:
        audio = TranscriptionSessionAudio(
            input=AudioInput(transcription=Transcription(model="m"), turn_detection=None)
        )
        client.do(SessionUpdate(session=TranscriptionSession(audio=audio)))
        await client.speak(600)
        client.do(InputAudioBufferCommit())
        await client.wait(ConversationItemInputAudioTranscriptionCompleted)
        client.append(client.silence(200))
        client.do(InputAudioBufferCommit())
        silent = await client.wait(ConversationItemInputAudioTranscriptionCompleted, 2)
        assert silent.transcript == ""
        client.do(ResponseCreate())

    engines = replace(scripted_engines(), transcriber=Early(["one two three", ""], delay=0.5))
    client = run(stage.play(scenario, engines, SessionOptions(transcription_only=True)))
    commit = ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    delta = "conversation.item.input_audio_transcription.delta"
    completed = "conversation.item.input_audio_transcription.completed"
    kinds = [str(event.type) for _, event in client.events]
    assert kinds == [
        "session.created",
        "session.updated",
        *(delta, delta),
        *(*commit, delta, completed),
        *(*commit, completed),
        "error",
    ]
    ids = {event.item_id for event in client.of(ConversationItemInputAudioTranscriptionDelta)}
    assert ids == {client.of(InputAudioBufferCommitted)[0].item_id}


@pytest.mark.parametrize("wishes", [{}, {"create_response": True, "interrupt_response": True}])
def test_a_transcription_session_with_turn_detection_only_listens(
    stage: Stage, wishes: dict[str, bool]
) -> None:
    async def scenario(client: Client) -> None:
        detection = ServerVad(**wishes)
        heard = AudioInput(transcription=Transcription(model="m"), turn_detection=detection)
        client.do(SessionUpdate(session=TranscriptionSession(audio=TranscriptionSessionAudio(input=heard))))
        for count in (1, 2):
            await client.turn()
            await client.wait(ConversationItemInputAudioTranscriptionCompleted, count)
        await asyncio.sleep(60)

    engines = scripted_engines(hears=["Hi", "Ho"])
    client = run(stage.play(scenario, engines, SessionOptions(transcription_only=True)))
    assert not [event for _, event in client.events if str(event.type).startswith(("response", "error"))]


# --- clarity -----------------------------------------------------------------------------------------------


class Discerning(LoudnessVad):
    """A detector that also tells clarity, the same of everything, and counts how often it is asked."""

    def __init__(self, clear: float) -> None:
        super().__init__()
        self.clear = clear
        self.asked = 0

    def clarity(self, chunk: NDArray[np.int16]) -> float:
        assert chunk.shape == (512,)
        self.asked += 1
        return self.clear


@pytest.mark.parametrize(("clear", "status"), [(0.1, "completed"), (0.9, "cancelled")])
def test_only_clear_sounds_cut_an_answer_off(stage: Stage, clear: float, status: str) -> None:
    vad = Discerning(clear)

    async def scenario(client: Client) -> None:
        client.set_input(turn_detection=QUIET_VAD)
        await client.turn(400)
        asked = vad.asked
        client.do(ResponseCreate())
        await asyncio.sleep(0.5)
        await client.speak(400)
        await client.pause(400)
        assert (await client.response()).status == status
        assert asked == 0  # there was nothing to cut off
        assert vad.asked > 0

    engines = scripted_engines(answers=[["One two three four five six seven eight nine ten."]])
    client = run(stage.play(scenario, replace(engines, vad=vad)))
    assert len(client.of(ResponseDone)) == 1
