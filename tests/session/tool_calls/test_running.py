from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import (
    BackgroundResult,
    FunctionTool,
    RealtimeRunHooks,
    ToolContext,
    function_tool,
)
from vivavoce.errors import ToolError
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


@function_tool
async def broken() -> str:
    """Fail."""
    raise ValueError("out of order")


@function_tool(needs_approval=True)
async def refund(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


def test_a_call_is_run_and_answered(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "wait", seconds=0)

    bench = run(at_bench(play, wait))
    assert bench.steps == ["tool_start c1", "output c1", "tool_end c1"]
    assert bench.outputs == {"output c1": "waited 0"}


def test_calls_run_side_by_side(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "wait", seconds=3)
        await bench.call("c2", "wait", seconds=1)
        await asyncio.sleep(5)

    assert run(at_bench(play, wait)).steps == [
        *("tool_start c1", "tool_start c2"),
        *("output c2", "tool_end c2", "output c1", "tool_end c1"),
    ]


def test_calls_run_one_after_another_where_that_is_wanted(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "wait", seconds=3)
        await bench.call("c2", "wait", seconds=1)
        await bench.call("c3", "broken")
        assert bench.steps == ["tool_start c1"]
        await asyncio.sleep(5)

    bench = run(at_bench(play, wait, broken, async_tool_calls=False))
    assert [step for step in bench.steps if not step.startswith("error")] == [
        *("tool_start c1", "output c1", "tool_end c1"),
        *("tool_start c2", "output c2", "tool_end c2"),
        *("tool_start c3", "output c3", "tool_end c3"),
    ]


def test_a_call_that_runs_or_waits_already_is_not_begun_again(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        for _ in range(2):
            await bench.call("c1", "wait", seconds=1)
            await bench.call("c2", "refund", amount=1)
        bench.calls.approve("c2")
        await asyncio.sleep(1)

    bench = run(at_bench(play, wait, refund))
    assert bench.steps.count("output c1") == bench.steps.count("output c2") == 1


def test_an_unknown_tool_and_one_that_fails_are_told_to_the_model_and_the_application(
    at_bench: AtBench,
) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "nothing")
        await bench.call("c2", "broken")

    bench = run(at_bench(play, broken, wait))
    assert bench.outputs["output c1"] == "There is no tool 'nothing'. The tools are: broken, wait."
    assert "out of order" in bench.outputs["output c2"]
    assert bench.errors[0].startswith("There is no tool 'nothing'")
    assert "out of order" in bench.errors[1]
    for event, name in zip(bench.events, ("nothing", "broken"), strict=False):
        if event.type == "error":
            assert isinstance(event.error, ToolError)
            assert event.error.tool_name == name


def test_an_agent_without_tools_says_so(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "nothing")

    assert run(at_bench(play)).outputs == {"output c1": "There is no tool 'nothing'. The tools are: none."}


def test_more_calls_than_the_bound_are_refused_and_those_that_wait_do_not_count(
    at_bench: AtBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_calls, "CALLS_AT_ONCE", 2)

    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=1)
        for number in (2, 3, 4):
            await bench.call(f"c{number}", "wait", seconds=1)
        await asyncio.sleep(1)
        await bench.call("c5", "wait", seconds=0)

    bench = run(at_bench(play, wait, refund))
    assert bench.outputs == {
        "output c4": "Tool 'wait' was not run: 2 calls are running already.",
        "output c2": "waited 1",
        "output c3": "waited 1",
        "output c5": "waited 0",
    }


def test_a_tool_knows_where_it_runs_and_can_have_something_said(at_bench: AtBench) -> None:
    seen: list[ToolContext[Any]] = []

    @function_tool
    async def look(context: ToolContext[Any], word: str) -> str:
        """Look around."""
        seen.append(context)
        assert context.say is not None
        await context.say(f"one moment, {word}")
        return "seen"

    async def play(bench: Bench) -> None:
        await bench.call("c1", "look", word="please")

    bench = run(at_bench(play, look))
    (context,) = seen
    assert bench.steps == ["tool_start c1", "said one moment, please", "output c1", "tool_end c1"]
    assert (context.context, context.call_id, context.tool_name) == ("Kim", "c1", "look")
    assert (context.agent, context.usage, len(context.history)) == (bench.owner.agent, bench.owner.usage, 1)
    assert json.loads(context.arguments) == {"word": "please"}


