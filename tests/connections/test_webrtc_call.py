"""What goes into a call, in which order, and what holds it up. The peer connections are real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from tests.connections.rtc_server import LOOPBACK, SESSION

from vivavoce.connections.webrtc_call import MAX_EARLY, MAX_WAITING_MESSAGES, WebRTCCall
from vivavoce.connections.webrtc_speech import PATIENCE_S
from vivavoce.connections.webrtc_voice import MAX_QUEUED_MS
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.protocol import (
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    InputText,
    MessageItem,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
)
from vivavoce.testing import run
from vivavoce.webrtc.peer import HIGH_WATER, RtcPeer


class Far:
    """The other end: a peer connection that keeps what it gets."""

    def __init__(self) -> None:
        self.peer = RtcPeer(LOOPBACK, self)
        self.kinds: list[str] = []
        self.news = asyncio.Event()

    def on_text(self, text: str) -> None:
        self.kinds.append(json.loads(text)["type"])
        self.news.set()

    def on_open(self) -> None:
        self.peer.send(json.dumps({"type": "session.created", "event_id": "e", "session": SESSION}))

    def on_audio(self, pcm: bytes) -> None:
        pass

    def pull_audio(self) -> bytes:
        return b""

    def on_drained(self) -> None:
        pass

    def on_end(self, reason: str) -> None:
        pass

    async def gets(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            while len(self.kinds) < count:
                self.news.clear()
                await self.news.wait()
        return self.kinds


class Near:
    """This end."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.ends: list[str] = []
        self.within_s = 10.0
        self.news = asyncio.Event()
        self.call = WebRTCCall(LOOPBACK, self.take, self.ends.append)

    def take(self, event: Any) -> None:
        self.events.append(event)
        self.news.set()

    async def heard(self, kind: str, count: int = 1) -> None:
        while [event.type for event in self.events].count(kind) < count:
            self.news.clear()
            await self.news.wait()

    async def send(self, *events: Any) -> None:
        for event in events:
            await self.call.send(event, within_s=self.within_s)


@asynccontextmanager
async def both() -> AsyncIterator[tuple[Near, Far]]:
    near, far = Near(), Far()
    try:
        await near.call.peer.accept(await far.peer.answer(await near.call.peer.offer()))
        await near.call.wait_open()
        near.call.take_over()
        yield near, far
    finally:
        await near.call.aclose()
        await far.peer.aclose()


def on_both(test: Callable[[Near, Far], Awaitable[None]]) -> None:
    async def main() -> None:
        async with both() as (near, far):
            await test(near, far)

    run(main())


def speech(ms: int) -> InputAudioBufferAppend:
    return InputAudioBufferAppend(audio=np.full(ms * 24, 5000, "<i2").tobytes())


def test_what_must_follow_speech_follows_it_and_a_clear_overtakes() -> None:
    async def test(near: Near, far: Far) -> None:
        await near.send(
            speech(200), InputAudioBufferCommit(), ResponseCreate(), OutputAudioBufferClear(), speech(40)
        )
        assert await far.gets(3) == [
            "output_audio_buffer.clear",
            "input_audio_buffer.commit",
            "response.create",
        ]
        await near.send(speech(5000), InputAudioBufferClear(), ResponseCancel())
        assert (await far.gets(5))[3:] == ["input_audio_buffer.clear", "response.cancel"]
        await near.send(InputAudioBufferCommit())  # nothing is left to wait for
        assert (await far.gets(6))[5:] == ["input_audio_buffer.commit"]

    on_both(test)


def test_what_is_pushed_faster_than_real_time_waits_and_then_its_sender_does() -> None:
    async def test(near: Near, _far: Far) -> None:
        await near.send(speech(MAX_QUEUED_MS))
        waiting = asyncio.ensure_future(near.send(speech(3000)))
        await asyncio.wait({waiting}, timeout=0.1)
        assert not waiting.done()
        await near.send(InputAudioBufferClear())
        await asyncio.wait_for(waiting, 2)
        last = asyncio.ensure_future(near.send(speech(MAX_QUEUED_MS + 3000)))
        await asyncio.wait({last}, timeout=0.1)
        await near.call.aclose()
        with pytest.raises(
            ConnectionLostError, match=r"cannot send input_audio_buffer\.append: .*it was closed"
        ):
            await last

    on_both(test)


