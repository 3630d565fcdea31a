from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import RunContextWrapper, ToolContext, function_tool
from vivavoce.errors import ToolError
from vivavoce.protocol import FunctionCallItem, InputText, MessageItem
from vivavoce.testing import run
from vivavoce.text import Agent, RunConfig
from vivavoce.text.announcing import Announcer
from vivavoce.text.failures import MaxTurnsExceeded
from vivavoce.text.items import ToolCallOutputItem
from vivavoce.text.offers import offer_of
from vivavoce.text.state import Decision, Decisions
from vivavoce.text.tool_step import CALLS_AT_ONCE, ToolStep, one_error

CONTEXT: RunContextWrapper[Any] = RunContextWrapper("mine")
USER = MessageItem(role="user", content=[InputText(text="Hi")])


def call(name: str, call_id: str, arguments: str = "{}") -> FunctionCallItem:
    return FunctionCallItem(name=name, arguments=arguments, call_id=call_id)


async def step_of(
    agent: Agent[Any, Any], decisions: Decisions | None = None, told: list[Any] | None = None
) -> ToolStep:
    emit = (told if told is not None else []).append
    offer = await offer_of(agent, CONTEXT)
    announcer = Announcer(None, CONTEXT)
    return ToolStep(
        agent, offer, CONTEXT, (USER,), decisions or Decisions(), announcer, RunConfig(tool_timeout_s=5), emit
    )


def outputs(agent: Agent[Any, Any], *calls: FunctionCallItem, **options: Any) -> list[Any]:
    async def main() -> list[Any]:
        step = await step_of(agent, **options)
        return [(item.output, result is not None) for item, result in await step.run(calls)]

    return run(main())


def test_a_tool_gets_its_call_and_the_conversation() -> None:
    seen: list[ToolContext[Any]] = []

    @function_tool
    async def look(context: ToolContext[Any]) -> str:
        """Look."""
        seen.append(context)
        return "quiet"

    agent = Agent("A", tools=[look])
    told: list[ToolCallOutputItem] = []
    assert outputs(agent, call("look", "c1"), told=told) == [("quiet", True)]
    context = seen[0]
    assert (context.call_id, context.tool_name, context.agent) == ("c1", "look", agent)
    assert context.context == "mine"
    assert context.usage is CONTEXT.usage
    assert context.history_json()[0]["role"] == "user"
    assert [item.output for item in told] == ["quiet"]


def test_what_needs_approval_waits_until_somebody_decided() -> None:
    async def ask(context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        return bool(arguments.get("euros", 0) > 100)

    @function_tool(needs_approval=ask)
    async def pay(euros: int) -> str:
        """Pay."""
        return f"paid {euros}"

    small, large = call("pay", "small", '{"euros": 5}'), call("pay", "large", '{"euros": 500}')
    unknown = call("steal", "x")

    async def waiting(decisions: Decisions) -> list[FunctionCallItem]:
        step = await step_of(Agent("A", tools=[pay]), decisions)
        return await step.waiting([small, large, unknown])

    assert run(waiting(Decisions())) == [large]
    for decided in (Decisions(calls={"large": Decision(True)}), Decisions(tools={"pay": Decision(True)})):
        assert run(waiting(decided)) == []
    refused = Decisions(calls={"large": Decision(False, "Too much.")})
    assert outputs(Agent("A", tools=[pay]), small, large, decisions=refused) == [
        ("paid 5", True),
        ("Too much.", False),
    ]


def test_many_calls_take_turns() -> None:
    running = most = 0

    @function_tool
    async def work() -> str:
        """Work."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return "ok"

    calls = [call("work", str(number)) for number in range(CALLS_AT_ONCE + 1)]
    assert outputs(Agent("A", tools=[work]), *calls) == [("ok", True)] * len(calls)
    assert most == CALLS_AT_ONCE


def test_a_slow_tool_is_given_up_and_the_model_told() -> None:
    @function_tool
    async def sleep() -> str:
        """Sleep."""
        await asyncio.sleep(60)
        return "awake"

    ((text, ran),) = outputs(Agent("A", tools=[sleep]), call("sleep", "c"))
    assert "timed out after 5 seconds" in text
    assert ran


def test_a_failure_that_ends_the_run_stops_the_calls_beside_it() -> None:
    stopped: list[str] = []

    @function_tool(failure_error_function=None)
    async def explode() -> str:
        """Explode."""
        raise ValueError("boom")

    @function_tool
    async def sleep() -> str:
        """Sleep."""
        try:
            await asyncio.sleep(4)
        except asyncio.CancelledError:
            stopped.append("sleep")
            raise
        return "awake"

    with pytest.raises(ToolError, match="boom"):
        outputs(Agent("A", tools=[explode, sleep]), call("sleep", "a"), call("explode", "b"))
    assert stopped == ["sleep"]


def test_of_several_errors_the_runs_own_is_raised_with_its_cause() -> None:
    cause = KeyError("why")
    own = MaxTurnsExceeded("enough")
    own.__cause__ = cause
    group = BaseExceptionGroup("g", [ValueError("a"), BaseExceptionGroup("h", [own])])
    with pytest.raises(MaxTurnsExceeded) as caught, one_error():
        raise group
    assert caught.value.__cause__ is cause
    with pytest.raises(ValueError, match="a"), one_error():
        raise BaseExceptionGroup("g", [ValueError("a"), KeyError("b")])
