"""`examples/realtime/twilio_sip` of `openai-agents`, ported: an agent joins a call that was accepted.

The server is a scripted one on the loopback interface, which the example finds through ``OPENAI_BASE_URL``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import ModuleType

import pytest

from vivavoce.testing import ScriptedRealtimeModel, ScriptedServer

pytestmark = pytest.mark.clients
pytest.importorskip("fastapi", reason="the example is a FastAPI application")
pytest.importorskip("openai", reason="the example accepts calls with the package openai")


def test_an_agent_joins_a_call_and_greets(
    programs: Callable[[str, str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", "whsec_test")
    example = programs("twilio_sip", "server")

    async def main() -> ScriptedServer:
        greeted = asyncio.Event()
        model = ScriptedRealtimeModel(["Hello, this is ABC."])
        model.add_listener(lambda event: greeted.set() if event.type == "response.created" else None)
        async with ScriptedServer(model) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url.removesuffix("/realtime"))
            async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
                tasks.create_task(example.observe_call("rtc_1"))
                await greeted.wait()
                await server.disconnect(1000, "the caller has hung up")
        return server

    with caplog.at_level(logging.INFO, logger=example.logger.name):
        server = asyncio.run(main())
    logged = [record.getMessage() for record in caplog.records if record.name == example.logger.name]
    assert logged == ["Call rtc_1 ended"]
    assert server.requests == ["/v1/realtime?call_id=rtc_1"]
    [greeting] = [event for event in server.received if event["type"] == "response.create"]
    assert example.WELCOME_MESSAGE in greeting["response"]["instructions"]
    update = next(event for event in server.received if event["type"] == "session.update")
    assert "transfer_to_faq_agent" in {tool["name"] for tool in update["session"]["tools"]}
