"""Two servers on loopback, one in front of the other: a client cannot tell which of them it talks to."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from vivavoce.connections.upstream import UpstreamRealtime
from vivavoce.pipeline import SessionOptions
from vivavoce.server import ServerConfig

openai = pytest.importorskip("openai", reason="needs the package openai: pip install 'vivavoce[openai]'")

Serve = Callable[..., AbstractAsyncContextManager[str]]
Program = Callable[["Talk"], Awaitable[None]]

pytestmark = pytest.mark.clients

FRAME_MS = 40
TONE = base64.b64encode(b"\x00\x30\x00\xd0" * (24 * FRAME_MS // 2)).decode()
SILENCE = base64.b64encode(bytes(48 * FRAME_MS)).decode()


class Talk:
    """A connection of the unmodified client, and every event that came, each valid under its strict types."""

    def __init__(self, connection: Any) -> None:
        from openai.types.realtime import RealtimeServerEvent
        from pydantic import TypeAdapter

        self.connection = connection
        self.events: list[dict[str, Any]] = []
        self._valid = TypeAdapter[Any](RealtimeServerEvent)

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                frame = await self.connection.recv_bytes()
                self._valid.validate_json(frame)
                self.events.append(json.loads(frame))
                if self.events[-1]["type"] == kind:
                    return self.events[-1]

    async def send(self, kind: str, **fields: Any) -> None:
        await self.connection.send({"type": kind, **fields})

    async def ask(self, text: str = "Hello", **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        await self.send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": content}
        )
        await self.send("response.create", response=response)

    @property
    def order(self) -> list[str]:
        """The kinds of events, each run of the same as one; transcripts come when they come."""
        kinds = [event["type"] for event in self.events if "transcription" not in event["type"]]
        return [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]


async def written(talk: Talk) -> None:
    session = {"type": "realtime", "output_modalities": ["text"], "model": "m"}
    await talk.send("session.update", session=session)
    await talk.ask()
    await talk.until("response.done")
    await talk.ask(conversation="none", metadata={"topic": "x"})
    await talk.until("response.done")


async def spoken(talk: Talk) -> None:
    await talk.ask()
    done = await talk.until("response.done")
    (item,) = done["response"]["output"]
    await talk.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=300)
    await talk.send("conversation.item.retrieve", item_id=item["id"])
    await talk.send("conversation.item.delete", item_id=item["id"])
    await talk.until("conversation.item.deleted")


async def pushed_to_talk(talk: Talk) -> None:
    audio = {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}}
    await talk.send("session.update", session={"type": "realtime", "audio": audio})
    for _ in range(10):
        await talk.send("input_audio_buffer.append", audio=TONE)
    await talk.send("input_audio_buffer.commit")
    await talk.until("conversation.item.input_audio_transcription.completed")
    await talk.send("input_audio_buffer.append", audio=SILENCE)
    await talk.send("input_audio_buffer.clear")
    await talk.until("input_audio_buffer.cleared")


async def wrong(talk: Talk) -> None:
    await talk.send("session.update", session={"type": "realtime", "modalities": ["text"]}, event_id="one")
    await talk.until("error")
    await talk.send("response.cancel", event_id="two")
    await talk.until("error")
    await talk.send("conversation.item.delete", item_id="item_nobodys", event_id="three")
    await talk.until("error")
    await talk.send("no.such.event", event_id="four")
    await talk.until("error")


async def interrupted(talk: Talk) -> None:
    await talk.ask()
    await talk.until("response.output_audio.delta")
    await talk.send("response.cancel")
    await talk.until("response.done")


def client_for(url: str) -> Any:
    base_url = url.replace("ws://", "http://").removesuffix("/realtime")
    return openai.AsyncOpenAI(api_key="sk-anything", base_url=base_url, max_retries=0)


def played(serving: Serve, program: Program, *, in_front: bool, query: Any = None) -> Talk:
    async def main() -> Talk:
        async with serving() as url:
            if not in_front:
                return await through(url)
            async with serving(engines=UpstreamRealtime(url)) as front:
                return await through(front)

    async def through(url: str) -> Talk:
        async with (
            client_for(url) as client,
            client.realtime.connect(model="m", extra_query=query or {}) as connection,
        ):
            talk = Talk(connection)
            await talk.until("session.created")
            await program(talk)
            return talk

    return asyncio.run(main())


@pytest.mark.parametrize("program", [written, spoken, pushed_to_talk, wrong, interrupted])
def test_the_same_is_heard_as_directly(serving: Serve, program: Program) -> None:
    direct = played(serving, program, in_front=False)
    behind = played(serving, program, in_front=True)
    assert behind.order == direct.order
    for ours, theirs in zip(behind.events, direct.events, strict=False):
        assert set(ours) == set(theirs) or ours["type"] != theirs["type"]
    created, expected = behind.events[0]["session"], direct.events[0]["session"]
    assert created | {"id": "", "expires_at": 0} == expected | {"id": "", "expires_at": 0}
    caused = [event["error"] for event in behind.events if event["type"] == "error"]
    assert caused == [event["error"] for event in direct.events if event["type"] == "error"]


def test_a_transcription_session_is_one_behind_too(serving: Serve) -> None:
    async def nothing(_talk: Talk) -> None:
        pass

    talk = played(serving, nothing, in_front=True, query={"intent": "transcription"})
    assert talk.events[0]["session"]["type"] == "transcription"


def test_each_session_has_its_own_upstream_and_id(serving: Serve) -> None:
    async def main() -> None:
        async with (
            serving() as url,
            serving(engines=UpstreamRealtime(url)) as front,
            client_for(front) as client,
            client.realtime.connect(model="a") as one,
            client.realtime.connect(model="b") as two,
        ):
            first, second = Talk(one), Talk(two)
            created = [await first.until("session.created"), await second.until("session.created")]
            assert [event["session"]["model"] for event in created] == ["a", "b"]
            assert created[0]["session"]["id"] != created[1]["session"]["id"]
            await first.ask("Only for one.")
            await first.until("response.done")
            await second.send("input_audio_buffer.clear")
            await second.until("input_audio_buffer.cleared")
            assert second.order == ["session.created", "input_audio_buffer.cleared"]

    asyncio.run(main())


def test_the_upstreams_time_limit_is_the_clients(serving: Serve) -> None:
    from websockets.exceptions import ConnectionClosed

    async def main() -> None:
        async with (
            serving(ServerConfig(session=SessionOptions(max_session_s=0.5))) as url,
            serving(engines=UpstreamRealtime(url)) as front,
            client_for(front) as client,
            client.realtime.connect(model="a") as connection,
        ):
            talk = Talk(connection)
            with pytest.raises(ConnectionClosed) as closed:
                await talk.until("never")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert "maximum duration" in closed.value.rcvd.reason
            assert talk.events[-1]["error"]["code"] == "session_expired"

    asyncio.run(main())


def test_an_upstream_that_dies_in_the_middle_of_an_answer_ends_it_and_the_connection(serving: Serve) -> None:
    from websockets.exceptions import ConnectionClosed

    async def main() -> None:
        async with AsyncExitStack() as upstream:
            url = await upstream.enter_async_context(serving())
            async with (
                serving(engines=UpstreamRealtime(url)) as front,
                client_for(front) as client,
                client.realtime.connect(model="a") as connection,
            ):
                talk = Talk(connection)
                await talk.ask()
                await talk.until("response.output_audio.delta")
                await upstream.aclose()
                with pytest.raises(ConnectionClosed) as closed:
                    await talk.until("never")
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1011
                assert talk.order[-6:] == [
                    "response.output_audio_transcript.done",
                    "response.content_part.done",
                    "conversation.item.done",
                    "response.output_item.done",
                    "response.done",
                    "error",
                ]
                done, error = talk.events[-2:]
                assert done["response"]["status"] == "failed"
                assert done["response"]["output"][0]["status"] == "incomplete"
                assert error["error"]["code"] == "upstream_lost"

    asyncio.run(main())


def test_no_upstream_is_told_in_an_event_and_a_close_code(serving: Serve) -> None:
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed

    async def main() -> None:
        model = UpstreamRealtime("ws://me:secret@127.0.0.1:1", api_key="sk-upstream")
        async with serving(engines=model) as front, connect(front + "?model=a") as socket:
            error = json.loads(await socket.recv())["error"]
            assert error["code"] == "upstream_unavailable"
            assert error["type"] == "server_error"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
            said = json.dumps(error) + closed.value.rcvd.reason
            assert "secret" not in said
            assert "sk-" not in said
            assert "127.0.0.1" not in said

    asyncio.run(main())