def test_a_result_may_ask_for_no_response(at_bench: AtBench) -> None:
    @function_tool
    async def note() -> BackgroundResult:
        """Write down."""
        return BackgroundResult("noted")

    async def play(bench: Bench) -> None:
        await bench.call("c1", "note")

    assert run(at_bench(play, note)).outputs == {"silent output c1": "noted"}


def test_a_tool_that_outlives_the_session_is_heard_no_more(at_bench: AtBench) -> None:
    ended: list[str] = []

    @function_tool
    async def stubborn() -> str:
        """Ignore that it is cancelled."""
        for _ in range(3):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue
        ended.append("at last")
        return "too late"

    class Hooks(RealtimeRunHooks[Any]):
        async def on_tool_end(self, *_args: Any) -> None:
            ended.append("hook")

    async def play(bench: Bench) -> None:
        await bench.call("c1", "stubborn")
        await bench.call("c2", "refund", amount=1)
        for _ in range(2):
            async with asyncio.timeout(1):
                await bench.calls.aclose()
        await bench.call("c3", "refund", amount=1)
        await bench.call("c4", "nothing")
        await asyncio.sleep(60)

    bench = run(at_bench(play, stubborn, refund, hooks=Hooks()))
    assert ended == ["at last"]
    assert bench.steps == ["tool_start c1", "waits c2", "tool_approval_required c2"]


async def cancels_itself(_context: Any, _arguments: str) -> None:
    task = asyncio.current_task()
    assert task is not None
    raise asyncio.CancelledError


async def awaits_what_was_cancelled(_context: Any, _arguments: str) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


def exits() -> None:
    """Leave."""
    raise SystemExit(1)


def stops() -> None:
    """Stop."""
    raise StopIteration


def unspeakable() -> object:
    """Return what is no JSON."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


async def raises() -> None:
    raise ValueError("out of order")


async def groups(_context: Any, _arguments: str) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(cancels_itself(None, ""))
        group.create_task(raises())


def test_whatever_a_tool_does_its_call_gets_one_output(at_bench: AtBench) -> None:
    by_hand = [cancels_itself, awaits_what_was_cancelled, groups]
    tools = [
        *(FunctionTool(function.__name__, "", on_invoke_tool=function) for function in by_hand),
        *(function_tool(function) for function in (exits, stops, unspeakable)),
    ]

    async def play(bench: Bench) -> None:
        for tool in tools:
            await bench.call(tool.name, tool.name)
        await bench.settle(1000)

    bench = run(at_bench(play, *tools))
    for tool in tools:
        assert bench.steps.count(f"output {tool.name}") == 1, tool.name
        assert bench.steps.count(f"tool_end {tool.name}") == 1, tool.name
    assert len(bench.errors) == len(tools) - 1


def test_a_tool_that_is_not_enabled_any_more_is_not_run(at_bench: AtBench) -> None:
    open_hours = iter([True, False])

    @function_tool(is_enabled=lambda _context, agent: agent.name == "Ada" and next(open_hours))
    async def call_a_colleague() -> str:
        """Ask somebody."""
        return "somebody came"

    async def play(bench: Bench) -> None:
        await bench.call("c1", "call_a_colleague")
        await bench.call("c2", "call_a_colleague")

    bench = run(at_bench(play, call_a_colleague))
    assert bench.steps == ["tool_start c1", "output c1", "tool_end c1", "error c2", "output c2"]
    assert bench.outputs["output c2"] == "Tool 'call_a_colleague' is not available now."
