"""Engines that cost nothing."""

from __future__ import annotations

from vivavoce.audio.levels import peak
from vivavoce.engines.base import ModelDone, ModelRequest, SpeechOptions, TextDelta, TranscriptionOptions
from vivavoce.engines.bench import SENTENCE, BenchModel, BenchSynthesizer, BenchTranscriber
from vivavoce.protocol import InputText, MessageItem
from vivavoce.testing import run


def test_the_transcriber_tells_how_long_it_listened() -> None:
    async def main() -> str:
        transcriber = BenchTranscriber()
        stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
        for _ in range(5):
            stream.feed(bytes(24000))
        transcript = await stream.finish()
        await stream.aclose()
        await transcriber.aclose()
        return transcript.text

    assert run(main()) == "2.5 seconds of audio"


def test_the_model_says_one_sentence() -> None:
    async def main() -> None:
        model = BenchModel()
        items = (MessageItem(role="user", content=[InputText(text="Hi")]),) * 3
        text, done = [event async for event in model.respond(ModelRequest(items=items))]
        assert text == TextDelta(SENTENCE)
        assert isinstance(done, ModelDone)
        assert done.usage is not None
        assert done.usage.input_tokens == 3
        await model.aclose()

    run(main())


def test_the_synthesizer_gives_a_second_of_tone() -> None:
    async def main() -> None:
        synthesizer = BenchSynthesizer()
        (chunk,) = [chunk async for chunk in synthesizer.synthesize(SENTENCE, SpeechOptions())]
        assert len(chunk.pcm) == 2 * synthesizer.sample_rate
        assert 7900 < peak(chunk.pcm) <= 8000
        assert [(SENTENCE[: word.end], word.end_ms) for word in chunk.words] == [(SENTENCE, 1000)]
        assert all(synthesizer.knows_voice(name) for name in synthesizer.voice_names)
        await synthesizer.aclose()

    run(main())
