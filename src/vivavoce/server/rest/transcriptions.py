"""`POST /v1/audio/transcriptions`: a recording in, its words out, at once or segment by segment."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vivavoce.audio.resample import Resampler
from vivavoce.conversation.refusal import refuse
from vivavoce.engines.base import Engines, Transcript, TranscriptionOptions
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.pipeline.utterances import transcript_of
from vivavoce.protocol import AudioInput, TranscriptionSession, TranscriptionSessionAudio
from vivavoce.protocol import Transcription as Wishes
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.rest.decoders import decode_audio
from vivavoce.server.rest.desk import Desk, api_routes, form_of
from vivavoce.server.rest.engine_work import EngineAnswer, count_audio, engines_of, place_in
from vivavoce.server.rest.opening import opening_session
from vivavoce.server.rest.segments import MAX_SEGMENT_S, Segment, cut
from vivavoce.server.rest.transcript_forms import MEDIA_TYPES, Transcription, written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vivavoce.engines.base import VoiceActivityDetector
    from vivavoce.pipeline import SessionOptions
    from vivavoce.server.auth import Caller

__all__ = ["MAX_UPLOAD_BYTES", "TranscriptionRoutes", "TranscriptionWish", "transcription_wish"]

MAX_UPLOAD_BYTES = 25 * 1024 * 1024
"""Longest body of a request, as in the hosted API."""

UPLOAD_TIMEOUT_S = 120.0
SEGMENT_TIMEOUT_S = 120.0
"""How long the engine may think about one segment."""

_MAX_FIELD_BYTES = 64 * 1024
_MAX_FIELDS = 64
_CHUNKS_PER_TURN = 16
"""Chunks that are looked at for speech before the others on the event loop have their turn."""

_FIELDS = frozenset(
    {
        "file",
        "model",
        "language",
        "languages",
        "languages[]",
        "prompt",
        "keywords",
        "keywords[]",
        "response_format",
        "temperature",
        "include",
        "include[]",
        "stream",
        "timestamp_granularities",
        "timestamp_granularities[]",
        "chunking_strategy",
    }
)


@dataclass(frozen=True, slots=True)
class TranscriptionWish:
    """How a recording is to be written down.

    Attributes:
        options: what the engine is to know.
        form: key of `MEDIA_TYPES`.
        events: whether the words come in server-sent events, segment by segment.
    """

    options: TranscriptionOptions
    form: str
    events: bool


class TranscriptionRoutes:
    """Writes recordings down with the transcriber of the server.

    Args:
        desk: what the routes share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        azure = "/openai/deployments/{deployment}/audio/transcriptions"
        return [
            *api_routes("/audio/transcriptions", self._transcribe, "POST"),
            Route(azure, self._transcribe, methods=["POST"]),
        ]

    async def _transcribe(self, request: Request) -> Response:
        caller = self._desk.caller(request)
        engines = engines_of(self._desk)
        form = await _form_of(request)
        try:
            wish = transcription_wish(form, engines, self._desk.config.session)
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise refuse("Missing required parameter: 'file'.", "file", "missing_required_parameter")
            # Until here it may lie on the disk, however many come at once.
            with place_in(self._desk, caller) as place:
                return await self._answer(await upload.read(), wish, engines, caller, place)
        finally:
            await form.close()

    async def _answer(
        self,
        data: bytes,
        wish: TranscriptionWish,
        engines: Engines,
        caller: Caller,
        place: contextlib.ExitStack,
    ) -> Response:
        """Transcribe a file. An answer that is streamed takes the place along."""
        rate = engines.transcriber.sample_rate
        pcm = await asyncio.to_thread(decode_audio, data, rate)
        seconds = len(pcm) / 2 / rate
        count_audio(self._desk, caller, seconds)
        segments = await _segments(engines, pcm, seconds)
        if not wish.events:
            async with aclosing(_heard(engines, pcm, segments, wish.options)) as parts:
                heard = Transcription(seconds, [part async for part in parts])
            text = written(heard, wish.form, logprobs=wish.options.logprobs)
            return Response(text, media_type=MEDIA_TYPES[wish.form])
        events = _events(engines, pcm, segments, wish)
        first = await anext(events)
        stall_s = self._desk.config.limits.stall_s
        return EngineAnswer(first, events, place.pop_all(), stall_s, "text/event-stream")