def test_messages_that_wait_behind_speech_have_a_bound() -> None:
    async def test(near: Near, far: Far) -> None:
        await near.send(
            speech(300), InputAudioBufferCommit(), *[ResponseCreate()] * (MAX_WAITING_MESSAGES - 1)
        )
        assert far.kinds == []
        await near.send(ResponseCreate())  # waits until the others have left
        assert len(await far.gets(MAX_WAITING_MESSAGES + 1)) == MAX_WAITING_MESSAGES + 1

    on_both(test)


def text(size: int) -> ConversationItemCreate:
    return ConversationItemCreate(item=MessageItem(role="user", content=(InputText(text="x" * size),)))


def test_an_event_that_is_too_long_is_refused_and_harms_nothing() -> None:
    async def test(near: Near, far: Far) -> None:
        longest = near.call.peer.max_message_size
        assert longest > 0
        words = f"conversation.item.create has .* bytes, and this server takes at most {longest} "
        with pytest.raises(ConfigurationError, match=words):
            await near.send(text(longest))
        await near.send(ResponseCreate())
        assert await far.gets(1) == ["response.create"]

    on_both(test)


def test_a_peer_that_does_not_read_is_waited_for_but_not_for_ever() -> None:
    async def test(near: Near, far: Far) -> None:
        for index in range(40):
            await near.send(text(50_000))
            assert near.call.peer.buffered <= HIGH_WATER + 51_000, index
        assert len(await far.gets(40)) == 40
        far_wiring = far.peer._wiring
        assert far_wiring is not None
        await far_wiring.link.close()
        near.within_s = 0.2
        many = [text(50_000)] * 40
        with pytest.raises(ConnectionLostError, match=r"server has read nothing for 0\.2 s|call has ended"):
            await near.send(*many)

    on_both(test)


def test_an_answer_that_never_sounds_is_done_when_its_time_is_over() -> None:
    async def test(near: Near, far: Far) -> None:
        made = {"id": "r", "object": "realtime.response", "conversation_id": "c", "output": []}
        place = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
        part = {"type": "response.content_part.added", **place, "part": {"type": "audio"}}
        loop = asyncio.get_running_loop()
        for event in (
            {"type": "response.created", "response": {**made, "status": "in_progress"}},
            part,
            {"type": "response.done", "response": {**made, "status": "completed"}},
        ):
            far.peer.send(json.dumps({"event_id": "e", **event}))
        async with asyncio.timeout(5):
            await near.heard("response.content_part.added")
            began = loop.time()
            await near.heard("response.done")
        assert loop.time() - began == pytest.approx(PATIENCE_S, abs=0.2)
        far.peer.send(
            json.dumps({"event_id": "e", "type": "response.created", "response": {**made, "id": "s"}})
        )
        far.peer.send(json.dumps({"event_id": "e", **part, "response_id": "s"}))
        done = {**made, "id": "s", "status": "completed"}
        far.peer.send(json.dumps({"event_id": "e", "type": "response.done", "response": done}))
        await near.heard("response.content_part.added", 2)
        # What waits when the call is closed is nobody's business any more.

    on_both(test)


def test_an_end_before_the_first_message_is_no_call() -> None:
    async def main() -> None:
        near = Near()
        near.call.on_end("the peer vanished")
        with pytest.raises(ConnectionLostError, match="could not be made: the peer vanished"):
            await near.call.wait_open()
        assert near.ends == []

    run(main())


def test_an_end_between_the_first_message_and_the_session_is_told_when_somebody_listens() -> None:
    async def main() -> None:
        near = Near()
        for index in range(MAX_EARLY + 10):
            near.call.on_text(json.dumps({"type": f"new.{index}", "event_id": "e"}))
        near.call.on_audio(bytes(960))
        assert near.call.pull_audio() == b""
        await near.call.wait_open()
        near.call.on_end("the peer hung up")
        assert (near.events, near.ends) == ([], [])
        near.call.take_over()
        assert len(near.events) == MAX_EARLY
        assert near.ends == ["the peer hung up"]

    run(main())
