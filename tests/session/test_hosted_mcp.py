"""MCP tools that the server calls, and who approves their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.session.hosted_mcp import APPROVAL_S, REMEMBERED, WAITING_AT_ONCE

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]


def agent(decide: Any = None) -> RealtimeAgent[Any]:
    tool = HostedMCPTool(
        "docs", "https://docs.example", require_approval="always", on_approval_request=decide
    )
    return RealtimeAgent[Any]("Ada", tools=[tool])


def ask(stage: Stage, item_id: str = "m", name: str = "search") -> None:
    item = {
        "type": "mcp_approval_request",
        "id": item_id,
        "server_label": "docs",
        "name": name,
        "arguments": "{}",
    }
    stage.model.say("conversation.item.added", item=item)
    stage.model.say("conversation.item.done", item=item)


def called(stage: Stage, item_id: str = "c", **result: Any) -> None:
    item = {
        "type": "mcp_call",
        "id": item_id,
        "server_label": "docs",
        "name": "search",
        "arguments": "{}",
        "output": None,
        **result,
    }
    stage.model.say("conversation.item.done", item=item)


def answers(stage: Stage) -> list[tuple[str, bool, str | None]]:
    items = [sent["item"] for sent in stage.model.sent if sent["type"] == "conversation.item.create"]
    return [
        (item["approval_request_id"], item["approve"], item.get("reason"))
        for item in items
        if item["type"] == "mcp_approval_response"
    ]


def test_a_person_decides_by_the_event_or_its_id(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for item_id in ("m1", "m2"):
            ask(stage, item_id)
            ask(stage, item_id)
        await stage.settle()
        first, second = stage.of("tool_approval_required")
        assert (first.call_id, first.tool.name, first.agent.name) == ("m1", "search", "Ada")
        await stage.session.approve_tool_call(first)
        await stage.session.reject_tool_call(second.call_id, rejection_message="too costly")
        assert answers(stage) == [("m1", True, None), ("m2", False, "too costly")]
        with pytest.raises(ConfigurationError, match="m1"):
            await stage.session.approve_tool_call(first)

    perform(play, agent())


@pytest.mark.parametrize("approve", [True, False])
def test_a_decision_may_hold_for_good(perform: Perform, approve: bool) -> None:
    async def play(stage: Stage) -> None:
        ask(stage, "m1")
        await stage.settle()
        decide = stage.session.approve_tool_call if approve else stage.session.reject_tool_call
        await decide("m1", always=True)
        ask(stage, "m2")
        ask(stage, "m3", "other")
        await stage.settle()
        assert [event.call_id for event in stage.of("tool_approval_required")] == ["m1", "m3"]
        assert answers(stage) == [("m1", approve, None), ("m2", approve, None)]

    perform(play, agent())


def test_questions_that_nobody_answers_are_bounded(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for number in range(WAITING_AT_ONCE + 1):
            ask(stage, f"m{number}")
        await stage.settle()
        assert len(stage.of("tool_approval_required")) == WAITING_AT_ONCE
        last, reason = f"m{WAITING_AT_ONCE}", f"{WAITING_AT_ONCE} calls are waiting for approval already"
        assert answers(stage) == [(last, False, reason)]
        assert [str(event.error) for event in stage.of("error")] == [reason]
        await stage.session.approve_tool_call("m0")
        ask(stage, "next")
        await stage.settle()
        assert len(answers(stage)) == 2

    perform(play, agent())


async def nods(_request: Any) -> bool:
    return True


def explains(_request: Any) -> dict[str, Any]:
    return {"approve": False, "reason": "not now"}


def breaks(_request: Any) -> bool:
    raise ValueError("no idea")


async def ponders(_request: Any) -> bool:
    return await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("decide", "answer"),
    [
        (nods, (True, None)),
        (explains, (False, "not now")),
        (breaks, (False, "The approval failed.")),
        (ponders, (False, "The approval failed.")),
    ],
)
def test_a_function_decides(perform: Perform, decide: Any, answer: Any) -> None:
    async def play(stage: Stage) -> None:
        ask(stage)
        await stage.settle(APPROVAL_S + 1)
        assert answers(stage) == [("m", *answer)]
        assert len(stage.of("error")) == (1 if decide in {breaks, ponders} else 0)
        assert stage.of("tool_approval_required") == []

    perform(play, agent(decide))


def test_a_function_that_is_too_late_decides_nothing(perform: Perform) -> None:
    thought = asyncio.Event()

    async def takes_its_time(_request: Any) -> bool:
        return await thought.wait()

    async def play(stage: Stage) -> None:
        ask(stage)
        await stage.settle()
        await stage.session.reject_tool_call("m")
        thought.set()
        await stage.settle()
        assert answers(stage) == [("m", False, None)]
        assert stage.of("error") == []

    perform(play, agent(takes_its_time))


@pytest.mark.parametrize(
    "result", [{"output": "found"}, {"error": {"type": "tool_execution_error", "message": "no"}}]
)
def test_a_call_that_was_made_is_told_once_and_spoken_of(perform: Perform, result: Any) -> None:
    async def play(stage: Stage) -> None:
        called(stage)
        await stage.settle()
        assert stage.of("mcp_tool_call_completed") == []
        called(stage, **result)
        called(stage, **result)
        await stage.settle()
        (event,) = stage.of("mcp_tool_call_completed")
        assert event.item.id == "c"
        assert stage.model.kinds()[1:] == ["response.create"]

    perform(play, agent())


def test_tools_that_a_server_lists_are_told(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        listed = {"type": "mcp_list_tools", "id": "l", "server_label": "docs", "tools": []}
        stage.model.say("conversation.item.done", item=listed)
        tools = [{"name": "search", "input_schema": {}}]
        stage.model.say("conversation.item.done", item=listed | {"tools": tools})
        await stage.settle()
        (event,) = stage.of("mcp_tools_changed")
        assert (event.server_label, [tool.name for tool in event.tools]) == ("docs", ["search"])

    perform(play, agent())


def test_a_request_that_is_lost_with_its_connection_is_made_again(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("search")
        ask(stage)
        stage.model.done("r1")
        stage.model.lose(ConnectionLostError("cut"))
        await stage.settle(1)
        assert stage.model.told() == ["user: search", "response.create"]
        with pytest.raises(ConfigurationError):
            await stage.session.approve_tool_call("m")

    perform(play, agent())


def test_what_was_told_is_remembered_within_bounds(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for number in range(REMEMBERED + 1):
            called(stage, f"c{number}", output="x")
        called(stage, f"c{REMEMBERED}", output="x")
        called(stage, "c0", output="x")
        await stage.settle()
        assert len(stage.of("mcp_tool_call_completed")) == REMEMBERED + 2

    perform(play, agent())


FAILURE = {"type": "tool_execution_error", "message": "denied"}


def test_a_call_that_was_denied_is_answered_once(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        ask(stage, "m1")
        await stage.settle()
        await stage.session.reject_tool_call("m1")
        stage.model.done("r1")
        called(stage, "c1", error=FAILURE, approval_request_id="m1")
        await stage.settle()
        assert [event.item.id for event in stage.of("mcp_tool_call_completed")] == ["c1"]
        assert stage.model.kinds()[1:] == ["conversation.item.create", "response.create"]
        called(stage, "c2", error=FAILURE, approval_request_id="m2")
        await stage.settle()
        assert stage.model.kinds()[3:] == ["response.create"]

    perform(play, agent())


def test_a_server_whose_tools_cannot_be_listed_is_an_error_by_its_label(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        listing = {"type": "mcp_list_tools", "id": "l", "server_label": "docs", "tools": []}
        stage.model.say("conversation.item.added", item=listing)
        for item_id in ("l", "unknown"):
            stage.model.say("mcp_list_tools.failed", item_id=item_id)
        await stage.settle()
        named, unnamed = stage.of("error")
        assert "MCP server 'docs' could not be listed" in str(named.error)
        assert "MCP server of item 'unknown' could" in str(unnamed.error)
        await stage.session.send_message("go on")
        assert stage.model.told()[-1] == "response.create"

    perform(play, agent())
