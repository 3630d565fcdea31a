"""Engines that do what a test tells them, when it tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    SpeechOptions,
    TextDelta,
    TranscriptionOptions,
)
from vivavoce.engines.scripted import (
    LoudnessVad,
    Pause,
    ScriptedModel,
    ScriptedSynthesizer,
    ScriptedTranscriber,
    Step,
)
from vivavoce.errors import EngineError
from vivavoce.testing import run

CALL = FunctionCallDelta(0, "look", "{}")


def test_loud_is_speech() -> None:
    vad = LoudnessVad(level=1000)
    slots = [vad.open(), vad.open(), vad.open()]
    assert len(set(slots)) == 3
    chunks = np.zeros((3, 512), np.int16)
    chunks[1, 7], chunks[2, 500] = -32768, 1000
    vad.reset(slots[0])
    assert vad.probabilities(slots, chunks).tolist() == [0, 1, 0]
    vad.close(slots[1])
    assert vad.open_slots == {slots[0], slots[2]}
    with pytest.raises(KeyError):
        vad.close(slots[1])


def test_transcripts_come_in_order_word_by_word_after_their_delay() -> None:
    async def main() -> None:
        partials: list[str] = []
        transcriber = ScriptedTranscriber(["one two", EngineError("No."), "three"], delay=2.0)
        streams = [transcriber.open(TranscriptionOptions(), partials.append) for _ in range(4)]
        streams[0].feed(bytes(100))
        assert (await streams[0].finish()).text == "one two"
        assert asyncio.get_running_loop().time() == 2.0
        assert partials == ["one", "one two"]
        with pytest.raises(EngineError, match=r"No\."):
            await streams[1].finish()
        assert [(await stream.finish()).text for stream in streams[2:]] == ["three", ""]
        for stream in streams:
            await stream.aclose()
        await transcriber.aclose()

    run(main())


@pytest.mark.parametrize(
    ("steps", "events"),
    [
        ([], [ModelDone()]),
        (["a", Pause(3.0), CALL], [TextDelta("a"), CALL, ModelDone()]),
        (["a", ModelDone("content_filter")], [TextDelta("a"), ModelDone("content_filter")]),
    ],
)
def test_the_model_follows_its_script(steps: Sequence[Step], events: list[ModelEvent]) -> None:
    async def main() -> None:
        model = ScriptedModel([steps])
        request = ModelRequest(instructions="Be brief.")
        assert [event async for event in model.respond(request)] == events
        assert model.requests == [request]
        assert asyncio.get_running_loop().time() == (3.0 if Pause(3.0) in steps else 0.0)
        await model.aclose()

    run(main())


@pytest.mark.parametrize(("answers", "message"), [([], "no further answer"), ([[EngineError("No.")]], "No.")])
def test_the_model_fails_when_told_and_when_its_script_is_over(
    answers: list[list[Step]], message: str
) -> None:
    async def main() -> None:
        with pytest.raises(EngineError, match=message):
            _ = [event async for event in ScriptedModel(answers).respond(ModelRequest())]

    run(main())


def test_every_word_is_a_tone() -> None:
    async def main() -> None:
        mouth = ScriptedSynthesizer(word_ms=100, delay=1.0)
        text = "To be or to  be."
        options = SpeechOptions(voice="echo")
        chunks = [chunk async for chunk in mouth.synthesize(text, options)]
        assert {len(chunk.pcm) for chunk in chunks} == {4800}
        words = [word for chunk in chunks for word in chunk.words]
        assert [text[: word.end] for word in words] == ["To", "To be", "To be or", "To be or to", text]
        assert [word.end_ms for word in words] == [100, 200, 300, 400, 500]
        assert asyncio.get_running_loop().time() == 1.0
        assert mouth.spoken == [(text, options)]
        assert mouth.knows_voice("echo")
        assert not mouth.knows_voice("nobody")
        await mouth.aclose()

    run(main())


def test_the_synthesizer_refuses_what_it_may_not_say() -> None:
    async def main() -> None:
        mouth = ScriptedSynthesizer(fails_on="secret")
        assert [chunk async for chunk in mouth.synthesize("all clear", SpeechOptions())]
        with pytest.raises(EngineError, match="forbids to say 'secret'"):
            _ = [chunk async for chunk in mouth.synthesize("a secret", SpeechOptions())]

    run(main())
