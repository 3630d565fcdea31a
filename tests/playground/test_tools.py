"""Tools: what is called with what, what it answers, and who is asked."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.playground.visit import home

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines

if TYPE_CHECKING:
    from playwright.async_api import WebSocketRoute
    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser

CALL = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')


@pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
def test_a_tool_answers_by_itself(playground_loop: asyncio.Runner, person_at: Visit, transport: str) -> None:
    engines = scripted_engines(answers=[[CALL], ["Sunny."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose(transport)
            await person.press("Weather")
            await person.type("What is the weather in Oslo?")
            card = await person.sees(".card", "get_weather")
            await person.sees(".card pre", '"city": "Oslo"')
            await person.sees(".card pre", '"weather": "sunny"')
            await person.sees(".entry.assistant .said", "Sunny.")
            assert "done" in await card.inner_text()
            await person.tab("Timeline")
            await person.sees(".turn", "get_weather()")

    playground_loop.run(main())


@pytest.mark.parametrize(("decision", "output"), [("Approve", '{"booked"'), ("Deny", "did not approve")])
def test_a_tool_asks_first(
    playground_loop: asyncio.Runner, person_at: Visit, decision: str, output: str
) -> None:
    call = FunctionCallDelta(0, "book_table", '{"people": 2, "day": "Friday"}')
    engines = scripted_engines(answers=[[call], ["Well."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose("WebSocket")
            await person.press("Book a table")
            await person.type("Book a table.")
            await person.sees(".card.asks", "waits for you")
            await person.sees("#activity", "Waiting for you")
            assert "approve or deny" in (await person.page.inner_text("#announcer")).lower()
            await person.picture("approval")
            await person.press(decision, exact=True)
            await person.sees(".entry.assistant .said", "Well.")
            sent = await person.event("conversation.item.create", sent=True)
            assert sent["item"]["type"] == "function_call_output"
            assert output in sent["item"]["output"]
            assert await person.see(".card.asks").count() == 0

    playground_loop.run(main())


def test_a_person_types_what_a_tool_answers(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    """Two calls of one response: the agent goes on when both are answered."""
    calls = [CALL, FunctionCallDelta(1, "get_weather", '{"city": "Rome"}')]
    engines = scripted_engines(answers=[calls, ["Rain and sun."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose("WebSocket")
            await person.press("Weather")
            await person.page.select_option("#reply-get_weather", "type")
            await person.type("How is the weather?")
            fields = person.page.get_by_label("Answer of the tool")
            await fields.nth(1).wait_for()
            await fields.first.fill('{"weather": "rain"}')
            await person.press("Send the answer")
            await fields.nth(1).wait_for(state="detached")
            assert await person.see(".entry.assistant").count() == 0
            await fields.first.fill("sun")
            await person.press("Send the answer")
            await person.sees(".entry.assistant .said", "Rain and sun.")
            outputs = await person.page.locator(".card pre").all_inner_texts()
            assert "sun" in outputs

    playground_loop.run(main())


@pytest.mark.parametrize("mode", ["ask", "type"])
def test_what_waits_for_an_answer_is_lost_with_the_connection(
    playground_loop: asyncio.Runner, person_at: Visit, mode: str
) -> None:
    """Nothing is left to press, what was answered before stays answered, and the agent can be asked again."""
    call = FunctionCallDelta(0, "book_table", "{}")
    engines = scripted_engines(answers=[[CALL], ["Sunny."], [call], [call], ["Booked."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            page = person.page
            await person.choose("WebSocket")
            await person.press("Weather")
            await person.press("Book a table")
            await page.select_option("#reply-book_table", mode)
            await person.type("What is the weather in Oslo?")
            await person.sees(".entry.assistant .said", "Sunny.")
            await person.type("Book a table.")
            await person.sees(".card.asks", "book_table")
            session = (await person.event("session.created"))["session"]["id"]
            if mode == "type":
                await page.get_by_label("Answer of the tool").fill("{}")  # and the focus stays there
            assert house.app._sessions.calls.hang_up(session, None)
            await person.phase("lost")
            await person.sees(".card .state", "lost with the connection")
            await person.picture("lost")
            assert await person.see(".card button, .card textarea").count() == 0
            assert await page.locator(".card .state").all_inner_texts() == [
                "done",
                "lost with the connection",
            ]
            assert "book_table was lost" in await page.inner_text("#announcer")
            await page.locator(".notice").get_by_role("button", name="Reconnect").click()
            await person.phase("live")
            await person.sees(".entry.note", "Connected again")
            await person.sees("#activity", "Waiting for a message")
            await person.type("Book it again.")
            await person.sees(".card.asks", "book_table")
            await person.press("Approve" if mode == "ask" else "Send the answer")
            await person.sees(".entry.assistant .said", "Booked.")
            states = await page.locator(".card .state").all_inner_texts()
            assert states == ["done", "lost with the connection", "done"]

    playground_loop.run(main())


# --- tools that the server calls --------------------------------------------------------------------------

REQUEST = {
    "type": "mcp_approval_request",
    "id": "mcpr_1",
    "server_label": "shop",
    "name": "order",
    "arguments": '{"what": "tea"}',
}
ORDERED = {**REQUEST, "type": "mcp_call", "id": "mcp_1", "approval_request_id": "mcpr_1", "output": None}


class Server:
    """The server's end of a WebSocket, as far as the test says: it calls a tool of an MCP server."""

    def __init__(self, route: WebSocketRoute) -> None:
        self._route = route
        self.approved: list[bool] = []
        self.responses = 0
        route.on_message(self._receive)
        self._say("session.created", session={"id": "sess_1", "model": "m", "audio": {"input": {}}})

    def _say(self, kind: str, **fields: Any) -> None:
        self._route.send(json.dumps({"type": kind, "event_id": "e", **fields}))

    def _receive(self, text: str | bytes) -> None:
        event = json.loads(text)
        if event["type"] == "session.update":
            self._say("session.updated", session={"id": "sess_1", "model": "m", **event["session"]})
        elif event["type"] == "response.create":
            self.responses += 1
            self._respond(f"resp_{self.responses}")
        elif event["type"] == "conversation.item.create" and event["item"]["type"] == "mcp_approval_response":
            self._settle(event["item"]["approve"])

    def _respond(self, response: str) -> None:
        self._say("response.created", response={"id": response})
        output = [ORDERED] if response == "resp_1" else []
        if output:
            self._say("response.output_item.added", response_id=response, output_index=0, item=ORDERED)
            self._say("conversation.item.done", previous_item_id=None, item=REQUEST)
            self._say("response.output_item.done", response_id=response, output_index=0, item=ORDERED)
        self._say("response.done", response={"id": response, "status": "completed", "output": output})

    def _settle(self, approve: bool) -> None:
        self.approved.append(approve)
        if approve:
            self._say(
                "conversation.item.done", previous_item_id=None, item={**ORDERED, "output": "tea is coming"}
            )


@pytest.mark.parametrize("approve", [True, False])
def test_the_server_asks_before_it_calls(
    playground_loop: asyncio.Runner, person_at: Visit, approve: bool
) -> None:
    servers: list[Server] = []

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.routed(lambda route: servers.append(Server(route)))
            await person.choose("WebSocket")
            await person.type("Order tea.")
            card = await person.sees(".card.asks", "shop · order")
            assert "MCP server" in await card.inner_text()
            await person.press("Approve" if approve else "Deny", exact=True)
            await person.sees(".card .state", "done" if approve else "denied")
            if approve:
                await person.sees(".card pre", "tea is coming")
            (server,) = servers
            await person.tab("Timeline")
            await person.page.locator(".turn").nth(1).wait_for()
            assert (server.approved, server.responses) == ([approve], 2)

    playground_loop.run(main())
