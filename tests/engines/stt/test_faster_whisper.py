"""Whisper as a transcriber, on a model that is made on the spot."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.base import Prewarmable, Transcriber, TranscriptionOptions
from vivavoce.engines.scripted import scripted_engines
from vivavoce.engines.stt import faster_whisper
from vivavoce.engines.stt.faster_whisper import FasterWhisperTranscriber
from vivavoce.engines.stt.whisper_model import WhisperEars
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import (
    AudioInput,
    ConversationItemInputAudioTranscriptionCompleted,
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    RealtimeSession,
    ServerEvent,
    SessionAudio,
    SessionUpdate,
    Transcription,
)

pytest.importorskip("faster_whisper", reason="needs vivavoce[whisper]")

SECOND = bytes(32_000)


def ears(model: Path, **options: Any) -> FasterWhisperTranscriber:
    return FasterWhisperTranscriber(str(model), device="cpu", workers=1, cpu_threads=1, **options)


def test_it_is_a_transcriber(tiny_whisper: Path) -> None:
    async def main() -> None:
        transcriber = ears(tiny_whisper)
        assert isinstance(transcriber, Transcriber)
        assert isinstance(transcriber, Prewarmable)
        assert "language" in transcriber.honours
        await transcriber.prewarm()
        assert "language" not in transcriber.honours
        assert "en" in transcriber.languages
        await transcriber.aclose()
        await transcriber.aclose()
        with pytest.raises(EngineError, match="is closed"):
            transcriber.open(TranscriptionOptions(), lambda _: None)

    asyncio.run(main())


def test_words_are_told_while_somebody_speaks(tiny_whisper: Path) -> None:
    async def main() -> None:
        transcriber, partials = ears(tiny_whisper), list[str]()
        stream = transcriber.open(TranscriptionOptions(logprobs=True, delay="minimal"), partials.append)
        for _ in range(2):  # two decodes must agree
            assert partials == []
            stream.feed(SECOND)
            for _ in range(3):
                await asyncio.sleep(0)
            await stream._quiet.wait()
        assert partials == ["Hello world."]
        heard = await stream.finish()
        assert heard.text == "Hello world."
        assert heard.language == "en"
        assert [entry.token for entry in heard.logprobs] == [" Hello", " world."]
        await stream.aclose()
        await transcriber.aclose()

    asyncio.run(main())


def test_a_language_of_ones_own_is_used_where_the_client_names_none(tiny_whisper: Path) -> None:
    async def main() -> list[str | None]:
        transcriber, languages = ears(tiny_whisper, language="fr"), []
        for options in (TranscriptionOptions(), TranscriptionOptions(language="de")):
            stream = transcriber.open(options, lambda _: None)
            stream.feed(SECOND)
            languages.append((await stream.finish()).language)
        await transcriber.aclose()
        return languages

    assert asyncio.run(main()) == ["fr", "de"]


def test_nothing_said_is_an_empty_transcript(tiny_whisper: Path) -> None:
    async def main() -> None:
        transcriber = ears(tiny_whisper)
        stream = transcriber.open(TranscriptionOptions(), lambda _: None)
        assert (await stream.finish()).text == ""
        with pytest.raises(EngineError, match="this utterance is over"):
            stream.feed(SECOND)
        await transcriber.aclose()

    asyncio.run(main())


def test_an_utterance_that_is_dropped_ends_at_once(
    tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = threading.Event(), threading.Event()
    hear = WhisperEars.hear

    def slowly(self: WhisperEars, *args: Any, **wishes: Any) -> Any:
        begun.set()
        gate.wait(30)
        return hear(self, *args, **wishes)

    monkeypatch.setattr(WhisperEars, "hear", slowly)

    async def main() -> None:
        transcriber = ears(tiny_whisper)
        stream = transcriber.open(TranscriptionOptions(), lambda _: None)
        stream.feed(SECOND)
        await asyncio.to_thread(begun.wait, 30)
        finish = asyncio.ensure_future(stream.finish())
        await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await stream.aclose()
            await transcriber.aclose()
        gate.set()
        with pytest.raises(EngineError, match=r"closed|dropped"):
            await finish

    asyncio.run(main())


def test_partial_decodes_leave_a_busy_worker_alone(
    tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    lasts: list[bool] = []
    hear = WhisperEars.hear

    def watched(self: WhisperEars, *args: Any, last: bool, **wishes: Any) -> Any:
        lasts.append(last)
        gate.wait(30)
        return hear(self, *args, last=last, **wishes)

    monkeypatch.setattr(WhisperEars, "hear", watched)

    async def main() -> None:
        transcriber = ears(tiny_whisper)
        first, second = (transcriber.open(TranscriptionOptions(), lambda _: None) for _ in range(2))
        first.feed(SECOND[:16_000])  # too little for a partial text
        finish = asyncio.ensure_future(first.finish())
        for _ in range(3):
            await asyncio.sleep(0)
        second.feed(SECOND)
        for _ in range(3):
            await asyncio.sleep(0)
        assert transcriber.queue_depth == 0
        other = asyncio.ensure_future(second.finish())
        for _ in range(3):
            await asyncio.sleep(0)
        assert transcriber.queue_depth == 1
        gate.set()
        assert (await finish).text == "Hello world."
        assert (await other).text == "Hello world."
        await transcriber.aclose()

    asyncio.run(main())
    assert lasts == [True, True]


def test_a_model_that_cannot_be_loaded_fails_the_transcript(tmp_path: Path) -> None:
    async def main() -> None:
        transcriber = ears(tmp_path)
        with pytest.raises(EngineError, match="cannot be loaded"):
            await transcriber.prewarm()
        stream = transcriber.open(TranscriptionOptions(), lambda _: None)
        stream.feed(SECOND)
        with pytest.raises(EngineError, match="cannot be loaded"):
            await stream.finish()
        await transcriber.aclose()

    asyncio.run(main())


def test_bounds(tiny_whisper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faster_whisper, "MAX_OPEN", 1)
    monkeypatch.setattr(faster_whisper, "LONGEST_S", 2)
    monkeypatch.setattr(WhisperEars, "hear", lambda *args, **wishes: threading.Event().wait(0))

    async def main() -> None:
        transcriber = ears(tiny_whisper)
        stream = transcriber.open(TranscriptionOptions(), lambda _: None)
        with pytest.raises(EngineError, match="1 utterances are open"):
            transcriber.open(TranscriptionOptions(), lambda _: None)
        stream.feed(SECOND * 2)
        with pytest.raises(EngineError, match="2 s of audio are waiting"):
            stream.feed(SECOND)
        await transcriber.aclose()

    asyncio.run(main())


def test_settings_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="beam_size is 0"):
        FasterWhisperTranscriber(beam_size=0)
    with pytest.raises(ConfigurationError, match="workers is 0"):
        FasterWhisperTranscriber(workers=0)
    assert FasterWhisperTranscriber(device="cpu").cost.cores == 1.0
    assert FasterWhisperTranscriber(device="cuda").cost.cores == 0.1
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[whisper\]"):
        FasterWhisperTranscriber()


class Line:
    """Keeps what a session sends, and tells when a transcript has come."""

    writable = True

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self.heard = asyncio.Event()

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.events += events
        if any(isinstance(event, ConversationItemInputAudioTranscriptionCompleted) for event in events):
            self.heard.set()


def test_a_session_hears_with_it(tiny_whisper: Path) -> None:
    async def main() -> list[ServerEvent]:
        transcriber, line = ears(tiny_whisper), Line()
        await transcriber.prewarm()
        engines = replace(scripted_engines(), transcriber=transcriber)
        session = LocalSession(engines, line)
        session.start()
        for code in ("xx", "de"):
            wish = AudioInput(transcription=Transcription(model="any", language=code), turn_detection=None)
            settings = RealtimeSession(
                audio=SessionAudio(input=wish), include=["item.input_audio_transcription.logprobs"]
            )
            session.receive(SessionUpdate(session=settings))
        session.receive(InputAudioBufferAppend(audio=bytes(48_000)))
        session.receive(InputAudioBufferCommit())
        async with asyncio.timeout(20):
            await line.heard.wait()
        await session.aclose()
        await engines.aclose()
        return line.events

    events = asyncio.run(main())
    (refusal,) = [event for event in events if isinstance(event, ErrorEvent)]
    assert refusal.error.param == "session.audio.input.transcription.language"
    (heard,) = [e for e in events if isinstance(e, ConversationItemInputAudioTranscriptionCompleted)]
    assert heard.transcript == "Hello world."
    assert [entry.token for entry in heard.logprobs or ()] == [" Hello", " world."]
