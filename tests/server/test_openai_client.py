"""The server against the unmodified `openai` client: what it sends is understood, what it gets is valid."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from vivavoce.server import Limits, ServerConfig

openai = pytest.importorskip("openai", reason="needs the package openai: pip install 'vivavoce[openai]'")

Serve = Callable[..., AbstractAsyncContextManager[str]]

pytestmark = pytest.mark.clients


def client_for(url: str, key: str = "sk-anything") -> Any:
    base_url = url.replace("ws://", "http://").removesuffix("/realtime")
    return openai.AsyncOpenAI(api_key=key, base_url=base_url, max_retries=0)


async def until(connection: Any, last: str) -> list[Any]:
    """Every event up to the first of that type, each valid under the client's own strict types."""
    from openai.types.realtime import RealtimeServerEvent
    from pydantic import TypeAdapter

    valid = TypeAdapter[Any](RealtimeServerEvent)
    events: list[Any] = []
    async with asyncio.timeout(10):
        while not events or events[-1].type != last:
            events.append(valid.validate_json(await connection.recv_bytes()))
    return events


def test_a_written_turn(serving: Serve) -> None:
    async def scenario() -> None:
        async with (
            serving() as url,
            client_for(url) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            (created,) = await until(connection, "session.created")
            assert created.session.model == "gpt-realtime"
            await connection.session.update(
                session={"type": "realtime", "output_modalities": ["text"], "instructions": "Be brief."}
            )
            await until(connection, "session.updated")
            content = [{"type": "input_text", "text": "Hello"}]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create()
            events = await until(connection, "response.done")
            response = events[-1].response
            assert response.status == "completed"
            deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
            assert deltas
            assert "".join(deltas) == response.output[0].content[0].text

    asyncio.run(scenario())


def test_a_spoken_answer_is_paced_audio(serving: Serve) -> None:
    async def scenario() -> None:
        async with (
            serving() as url,
            client_for(url) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            content = [{"type": "input_text", "text": "Hello"}]
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": content}
            )
            await connection.response.create()
            events = await until(connection, "response.done")
            assert events[-1].response.status == "completed"
            deltas = [event.delta for event in events if event.type == "response.output_audio.delta"]
            audio = b"".join(base64.b64decode(delta) for delta in deltas)
            assert len(audio) > 0
            assert len(audio) % 2 == 0

    asyncio.run(scenario())


def test_errors_reach_the_client_and_the_session_goes_on(serving: Serve) -> None:
    async def scenario() -> None:
        async with (
            serving() as url,
            client_for(url) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            await connection.send({"type": "no.such.event", "event_id": "mine"})
            error = (await until(connection, "error"))[-1].error
            assert (error.code, error.param, error.event_id) == ("invalid_value", "type", "mine")
            await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            await until(connection, "session.updated")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("config", "key", "status", "code"),
    [
        (ServerConfig(api_keys=("sk-right",)), "sk-wrong", 401, "invalid_api_key"),
        (
            ServerConfig(api_keys=("sk-right",), limits=Limits(max_sessions=1)),
            "sk-right",
            503,
            "limit_reached",
        ),
    ],
    ids=["wrong-key", "full"],
)
def test_a_refusal_reaches_the_client_with_its_code(
    serving: Serve, config: ServerConfig, key: str, status: int, code: str
) -> None:
    from websockets.exceptions import InvalidStatus

    async def scenario() -> None:
        async with (
            serving(config) as url,
            client_for(url, "sk-right") as first,
            client_for(url, key) as client,
            first.realtime.connect(model="m"),
        ):
            with pytest.raises(InvalidStatus) as caught:
                await client.realtime.connect(model="m").enter()
            assert caught.value.response.status_code == status
            assert code.encode() in caught.value.response.body

    asyncio.run(scenario())


def test_transcription_is_asked_for_by_intent(serving: Serve) -> None:
    async def scenario() -> None:
        async with (
            serving() as url,
            client_for(url) as client,
            client.realtime.connect(extra_query={"intent": "transcription"}) as connection,
        ):
            (created,) = await until(connection, "session.created")
            assert created.session.type == "transcription"

    asyncio.run(scenario())


def test_models_lists_what_the_server_offers(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, client_for(url) as client:
            models = [model.id async for model in client.models.list()]
            assert models == [ServerConfig().session.model]

    asyncio.run(scenario())
