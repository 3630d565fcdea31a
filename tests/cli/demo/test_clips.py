from __future__ import annotations

import asyncio

import pytest

from vivavoce.audio.levels import rms_dbfs, voiced_spans
from vivavoce.cli.demo.clips import CLIPS, load


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_speech_of_a_few_seconds_from_end_to_end(name: str) -> None:
    clip = load(name)
    assert (clip.name, clip.text, clip.sample_rate) == (name, CLIPS[name], 16_000)
    assert 1.0 < clip.seconds < 4.0
    assert rms_dbfs(clip.pcm) == pytest.approx(-20, abs=1)
    spans = voiced_spans(clip.pcm, 16_000, -45.0)
    assert spans[0][0] < 60
    assert spans[-1][1] > clip.seconds * 1000 - 120


@pytest.mark.local
def test_the_transcriber_hears_the_words() -> None:
    from vivavoce.engines.base import TranscriptionOptions
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
    from vivavoce.testing.words import word_error_rate

    async def hear() -> dict[str, float]:
        transcriber = PocketsphinxTranscriber()
        errors = {}
        for name, text in CLIPS.items():
            stream = transcriber.open(TranscriptionOptions(), lambda _: None)
            stream.feed(bytes(9600) + load(name).pcm + bytes(16_000))
            errors[name] = word_error_rate(text, (await stream.finish()).text)
        await transcriber.aclose()
        return errors

    assert asyncio.run(hear()) == dict.fromkeys(CLIPS, 0.0)
