"""Transcripts from an endpoint, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.audio.wav import read_wav
from vivavoce.engines.base import Prewarmable, Transcriber, Transcript, TranscriptionOptions
from vivavoce.engines.stt import transcriptions
from vivavoce.engines.stt.transcriptions import TranscriptionsEndpoint
from vivavoce.errors import EngineError
from vivavoce.protocol import LogProb

Server = Any
AUDIO = bytes(range(256)) * 125  # a second
URL = "http://127.0.0.1:9/v1"


def transcribe(
    http_server: Server,
    *answers: Any,
    options: TranscriptionOptions | None = None,
    audio: bytes = AUDIO,
    **settings: Any,
) -> tuple[Transcript, list[str], list[Any]]:
    async def main() -> tuple[Transcript, list[str], list[Any]]:
        partials: list[str] = []
        async with http_server(*answers) as server:
            ears = TranscriptionsEndpoint(server.url, **settings)
            try:
                stream = ears.open(options or TranscriptionOptions(), partials.append)
                for start in range(0, len(audio), 3200):
                    stream.feed(audio[start : start + 3200])
                return await stream.finish(), partials, server.asked
            finally:
                await ears.aclose()

    return asyncio.run(main())


def test_it_is_a_transcriber() -> None:
    ears = TranscriptionsEndpoint(URL)
    assert isinstance(ears, Transcriber)
    assert isinstance(ears, Prewarmable)
    assert "logprobs" not in ears.honours
    assert "logprobs" in TranscriptionsEndpoint(URL, logprobs=True).honours
    asyncio.run(ears.aclose())


def test_an_utterance_is_sent_as_a_file(http_server: Server, answer: Any) -> None:
    heard, partials, asked = transcribe(
        http_server, answer.json({"text": " Hello there. ", "language": "en"}), model="m", api_key="k"
    )
    assert heard == Transcript("Hello there.", "en")
    assert partials == []
    assert asked[0].path == "/v1/audio/transcriptions"
    assert asked[0].headers["authorization"] == "Bearer k"
    form = asked[0].form
    wav = read_wav(form.pop("file"))
    assert (wav.pcm, wav.rate, wav.channels) == (AUDIO, 16_000, 1)
    assert form == {"model": b"m", "response_format": b"json"}


def test_wishes_reach_the_server(http_server: Server, answer: Any) -> None:
    options = TranscriptionOptions(
        model="large", language="en-GB", prompt="A phone call.", keywords=("Oslo", "Bergen"), logprobs=True
    )
    body = {
        "text": "Oslo",
        "logprobs": [{"token": "Oslo", "logprob": -0.5, "bytes": [79]}, {"token": "ä"}, 3],
    }
    settings: Any = {"models": ("large",), "logprobs": True, "extra": {"temperature": 0}}
    heard, _, asked = transcribe(http_server, answer.json(body), options=options, **settings)
    assert heard.logprobs == (
        LogProb(token="Oslo", logprob=-0.5, bytes=[79]),
        LogProb(token="ä", logprob=0.0, bytes=[0xC3, 0xA4]),
    )
    form = {name: value.decode() for name, value in asked[0].form.items() if name != "file"}
    assert form == {
        "temperature": "0",
        "model": "large",
        "response_format": "json",
        "language": "en",
        "prompt": "A phone call. Oslo, Bergen",
        "include[]": "logprobs",
    }


def test_a_model_that_is_not_there_is_answered_by_the_usual_one(http_server: Server, answer: Any) -> None:
    options = TranscriptionOptions(model="gpt-4o-transcribe")
    _, _, asked = transcribe(http_server, answer.json({"text": "x"}), options=options, model="small")
    assert asked[0].form["model"] == b"small"


def test_a_transcript_may_come_in_pieces(http_server: Server, answer: Any) -> None:
    pieces = [{"type": "transcript.text.delta", "delta": text} for text in ("Hel", "lo ", "there")]
    done = {"type": "transcript.text.done", "text": "Hello there."}
    reply = answer.events(*pieces, {"type": "other"}, done, "[DONE]")
    heard, partials, asked = transcribe(http_server, reply, stream=True)
    assert heard.text == "Hello there."
    assert partials == ["Hel", "Hello", "Hello there"]
    assert asked[0].form["stream"] == b"true"


def test_the_end_may_lack_the_text(http_server: Server, answer: Any) -> None:
    delta = {"type": "transcript.text.delta", "delta": "Hello"}
    heard, _, _ = transcribe(http_server, answer.events(delta, {"type": "transcript.text.done"}))
    assert heard.text == "Hello"


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (
            [{"type": "transcript.text.delta", "delta": "Hel"}, "[DONE]"],
            "broke off in the middle of a transcript",
        ),
        ([{"type": "error", "error": {"message": "busy"}}], "failed: busy"),
        (["{"], "sent what is no JSON object"),
    ],
)
def test_a_stream_that_fails_says_why(
    http_server: Server, answer: Any, events: list[Any], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        transcribe(http_server, answer.events(*events))


@pytest.mark.parametrize(
    ("body", "message"), [([1], "is no JSON object"), ({"task": "x"}, "sent an answer without a text")]
)
def test_what_is_no_transcript_is_told(http_server: Server, answer: Any, body: Any, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        transcribe(http_server, answer.json(body))


def test_a_refusal_has_the_servers_words(http_server: Server, answer: Any) -> None:
    with pytest.raises(EngineError, match=r"the transcriber at .* answered 400: no such model"):
        transcribe(http_server, answer.json({"error": {"message": "no such model"}}, 400))


def test_silence_is_not_sent(http_server: Server, answer: Any) -> None:
    heard, _, asked = transcribe(http_server, answer.json({"text": "x"}), audio=b"")
    assert (heard, asked) == (Transcript(""), [])


def test_an_utterance_that_is_over_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        ears = TranscriptionsEndpoint(URL)
        stream = ears.open(TranscriptionOptions(), lambda _: None)
        await stream.aclose()
        await stream.aclose()
        with pytest.raises(EngineError, match="this utterance is over"):
            stream.feed(AUDIO)
        long = ears.open(TranscriptionOptions(), lambda _: None)
        long.feed(bytes(600 * 32_000))
        with pytest.raises(EngineError, match="longer than 600 s"):
            long.feed(AUDIO)
        monkeypatch.setattr(transcriptions, "MAX_OPEN", 1)
        with pytest.raises(EngineError, match="1 utterances are open"):
            ears.open(TranscriptionOptions(), lambda _: None)
        await long.aclose()
        await ears.open(TranscriptionOptions(), lambda _: None).aclose()
        await ears.aclose()

    asyncio.run(main())


def test_a_wrong_address_shows_early(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer.json({}, 401)) as server:
            ears = TranscriptionsEndpoint(server.url)
            with pytest.raises(EngineError, match="answered 401"):
                await ears.prewarm()
            await ears.aclose()

    asyncio.run(main())