async def _form_of(request: Request) -> FormData:
    """Read the parts of a request's body.

    Raises:
        RefusedError: they are too long, come too slowly, or are none.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        message = "The body of the request must be multipart/form-data with the recording as 'file'."
        raise RefusedError(Refusal(400, message, code="invalid_content_type"))
    return await form_of(
        request,
        MAX_UPLOAD_BYTES,
        UPLOAD_TIMEOUT_S,
        max_fields=_MAX_FIELDS,
        max_field_bytes=_MAX_FIELD_BYTES,
    )


def transcription_wish(form: FormData, engines: Engines, defaults: SessionOptions) -> TranscriptionWish:
    """Read the fields of a request: what a session would accept for its input is accepted here.

    Args:
        form: the fields.
        engines: who would transcribe.
        defaults: what the operator decided.

    Raises:
        RemoteProtocolError: something is wrong, or not offered here.
    """
    for name in form:
        if name not in _FIELDS:
            param = name[:64]
            raise RemoteProtocolError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)
    _check_choices(form)
    include = _list(form, "include")
    wishes = Wishes(
        model=_word(form, "model") or "",
        language=_word(form, "language"),
        prompt=_word(form, "prompt"),
        languages=_list(form, "languages"),
        keywords=_list(form, "keywords"),
    )
    session = TranscriptionSession(
        audio=TranscriptionSessionAudio(input=AudioInput(transcription=wishes)),
        include=["item.input_audio_transcription.logprobs"] if include else None,
    )
    try:
        opening_session(engines, defaults, session)
    except RemoteProtocolError as error:
        # The same rules, but their names are those of a session.
        error.param = "include[]" if include and "include" in (error.param or "") else _last(error.param)
        raise
    options = TranscriptionOptions(
        model=_word(form, "model"),
        language=_word(form, "language"),
        prompt=_word(form, "prompt"),
        languages=tuple(_list(form, "languages")),
        keywords=tuple(_list(form, "keywords")),
        logprobs=bool(include),
    )
    streamed = (_word(form, "stream") or "false").lower()
    return TranscriptionWish(options, _word(form, "response_format") or "json", streamed == "true")


def _check_choices(form: FormData) -> None:
    """Refuse what is not among the values of a field, or what no engine here could do."""
    _among(form, "response_format", tuple(MEDIA_TYPES))
    _among(form, "stream", ("true", "false", "True", "False"))
    _among(form, "chunking_strategy", ("auto",))
    for each in _list(form, "include"):
        if each != "logprobs":
            raise refuse(f"Invalid value: {each[:64]!r}. Supported values are: 'logprobs'.", "include[]")
    for each in _list(form, "timestamp_granularities"):
        if each != "segment":
            raise refuse(
                f"Invalid value: {each[:64]!r}. Supported values are: 'segment'.", "timestamp_granularities[]"
            )
    if (_word(form, "temperature") or "0") not in {"0", "0.0"}:
        raise refuse("The transcriber of this server has no temperature. Leave it out.", "temperature")
    streamed = (_word(form, "stream") or "").lower() == "true"
    if streamed and (_word(form, "response_format") or "json") not in {"json", "text"}:
        raise refuse("With 'stream' the words come as events: use 'json' or 'text'.", "response_format")
    if _list(form, "include") and (_word(form, "response_format") or "json") != "json":
        raise refuse("Log probabilities come with response_format 'json' only.", "include[]")


def _among(form: FormData, name: str, known: tuple[str, ...]) -> None:
    value = _word(form, name)
    if value is not None and value not in known:
        listed = ", ".join(f"'{one}'" for one in known)
        raise refuse(f"Invalid value: {value[:64]!r}. Supported values are: {listed}.", name)


def _word(form: FormData, name: str) -> str | None:
    value = form.get(name)
    if isinstance(value, UploadFile):
        raise refuse(f"Invalid type for '{name}': expected text, not a file.", name, "invalid_type")
    return value or None


def _list(form: FormData, name: str) -> list[str]:
    return [
        value
        for key in (name, f"{name}[]")
        for value in form.getlist(key)
        if isinstance(value, str) and value
    ]


def _last(param: str | None) -> str | None:
    return None if param is None else param.rpartition(".")[2]


async def _segments(engines: Engines, pcm: bytes, seconds: float) -> list[Segment]:
    """Return where somebody speaks; a short recording is one segment."""
    if seconds <= MAX_SEGMENT_S:
        return [Segment(0.0, seconds)] if pcm else []
    detector = engines.vad
    size = detector.chunk_samples
    samples = await asyncio.to_thread(_in_chunks, pcm, engines.transcriber.sample_rate, detector)
    probabilities: list[float] = []
    slot = detector.open()
    try:
        for index, chunk in enumerate(samples):
            probabilities.append(float(detector.probabilities([slot], chunk)[0]))
            if index % _CHUNKS_PER_TURN == 0:
                await asyncio.sleep(0)
    finally:
        detector.close(slot)
    return cut(probabilities, size / detector.sample_rate, seconds)


def _in_chunks(pcm: bytes, rate: int, detector: VoiceActivityDetector) -> NDArray[np.int16]:
    """Return a recording as the detector looks at it. Computes for a while: run it in a thread."""
    heard = Resampler(rate, detector.sample_rate)
    samples = np.frombuffer(heard.process(pcm) + heard.flush(), np.dtype("<i2")).astype(np.int16)
    size = detector.chunk_samples
    return np.pad(samples, (0, -len(samples) % size)).reshape(-1, 1, size)


async def _heard(
    engines: Engines, pcm: bytes, segments: list[Segment], options: TranscriptionOptions
) -> AsyncGenerator[tuple[Segment, Transcript], None]:
    """Yield what is heard in each segment, one after another."""
    transcriber = engines.transcriber
    for segment in segments:
        first, after = (2 * round(at * transcriber.sample_rate) for at in (segment.start, segment.end))
        async with aclosing(transcriber.open(options, lambda _text: None)) as stream:
            stream.feed(pcm[first:after])
            try:
                async with asyncio.timeout(SEGMENT_TIMEOUT_S):
                    transcript = transcript_of(await stream.finish())
            except TimeoutError as error:
                raise EngineError(f"no transcript came for {SEGMENT_TIMEOUT_S:g} seconds") from error
        yield segment, transcript


async def _events(
    engines: Engines, pcm: bytes, segments: list[Segment], wish: TranscriptionWish
) -> AsyncGenerator[bytes, None]:
    """Yield the events of a transcription as its segments are heard."""
    parts: list[tuple[Segment, Transcript]] = []
    async with aclosing(_heard(engines, pcm, segments, wish.options)) as heard:
        async for part in heard:
            said = bool(Transcription(0.0, parts).text)
            parts.append(part)
            if text := part[1].text.strip():
                yield _event("transcript.text.delta", {"delta": f" {text}" if said else text})
    whole = Transcription(len(pcm) / 2 / engines.transcriber.sample_rate, parts)
    done: dict[str, object] = {"text": whole.text, "usage": whole.usage}
    if wish.options.logprobs:
        done["logprobs"] = whole.logprobs
    yield _event("transcript.text.done", done)


def _event(event_type: str, fields: dict[str, object]) -> bytes:
    return f"data: {json.dumps({'type': event_type, **fields}, ensure_ascii=False)}\n\n".encode()
