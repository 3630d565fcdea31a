"""A session whose agents have MCP servers of their own: processes that die, hang and were never there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.mcp import MCPServerStdio
from vivavoce.protocol import FunctionCallOutputItem
from vivavoce.session import RealtimeRunner
from vivavoce.testing import Answer, ScriptedRealtimeModel, tool_call

RAW_SERVER = Path(__file__).parent.parent / "mcp" / "raw_server.py"


def mcp_server(name: str, *, answer_s: float = 5) -> MCPServerStdio:
    """A small server of a few lines, which can be asked to die and to hang."""
    return MCPServerStdio(
        {"command": sys.executable, "args": ["-S", str(RAW_SERVER)]},
        name=name,
        client_session_timeout_seconds=answer_s,
        max_retry_attempts=0,
    )


class Talk:
    """What came of a conversation.

    Attributes:
        outputs: what the model was told of its calls.
        errors: that the application was told.
        agent: who spoke at the end.
    """

    def __init__(self) -> None:
        self.outputs: list[str] = []
        self.errors: list[str] = []
        self.agent = ""


async def talk(agent: RealtimeAgent[Any], answers: Sequence[Answer | str]) -> Talk:
    """Say one thing for every spoken answer of the script, each when the one before was answered."""
    model = ScriptedRealtimeModel(answers)
    said = Talk()
    async with asyncio.timeout(30), await RealtimeRunner(agent, model=model).run() as session:
        for _ in [answer for answer in answers if isinstance(answer, str)]:
            await session.send_message("Go on.")
            async for event in session:
                if event.type == "error":
                    assert isinstance(event.error, ToolError)
                    said.errors.append(str(event.error))
                if event.type == "agent_end" and event.output:
                    break
        said.agent = session.current_agent.name
        said.outputs = [item.output for item in session.history if isinstance(item, FunctionCallOutputItem)]
    model.assert_complete()
    return said


def test_a_server_that_dies_in_a_call_is_an_output_and_an_error_and_works_again() -> None:
    async def main() -> None:
        async with mcp_server("tools") as server:
            agent = RealtimeAgent[Any]("Ada", mcp_servers=[server])
            echo = tool_call("echo", {"text": "here"})
            said = await talk(agent, [echo, "One.", tool_call("die"), "Sorry.", echo, "Three."])
        assert said.outputs[0] == said.outputs[2] == "here"
        assert "the server went away" in said.outputs[1]
        (error,) = said.errors
        assert error.startswith("tool 'die' failed: 'die' failed: the server went away")

    asyncio.run(main())


def test_a_server_that_hangs_in_a_call_is_an_output_and_an_error() -> None:
    async def main() -> None:
        async with mcp_server("tools", answer_s=2) as server:
            agent = RealtimeAgent[Any]("Ada", mcp_servers=[server])
            said = await talk(agent, [tool_call("hang"), "Sorry."])
        (output,) = said.outputs
        assert "no answer within 2 s" in output
        assert len(said.errors) == 1

    asyncio.run(main())


def test_nobody_takes_over_whose_server_was_never_connected() -> None:
    async def main() -> None:
        bea = RealtimeAgent[Any]("Bea", mcp_servers=[mcp_server("books")])
        said = await talk(
            RealtimeAgent[Any]("Ada", handoffs=[bea]), [tool_call("transfer_to_bea"), "I go on.", "Yes."]
        )
        assert said.agent == "Ada"
        assert said.outputs == ["The conversation could not be passed on. Go on by yourself."]
        (error,) = said.errors
        assert "MCP server 'books' is not connected" in error

    asyncio.run(main())


def test_nobody_takes_over_whose_server_hangs_until_it_answers_again() -> None:
    async def main() -> None:
        async with mcp_server("books", answer_s=2) as server:
            await server.list_tools()
            await server.call_tool("slow_list", None)
            bea = RealtimeAgent[Any]("Bea", mcp_servers=[server])
            ada = RealtimeAgent[Any]("Ada", handoffs=[bea])
            said = await talk(ada, [tool_call("transfer_to_bea"), "I go on."])
            assert (said.agent, len(said.errors)) == ("Ada", 1)
            assert "MCP server 'books' did not list its tools" in said.outputs[0]
            await server.cleanup()
            await server.connect()
            said = await talk(ada, [tool_call("transfer_to_bea"), "I am Bea."])
            assert (said.agent, said.errors) == ("Bea", [])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("names", "config", "complaint"),
    [
        (["one", "two"], {}, "MCP servers 'one' and 'two' both have a tool named 'echo'"),
        (["one"], None, "MCP server 'one' is not connected"),
    ],
)
def test_what_cannot_work_is_refused_before_connecting(
    names: list[str], config: Mapping[str, Any] | None, complaint: str
) -> None:
    async def main() -> None:
        servers = [mcp_server(name) for name in names]
        try:
            if config is not None:
                await asyncio.gather(*(server.connect() for server in servers))
            model = ScriptedRealtimeModel()
            agent = RealtimeAgent[Any]("Ada", mcp_servers=servers, mcp_config=config or {})
            with pytest.raises(ConfigurationError, match=complaint):
                await (await RealtimeRunner(agent, model=model).run()).enter()
            assert model.connect_calls == ()
        finally:
            for server in servers:
                await server.cleanup()

    asyncio.run(main())
