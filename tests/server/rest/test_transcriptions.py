"""Transcriptions over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from starlette.requests import Request

from vivavoce.audio.wav import encode_wav
from vivavoce.engines.base import Transcript
from vivavoce.engines.scripted import LoudnessVad, ScriptedTranscriber, scripted_engines
from vivavoce.errors import EngineError
from vivavoce.protocol import LogProb
from vivavoce.server import Limits
from vivavoce.server.envelope import RefusedError
from vivavoce.server.rest import transcriptions
from vivavoce.testing import run

PATH = "/v1/audio/transcriptions"
FIELDS = {"model": "whisper-1"}


def recording(*lengths: float, rate: int = 16000) -> bytes:
    """Silence, a tone, silence … of these lengths, in seconds."""
    parts = [np.full(round(length * rate), 8000 * (index % 2)) for index, length in enumerate(lengths)]
    return encode_wav(np.concatenate(parts).astype("<i2").tobytes(), rate)


SHORT = {"file": ("a.wav", recording(0, 1))}


def test_a_short_recording_is_one_utterance(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(hears=["Good morning."]))
        answer = await home.ask("POST", PATH, data=FIELDS, files=SHORT)
        assert answer.status_code == 200
        assert answer.json() == {"text": "Good morning.", "usage": {"type": "duration", "seconds": 1}}
        assert home.app.sessions == 0

    run(scenario())


@pytest.mark.parametrize(
    ("form", "media_type", "body"),
    [
        ("text", "text/plain; charset=utf-8", "Good morning.\n"),
        ("srt", "text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:01,000\nGood morning.\n\n"),
        ("vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGood morning.\n\n"),
    ],
)
def test_other_forms(house: Callable[..., Any], form: str, media_type: str, body: str) -> None:
    async def scenario() -> None:
        path = "/openai/deployments/mine/audio/transcriptions"
        data = {**FIELDS, "response_format": form, "timestamp_granularities[]": "segment"}
        home = house(scripted_engines(hears=["Good morning."]))
        answer = await home.ask("POST", path, data=data, files=SHORT)
        assert (answer.headers["content-type"], answer.text) == (media_type, body)

    run(scenario())


def test_a_long_recording_is_cut_where_nobody_speaks(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines(hears=["One.", "Two."])
        files = {"file": ("a.wav", recording(10, 5, 10, 3, 4, rate=8000))}
        answer = await house(engines).ask(
            "POST", PATH, data={**FIELDS, "response_format": "verbose_json"}, files=files
        )
        long = answer.json()
        assert (long["text"], long["duration"]) == ("One. Two.", 32.0)
        times = [(segment["start"], segment["end"]) for segment in long["segments"]]
        assert times == [
            (pytest.approx(9.8, abs=0.1), pytest.approx(15.2, abs=0.1)),
            (pytest.approx(24.8, abs=0.1), pytest.approx(28.2, abs=0.1)),
        ]
        assert isinstance(engines.vad, LoudnessVad)
        assert engines.vad.open_slots == set()

    run(scenario())


def test_words_may_come_as_events_segment_by_segment(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines(hears=["One.", " ", "Three."])
        files = {"file": ("a.wav", recording(10, 5, 2, 3, 4, 3))}
        answer = await house(engines).ask("POST", PATH, data={**FIELDS, "stream": "true"}, files=files)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
        assert events == [
            {"type": "transcript.text.delta", "delta": "One."},
            {"type": "transcript.text.delta", "delta": " Three."},
            {
                "type": "transcript.text.done",
                "text": "One. Three.",
                "usage": {"type": "duration", "seconds": 27},
            },
        ]

    run(scenario())


def test_silence_is_no_words(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        files = {"file": ("a.wav", recording(30))}
        answer = await house(scripted_engines()).ask("POST", PATH, data=FIELDS, files=files)
        assert answer.json()["text"] == ""
        stream = {**FIELDS, "stream": "true"}
        answer = await house(scripted_engines()).ask("POST", PATH, data=stream, files=files)
        assert answer.text.count("data: ") == 1

    run(scenario())


class Wishful(ScriptedTranscriber):
    """Follows every wish, and remembers them."""

    honours = frozenset({"language", "languages", "prompt", "keywords", "logprobs"})

    def open(self, options: Any, on_partial: Any) -> Any:
        self.options = options
        stream = super().open(options, on_partial)
        sure = (LogProb(token="Hi", logprob=-0.1, bytes=[72, 105]),)

        async def finish() -> Transcript:
            return Transcript("Hi", "de", sure)

        stream.finish = finish  # type: ignore[method-assign]
        return stream


@pytest.mark.parametrize("stream", ["false", "true"])
def test_an_engine_that_follows_wishes_is_told_them(house: Callable[..., Any], stream: str) -> None:
    async def scenario() -> None:
        ears = Wishful()
        home = house(replace(scripted_engines(), transcriber=ears))
        data = {
            "model": "gpt-transcribe",
            "language": "de",
            "languages[]": ["de", "en"],
            "prompt": "A shop.",
            "keywords[]": ["Vivavoce"],
            "include[]": "logprobs",
            "stream": stream,
            "temperature": "0",
            "chunking_strategy": "auto",
        }
        answer = await home.ask("POST", PATH, data=data, files=SHORT)
        assert answer.status_code == 200, answer.text
        assert '"logprob": -0.1' in answer.text
        options = ears.options
        assert (options.model, options.language, options.prompt) == ("gpt-transcribe", "de", "A shop.")
        assert (options.languages, options.keywords, options.logprobs) == (("de", "en"), ("Vivavoce",), True)

    run(scenario())


def test_an_engine_of_another_package_may_return_a_plain_object(house: Callable[..., Any]) -> None:
    class Plain(ScriptedTranscriber):
        def open(self, options: Any, on_partial: Any) -> Any:
            stream = super().open(options, on_partial)

            async def finish() -> Any:
                return SimpleNamespace(text="Hi")

            stream.finish = finish  # type: ignore[method-assign]
            return stream

    async def scenario() -> None:
        home = house(replace(scripted_engines(), transcriber=Plain()))
        data = {"model": "whisper-1", "response_format": "verbose_json"}
        answer = await home.ask("POST", PATH, data=data, files=SHORT)
        assert (answer.status_code, answer.json()["text"]) == (200, "Hi"), answer.text

    run(scenario())


@pytest.mark.parametrize(
    ("data", "code", "param"),
    [
        ({"prompt": "A shop."}, "invalid_value", "prompt"),
        ({"language": "de"}, "invalid_value", "language"),
        ({"include[]": "logprobs"}, "invalid_value", "include[]"),
        ({"include[]": "words"}, "invalid_value", "include[]"),
        ({"include[]": "logprobs", "response_format": "text"}, "invalid_value", "include[]"),
        ({"timestamp_granularities[]": "word"}, "invalid_value", "timestamp_granularities[]"),
        ({"response_format": "diarized_json"}, "invalid_value", "response_format"),
        ({"response_format": "srt", "stream": "true"}, "invalid_value", "response_format"),
        ({"stream": "maybe"}, "invalid_value", "stream"),
        ({"temperature": "0.5"}, "invalid_value", "temperature"),
        ({"chunking_strategy": "server_vad"}, "invalid_value", "chunking_strategy"),
        ({"known_speaker_names[]": "me"}, "unknown_parameter", "known_speaker_names[]"),
    ],
)
def test_what_cannot_be_met_is_refused(
    house: Callable[..., Any], data: dict[str, str], code: str, param: str
) -> None:
    async def scenario() -> None:
        home = house(scripted_engines())
        answer = await home.refused("POST", PATH, data={**FIELDS, **data}, files=SHORT)
        assert answer == (400, code, param)

    run(scenario())


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        ({"data": FIELDS, "files": {"file": ("a.mp3", b"no audio")}}, (400, "invalid_audio", "file")),
        ({"data": FIELDS, "files": {"file": ("a.wav", b"")}}, (400, "invalid_audio", "file")),
        ({"data": FIELDS, "files": {"prompt": ("a.wav", b"x")}}, (400, "invalid_type", "prompt")),
        ({"files": {"model": (None, "m")}}, (400, "missing_required_parameter", "file")),
        ({"json": {}}, (400, "invalid_content_type", None)),
        (
            {"content": b"x", "headers": {"content-type": "multipart/form-data"}},
            (400, "invalid_multipart", None),
        ),
        (
            {"data": FIELDS, "files": [("file", ("a", b"x")), ("file", ("b", b"x"))]},
            (400, "invalid_multipart", None),
        ),
    ],
)
def test_an_upload_that_is_none_is_refused(
    house: Callable[..., Any], request_: dict[str, Any], refused: tuple[int, str, str | None]
) -> None:
    async def scenario() -> None:
        home = house(scripted_engines())
        assert await home.refused("POST", PATH, **request_) == refused
        assert home.app.sessions == 0

    run(scenario())


def test_an_upload_has_a_bound_and_a_key(house: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcriptions, "MAX_UPLOAD_BYTES", 20_000)

    async def scenario() -> None:
        home = house(scripted_engines(), api_keys=("sk-1",))
        answer = await home.refused("POST", PATH, "sk-1", data=FIELDS, files=SHORT)
        assert answer == (413, "request_too_large", None)
        assert await home.refused("POST", PATH) == (401, "invalid_api_key", None)

    run(scenario())


def test_an_upload_that_does_not_come_ends() -> None:
    async def scenario() -> None:
        request = Request(
            {
                "type": "http",
                "method": "POST",
                "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
            },
            lambda: asyncio.sleep(1000, {"type": "http.disconnect"}),
        )
        with pytest.raises(RefusedError) as caught:
            await transcriptions._form_of(request)
        assert caught.value.refusal.status == 408

    run(scenario())


def test_an_engine_that_fails_or_hangs_is_an_error(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        for engines in (
            scripted_engines(hears=[EngineError("broken")]),
            scripted_engines(hearing_delay=transcriptions.SEGMENT_TIMEOUT_S + 1),
        ):
            home = house(engines)
            for stream in ("false", "true"):
                data = {**FIELDS, "stream": stream}
                answer = await home.refused("POST", PATH, data=data, files=SHORT)
                assert answer == (500, "engine_error", None)
                assert home.app.sessions == 0
                engines.transcriber._transcripts = iter([EngineError("broken")])  # type: ignore[attr-defined]

    run(scenario())


def test_the_log_says_why_an_engine_failed(
    house: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(hears=[EngineError("the graphics card is on fire")]))
        await home.ask("POST", PATH, data=FIELDS, files=SHORT)

    with caplog.at_level("WARNING", "vivavoce.server.app"):
        run(scenario())
    (line,) = [vars(record) for record in caplog.records if record.message == "request"]
    assert line["levelname"] == "WARNING"
    assert line["status"] == 500
    assert line["detail"] == "the graphics card is on fire"


def test_a_key_has_as_much_written_down_as_it_may(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(), api_keys=("sk-1",), limits=Limits(max_audio_s_per_key=1.5))
        assert (await home.ask("POST", PATH, "sk-1", data=FIELDS, files=SHORT)).status_code == 200
        answer = await home.refused("POST", PATH, "sk-1", data=FIELDS, files=SHORT)
        assert answer == (429, "rate_limit_exceeded", None)

    run(scenario())
