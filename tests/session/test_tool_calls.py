from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import (
    FunctionTool,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    ToolContext,
    function_tool,
)
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.session import tool_calls
from vivavoce.session.run_settings import ToolSettings

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]


@function_tool
async def slow(seconds: float) -> str:
    """Wait."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
    return f"waited {seconds:g}"


@function_tool
async def broken() -> str:
    """Fail."""
    raise ValueError("out of order")


@function_tool(timeout=2)
async def endless() -> None:
    """Never end."""
    await asyncio.Event().wait()


@function_tool
def blocking() -> str:
    """Say where it runs."""
    return threading.current_thread().name


@function_tool(timeout=2)
async def impatient() -> None:
    """Give up waiting for somebody else."""
    raise TimeoutError("the warehouse did not answer")


def bad_message(_context: ToolContext[Any], _error: Exception) -> str:
    raise RuntimeError("even this fails")


@function_tool(failure_error_function=bad_message)
async def hopeless() -> None:
    """Fail twice."""
    raise ValueError("first")


@function_tool
async def look(context: ToolContext[dict[str, str]], word: str) -> dict[str, Any]:
    """Tell what it is given."""
    assert context.agent is not None
    return {
        "user": context.context["user"],
        "word": word,
        "agent": context.agent.name,
        "call": context.call_id,
        "tool": context.tool_name,
        "arguments": context.arguments,
        "history": len(context.history),
    }


AGENT = RealtimeAgent[Any]("Ada", tools=[slow, broken, endless, blocking, hopeless, impatient, look])


def now() -> float:
    return asyncio.get_running_loop().time()


async def turn(stage: Stage, *calls: tuple[str, str, str]) -> None:
    """The user says something and the model calls tools."""
    await stage.session.send_message("go")
    stage.model.sent.clear()
    stage.model.call("r1", *calls)
    await stage.settle()


def test_a_tool_runs_and_the_model_goes_on(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "slow", '{"seconds": 0}'))
        assert stage.model.kinds() == ["conversation.item.create", "response.create"]
        assert stage.model.outputs() == {"c1": "waited 0"}
        (start,), (end,) = stage.of("tool_start"), stage.of("tool_end")
        assert (start.tool, start.call_id, start.arguments) == (slow, "c1", '{"seconds": 0}')
        assert (end.tool, end.call_id, end.output, end.agent) == (slow, "c1", "waited 0", AGENT)

    perform(play, AGENT)


def test_calls_of_one_response_run_side_by_side_and_lead_to_one_follow_up(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        begin = now()
        await turn(stage, ("c1", "slow", '{"seconds": 3}'), ("c2", "slow", '{"seconds": 4}'))
        await stage.session.send_audio(bytes(960))
        await stage.settle(3.5)
        assert stage.model.kinds() == ["input_audio_buffer.append", "conversation.item.create"]
        await stage.settle(0.5)
        assert stage.model.kinds()[2:] == ["conversation.item.create", "response.create"]
        assert now() - begin < 4.5

    perform(play, AGENT)


def test_a_call_runs_once_however_often_it_is_told(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "slow", '{"seconds": 0}'))
        stage.model.call("r2", ("c1", "slow", '{"seconds": 0}'))
        await stage.settle()
        assert stage.model.kinds().count("conversation.item.create") == 1

    perform(play, AGENT)


@pytest.mark.parametrize(
    ("name", "arguments", "told", "reported"),
    [
        (
            "nothing",
            "{}",
            "There is no tool 'nothing'. The tools are: slow, broken",
            "There is no tool 'nothing'",
        ),
        (
            "slow",
            "{bad",
            "Please try again. Error: bad arguments for slow",
            "tool 'slow' failed: bad arguments",
        ),
        ("slow", "{}", "seconds: Field required", "tool 'slow' failed: bad arguments"),
        ("broken", "{}", "Please try again. Error: out of order", "tool 'broken' failed: out of order"),
        ("endless", "{}", "Tool 'endless' timed out", "tool 'endless' failed: it took longer than 2 s"),
        ("impatient", "{}", "Tool 'impatient' timed out", "failed: the warehouse did not answer"),
        ("hopeless", "{}", "The tool failed.", "tool 'hopeless' failed: first"),
    ],
)
def test_a_failed_call_is_told_to_the_model_and_to_the_application(
    perform: Perform, name: str, arguments: str, told: str, reported: str
) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", name, arguments))
        await stage.settle(2)
        assert told in stage.model.outputs()["c1"]
        assert stage.model.kinds()[-1] == "response.create"
        error = stage.of("error")[0].error
        assert isinstance(error, ToolError)
        assert (error.tool_name, error.call_id) == (name, "c1")
        assert reported in str(error)
        stage.model.done("r2")
        await stage.session.send_message("still there?")

    perform(play, AGENT)


def test_a_plain_function_runs_beside_the_event_loop(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "blocking", "{}"))
        assert stage.model.outputs()["c1"].startswith("vivavoce-tool")

    perform(play, AGENT)


def test_a_tool_is_told_where_it_runs(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.say(
            "conversation.item.added",
            item={
                "type": "message",
                "id": "u",
                "role": "user",
                "content": [{"type": "input_text", "text": "x"}],
            },
        )
        await turn(stage, ("c1", "look", '{"word": "w"}'))
        (end,) = stage.of("tool_end")
        assert end.output == {
            "user": "Kim",
            "word": "w",
            "agent": "Ada",
            "call": "c1",
            "tool": "look",
            "arguments": '{"word": "w"}',
            "history": 1,
        }

    perform(play, AGENT, context={"user": "Kim"})


def test_too_many_calls_at_once_are_refused_with_an_output(
    perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_calls, "CALLS_AT_ONCE", 1)

    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "slow", '{"seconds": 1}'), ("c2", "slow", '{"seconds": 1}'))
        assert "1 calls are running already" in stage.model.outputs()["c2"]
        await stage.settle(1)
        assert stage.model.outputs()["c1"] == "waited 1"
        assert stage.model.kinds()[-1] == "response.create"

    perform(play, AGENT)


def test_a_call_without_a_limit_of_its_own_ends_all_the_same(perform: Perform) -> None:
    async def never(_context: ToolContext[Any], _arguments: str) -> None:
        await asyncio.Event().wait()

    agent = RealtimeAgent[Any]("Ada", tools=[FunctionTool("never", "", on_invoke_tool=never)])

    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "never", "{}"))
        await stage.settle(ToolSettings().timeout_s)
        assert "timed out" in stage.model.outputs()["c1"]

    perform(play, agent)


def test_closing_the_session_stops_its_tools(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "slow", '{"seconds": 1000}'))
        begin = now()
        await stage.session.close()
        assert now() - begin < 1

    perform(play, AGENT)


# --- approval and background --------------------------------------------------------------------------------


@function_tool(needs_approval=True)
async def refund(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


@function_tool(background=True)
async def research(topic: str) -> str:
    """Look something up for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()
    return f"all about {topic}"


