"""A call of the unmodified SDK in Chromium, and beside it a backend, which has the tools and hangs up."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
import websockets
from tests.browser.house import KEY, House, house
from tests.browser.tour import Tour

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.engines.scripted import scripted_engines

pytestmark = pytest.mark.browser

TOOL = {
    "type": "function",
    "name": "get_balance",
    "description": "Get the balance of the caller's account.",
    "parameters": {"type": "object", "properties": {}},
}


class Backend:
    """A WebSocket beside a call."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self.seen: list[str] = []

    async def send(self, **event: Any) -> None:
        await self._socket.send(json.dumps(event))

    async def until(self, kind: str) -> dict[str, Any]:
        """Read until an event of this type."""
        async for frame in self._socket:
            event: dict[str, Any] = json.loads(frame)
            self.seen.append(event["type"])
            if event["type"] == kind:
                return event
        raise AssertionError(f"the socket closed before {kind}; seen: {self.seen}")


def beside(home: House, call_id: str) -> websockets.connect:
    headers = {"Authorization": f"Bearer {KEY}"}
    return websockets.connect(f"{home.socket}?call_id={call_id}", additional_headers=headers)


def test_a_backend_answers_the_calls_of_tools(loop: asyncio.Runner, tour: Tour) -> None:
    answers: list[Any] = [[FunctionCallDelta(0, "get_balance", "{}", "call_1")], ["You have ten dollars."]]
    engines = scripted_engines(answers=answers, word_ms=50)

    async def main() -> None:
        async with house(engines) as home, tour.visit(home.site) as page:
            call_id = await page.do("url => stage.openThin({ url })", home.calls)
            assert call_id.startswith("rtc_")
            async with beside(home, call_id) as socket:
                backend = Backend(socket)
                await backend.send(type="session.update", session={"type": "realtime", "tools": [TOOL]})
                await page.said("server session.updated", 2)
                await page.do("stage.session.transport.sendMessage('How much is left?', {})")
                called = await backend.until("response.function_call_arguments.done")
                output = {
                    "type": "function_call_output",
                    "call_id": called["call_id"],
                    "output": "10 dollars",
                }
                await backend.send(type="conversation.item.create", item=output)
                await backend.until("response.done")
                await backend.send(type="response.create")
                said = await page.said("server response.output_audio_transcript.done")
                assert said["transcript"] == "You have ten dollars."
                await page.said("server output_audio_buffer.stopped")
                await backend.until("output_audio_buffer.stopped")
            await page.do("stage.session.close()")
            await home.empty()

    loop.run(main())
    (_, request) = engines.llm.requests  # type: ignore[attr-defined]
    assert [tool.name for tool in request.tools] == ["get_balance"]


def test_a_backend_hangs_up(loop: asyncio.Runner, tour: Tour) -> None:
    async def main() -> None:
        engines = build_local_engines(EngineChoice(preset="bench"))
        async with house(engines) as home, tour.visit(home.site) as page:
            await page.open(url=home.calls)
            call_id = await page.do("stage.session.transport.callId")
            async with httpx.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}) as client:
                answer = await client.post(f"{home.calls}/{call_id}/hangup")
            assert answer.status_code == 200
            await page.said("connection disconnected")
            await home.empty()

    loop.run(main())
