"""`POST /v1/audio/speech`: text in, speech out, streamed while it is made."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from vivavoce.audio.resample import Resampler
from vivavoce.conversation.refusal import refuse
from vivavoce.engines.base import SpeechOptions, Synthesizer
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.pipeline.clauses import ClauseSplitter
from vivavoce.pipeline.tempo import paced
from vivavoce.server.rest.desk import Desk, api_routes, json_of
from vivavoce.server.rest.encoders import FORMATS, RATE, Encoder, default_format, encoder_for
from vivavoce.server.rest.engine_work import EngineAnswer, count_audio, engines_of, place_in

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["MAX_INPUT_CHARS", "SpeechRoutes", "SpeechWish", "speech_wish"]

MAX_INPUT_CHARS = 4096
"""Longest text that is spoken, as in the hosted API."""

CHUNK_TIMEOUT_S = 30.0
"""How long the engine may be silent."""

_CHARS_PER_S = 15
"""What a voice speaks in a second, near enough to hold a request against its key's share beforehand."""

_FIELDS = ("model", "input", "voice", "instructions", "response_format", "speed", "stream_format")


@dataclass(frozen=True, slots=True)
class SpeechWish:
    """What a request wants spoken.

    Attributes:
        text: the words.
        options: voice and speed.
        form: key of `FORMATS`.
        events: whether audio comes in server-sent events.
    """

    text: str
    options: SpeechOptions
    form: str
    events: bool

    @property
    def seconds(self) -> float:
        """How long the speech will be, about."""
        return len(self.text) / _CHARS_PER_S / self.options.speed


class SpeechRoutes:
    """Speaks texts with the voices of the server.

    Args:
        desk: what the routes share.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        azure = "/openai/deployments/{deployment}/audio/speech"
        return [
            *api_routes("/audio/speech", self._speak, "POST"),
            Route(azure, self._speak, methods=["POST"]),
        ]

    async def _speak(self, request: Request) -> Response:
        caller = self._desk.caller(request)
        speaker = engines_of(self._desk).synthesizer
        wish = speech_wish(await json_of(request), speaker)
        encoder = encoder_for(wish.form)
        if encoder is None:
            raise refuse(
                f"This server cannot make '{wish.form}', for which it needs an extra: pip install "
                "'vivavoce[codecs]'. Supported values are: 'wav', 'pcm'.",
                "response_format",
            )
        count_audio(self._desk, caller, wish.seconds)
        place = place_in(self._desk, caller)
        pieces = _pieces(wish, speaker, encoder)
        try:
            # What cannot be spoken at all is to be an error, not an empty file.
            first = await anext(pieces)
        except BaseException:
            place.close()
            raise
        media_type = "text/event-stream" if wish.events else FORMATS[wish.form].media_type
        return EngineAnswer(first, pieces, place, self._desk.config.limits.stall_s, media_type)


def speech_wish(body: Mapping[str, Any], speaker: Synthesizer) -> SpeechWish:
    """Read the body of a request.

    Args:
        body: as it came.
        speaker: who would speak.

    Raises:
        RemoteProtocolError: something in it is wrong, or not offered here.
    """
    for name in body:
        if name not in _FIELDS:
            param = str(name)[:64]
            raise RemoteProtocolError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)
    text = _text(body, "input")
    if text is None or not text.strip():
        raise refuse("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    if len(text) > MAX_INPUT_CHARS:
        raise refuse(f"The input has {len(text)} characters; at most {MAX_INPUT_CHARS} are spoken.", "input")
    _text(body, "model")
    if _text(body, "instructions"):
        raise refuse("The voices of this server follow no instructions. Leave them out.", "instructions")
    form = _one_of(body, "response_format", tuple(FORMATS), default_format())
    events = _one_of(body, "stream_format", ("audio", "sse"), "audio") == "sse"
    return SpeechWish(text, SpeechOptions(_voice(body, speaker), _speed(body)), form, events)


def _voice(body: Mapping[str, Any], speaker: Synthesizer) -> str:
    voice = body.get("voice")
    if isinstance(voice, Mapping):
        voice = voice.get("id")
    if voice is None:
        raise refuse("Missing required parameter: 'voice'.", "voice", "missing_required_parameter")
    if not isinstance(voice, str) or not speaker.knows_voice(voice):
        listed = ", ".join(f"'{name}'" for name in speaker.voice_names)
        raise refuse(f"Invalid value: {str(voice)[:64]!r}. Supported values are: {listed}.", "voice")
    return voice


def _speed(body: Mapping[str, Any]) -> float:
    speed = body.get("speed", 1.0)
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0.25 <= speed <= 1.5:
        raise refuse(
            f"Invalid value: {str(speed)[:32]}. This server speaks at 0.25 to 1.5 times the usual speed.",
            "speed",
        )
    return float(speed)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise refuse(f"Invalid type for '{name}': expected a string.", name, "invalid_type")
    return value


def _one_of(body: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if value not in known:
        listed = ", ".join(f"'{one}'" for one in known)
        raise refuse(f"Invalid value: {str(value)[:64]!r}. Supported values are: {listed}.", name)
    return str(value)


async def _pieces(wish: SpeechWish, speaker: Synthesizer, encoder: Encoder) -> AsyncGenerator[bytes, None]:
    """Yield the file, or the events that carry it, as the speech is made."""
    async with aclosing(_speech(wish, speaker)) as speech:
        async for pcm in speech:
            # Encoders compute; other sessions have their turn meanwhile.
            if data := await asyncio.to_thread(encoder.encode, pcm):
                yield _event("speech.audio.delta", audio=_base64(data)) if wish.events else data
    if data := await asyncio.to_thread(encoder.finish):
        yield _event("speech.audio.delta", audio=_base64(data)) if wish.events else data
    if wish.events:
        usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        yield _event("speech.audio.done", usage=usage)


async def _speech(wish: SpeechWish, speaker: Synthesizer) -> AsyncGenerator[bytes, None]:
    """Yield PCM16 at `RATE`, clause by clause, so that the first sound comes soon."""
    splitter = ClauseSplitter()
    resampler = Resampler(speaker.sample_rate, RATE, "HQ")
    for clause in [*splitter.feed(wish.text), *splitter.flush()]:
        async with aclosing(paced(speaker, clause, wish.options)) as chunks:
            while True:
                try:
                    async with asyncio.timeout(CHUNK_TIMEOUT_S):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                except TimeoutError as error:
                    raise EngineError(f"no speech came for {CHUNK_TIMEOUT_S:g} seconds") from error
                yield resampler.process(chunk.pcm)
    yield resampler.flush()


def _event(event_type: str, **fields: object) -> bytes:
    return f"data: {json.dumps({'type': event_type, **fields})}\n\n".encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
