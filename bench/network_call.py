"""One call over a bad network: a person who speaks, listens and writes, and an agent that repeats them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import httpx
import numpy as np
import soxr
from websockets.asyncio.client import ClientConnection, connect

from bench.marks import RATE, sweep
from bench.words import RATE as SPEECH_RATE
from bench.words import spoken
from vivavoce.engines.base import (
    Engines,
    ModelDone,
    ModelEvent,
    ModelRequest,
    SpeechChunk,
    SpeechOptions,
    SpokenWord,
    TextDelta,
    Transcriber,
    Transcript,
    TranscriptionOptions,
    VoiceActivityDetector,
)
from vivavoce.engines.registry import EngineChoice
from vivavoce.protocol import InputText, MessageItem
from vivavoce.server import Limits, ServerConfig, serve
from vivavoce.testing.lossy_link import LossyLink, without_candidates
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

HERE = RtcConfig(addresses=("127.0.0.1",))
FRAME_BYTES = RATE // 50 * 2
PATIENCE_S = 60.0
VOICE = "slt"
HIDDEN = ("response.output_audio.delta", "session.created")
"""Events that a sideband is told otherwise than a data channel."""

Event = dict[str, Any]


@functools.cache
def said(text: str) -> bytes:
    """Return a text as flite says it: PCM16 mono at 24 kHz."""
    pcm = next(spoken([text], (VOICE,)))[1]
    samples: bytes = soxr.resample(np.frombuffer(pcm, "<i2"), SPEECH_RATE, RATE).astype("<i2").tobytes()
    return samples


async def understood(transcriber: Transcriber, pcm: bytes) -> str:
    """Return the words of a recording (PCM16 mono at 24 kHz)."""
    samples = soxr.resample(np.frombuffer(pcm, "<i2"), RATE, transcriber.sample_rate).astype("<i2")
    stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
    stream.feed(samples.tobytes())
    return (await stream.finish()).text


class Notebook:
    """A transcriber that keeps what it hears, to be written down when there is time.

    The transcript of an utterance is its number in `utterances`: PCM16 mono at 24 kHz.
    """

    sample_rate = RATE

    def __init__(self) -> None:
        self.utterances: list[bytes] = []

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> _Page:
        """Begin an utterance."""
        del options, on_partial
        return _Page(self.utterances)

    async def aclose(self) -> None:
        """Nothing is held."""


class _Page:
    def __init__(self, utterances: list[bytes]) -> None:
        self._utterances = utterances
        self._pcm = bytearray()

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm

    async def finish(self) -> Transcript:
        self._utterances.append(bytes(self._pcm))
        return Transcript(str(len(self._utterances) - 1))

    async def aclose(self) -> None:
        """Nothing is held."""


class Parrot:
    """A model that says what was last written to it."""

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream it."""
        item = request.items[-1]
        assert isinstance(item, MessageItem)
        part = item.content[0]
        assert isinstance(part, InputText)
        yield TextDelta(part.text)
        yield ModelDone()

    async def aclose(self) -> None:
        """Nothing is held."""


