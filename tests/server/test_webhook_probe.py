"""One event is sent as every other is, and what comes back is told."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from vivavoce.server.webhook_probe import SHOWN_BYTES, TIMEOUT_S, probe
from vivavoce.server.webhooks import INCOMING_CALL, WebhookEndpoint
from vivavoce.testing import run
from vivavoce.webhooks import unwrap

SECRETS = ("whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==", "whsec_YW5vdGhlciBzZWNyZXQ=")
ENDPOINT = WebhookEndpoint("https://example.com/hook", SECRETS)


class Receiver(httpx.AsyncBaseTransport):
    def __init__(self, answer: httpx.Response | Exception | None) -> None:
        self.request: httpx.Request | None = None
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.request = request
        if self._answer is None:
            await asyncio.Event().wait()
        if isinstance(self._answer, Exception):
            raise self._answer
        assert self._answer is not None
        return self._answer


@pytest.mark.parametrize("secret", SECRETS)
def test_it_is_signed_with_every_secret(secret: str) -> None:
    receiver = Receiver(httpx.Response(204))
    answer = run(probe(ENDPOINT, transport=receiver))
    assert answer.accepted
    assert answer.status == 204
    assert receiver.request is not None
    event = unwrap(receiver.request.content, receiver.request.headers, secret=secret)
    assert (event.id, event.type, event.data) == (answer.event_id, "vivavoce.test", {"test": True})


def test_an_incoming_call_looks_like_one() -> None:
    receiver = Receiver(httpx.Response(200))
    run(probe(ENDPOINT, INCOMING_CALL, transport=receiver))
    assert receiver.request is not None
    event = json.loads(receiver.request.content)
    assert event["type"] == INCOMING_CALL
    assert event["data"]["call_id"] == "rtc_test"
    assert {header["name"] for header in event["data"]["sip_headers"]} == {"From", "To"}


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (httpx.Response(400, text="bad\nsignature\x1b[2J"), 400, "bad signature [2J"),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), 302, ""),
        (httpx.Response(500, content=b"x" * 10_000), 500, "x" * SHOWN_BYTES),
        (httpx.ConnectError("refused"), None, "refused"),
        (httpx.ReadError(""), None, "ReadError"),
        (None, None, f"no answer within {TIMEOUT_S:g} s"),
    ],
)
def test_what_came_back_is_told(
    answer: httpx.Response | Exception | None, status: int | None, words: str
) -> None:
    told = run(probe(ENDPOINT, transport=Receiver(answer)))
    assert not told.accepted
    assert (told.status, told.words) == (status, words)
