"""Errors over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from vivavoce.server.envelope import Refusal, new_request_id, refuse_upgrade

REFUSAL = Refusal(
    503, "Full.", code="session_limit_reached", type="server_error", headers={"retry-after": "5"}
)


def refused(extensions: dict[str, Any] | None) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(refuse_upgrade({"extensions": extensions}, send, REFUSAL, "req_1"))
    return sent


def test_body_is_the_envelope_of_the_api() -> None:
    assert json.loads(REFUSAL.body()) == {
        "error": {"message": "Full.", "type": "server_error", "param": None, "code": "session_limit_reached"}
    }


def test_a_handshake_is_refused_with_the_envelope() -> None:
    start, body = refused({"websocket.http.response": {}})
    assert start["status"] == 503
    headers = dict(start["headers"])
    assert headers[b"retry-after"] == b"5"
    assert headers[b"x-request-id"] == b"req_1"
    assert headers[b"content-type"] == b"application/json"
    assert body["body"] == REFUSAL.body()


def test_a_server_that_cannot_answer_a_handshake_closes_it() -> None:
    assert refused(None) == [{"type": "websocket.close", "code": 1008, "reason": "Full."}]


def test_request_ids_differ() -> None:
    assert new_request_id().startswith("req_")
    assert new_request_id() != new_request_id()
