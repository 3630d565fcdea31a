from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vivavoce.agents import (
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    function_tool,
)
from vivavoce.session import tool_calls
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.tool_calls.conftest import Bench

AtBench = Callable[..., Coroutine[Any, Any, Any]]


@function_tool
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return f"waited {seconds:g}"


def test_hooks_and_listeners_are_told_of_each_call(at_bench: AtBench) -> None:
    told: list[tuple[Any, ...]] = []

    class OfAgent(RealtimeAgentHooks[Any]):
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            told.append(("agent start", context.call_id, agent.name, tool.name))

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            told.append(("agent end", context.call_id, agent.name, tool.name, result))

    class OfRun(RealtimeRunHooks[Any]):
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            told.append(("run start", context.call_id, agent.name, tool.name))

        async def on_tool_end(self, context: Any, agent: Any, tool: Any, result: Any) -> None:
            told.append(("run end", context.call_id, agent.name, tool.name, result))

    agent = RealtimeAgent[Any]("Ada", tools=[wait], hooks=OfAgent())
    agent.on(
        "agent_tool_start", lambda _, tool, more: told.append(("on start", tool, more["tool_call"].call_id))
    )
    agent.on("agent_tool_end", lambda _, tool, result, more: told.append(("on end", tool, result, more)))

    async def play(bench: Bench) -> None:
        await bench.call("c1", "wait", seconds=0)

    run(at_bench(play, agent=agent, hooks=OfRun()))
    item = told[3][3].pop("tool_call")
    assert (item.type, item.call_id, item.name, item.id) == ("function_call", "c1", "wait", "item_c1")
    assert told == [
        ("on start", wait, "c1"),
        ("agent start", "c1", "Ada", "wait"),
        ("run start", "c1", "Ada", "wait"),
        ("on end", wait, "waited 0", {}),
        ("agent end", "c1", "Ada", "wait", "waited 0"),
        ("run end", "c1", "Ada", "wait", "waited 0"),
    ]


def test_a_hook_that_fails_or_hangs_is_an_error_and_nothing_else(at_bench: AtBench) -> None:
    class Bad(RealtimeAgentHooks[Any]):
        async def on_tool_start(self, *_args: Any) -> None:
            raise ValueError("no start")

        async def on_tool_end(self, *_args: Any) -> None:
            await asyncio.Event().wait()

    async def play(bench: Bench) -> None:
        await bench.call("c1", "wait", seconds=0)
        await asyncio.sleep(tool_calls.HOOKS_S)

    bench = run(at_bench(play, agent=RealtimeAgent[Any]("Ada", tools=[wait], hooks=Bad())))
    assert bench.outputs == {"output c1": "waited 0"}
    assert bench.errors == [
        "hook on_tool_start failed: no start",
        "hook on_tool_end failed: it took longer than 5 s",
    ]


def test_nothing_begins_after_the_end(at_bench: AtBench) -> None:
    ran: list[str] = []

    async def outlive() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    async def no(*_args: Any) -> bool:
        await outlive()
        return False

    @function_tool(needs_approval=no)
    async def asked() -> None:
        """Run."""
        ran.append("asked")

    @function_tool
    async def hooked() -> None:
        """Run."""
        ran.append("hooked")

    class Slow(RealtimeAgentHooks[Any]):
        async def on_tool_start(self, *_args: Any) -> None:
            await outlive()
            raise ValueError("too late")

    async def play(bench: Bench) -> None:
        await bench.call("c1", "asked")
        await bench.call("c2", "hooked")
        await bench.calls.aclose()
        await asyncio.sleep(100)

    agent = RealtimeAgent[Any]("Ada", tools=[asked, hooked], hooks=Slow())
    assert run(at_bench(play, agent=agent)).steps == ["tool_start c2"]
    assert ran == []
