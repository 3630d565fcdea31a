"""A second connection to a session: over real sockets, with real keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from vivavoce.protocol import RealtimeSession
from vivavoce.server import Limits, ServerConfig
from vivavoce.server.auth import Caller
from vivavoce.server.calls import Calls
from vivavoce.server.envelope import Refusal
from vivavoce.server.hub import MAX_SIDEBANDS
from vivavoce.server.sideband import MAX_QUEUED_BYTES, call_id_of, find_session, sideband_limits

Serve = Callable[..., AbstractAsyncContextManager[str]]

TEXT = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
ITEM = {
    "type": "conversation.item.create",
    "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
}


async def send(peer: ClientConnection, event: dict[str, Any]) -> None:
    await peer.send(json.dumps(event))


async def until(peer: ClientConnection, last: str) -> list[dict[str, Any]]:
    """Everything up to the next event of this type."""
    events = []
    async with asyncio.timeout(10):
        while True:
            events.append(json.loads(await peer.recv()))
            if events[-1]["type"] == last:
                return events


async def opened(peer: ClientConnection) -> str:
    (created,) = await until(peer, "session.created")
    session_id: str = created["session"]["id"]
    return session_id


async def status_and_code(url: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, **options):
            pass
    answer = caught.value.response
    return answer.status_code, json.loads(answer.body or b"")["error"]["code"]


def bearer(key: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {key}"}}


def test_a_sideband_steers_a_session_and_both_see_it(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url) as main:
            session_id = await opened(main)
            async with connect(f"{url}?call_id={session_id}&model=ignored") as side:
                await send(side, {**TEXT, "event_id": "s1"})
                updated = await until(side, "session.updated")
                assert [event["type"] for event in updated] == ["session.updated"]
                await send(side, ITEM)
                await send(side, {"type": "response.create"})
                seen = await until(side, "response.done")
            assert (await until(main, "response.done"))[1:] == seen

    asyncio.run(scenario())


def test_what_a_sideband_does_wrong_is_told_to_it_alone(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url) as main:
            session_id = await opened(main)
            async with connect(f"{url}?call_id={session_id}") as side:
                await send(side, {"type": "no.such", "event_id": "s1"})
                await side.send("{")
                (first,), (second,) = await until(side, "error"), await until(side, "error")
                assert (first["error"]["code"], first["error"]["event_id"]) == ("invalid_value", "s1")
                assert (second["error"]["code"], second["error"]["event_id"]) == ("invalid_json", None)
                await send(main, TEXT)
                (event,) = await until(main, "session.updated")
                assert event["type"] == "session.updated"

    asyncio.run(scenario())


def test_the_end_of_the_session_ends_its_sidebands_and_its_id(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            async with connect(url) as main:
                session_id = await opened(main)
                side = await connect(f"{url}?call_id={session_id}")
                await send(side, TEXT)
                await until(side, "session.updated")
            with pytest.raises(ConnectionClosed) as caught:
                await until(side, "never")
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1000
            assert await status_and_code(f"{url}?call_id={session_id}") == (404, "call_id_not_found")

    asyncio.run(scenario())


def test_a_sideband_that_leaves_takes_nothing_with_it(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url) as main:
            session_id = await opened(main)
            for abort in (False, True):
                async with connect(f"{url}?call_id={session_id}") as side:
                    await send(side, TEXT)
                    await until(side, "session.updated")
                    if abort:
                        side.transport.abort()
            await send(main, ITEM)
            await until(main, "conversation.item.done")

    asyncio.run(scenario())


def test_a_session_has_so_many_places(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url) as main:
            target = f"{url}?call_id={await opened(main)}"
            sides = [await connect(target) for _ in range(MAX_SIDEBANDS)]
            assert await status_and_code(target) == (429, "sideband_limit_reached")
            for side in sides:
                await side.close()

    asyncio.run(scenario())


def test_only_the_key_that_opened_a_session_may_join_it(serving: Serve) -> None:
    async def scenario() -> None:
        config = ServerConfig(api_keys=("lab=sk-1", "shop=sk-2"))
        async with serving(config) as url, connect(url, **bearer("sk-1")) as main:
            target = f"{url}?call_id={await opened(main)}"
            assert await status_and_code(target, **bearer("sk-2")) == (404, "call_id_not_found")
            assert await status_and_code(target) == (401, "invalid_api_key")
            async with connect(target, **bearer("sk-1")) as side:
                await send(side, TEXT)
                await until(side, "session.updated")

    asyncio.run(scenario())


def test_a_sideband_may_speak_the_beta_beside_a_client_that_does_not(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(f"{url}?model=gpt-realtime") as main:
            target = f"{url}?call_id={await opened(main)}"
            async with connect(target, additional_headers={"OpenAI-Beta": "realtime=v1"}) as side:
                await send(side, {"type": "session.update", "session": {"modalities": ["text"]}})
                (event,) = await until(side, "session.updated")
                assert event["session"]["modalities"] == ["text"]
                (event,) = await until(main, "session.updated")
                assert event["session"]["output_modalities"] == ["text"]

    asyncio.run(scenario())


def test_a_client_secret_joins_nothing() -> None:
    caller = Caller("lab", RealtimeSession(), secret=True)
    refusal = find_session("sess_1", caller, Calls())
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (403, "client_secret_not_allowed")


@pytest.mark.parametrize(
    ("query", "call_id"),
    [
        (b"", None),
        (b"model=x", None),
        (b"call_id=rtc_1", "rtc_1"),
        (b"call_id=", ""),
        (b"model=x&call_id=a&call_id=sess_2", "sess_2"),
    ],
)
def test_the_query_names_the_call(query: bytes, call_id: str | None) -> None:
    assert call_id_of(query) == call_id


def test_a_sideband_may_hold_less_than_a_session() -> None:
    assert sideband_limits(Limits()).max_queued_bytes == MAX_QUEUED_BYTES
    small = Limits(low_water_bytes=1, high_water_bytes=2, max_queued_bytes=3)
    assert sideband_limits(small) == small
    wide = Limits(high_water_bytes=2 * MAX_QUEUED_BYTES)
    assert sideband_limits(wide).max_queued_bytes == 2 * MAX_QUEUED_BYTES


@pytest.mark.clients
def test_the_official_client_joins_a_session_and_hangs_it_up(serving: Serve) -> None:
    openai = pytest.importorskip("openai", reason="needs the package openai: pip install 'vivavoce[openai]'")

    async def scenario() -> None:
        config = ServerConfig(api_keys=("lab=sk-1",))
        async with (
            serving(config) as url,
            openai.AsyncOpenAI(
                api_key="sk-1",
                base_url=url.replace("ws://", "http://").removesuffix("/realtime"),
                max_retries=0,
            ) as client,
            client.realtime.connect(model="gpt-realtime") as main,
        ):
            session_id = (await main.recv()).session.id
            async with client.realtime.connect(call_id=session_id) as side:
                await side.session.update(session={"type": "realtime", "output_modalities": ["text"]})
                assert (await side.recv()).type == "session.updated"
                await side.response.create()
                seen = [event.type async for event in _through(side, "response.done")]
                assert [event.type async for event in _through(main, "response.done")][1:] == seen
                await client.realtime.calls.hangup(session_id)
                assert [event async for event in side] == []
            assert [event async for event in main] == []
            with pytest.raises(openai.NotFoundError):
                await client.realtime.calls.hangup(session_id)

    asyncio.run(scenario())


async def _through(connection: Any, last: str) -> AsyncIterator[Any]:
    """Every event up to the first of this type."""
    async with asyncio.timeout(10):
        while True:
            event = await connection.recv()
            yield event
            if event.type == last:
                return
