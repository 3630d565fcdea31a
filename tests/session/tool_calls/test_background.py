from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import BackgroundResult, ToolContext, function_tool
from vivavoce.engines.llm.results import speak_result
from vivavoce.session import tool_calls
from vivavoce.session.tool_calls import STARTED
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.tool_calls.conftest import Bench

AtBench = Callable[..., Coroutine[Any, Any, Any]]


@function_tool
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return f"waited {seconds:g}"


@function_tool(background=True)
async def research(context: ToolContext[Any], topic: str) -> str:
    """Look something up for long."""
    assert context.say is not None
    await context.say(f"reading about {topic}")
    await asyncio.sleep(60)
    return f"all about {topic}"


def test_the_model_is_told_at_once_and_gets_the_result_when_it_is_there(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "research", topic="bees")
        assert bench.steps == ["output c1", "tool_start c1", "said reading about bees"]
        await bench.call("c2", "wait", seconds=1)
        await asyncio.sleep(60)

    bench = run(at_bench(play, research, wait))
    assert bench.steps[3:] == [
        *("tool_start c2", "output c2", "tool_end c2"),
        *("late output c1", "tool_end c1"),
    ]
    assert bench.outputs["output c1"] == STARTED
    assert bench.outputs["late output c1"] == "all about bees"
    assert [event.output for event in bench.events if event.type == "tool_end"][-1] == "all about bees"


def test_what_the_model_is_told_at_once_can_be_read_and_spoken() -> None:
    assert json.loads(STARTED)["status"] == "started"
    assert speak_result("research", STARTED) == json.loads(STARTED)["message"]


def test_a_failure_in_the_background_comes_late_too(at_bench: AtBench) -> None:
    @function_tool(background=True)
    async def dig() -> str:
        """Dig."""
        raise ValueError("hit a stone")

    async def play(bench: Bench) -> None:
        await bench.call("c1", "dig")

    bench = run(at_bench(play, dig))
    assert bench.steps == ["output c1", "tool_start c1", "error c1", "late output c1", "tool_end c1"]
    assert "hit a stone" in bench.outputs["late output c1"]
    assert "hit a stone" in bench.errors[0]


def test_a_result_in_the_background_may_ask_for_no_response(at_bench: AtBench) -> None:
    @function_tool(background=True)
    async def note() -> BackgroundResult:
        """Write down."""
        return BackgroundResult({"noted": True})

    async def play(bench: Bench) -> None:
        await bench.call("c1", "note")

    assert run(at_bench(play, note)).outputs == {
        "output c1": STARTED,
        "silent late output c1": '{"noted":true}',
    }


@pytest.mark.parametrize("default", [1.0, 5000.0])
def test_background_tools_have_a_longer_limit(at_bench: AtBench, default: float) -> None:
    @function_tool(background=True)
    async def endless() -> None:
        """Never end."""
        await asyncio.Event().wait()

    seconds = max(default, tool_calls.BACKGROUND_S)

    async def play(bench: Bench) -> None:
        await bench.call("c1", "endless")
        await asyncio.sleep(seconds - 1)
        assert list(bench.outputs) == ["output c1"]
        await asyncio.sleep(1)

    bench = run(at_bench(play, endless, timeout_s=default))
    assert "timed out" in bench.outputs["late output c1"]


def test_tools_in_the_background_hold_up_no_calls_that_run_one_after_another(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "research", topic="bees")
        await bench.call("c2", "wait", seconds=1)
        await asyncio.sleep(70)

    bench = run(at_bench(play, research, wait, async_tool_calls=False))
    assert list(bench.outputs) == ["output c1", "output c2", "late output c1"]


def test_a_tool_in_the_background_may_want_approval(at_bench: AtBench) -> None:
    @function_tool(background=True, needs_approval=True)
    async def move() -> str:
        """Move house."""
        await asyncio.sleep(60)
        return "moved"

    async def play(bench: Bench) -> None:
        for call_id in ("c1", "c2"):
            await bench.call(call_id, "move")
        bench.calls.approve("c1")
        bench.calls.reject("c2", message="Stay.")
        await asyncio.sleep(100)

    bench = run(at_bench(play, move))
    assert bench.outputs == {"output c1": STARTED, "output c2": "Stay.", "late output c1": "moved"}


def test_a_tool_in_the_background_that_outlives_the_session_is_heard_no_more(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "research", topic="bees")
        await bench.calls.aclose()
        await asyncio.sleep(100)

    assert list(run(at_bench(play, research)).outputs) == ["output c1"]
