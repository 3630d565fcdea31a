"""What the routes share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.requests import Request

from vivavoce.errors import AudioFormatError, EngineError
from vivavoce.server.envelope import RefusedError
from vivavoce.server.rest.desk import BODY_TIMEOUT_S, EXCEPTION_HANDLERS, body_of, json_of
from vivavoce.testing import run

PATH = "/v1/realtime/client_secrets"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"\xff", 400, "invalid_json"),
        (b"[" * 100_000, 400, "invalid_json"),
        (rb'{"session": {"instructions": "\ud800"}}', 400, "invalid_json"),
        (b"[]", 400, "invalid_type"),
        (b"null", 400, "invalid_type"),
        (b" " * (1024 * 1024 + 1), 413, "request_too_large"),
        (b'{"a": 1' + b', "a": 1' * 20_000 + b"}", 400, "message_too_large"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    house: Callable[..., Any], content: bytes, status: int, code: str
) -> None:
    async def scenario() -> None:
        assert await house().refused("POST", PATH, content=content) == (status, code, None)

    run(scenario())


def test_a_body_in_pieces_is_read_whole_and_none_is_an_empty_object(house: Callable[..., Any]) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"expires_after"'
        yield b': {"seconds": 5}}'

    async def scenario() -> None:
        home = house()
        answer = await home.refused("POST", PATH, content=pieces())
        assert answer == (400, "invalid_value", "expires_after.seconds")
        assert (await home.ask("POST", PATH, content=b"  ")).status_code == 200

    run(scenario())


def test_a_body_that_does_not_come_ends_the_request() -> None:
    async def never() -> Any:
        await asyncio.Event().wait()

    async def late() -> Any:
        await asyncio.sleep(BODY_TIMEOUT_S + 1)
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def scenario() -> None:
        for receive in (never, late):
            request = Request({"type": "http", "method": "POST", "headers": []}, receive)
            with pytest.raises(RefusedError) as caught:
                await (json_of(request) if receive is late else body_of(request, 10))
            assert caught.value.refusal.status == 408

    run(scenario())


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (AudioFormatError("not a WAV file"), 400, "invalid_audio"),
        (EngineError("secret words of the engine"), 500, "engine_error"),
    ],
)
def test_errors_of_engines_and_audio_are_answered(error: Exception, status: int, code: str) -> None:
    async def scenario() -> None:
        handler: Any = EXCEPTION_HANDLERS[type(error)]
        answer = await handler(Request({"type": "http"}), error)
        assert answer.status_code == status
        assert f'"{code}"'.encode() in answer.body
        assert b"secret" not in answer.body

    run(scenario())


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", "/openai"])
def test_the_api_is_there_in_azures_ways_as_well(house: Callable[..., Any], prefix: str) -> None:
    async def scenario() -> None:
        path = f"{prefix}/realtime/client_secrets?api-version=2025-04-01-preview"
        answer = await house(api_keys=("sk-1",)).ask("POST", path, headers={"api-key": "sk-1"})
        assert answer.status_code == 200

    run(scenario())