class ClearVoice:
    """Says every text as flite does, and "sweep 20" as twenty seconds of a sound that tells its position."""

    sample_rate = RATE
    voice_names = ("alloy",)

    def knows_voice(self, voice: str) -> bool:
        """Every voice is the same."""
        del voice
        return True

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream a second at a time."""
        del options
        asked = re.match(r"sweep (\d+)", text)
        pcm = sweep(int(asked[1])) if asked else await asyncio.to_thread(said, text)
        for start in range(0, len(pcm), 2 * RATE):
            yield SpeechChunk(pcm[start : start + 2 * RATE])
        yield SpeechChunk(b"", (SpokenWord(len(text), len(pcm) * 1000 // (2 * RATE)),))

    async def aclose(self) -> None:
        """Nothing is held."""


@contextlib.asynccontextmanager
async def house(vad: VoiceActivityDetector, notebook: Notebook | None = None) -> AsyncIterator[str]:
    """Run a server whose agent repeats what is written to it; the value is its URL."""
    transcriber = notebook or Notebook()
    engines = Engines(vad=vad, transcriber=transcriber, llm=Parrot(), synthesizer=ClearVoice())
    config = ServerConfig(
        port=0,
        webrtc=HERE,
        engines=EngineChoice(preset="bench"),
        limits=Limits(max_sessions=64),
    )
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


class NetworkCaller:
    """A caller behind a link; use `calling`.

    Attributes:
        peer: their end of the call.
        events: what the data channel brought.
        ear: what was heard since the beginning, PCM16 mono at 24 kHz.
        ready_s: from the offer until the session knew how turns end.
    """

    def __init__(self) -> None:
        self.peer = RtcPeer(HERE, self)
        self.events: list[Event] = []
        self.ear = bytearray()
        self.ready_s = 0.0
        self._mouth = bytearray()
        self._ended = ""
        self._news = asyncio.Event()
        self._side: list[Event] = []

    async def call(self, url: str, link: LossyLink) -> str:
        """Call, and have turns end without an answer; return the id of the call."""
        began = asyncio.get_running_loop().time()
        offer = without_candidates(await self.peer.offer())
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{url.replace('ws://', 'http://')}/calls",
                content=offer,
                headers={"content-type": "application/sdp"},
                timeout=30,
            )
        answer.raise_for_status()
        await self.peer.accept(await link.through(answer.text))
        detection = {"type": "server_vad", "create_response": False, "interrupt_response": True}
        listening = {"turn_detection": detection, "transcription": {"model": "notebook"}}
        self.send("session.update", session={"type": "realtime", "audio": {"input": listening}})
        await self.event("session.updated")
        self.ready_s = asyncio.get_running_loop().time() - began
        return answer.headers["location"].rpartition("/")[2]

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        if not self.peer.send(json.dumps({"type": kind, **fields})):
            raise ConnectionError(f"{kind} cannot be sent: {self._ended or 'it is too long'}")

    def write(self, text: str) -> None:
        """Write a message."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    def say(self, pcm: bytes) -> None:
        """Speak."""
        self._mouth += pcm

    def of(self, kind: str) -> list[Event]:
        """Return the events of one type that came so far."""
        return [event for event in self.events if event["type"] == kind]

    async def event(self, kind: str, number: int = 1) -> Event:
        """Wait for the first event of a type, or a later one."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def hear_more(self, seconds: float) -> None:
        """Wait until so much more was heard."""
        wanted = len(self.ear) + round(seconds * RATE) * 2
        await self.until(lambda: len(self.ear) >= wanted, PATIENCE_S + seconds)

    async def until(self, what: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until something is so.

        Raises:
            ConnectionError: the call has ended.
            TimeoutError: it never was.
        """
        async with asyncio.timeout(patience_s):
            while not what():
                if self._ended:
                    raise ConnectionError(f"the call has ended: {self._ended}")
                self._news.clear()
                await self._news.wait()

    # --- what the peer asks and tells -----------------------------------------------------------------------

    def on_audio(self, pcm: bytes) -> None:
        """Listen."""
        self.ear += pcm
        self._news.set()

    def pull_audio(self) -> bytes:
        """Speak."""
        frame = bytes(self._mouth[:FRAME_BYTES])
        del self._mouth[:FRAME_BYTES]
        return frame.ljust(FRAME_BYTES, b"\0") if frame else b""

    def on_text(self, text: str) -> None:
        """Read."""
        self.events.append(json.loads(text))
        self._news.set()

    def on_open(self) -> None:
        """Nothing waits for it."""

    def on_drained(self) -> None:
        """Nothing waits for it."""

    def on_end(self, reason: str) -> None:
        """The call is over."""
        self._ended = reason
        self._news.set()


class Witness:
    """A sideband, which no network disturbs: it says what a caller must have been told.

    Args:
        socket: of the sideband.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def told(self, last: str) -> list[str]:
        """Return the ids of all events up to one, but for those that data channels are not told."""
        ids: list[str] = []
        async for text in self._socket:
            event = json.loads(text)
            if event["type"] not in HIDDEN:
                ids.append(event["event_id"])
            if event["event_id"] == last:
                break
        return ids


@contextlib.asynccontextmanager
async def calling(url: str, link: LossyLink) -> AsyncIterator[NetworkCaller]:
    """Make a call through this link; the value is a caller who is ready to talk."""
    caller = NetworkCaller()
    try:
        await caller.call(url, link)
        yield caller
    finally:
        await caller.peer.aclose()


@contextlib.asynccontextmanager
async def witnessed(url: str, link: LossyLink) -> AsyncIterator[tuple[NetworkCaller, Witness]]:
    """As `calling`, with a witness of all that is told from now on."""
    caller = NetworkCaller()
    try:
        call_id = await caller.call(url, link)
        async with connect(f"{url}?call_id={call_id}", max_size=None) as socket:
            yield caller, Witness(socket)
    finally:
        await caller.peer.aclose()
