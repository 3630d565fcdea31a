"""Stock clients with MCP tools that the server calls, on MCP servers of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.clients.javascript import javascript, play, serving
from tests.mcp.plain_http import Answer, Heard, PlainHttp, mcp_server, plain_http, said

from vivavoce import HostedMCPTool, RealtimeAgent, RealtimeRunner
from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.engines.scripted import scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.server import ServerConfig

pytestmark = pytest.mark.clients

ALLOWED = ServerConfig(session=SessionOptions(model="mine", mcp_private_addresses=True))
CALL = FunctionCallDelta(0, "look", '{"at": 1}')
TREE = mcp_server(said("a tree"))


def against(
    engines: Engines,
    scenario: Callable[[str, PlainHttp], Awaitable[None]],
    answer: Callable[[Heard], Answer] = TREE,
) -> None:
    """Play with a server that may reach this machine, and an MCP server on it."""

    async def main() -> None:
        async with plain_http(answer) as plain, serving(engines, ALLOWED) as url:
            await scenario(url, plain)

    asyncio.run(main())


class Connection:
    """A connection of the `openai` client; every event is checked against its own strict types."""

    def __init__(self, connection: Any) -> None:
        from openai.types.realtime import RealtimeServerEvent
        from pydantic import TypeAdapter

        self.connection = connection
        self._valid = TypeAdapter[Any](RealtimeServerEvent)
        self.events: list[Any] = []

    async def until(self, last: str) -> Any:
        """Read up to the first event of that type, and return it."""
        async with asyncio.timeout(10):
            while True:
                event = self._valid.validate_json(await self.connection.recv_bytes())
                assert event.type != "error", event
                self.events.append(event)
                if event.type == last:
                    return event

    def items(self, kind: str) -> list[Any]:
        done = [event.item for event in self.events if event.type == "conversation.item.done"]
        return [item for item in done if item.type == kind]


async def with_openai(url: str, plain: PlainHttp, approve: bool | None, ask: str = "Hello") -> Connection:
    """One turn that calls the tool, and one that uses what came of it."""
    openai = pytest.importorskip("openai", reason="needs the package openai")
    client = openai.AsyncOpenAI(api_key="sk-any", base_url=f"{url}/v1", max_retries=0)
    async with client, client.realtime.connect(model="mine") as raw:
        talk = Connection(raw)
        tool: dict[str, Any] = {
            "type": "mcp",
            "server_label": "s",
            "server_url": plain.url,
            "authorization": "secret",
        }
        if approve is None:
            tool["require_approval"] = "never"
        await raw.session.update(session={"type": "realtime", "output_modalities": ["text"], "tools": [tool]})
        await talk.until("mcp_list_tools.completed")
        content = [{"type": "input_text", "text": ask}]
        await raw.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await raw.response.create()
        await talk.until("response.done")
        if approve is not None:
            (request,) = talk.items("mcp_approval_request")
            await raw.conversation.item.create(
                item={"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}
            )
        await talk.until("response.mcp_call.failed" if approve is False else "response.mcp_call.completed")
        await talk.until("conversation.item.done")
        await raw.response.create()
        await talk.until("response.done")
    return talk


@pytest.mark.parametrize("approve", [None, True])
def test_the_openai_client_calls(approve: bool | None) -> None:
    async def scenario(url: str, plain: PlainHttp) -> None:
        talk = await with_openai(url, plain, approve)
        assert talk.items("mcp_call")[-1].output == "a tree"
        assert talk.events[-1].response.output[0].content[0].text == "It is a tree."
        assert "secret" not in str(talk.events)
        assert plain.heard[-1].headers["authorization"] == "Bearer secret"

    against(scripted_engines(answers=[[CALL], ["It is a tree."]]), scenario)


def test_the_openai_client_refuses() -> None:
    async def scenario(url: str, plain: PlainHttp) -> None:
        talk = await with_openai(url, plain, approve=False)
        (call,) = talk.items("mcp_call")
        assert (call.output, call.error.message) == (None, "The call was not approved.")
        assert "tools/call" not in [request.body["method"] for request in plain.heard if request.body]

    against(scripted_engines(answers=[[CALL], ["Very well."]]), scenario)


def test_the_built_in_brain_finds_the_tool_by_its_description() -> None:
    tool = {
        "name": "get_forecast",
        "description": "Get the weather forecast for a city.",
        "inputSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }

    async def scenario(url: str, plain: PlainHttp) -> None:
        talk = await with_openai(url, plain, None, "What is the weather forecast for Oslo?")
        call = talk.items("mcp_call")[-1]
        assert (call.name, call.arguments) == ("get_forecast", '{"city": "Oslo"}')
        assert "sunny" in talk.events[-1].response.output[0].content[0].text

    against(
        replace(scripted_engines(), llm=BuiltinBrain()),
        scenario,
        mcp_server(said("It is sunny in Oslo."), tool),
    )


def test_our_own_sdk_approves_and_goes_on() -> None:
    async def scenario(url: str, plain: PlainHttp) -> None:
        asked: list[str] = []

        def decide(request: Any) -> bool:
            asked.append(request.name)
            return True

        tool = HostedMCPTool("s", plain.url, require_approval="always", on_approval_request=decide)
        runner = RealtimeRunner(
            RealtimeAgent("Ada", tools=[tool]), config={"model_settings": {"modalities": ["text"]}}
        )
        realtime = url.replace("http://", "ws://") + "/v1/realtime"
        model_config = {
            "url": realtime,
            "api_key": "sk-any",
            "initial_model_settings": {"model_name": "mine"},
        }
        async with await runner.run(model_config=model_config) as session:  # type: ignore[arg-type]
            async with asyncio.timeout(10):
                async for event in session:
                    if event.type == "mcp_tools_changed":
                        await session.send_message("Hello")
                    if event.type == "mcp_tool_call_completed":
                        assert event.item.output == "a tree"
                    if event.type == "agent_end" and len(_answers(session)) == 1:
                        break
            assert asked == ["look"]
            assert _answers(session) == ["It is a tree."]

    against(scripted_engines(answers=[[CALL], ["It is a tree."]]), scenario)


def _answers(session: Any) -> list[str]:
    messages = [item for item in session.history if getattr(item, "role", "") == "assistant"]
    return [part.text for message in messages for part in message.content if getattr(part, "text", "")]


def test_the_javascript_sdk_approves_and_goes_on() -> None:
    javascript()

    async def scenario(url: str, plain: PlainHttp) -> None:
        realtime = url.replace("http://", "ws://") + "/v1/realtime"
        told = await play("mcp", http=url, url=realtime, serverUrl=plain.url, serverLabel="s")
        assert told["errors"] == []
        assert told["tools"] == ["look"]
        assert told["history"][-1] == "assistant: It is a tree."

    against(scripted_engines(answers=[[CALL], ["It is a tree."]]), scenario)
