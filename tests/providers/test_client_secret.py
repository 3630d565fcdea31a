"""Against a local HTTP server that keeps what it was asked and answers what each test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import RealtimeSession
from vivavoce.providers import ClientSecret, create_client_secret
from vivavoce.providers.base import USER_AGENT

GOOD = {"value": "ek_1", "expires_at": 1700000000, "session": {"type": "realtime", "id": "sess_1"}}


class Door:
    """One HTTP server; every connection gets one answer, or none where it is ``None``."""

    def __init__(self, answer: object, status: int = 200) -> None:
        self._answer = answer if isinstance(answer, str) or answer is None else json.dumps(answer)
        self._status = status
        self.url = ""
        self.path = ""
        self.headers: dict[str, str] = {}
        self.body: Any = None
        self._visits: set[asyncio.Task[Any]] = set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.path = head[0]
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        self.body = json.loads(await reader.readexactly(int(self.headers["content-length"])))
        if self._answer is None:
            await reader.read()
        else:
            text = self._answer.encode()
            writer.write(f"HTTP/1.1 {self._status} X\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Door]:
        self._visits.clear()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self._visits, return_exceptions=True)


def ask(door: Door, *arguments: Any, **options: Any) -> ClientSecret:
    async def main() -> ClientSecret:
        async with door.open():
            base_url = door.url + options.pop("path", "")
            return await create_client_secret(*arguments, **{"base_url": base_url, "api_key": "k", **options})

    return asyncio.run(main())


def test_a_secret_is_asked_for_and_comes_with_its_session() -> None:
    door = Door(GOOD)
    session = {"model": "m", "audio": {"output": {"voice": "marin"}}}
    secret = ask(door, session, expires_after_s=60, headers={"X-Own": "1"})
    assert secret == ClientSecret("ek_1", 1700000000, {"type": "realtime", "id": "sess_1"})
    assert "ek_1" not in repr(secret)
    assert door.path == "POST /v1/realtime/client_secrets HTTP/1.1"
    assert door.body == {
        "session": {"type": "realtime", **session},
        "expires_after": {"anchor": "created_at", "seconds": 60},
    }
    assert (door.headers["authorization"], door.headers["x-own"]) == ("Bearer k", "1")
    assert door.headers["user-agent"] == USER_AGENT


def test_a_session_may_be_a_struct_or_left_out() -> None:
    door = Door(GOOD)
    ask(door, RealtimeSession(instructions="Be kind."))
    assert door.body == {"session": {"type": "realtime", "instructions": "Be kind."}}
    ask(door, api_key=lambda: "fresh")
    assert door.body == {"session": {"type": "realtime"}}
    assert door.headers["authorization"] == "Bearer fresh"


def test_an_older_servers_answer_is_understood() -> None:
    door = Door({"client_secret": {"value": "ek_2", "expires_at": 5}, "id": "sess"})
    assert ask(door) == ClientSecret("ek_2", 5, {})


def test_azure_makes_secrets_too_in_its_form_of_today() -> None:
    door = Door(GOOD)
    ask(door, {"model": "dep"}, provider="azure")
    assert door.path == "POST /openai/v1/realtime/client_secrets HTTP/1.1"
    assert door.headers["api-key"] == "k"
    with pytest.raises(ConfigurationError, match="client secrets are made by the form of today only"):
        asyncio.run(
            create_client_secret(
                {"model": "dep"},
                base_url="https://res.openai.azure.com/openai?api-version=2025-04-01-preview",
                api_key="k",
            )
        )


@pytest.mark.parametrize(
    ("answer", "status", "complaint"),
    [
        ({"error": {"message": "bad key"}}, 401, "refused to make a client secret: HTTP 401 bad key"),
        ("", 500, "refused to make a client secret: HTTP 500$"),
        ("", 302, "HTTP 302"),
    ],
)
def test_a_refusal_is_told_with_the_servers_words(answer: object, status: int, complaint: str) -> None:
    with pytest.raises(ConnectionLostError, match=complaint):
        ask(Door(answer, status))


@pytest.mark.parametrize(
    "answer", ["no json", [], {}, {"value": 3, "expires_at": 1}, {"value": "ek"}, {"client_secret": 3}]
)
def test_an_answer_without_a_secret_is_an_error(answer: object) -> None:
    with pytest.raises(RemoteProtocolError, match="holds no client secret"):
        ask(Door(answer))


def test_nobody_there_is_told() -> None:
    with pytest.raises(ConnectionLostError, match="cannot be reached"):
        asyncio.run(create_client_secret(base_url="http://127.0.0.1:9", api_key="k"))


def test_a_server_that_does_not_answer_is_given_up() -> None:
    with pytest.raises(ConnectionLostError, match=r"did not answer within 0\.5 s"):
        ask(Door(None), timeout_s=0.5)


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        ((3,), {}, "session must be a session or a dictionary, got 3"),
        (({"voice": "x"},), {}, "the session is not accepted: Unknown parameter: 'session.voice'"),
        ((), {"expires_after_s": 5}, "whole seconds from 10 to 7200, got 5"),
        ((), {"expires_after_s": 60.0}, r"whole seconds from 10 to 7200, got 60\.0"),
        ((), {"base_url": "host"}, "is no URL of a realtime server"),
    ],
)
def test_what_cannot_be_asked_for(
    arguments: tuple[Any, ...], options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        asyncio.run(create_client_secret(*arguments, **options))
