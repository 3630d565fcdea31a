"""Speech from any `/v1/audio/speech` endpoint: OpenAI, speaches, Kokoro-FastAPI, another vivavoce."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Literal

from vivavoce.engines.base import SpeechChunk, SpeechOptions
from vivavoce.engines.http import Endpoint, HttpOptions
from vivavoce.engines.tts.wav_stream import WavStream
from vivavoce.engines.tts.word_times import Pace, WordTimes
from vivavoce.engines.voices import API_VOICES, stand_ins, unknown_voice
from vivavoce.errors import ConfigurationError, EngineError

if TYPE_CHECKING:
    import httpx

OLDER_VOICES = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")
"""Voices of `tts-1` and `tts-1-hd`."""

_PACES = 256


class SpeechEndpoint:
    """A `Synthesizer` behind an endpoint for speech. The audio is passed on as it arrives.

    Such endpoints do not say when a word is spoken; that is estimated (see `word_times`), better with every
    clause that a voice has spoken.

    Args:
        base_url: the endpoint up to `/v1`, for example `http://localhost:8880/v1`.
        model: name of the model there.
        api_key: sent as a bearer token; `None` for a server that asks for none.
        voices: the voices there; empty: those that the hosted API has for this model. Names of the API that
            are not among them are dealt out over them.
        format: what to ask for: `"pcm"`, or `"wav"` for servers that have no other.
        sample_rate: of the audio that comes from there, in Hz. Raw PCM does not say; a WAV is checked.
        extra: further parameters of each request, for example `{"instructions": "Speak cheerfully."}`. With
            a `speed` it is always that one that is asked for, and other paces are made here.
        http: headers and waits.

    Attributes:
        honours_speed: whether it speaks at the speed that it is asked for. Of OpenAI's models `tts-1` and
            `tts-1-hd` do, the `gpt-` models do not.

    Raises:
        ConfigurationError: the address is no URL, or the rate makes no sense.
    """

    def __init__(
        self,
        base_url: str,
        model: str = "tts-1",
        api_key: str | None = None,
        *,
        voices: Sequence[str] = (),
        format: Literal["pcm", "wav"] = "pcm",  # noqa: A002 - its name in the API
        sample_rate: int = 24_000,
        extra: Mapping[str, Any] | None = None,
        http: HttpOptions | None = None,
    ) -> None:
        if not 8_000 <= sample_rate <= 192_000:
            raise ConfigurationError(f"sample_rate is {sample_rate}; it must be from 8000 to 192000 Hz")
        self.sample_rate = sample_rate
        self._endpoint = Endpoint("the synthesizer", base_url, api_key, http)
        self._model = model
        self._format = format
        self._own = tuple(voices) or (OLDER_VOICES if model.startswith("tts-1") else API_VOICES)
        self._stand_ins = stand_ins(self._own)
        self._extra = dict(extra or {})
        self.honours_speed = "speed" not in self._extra and not model.startswith("gpt-")
        self._paces: dict[tuple[str, float], Pace] = {}

    @property
    def voice_names(self) -> tuple[str, ...]:
        """The voices there, then the names of the API that stand for one of them."""
        return tuple(dict.fromkeys((*self._own, *self._stand_ins)))

    def knows_voice(self, voice: str) -> bool:
        """Return whether it can speak with this voice."""
        return voice in self._own or voice in self._stand_ins

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the speech of a text; closing the generator drops the connection, which ends the work there.

        Raises:
            EngineError: unknown voice; the endpoint refused, broke off or sent what is no such audio.
        """
        voice = options.voice if options.voice in self._own else self._stand_ins.get(options.voice)
        if voice is None:
            raise unknown_voice(options.voice, self.voice_names)
        if not text.strip():
            return
        pace = self._pace(voice, options.speed)
        words, sent = WordTimes(text, pace.ms_per_letter), 0
        request = {**self._extra, "model": self._model, "input": text, "voice": voice}
        request["response_format"] = self._format
        if self.honours_speed:
            request["speed"] = options.speed
        async with (
            self._endpoint.post("audio/speech", json=request) as response,
            aclosing(self._samples(response)) as samples,
        ):
            async for pcm in samples:
                sent += len(pcm)
                yield SpeechChunk(pcm, words.heard(self._ms(sent)))
        if not sent:
            raise EngineError(f"{self._endpoint.place} sent no audio")
        pace.learn(words.letters, self._ms(sent))
        yield SpeechChunk(b"", words.finish(self._ms(sent)))

    async def prewarm(self) -> None:
        """Ask the endpoint for its models once: a wrong address or key shows before anybody talks.

        Raises:
            EngineError: it cannot be reached or refuses the key.
        """
        await self._endpoint.check()

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._endpoint.aclose()

    def _ms(self, size: int) -> float:
        return 1000 * size / 2 / self.sample_rate

    def _pace(self, voice: str, speed: float) -> Pace:
        if len(self._paces) >= _PACES:
            self._paces.clear()  # speeds are any number; what was measured is soon measured again
        return self._paces.setdefault((voice, speed), Pace())

    async def _samples(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield whole samples of the audio in an answer."""
        kind = response.headers.get("content-type", "")
        if kind.startswith(("application/json", "text/")):
            said = await self._endpoint.said(response)
            raise EngineError(
                f"{self._endpoint.place} sent {kind.partition(';')[0]}, which is no audio: {said}"
            )
        wav = WavStream(self.sample_rate) if self._format == "wav" else None
        left = b""
        async with aclosing(self._endpoint.pieces(response)) as pieces:
            async for piece in pieces:
                pcm = left + (piece if wav is None else wav.feed(piece))
                whole = len(pcm) // 2 * 2
                left = pcm[whole:]
                if whole:
                    yield pcm[:whole]
