"""One webhook, sent once: to find out whether an endpoint takes what this server will send."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.server.webhooks import INCOMING_CALL, USER_AGENT, incoming_call
from vivavoce.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

if TYPE_CHECKING:
    import httpx

    from vivavoce.server.webhooks import WebhookEndpoint

__all__ = ["TEST_EVENT", "Answer", "probe"]

TEST_EVENT = "vivavoce.test"
TIMEOUT_S = 10.0
SHOWN_BYTES = 500
"""How much of an answer's body is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        event_id: of the event that was sent.
        status: of HTTP; `None` when there was no answer.
        seconds: how long it took.
        words: the beginning of the answer's body, or why there was no answer.
    """

    event_id: str
    status: int | None
    seconds: float
    words: str

    @property
    def accepted(self) -> bool:
        """Whether the endpoint took the event."""
        return self.status is not None and 200 <= self.status < 300


async def probe(
    endpoint: WebhookEndpoint,
    event_type: str = TEST_EVENT,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Answer:
    """Send one event, signed as every other, and return what came back.

    Args:
        endpoint: where, and with which secrets.
        event_type: of the event; an incoming call has the data of one that does not exist.
        transport: how `httpx` connects; its own way unless given.
    """
    import httpx

    event_id, now = f"evt_{secrets.token_hex(16)}", int(time.time())
    data: dict[str, Any] = {"test": True}
    if event_type == INCOMING_CALL:
        data = incoming_call("rtc_test", [("From", "sip:test@example.com"), ("To", "sip:you@example.com")])
    event = {"id": event_id, "object": "event", "type": event_type, "created_at": now, "data": data}
    body = json.dumps(event).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        ID_HEADER: event_id,
        TIMESTAMP_HEADER: str(now),
        SIGNATURE_HEADER: sign(event_id, now, body, endpoint.secrets),
    }
    began = time.monotonic()
    status: int | None = None
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S) as client,
            client.stream("POST", endpoint.url, content=body, headers=headers) as answer,
        ):
            status = answer.status_code
            words = await _beginning(answer)
    except TimeoutError:
        words = f"no answer within {TIMEOUT_S:g} s"
    except (httpx.HTTPError, OSError) as error:
        words = str(error) or type(error).__name__
    return Answer(event_id, status, time.monotonic() - began, words)


async def _beginning(answer: httpx.Response) -> str:
    """Return the beginning of a body in one line, without what would steer a terminal."""
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) >= SHOWN_BYTES:
            break
    text = bytes(body[:SHOWN_BYTES]).decode(errors="replace")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
