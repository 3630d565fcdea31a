"""Webhooks arrive, signed, and are sent again until they do."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import httpx
import pytest
from openai import OpenAI

from vivavoce.errors import ConfigurationError
from vivavoce.server.webhooks import MAX_WAITING, Retries, WebhookEndpoint, WebhookSender, incoming_call
from vivavoce.testing import run
from vivavoce.webhooks import unwrap

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
OTHER = "whsec_YW5vdGhlciBzZWNyZXQ="
START = 1_790_000_000.0


class Receiver(httpx.AsyncBaseTransport):
    """An endpoint on the other side: answers as the test says, and notes what came and when."""

    def __init__(self, answer: Callable[[int], int | tuple[int, dict[str, str]] | Exception]) -> None:
        self.requests: list[tuple[float, httpx.Request]] = []
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append((asyncio.get_running_loop().time(), request))
        answer = self._answer(len(self.requests))
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(status, headers=headers)


def sender(receiver: Receiver, *endpoints: WebhookEndpoint, retries: Retries | None = None) -> WebhookSender:
    loop = asyncio.get_running_loop()
    began = loop.time()
    return WebhookSender(
        endpoints or (WebhookEndpoint("https://example.com/hook", (SECRET,)),),
        retries=retries or Retries(jitter=0.0),
        transport=receiver,
        clock=lambda: START + loop.time() - began,
    )


def test_an_event_arrives_signed() -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 204)
        hooks = sender(receiver)
        event_id = hooks.send("realtime.call.incoming", incoming_call("rtc_1", [("From", "sip:ada@x")]))
        await hooks.settled()
        [(_, request)] = receiver.requests
        event = unwrap(request.content, request.headers, secret=SECRET, now=START)
        assert event.id == event_id
        assert event.raw == {
            "id": event_id,
            "object": "event",
            "type": "realtime.call.incoming",
            "created_at": int(START),
            "data": {"call_id": "rtc_1", "sip_headers": [{"name": "From", "value": "sip:ada@x"}]},
        }
        assert (hooks.delivered, hooks.failed) == (1, 0)
        await hooks.aclose()

    run(main())


def test_what_does_not_arrive_is_sent_again_with_the_same_id_and_a_fresh_signature() -> None:
    async def main() -> None:
        answers: dict[int, int | Exception] = {1: 500, 2: httpx.ConnectError("refused"), 3: 302, 4: 200}
        receiver = Receiver(lambda n: answers[n])
        hooks = sender(receiver)
        hooks.send("realtime.call.incoming", {})
        await hooks.settled()
        times = [round(at - receiver.requests[0][0]) for at, _ in receiver.requests]
        assert times == [0, 5, 20, 65]  # 5, then 15, then 45 seconds later
        ids = {request.headers["webhook-id"] for _, request in receiver.requests}
        assert len(ids) == 1
        for after, (_, request) in zip(times, receiver.requests, strict=True):
            event = unwrap(request.content, request.headers, secret=SECRET, now=START + after, tolerance_s=0)
            assert event.id in ids
        await hooks.aclose()

    run(main())


def test_an_endpoint_may_ask_for_patience() -> None:
    async def main() -> None:
        receiver = Receiver(lambda n: (429, {"retry-after": "600"}) if n == 1 else 200)
        hooks = sender(receiver)
        hooks.send("a", {})
        await hooks.settled()
        assert receiver.requests[1][0] - receiver.requests[0][0] == pytest.approx(600)
        await hooks.aclose()

    run(main())


def test_it_is_given_up_after_three_days(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 503)
        hooks = sender(receiver)
        hooks.send("a", {"words": "of a caller"})
        await hooks.settled()
        last = receiver.requests[-1][0] - receiver.requests[0][0]
        assert 64 * 3600 < last <= 72 * 3600
        assert (hooks.delivered, hooks.failed) == (0, 1)
        await hooks.aclose()

    with caplog.at_level(logging.INFO):
        run(main())
    assert "a webhook was given up" in caplog.messages
    assert "of a caller" not in str([record.__dict__ for record in caplog.records])


def test_news_that_is_of_no_use_any_more_is_not_repeated() -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 503)
        hooks = sender(receiver)
        hooks.send("realtime.call.incoming", {}, for_s=30)
        await hooks.settled()
        assert len(receiver.requests) == 3  # at once, after 5 and after 20 seconds
        await hooks.aclose()

    run(main())


def test_an_endpoint_that_is_gone_gets_nothing_more() -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 410)
        hooks = sender(receiver)
        hooks.send("a", {})
        await hooks.settled()
        hooks.send("a", {})
        assert hooks.waiting == 0
        assert len(receiver.requests) == 1
        await hooks.aclose()

    run(main())


def test_every_endpoint_gets_what_it_wants_under_its_own_secrets() -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 200)
        calls = WebhookEndpoint("https://calls.example/", (SECRET, OTHER), ("realtime.call.incoming",))
        rest = WebhookEndpoint("http://127.0.0.1:9/all", (OTHER,))
        ends = WebhookEndpoint("https://ends.example/", (OTHER,), ("vivavoce.session.ended",))
        hooks = sender(receiver, calls, rest, ends)
        hooks.send("realtime.call.incoming", {})
        hooks.send("vivavoce.session.ended", {})
        await hooks.settled()
        got = sorted(
            (request.url.host, json.loads(request.content)["type"]) for _, request in receiver.requests
        )
        assert got == [
            ("127.0.0.1", "realtime.call.incoming"),
            ("calls.example", "realtime.call.incoming"),
            ("ends.example", "vivavoce.session.ended"),
        ]
        [rotated] = [request for _, request in receiver.requests if request.url.host == "calls.example"]
        for secret in (SECRET, OTHER):
            assert unwrap(rotated.content, rotated.headers, secret=secret, now=START).type
        await hooks.aclose()

    run(main())


def test_a_dead_endpoint_holds_a_bounded_number_and_does_not_slow_the_others() -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: httpx.ConnectError("nobody there"))
        hooks = sender(receiver)
        for _ in range(MAX_WAITING + 5):
            hooks.send("a", {})
        assert hooks.waiting == MAX_WAITING
        assert hooks.failed == 5
        began = asyncio.get_running_loop().time()
        await hooks.aclose()
        await hooks.aclose()
        assert asyncio.get_running_loop().time() - began < 1

    run(main())


@pytest.mark.parametrize(
    ("url", "secrets", "words"),
    [
        ("ftp://example.com", (SECRET,), "no URL"),
        ("https://", (SECRET,), "no URL"),
        ("http://[", (SECRET,), "no URL"),
        ("http://example.com/hook?key=hidden", (SECRET,), "https://"),
        ("https://example.com", (), "secret"),
        ("https://example.com", ("whsec_%",), "secret"),
    ],
)
def test_an_endpoint_that_cannot_work_is_refused(url: str, secrets: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        WebhookEndpoint(url, secrets)
    assert "hidden" not in str(refused.value)


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(WebhookEndpoint("https://example.com", (SECRET,)))


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_waits_grow_and_have_a_bound(chance: float) -> None:
    retries = Retries()
    waits = [retries.wait_s(n, chance) for n in range(1, 100)]
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(5 * (0.8 + 0.4 * chance))
    assert waits[-1] <= retries.longest_s * 1.2


def test_a_real_receiver_verifies_it_with_the_openai_package() -> None:
    client = OpenAI(api_key="none", webhook_secret=SECRET)
    events: list[object] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        events.append(client.webhooks.unwrap(body, headers))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            hooks = WebhookSender((WebhookEndpoint(f"http://127.0.0.1:{port}/", (SECRET,)),))
            hooks.send("realtime.call.incoming", incoming_call("rtc_7", [], media_security="srtp"))
            async with asyncio.timeout(10):
                await hooks.settled()
            assert hooks.delivered == 1
            await hooks.aclose()

    asyncio.run(main())
    [event] = events
    assert event.type == "realtime.call.incoming"  # type: ignore[attr-defined]
    assert event.data.call_id == "rtc_7"  # type: ignore[attr-defined]
    assert event.data.sip_media_security == "srtp"  # type: ignore[attr-defined]


def test_after_the_end_nothing_is_sent_and_nothing_waits(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        receiver = Receiver(lambda _: 200)
        hooks = sender(receiver)
        await hooks.aclose()
        hooks.send("realtime.call.incoming", {})
        await hooks.settled()
        assert (hooks.waiting, hooks.failed, receiver.requests) == (0, 1, [])
        await hooks.aclose()

    run(main())
    assert "a webhook was given up" in caplog.messages
