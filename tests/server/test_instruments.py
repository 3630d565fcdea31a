"""What an operator is told of the sessions of a server, from their start to their end."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.visits import Handshake

from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.errors import ConfigurationError
from vivavoce.observe.recording import read_recording
from vivavoce.server import Limits, RealtimeApp, ServerConfig, create_app
from vivavoce.server.instruments import LAST_WEBHOOKS_S
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.recording import RECORD_HEADER, RecordingPolicy
from vivavoce.server.tracing import TracingPolicy
from vivavoce.server.webhooks import SESSION_ENDED, SESSION_STARTED, WebhookEndpoint, WebhookSender
from vivavoce.testing import run

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
HOOK = "https://example.com/hook"
RESPOND = {
    "type": "response.create",
    "response": {"input": [], "output_modalities": ["text"], "instructions": "Say nothing of 12345."},
}


def app_of(**config: Any) -> RealtimeApp:
    return create_app(ServerConfig(**config), build_local_engines(EngineChoice(preset="bench")))


async def visit(app: RealtimeApp, *events: dict[str, Any], query: str = "", **headers: str) -> Handshake:
    """A session that lasts ten seconds."""
    peer = Handshake(query, **{"authorization": "Bearer sk-1", **headers})
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(app(peer.scope, peer.inbox.get, peer.send))
        for event in events:
            peer.say_event(event)
        await asyncio.sleep(10)
        peer.leave()
    return peer


def samples(app: RealtimeApp) -> dict[str, float]:
    """What the page says by names and labels."""
    return {
        " ".join([sample.name, *(value for _, value in sorted(sample.labels.items()))]): sample.value
        for family in text_string_to_metric_families(app.instruments.page().decode())
        for sample in family.samples
    }


class Receiver(httpx.AsyncBaseTransport):
    """Where webhooks arrive."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.events: list[dict[str, Any]] = []
        self._hangs = hangs

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._hangs:
            await asyncio.Event().wait()
        self.events.append(json.loads(await request.aread()))
        return httpx.Response(200)


def told(app: RealtimeApp, events: tuple[str, ...], **options: Any) -> Receiver:
    """Let webhooks go to a receiver of the test."""
    receiver = Receiver(**options)
    app.instruments.webhooks = WebhookSender(
        (WebhookEndpoint(HOOK, (SECRET,), events),), transport=receiver, clock=lambda: 1.0
    )
    return receiver


def test_sessions_and_refusals_are_counted() -> None:
    async def scenario() -> None:
        app = app_of(metrics=MetricsPolicy(), api_keys=("sk-1",), limits=Limits(max_sessions=1))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit(app, RESPOND))
            await asyncio.sleep(1)
            assert samples(app)["vivavoce_sessions"] == 1
            await visit(app)
        await visit(app, authorization="Bearer sk-2")
        page = samples(app)
        assert page["vivavoce_sessions"] == 0
        assert page["vivavoce_sessions_max"] == 1
        assert page["vivavoce_sessions_started_total realtime websocket"] == 1
        assert page["vivavoce_sessions_closed_total 1000"] == 1
        assert page["vivavoce_session_duration_seconds_sum"] == pytest.approx(10)
        assert page["vivavoce_responses_total none completed"] == 1
        assert page["vivavoce_refusals_total session_limit_reached"] == 1
        assert page["vivavoce_refusals_total invalid_api_key"] == 1
        assert page["vivavoce_event_loop_lag_seconds_count"] >= 20
        await app.aclose()
        await app.aclose()

    run(scenario())


def test_nothing_is_counted_recorded_or_told_unless_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        app = app_of(webhooks=(WebhookEndpoint(HOOK, (SECRET,)),))
        receiver = told(app, ())
        await visit(app, RESPOND)
        assert app.instruments.metrics is None
        await app.aclose()
        assert receiver.events == []

    run(scenario())


def test_a_client_that_asks_for_it_is_recorded(tmp_path: Path) -> None:
    async def scenario() -> Handshake:
        app = app_of(recording=RecordingPolicy(tmp_path))
        await visit(app, RESPOND)
        peer = await visit(app, RESPOND, **{RECORD_HEADER: "1"})
        await app.aclose()
        return peer

    peer = run(scenario())
    [events] = tmp_path.rglob("*.jsonl")
    assert events.stem == peer.events[0]["session"]["id"]
    assert "response.done" in {one.event["type"] for one in read_recording(events).events}


def test_who_asks_for_it_is_told_of_sessions_in_numbers() -> None:
    async def scenario() -> None:
        events = (SESSION_STARTED, SESSION_ENDED)
        app = app_of(api_keys=("shop=sk-1",), webhooks=(WebhookEndpoint(HOOK, (SECRET,), events),))
        receiver = told(app, events)
        peer = await visit(app, RESPOND, query="model=m")
        await app.aclose()
        started, ended = receiver.events
        about = {
            "session_id": peer.events[0]["session"]["id"],
            "kind": "realtime",
            "transport": "websocket",
            "model": "m",
            "key": "shop",
        }
        assert (started["type"], started["data"]) == (SESSION_STARTED, about)
        assert ended["type"] == SESSION_ENDED
        usage = peer.events[-1]["response"]["usage"]
        assert ended["data"] == {
            **about,
            "close_code": 1000,
            "seconds": 10.0,
            "turns": 0,
            "responses": 1,
            "errors": 0,
            "input_tokens": usage["input_tokens"],
            "output_tokens": usage["output_tokens"],
        }
        assert "12345" not in str(receiver.events)

    run(scenario())


def test_an_endpoint_that_does_not_answer_does_not_hold_up_the_end() -> None:
    async def scenario() -> None:
        events = (SESSION_ENDED,)
        app = app_of(webhooks=(WebhookEndpoint(HOOK, (SECRET,), events),))
        told(app, events, hangs=True)
        await visit(app)
        began = asyncio.get_running_loop().time()
        await app.aclose()
        assert asyncio.get_running_loop().time() - began < LAST_WEBHOOKS_S + 0.6
        await visit(app)  # after the end nobody is told, and nothing breaks

    run(scenario())


def test_webhooks_are_sent_from_where_there_are_endpoints() -> None:
    async def scenario() -> None:
        assert app_of().instruments.webhooks is None
        app = app_of(webhooks=(WebhookEndpoint(HOOK, (SECRET,)),), metrics=MetricsPolicy())
        assert app.instruments.webhooks is not None
        assert samples(app)["vivavoce_webhooks_waiting"] == 0
        await app.aclose()

    run(scenario())


def test_what_cannot_be_had_is_refused_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"recording\.folder"):
        app_of(recording=RecordingPolicy(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match="no exporter of traces 'nowhere'"):
        app_of(tracing=TracingPolicy(exporter="nowhere"))
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"vivavoce\[metrics\]"):
        app_of(metrics=MetricsPolicy())
