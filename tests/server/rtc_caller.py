"""A person with a browser: calls a server over WebRTC, speaks, hears, and keeps every event."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any
from unittest import mock

import httpx
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import AudioFrame

from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice
from vivavoce.server import RealtimeApp, ServerConfig, create_app, listener, serve
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

RATE = 24_000
FRAME_BYTES = 960
HERE = RtcConfig(addresses=("127.0.0.1",))
PATIENCE_S = 20.0
LOUD = 500
"""Samples above it are no silence, also behind a codec."""


def tone(seconds: float) -> bytes:
    """What a `LoudnessVad` takes for speech: PCM16 mono at 24 kHz."""
    wave = np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * 440 / RATE)
    return (wave * 12_000).astype("<i2").tobytes()


class Heard:
    """What reached the ear, PCM16 mono at 24 kHz, and every event, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.pcm = bytearray()
        self.over = False
        self._news = asyncio.Event()

    @property
    def types(self) -> list[str]:
        """The types of the events."""
        return [event["type"] for event in self.events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def voiced_ms(self) -> int:
        """How much of what was heard is no silence, in pieces of 20 ms."""
        samples = np.frombuffer(bytes(self.pcm), "<i2")
        pieces = samples[: len(samples) // 480 * 480].reshape(-1, 480).astype(np.int32)
        return int(20 * np.sum(np.abs(pieces).max(axis=1) > LOUD))

    def hear(self, pcm: bytes) -> None:
        """Take sound."""
        self.pcm += pcm
        self._news.set()

    def take(self, text: str) -> None:
        """Take an event."""
        self.events.append(json.loads(text))
        self._news.set()

    def end(self) -> None:
        """The connection is gone."""
        self.over = True
        self._news.set()

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait until something is so that what is heard or told may bring about."""
        async with asyncio.timeout(PATIENCE_S):
            while not what():
                self._news.clear()
                await self._news.wait()

    async def event(self, kind: str, number: int = 1) -> dict[str, Any]:
        """Wait for the first event of a type, or a later one, and return it."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]


class RtcCaller(Heard):
    """A caller on our own peer."""

    def __init__(self, config: RtcConfig = HERE) -> None:
        super().__init__()
        self.peer = RtcPeer(config, self)
        self.call_id = ""
        self.location = ""
        self.answer = ""
        self._saying = bytearray()

    async def call(self, url: str, **request: Any) -> None:
        """Call a server, whose socket has this URL; `session` makes a form of it."""
        offer = await self.peer.offer()
        answer = await post_offer(url, offer, **request)
        assert answer.status_code == 201, answer.text
        self.location = answer.headers["location"]
        self.call_id = self.location.rpartition("/")[2]
        self.answer = answer.text
        await self.peer.accept(answer.text)

    def say(self, pcm: bytes) -> None:
        """Speak, as soon as what was to be said before has been."""
        self._saying += pcm

    def send(self, kind: str, **fields: Any) -> None:
        """Send an event."""
        assert self.peer.send(json.dumps({"type": kind, **fields}))

    def write(self, text: str) -> None:
        """Say something in writing, and ask for an answer."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create")

    def on_audio(self, pcm: bytes) -> None:
        self.hear(pcm)

    def pull_audio(self) -> bytes:
        frame = bytes(self._saying[:FRAME_BYTES])
        del self._saying[:FRAME_BYTES]
        return frame.ljust(FRAME_BYTES, b"\0") if frame else b""

    def on_text(self, text: str) -> None:
        self.take(text)

    def on_open(self) -> None:
        self._news.set()

    def on_drained(self) -> None:
        """Nothing waits for it."""

    def on_end(self, reason: str) -> None:
        self.end()


async def post_offer(url: str, offer: str, **request: Any) -> httpx.Response:
    """Send an offer; with `session` as a form, with `path` elsewhere than at the API's own place."""
    session, key = request.pop("session", None), request.pop("key", None)
    path, headers = request.pop("path", "/v1/realtime/calls"), dict(request.pop("headers", {}))
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if session is None:
        headers["content-type"] = "application/sdp"
        request["content"] = offer
    else:
        request["files"] = {"sdp": (None, offer, "application/sdp"), "session": (None, json.dumps(session))}
    base = url.replace("ws://", "http://").removesuffix("/v1/realtime")
    async with httpx.AsyncClient() as client:
        return await client.post(base + path, headers=headers, timeout=10, **request)


@contextlib.asynccontextmanager
async def hosting(
    config: ServerConfig | None = None, engines: Engines | None = None
) -> AsyncIterator[tuple[str, RealtimeApp]]:
    """`async with hosting() as (url, app)`: a server on a real socket, and its application."""
    made: list[RealtimeApp] = []

    def create(*arguments: Any) -> RealtimeApp:
        made.append(create_app(*arguments))
        return made[0]

    config = replace(config or ServerConfig(webrtc=HERE), port=0, engines=EngineChoice(preset="bench"))
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    with mock.patch.object(listener, "create_app", create):
        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
            try:
                yield await ready, made[0]
            finally:
                server.cancel()


async def emptied(app: RealtimeApp) -> float:
    """Wait until everybody has left a server, which lets nobody in any more; return the seconds."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    await app.drain(PATIENCE_S)
    assert app.sessions == 0
    return loop.time() - before


@contextlib.asynccontextmanager
async def calling(url: str, **request: Any) -> AsyncIterator[RtcCaller]:
    """`async with calling(url) as caller`: a caller whose data channel has said `session.created`."""
    caller = RtcCaller(request.pop("config", HERE))
    try:
        await caller.call(url, **request)
        await caller.event("session.created")
        yield caller
    finally:
        await caller.peer.aclose()


class _Mouth(AudioStreamTrack):
    """A microphone that plays what it is given, in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.saying = bytearray()
        self._samples = 0

    async def recv(self) -> AudioFrame:
        await super().recv()  # which keeps the time
        pcm = bytes(self.saying[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
        del self.saying[:FRAME_BYTES]
        frame = AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), "s16", "mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = self._samples, Fraction(1, RATE)
        self._samples += len(pcm) // 2
        return frame


class StockCaller(Heard):
    """A caller on aiortc as it comes: nothing of ours but the server."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = RTCPeerConnection()
        self._mouth = _Mouth()
        self.connection.addTrack(self._mouth)
        self.channel = self.connection.createDataChannel("oai-events")
        self.channel.on("message", self.take)
        self.channel.on("close", self.end)
        self._ear: asyncio.Task[None] | None = None

    def say(self, pcm: bytes) -> None:
        """Speak."""
        self._mouth.saying += pcm

    async def call(self, tasks: asyncio.TaskGroup, url: str, **request: Any) -> str:
        """Call a server, whose socket has this URL; return the id of the call."""
        self.connection.on("track", lambda track: tasks.create_task(self._listen(track)))
        await self.connection.setLocalDescription(await self.connection.createOffer())
        answer = await post_offer(url, self.connection.localDescription.sdp, **request)
        assert answer.status_code == 201, answer.text
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await self.event("session.created")
        location: str = answer.headers["location"]
        return location.rpartition("/")[2]

    async def _listen(self, track: Any) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()  # 48 kHz, both channels the same
                samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[::2, 0]
                self.hear(samples.astype("<i2").tobytes())