CLERK = RealtimeAgent[Any]("Cleo", tools=[refund, research, slow])


def test_the_conversation_goes_on_while_a_call_waits_for_approval(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "refund", '{"amount": 5}'), ("c2", "slow", '{"seconds": 1}'))
        (event,) = stage.of("tool_approval_required")
        assert (event.agent, event.tool, event.call_id) == (CLERK, refund, "c1")
        await stage.settle(1)
        assert stage.model.kinds() == ["conversation.item.create", "response.create"]
        stage.model.done("r2")
        await stage.session.send_message("hello?")
        await stage.settle()
        stage.model.done("r3")
        stage.model.sent.clear()
        await stage.session.approve_tool_call(event)
        await stage.settle()
        assert stage.model.outputs() == {"c1": "refunded 5"}
        assert stage.model.kinds() == ["conversation.item.create", "response.create"]
        with pytest.raises(ConfigurationError, match="'c1' was approved; no call is waiting"):
            await stage.session.approve_tool_call("c1")

    perform(play, CLERK)


def test_a_rejected_call_is_answered_and_spoken_of(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "refund", '{"amount": 5}'))
        await stage.session.reject_tool_call("c1", rejection_message="Only the boss may do that.")
        await stage.settle()
        assert stage.model.outputs() == {"c1": "Only the boss may do that."}
        assert stage.model.kinds() == ["conversation.item.create", "response.create"]
        assert stage.of("tool_start") == []

    perform(play, CLERK)


def test_a_decision_after_the_agent_was_interrupted_is_spoken_of(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "refund", '{"amount": 5}'))
        await stage.session.interrupt()
        await stage.session.approve_tool_call("c1")
        await stage.settle()
        assert stage.model.kinds()[-2:] == ["conversation.item.create", "response.create"]

    perform(play, CLERK)


def test_the_conversation_goes_on_while_a_tool_runs_in_the_background(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "research", '{"topic": "bees"}'))
        assert stage.model.outputs() == {"c1": tool_calls.STARTED}
        assert stage.model.kinds() == ["conversation.item.create", "response.create"]
        stage.model.done("r2")
        stage.model.sent.clear()
        await stage.session.send_message("And meanwhile?")
        await stage.settle()
        stage.model.done("r3")
        stage.model.sent.clear()
        await stage.settle(60)
        call, output, ask = stage.model.sent
        assert (call["item"]["name"], call["item"]["arguments"]) == ("research", '{"topic": "bees"}')
        assert call["item"]["call_id"] == output["item"]["call_id"] != "c1"
        assert output["item"]["output"] == "all about bees"
        assert ask["type"] == "response.create"
        (end,) = stage.of("tool_end")
        assert (end.call_id, end.output) == ("c1", "all about bees")

    perform(play, CLERK)


def test_hooks_of_the_run_and_the_agent_see_each_call(perform: Perform) -> None:
    told: list[tuple[str, str]] = []

    class OfAgent(RealtimeAgentHooks[Any]):
        async def on_tool_start(self, context: Any, *_args: Any) -> None:
            told.append(("agent", context.call_id))

    class OfRun(RealtimeRunHooks[Any]):
        async def on_tool_end(self, context: Any, *_args: Any) -> None:
            told.append(("run", context.call_id))

    async def play(stage: Stage) -> None:
        await turn(stage, ("c1", "slow", '{"seconds": 0}'))

    perform(play, CLERK.clone(hooks=OfAgent()), config={"hooks": OfRun()})
    assert told == [("agent", "c1"), ("run", "c1")]
