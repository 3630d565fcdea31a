"""Transcripts from any `/v1/audio/transcriptions` endpoint: OpenAI, speaches, vLLM, another vivavoce."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from vivavoce.audio.wav import encode_wav
from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.http import Endpoint, HttpOptions, error_message
from vivavoce.engines.sse import EventStream
from vivavoce.errors import EngineError
from vivavoce.protocol import LogProb

LONGEST_S = 600
"""Seconds of audio in one utterance; 19 MB as a WAV file, which is what such endpoints take."""

MAX_OPEN = 1024
"""Utterances at once."""


class TranscriptionsEndpoint:
    """A `Transcriber` behind an endpoint for audio files: each utterance is sent when it is over.

    Nothing is known before the person has finished, so there are partial texts only while the answer arrives,
    and only with `stream`.

    Args:
        base_url: the endpoint up to `/v1`, for example `http://localhost:8000/v1`.
        model: name of the model there.
        api_key: sent as a bearer token; `None` for a server that asks for none.
        models: further models there; a client that names one of them gets it, any other name is `model`.
        stream: ask for the transcript piece by piece (`gpt-4o-transcribe` and its kin; not `whisper-1`).
        logprobs: the model there can give log probabilities.
        extra: further fields of each request, for example `{"temperature": 0}`.
        http: headers and waits.

    Attributes:
        honours: the wishes that are followed. Keywords become part of the prompt.

    Raises:
        ConfigurationError: the address is no URL.
    """

    sample_rate = 16_000

    def __init__(
        self,
        base_url: str,
        model: str = "whisper-1",
        api_key: str | None = None,
        *,
        models: Sequence[str] = (),
        stream: bool = False,
        logprobs: bool = False,
        extra: Mapping[str, Any] | None = None,
        http: HttpOptions | None = None,
    ) -> None:
        self.honours = frozenset({"language", "prompt", "keywords"} | ({"logprobs"} if logprobs else set()))
        self._endpoint = Endpoint("the transcriber", base_url, api_key, http)
        self._model = model
        self._models = frozenset(models)
        self._fields = {**(extra or {}), **({"stream": "true"} if stream else {})}
        self._utterances: set[_Utterance] = set()

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> _Utterance:
        """Begin an utterance.

        Args:
            options: language and other wishes.
            on_partial: called with the text so far while the answer arrives; each extends the one before.

        Raises:
            EngineError: too many utterances are open.
        """
        if len(self._utterances) >= MAX_OPEN:
            raise EngineError(f"{MAX_OPEN} utterances are open; no more are accepted")
        utterance = _Utterance(self._endpoint, self._form(options), on_partial, self._utterances.discard)
        self._utterances.add(utterance)
        return utterance

    async def prewarm(self) -> None:
        """Ask the endpoint for its models once: a wrong address or key shows before anybody talks.

        Raises:
            EngineError: it cannot be reached or refuses the key.
        """
        await self._endpoint.check()

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._endpoint.aclose()

    def _form(self, options: TranscriptionOptions) -> dict[str, Any]:
        form = {**self._fields, "model": options.model if options.model in self._models else self._model}
        form["response_format"] = "json"
        if options.language:
            form["language"] = options.language.partition("-")[0]
        if hint := hint_of(options):
            form["prompt"] = hint
        if options.logprobs:
            form["include[]"] = "logprobs"
        return form


def hint_of(options: TranscriptionOptions) -> str:
    """Return prompt and keywords as one text, as if it stood before the audio, which such models expect."""
    return " ".join(filter(None, [options.prompt, ", ".join(options.keywords)]))


class _Utterance:
    """One utterance: its audio, then its request."""

    def __init__(
        self,
        endpoint: Endpoint,
        form: Mapping[str, Any],
        on_partial: Callable[[str], None],
        on_end: Callable[[_Utterance], None],
    ) -> None:
        self._endpoint = endpoint
        self._form = form
        self._on_partial = on_partial
        self._on_end = on_end
        self._audio = bytearray()
        self._over = False

    def feed(self, pcm: bytes) -> None:
        """Take audio: PCM16, 16 kHz, mono.

        Raises:
            EngineError: the utterance is too long, or over.
        """
        if self._over:
            raise EngineError("this utterance is over; open another one for more audio")
        if len(self._audio) + len(pcm) > LONGEST_S * TranscriptionsEndpoint.sample_rate * 2:
            raise EngineError(
                f"an utterance is longer than {LONGEST_S} s, which is more than is sent in one go"
            )
        self._audio += pcm

    async def finish(self) -> Transcript:
        """Send the audio and wait for its transcript.

        Raises:
            EngineError: the endpoint refused, broke off or sent what is no transcript.
        """
        self._over = True
        try:
            if not self._audio:
                return Transcript("")
            wav = encode_wav(bytes(self._audio), TranscriptionsEndpoint.sample_rate)
            self._audio.clear()
            files = {"file": ("audio.wav", wav, "audio/wav")}
            async with self._endpoint.post("audio/transcriptions", data=self._form, files=files) as response:
                if response.headers.get("content-type", "").startswith("text/event-stream"):
                    return await self._follow(response)
                body = b"".join([piece async for piece in self._endpoint.pieces(response)])
                return self._read(body)
        finally:
            self._on_end(self)

    async def aclose(self) -> None:
        """Drop the utterance; safe to call twice and after `finish`."""
        self._over = True
        self._audio.clear()
        self._on_end(self)

    async def _follow(self, response: httpx.Response) -> Transcript:
        stream, text = EventStream(), ""
        async with aclosing(self._endpoint.pieces(response)) as pieces:
            async for piece in pieces:
                for data in stream.feed(piece):
                    event = {} if data == "[DONE]" else self._object(data)
                    kind = event.get("type")
                    if kind == "transcript.text.delta" and event.get("delta"):
                        text += str(event["delta"])
                        self._on_partial(text.strip())
                    elif kind == "transcript.text.done":
                        return _transcript(event, text)
                    elif "error" in event:
                        said = self._endpoint.clean(error_message(data) or data)
                        raise EngineError(f"{self._endpoint.place} failed: {said}")
        raise EngineError(f"{self._endpoint.place} broke off in the middle of a transcript")

    def _read(self, body: bytes) -> Transcript:
        answer = self._object(body.decode(errors="replace"))
        if not isinstance(answer.get("text"), str):
            raise EngineError(f"{self._endpoint.place} sent an answer without a text")
        return _transcript(answer, "")

    def _object(self, text: str) -> Mapping[str, Any]:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, Mapping):
            raise EngineError(
                f"{self._endpoint.place} sent what is no JSON object: {self._endpoint.clean(text)}"
            )
        return answer


def _transcript(answer: Mapping[str, Any], heard: str) -> Transcript:
    language, text = answer.get("language"), answer.get("text")
    return Transcript(
        (text if isinstance(text, str) else heard).strip(),
        language if isinstance(language, str) and len(language) == 2 else None,
        tuple(_logprob(entry) for entry in answer.get("logprobs") or () if isinstance(entry, Mapping)),
    )


def _logprob(entry: Mapping[str, Any]) -> LogProb:
    token = str(entry.get("token", ""))
    raw = entry.get("bytes")
    return LogProb(
        token=token,
        logprob=float(entry.get("logprob") or 0.0),
        bytes=list(raw) if isinstance(raw, list) else list(token.encode()),
    )
