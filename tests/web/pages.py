"""A page in somebody's browser: a microphone, an ear, a data channel, and the requests that a page makes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np

from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

FRAME_BYTES = 960
PATIENCE_S = 8.0
LOUD = 500
"""A frame above this level is no silence."""

LOCAL = RtcConfig(addresses=("127.0.0.1",))


class Page:
    """What a page with the unmodified SDK does, as far as a server sees it.

    Attributes:
        events: what came over the data channel.
        heard: every frame that came: whether it was loud.
        ended: why the call is over.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.heard: list[bool] = []
        self.sound = bytearray()
        self.ended: str | None = None
        self.location = ""
        self._microphone = bytearray()
        self._opened = asyncio.Event()
        self._changed = asyncio.Event()
        self.peer = RtcPeer(LOCAL, self)

    # --- what the page does ------------------------------------------------------------------------------

    async def call(self, web: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
        """Post an offer; on 201 the call is open when this returns."""
        offer = await self.peer.offer()
        named = {"content-type": "application/sdp", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = await web.post(path, content=offer, headers=named)
        if answer.status_code == 201:
            self.location = answer.headers["location"]
            await self.peer.accept(answer.text)
            async with asyncio.timeout(PATIENCE_S):
                await self._opened.wait()
        return answer

    def send(self, name: str, **fields: Any) -> None:
        """Send an event."""
        assert self.peer.send(json.dumps({"type": name, **fields}))

    def type(self, text: str, **part: Any) -> None:
        """Send a message, and ask for the answer."""
        content = [part or {"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.send("conversation.item.create", item=item)
        self.send("response.create", event_id="ask")

    def speak(self, pcm: bytes) -> None:
        """Say something."""
        self._microphone += pcm

    async def until(self, holds: str | Callable[[], Any], *, within_s: float = PATIENCE_S) -> Any:
        """Wait for an event by its type, or until something holds; returns the event, or what holds."""

        def met() -> Any:
            return self.all(holds)[-1:] if isinstance(holds, str) else holds()

        async with asyncio.timeout(within_s):
            while not (found := met()):
                self._changed.clear()
                await self._changed.wait()
        return found[0] if isinstance(holds, str) else found

    def all(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a type."""
        return [event for event in self.events if event["type"] == name]

    @property
    def types(self) -> list[str]:
        """What came, by type, without the deltas."""
        return [event["type"] for event in self.events if not event["type"].endswith(".delta")]

    @property
    def loud_frames(self) -> int:
        """How many frames were no silence."""
        return sum(self.heard)

    # --- what its peer connection tells ---------------------------------------------------------------------

    def on_audio(self, pcm: bytes) -> None:
        self.sound += pcm
        self.heard.append(bool(np.abs(np.frombuffer(pcm, "<i2").astype(int)).max() > LOUD))
        self._changed.set()

    def pull_audio(self) -> bytes:
        if len(self._microphone) < FRAME_BYTES:
            return b""
        frame = bytes(self._microphone[:FRAME_BYTES])
        del self._microphone[:FRAME_BYTES]
        return frame

    def on_text(self, text: str) -> None:
        self.events.append(json.loads(text))
        self._changed.set()

    def on_open(self) -> None:
        self._opened.set()

    def on_drained(self) -> None:
        pass

    def on_end(self, reason: str) -> None:
        self.ended = reason
        self._changed.set()


@asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """A page that is closed at the end."""
    one = Page()
    try:
        yield one
    finally:
        await one.peer.aclose()
