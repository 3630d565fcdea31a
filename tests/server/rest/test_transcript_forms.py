"""The forms of a transcription."""

from __future__ import annotations

import json

import pytest
from openai.types.audio import Transcription as OpenAITranscription
from openai.types.audio import TranscriptionVerbose

from vivavoce.engines.base import Transcript
from vivavoce.protocol import LogProb
from vivavoce.server.rest.segments import Segment
from vivavoce.server.rest.transcript_forms import Transcription, written

SURE = (LogProb(token="Good", logprob=-0.5, bytes=list(b"Good")),)
HEARD = Transcription(
    3725.5,
    [
        (Segment(0.2, 1.25, 0.125), Transcript("Good morning.", "en", SURE)),
        (Segment(2.0, 3.0), Transcript(" ")),
        (Segment(3723.0, 3725.4996), Transcript("Grüß Gott!")),
    ],
)


def test_text_is_the_words() -> None:
    assert written(HEARD, "text") == "Good morning. Grüß Gott!\n"
    assert written(Transcription(0.0, []), "text") == "\n"


def test_json_says_the_begun_seconds_and_on_request_how_sure_it_is() -> None:
    plain = json.loads(written(HEARD, "json"))
    assert plain == {"text": "Good morning. Grüß Gott!", "usage": {"type": "duration", "seconds": 3726}}
    sure = json.loads(written(HEARD, "json", logprobs=True))
    assert sure["logprobs"] == [{"token": "Good", "logprob": -0.5, "bytes": [71, 111, 111, 100]}]
    OpenAITranscription.model_validate(sure)


def test_the_long_form_fits_the_types_of_the_client() -> None:
    long = TranscriptionVerbose.model_validate(json.loads(written(HEARD, "verbose_json")))
    assert (long.language, long.duration, long.text) == ("en", 3725.5, "Good morning. Grüß Gott!")
    assert long.segments is not None
    first = long.segments[0]
    assert (first.id, first.seek, first.start, first.end) == (0, 20, 0.2, 1.25)
    assert (first.avg_logprob, first.no_speech_prob) == (-0.5, 0.125)
    assert (long.segments[2].avg_logprob, long.segments[2].text) == (0.0, "Grüß Gott!")
    assert first.compression_ratio == pytest.approx(0.6, abs=0.1)


def test_subtitles_leave_out_what_has_no_words() -> None:
    assert written(HEARD, "srt") == (
        "1\n00:00:00,200 --> 00:00:01,250\nGood morning.\n\n2\n01:02:03,000 --> 01:02:05,500\nGrüß Gott!\n\n"
    )
    assert written(HEARD, "vtt").startswith("WEBVTT\n\n00:00:00.200 --> 00:00:01.250\nGood morning.\n\n")
