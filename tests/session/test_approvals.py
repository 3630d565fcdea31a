from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.agents import FunctionTool, RealtimeAgent, ToolContext
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.protocol import FunctionCallItem
from vivavoce.session import approvals as approvals_module
from vivavoce.session.approvals import REJECTED, Approvals, Decision, ToolErrorFormatterArgs, call_id_of
from vivavoce.session.events import RealtimeError, RealtimeToolApprovalRequired
from vivavoce.testing import run

YES, NO = Decision(approved=True), Decision(approved=False)
AGENT = RealtimeAgent[Any]("Ada")


async def refund(_context: ToolContext[Any], _arguments: str) -> str:
    return "refunded"


def request(call_id: str, name: str = "refund") -> RealtimeToolApprovalRequired:
    return RealtimeToolApprovalRequired(AGENT, FunctionTool(name, "", on_invoke_tool=refund), call_id, "{}")


class Desk:
    """Approvals, what they published, and the decisions of those who asked."""

    def __init__(self, formatter: Any = None) -> None:
        self.events: list[Any] = []
        self.approvals = Approvals(self.events.append, formatter)
        self.decisions: dict[str, Decision] = {}

    async def ask(self, call_id: str, name: str = "refund", timeout_s: float | None = None) -> None:
        self.decisions[call_id] = await self.approvals.ask(request(call_id, name), timeout_s=timeout_s)


Scene = Callable[[Desk, asyncio.TaskGroup], Coroutine[Any, Any, None]]


def play(scene: Scene, formatter: Any = None) -> Desk:
    async def main() -> Desk:
        desk = Desk(formatter)
        async with asyncio.TaskGroup() as group:
            await scene(desk, group)
        return desk

    return run(main())


@pytest.mark.parametrize("decision", [YES, NO, Decision(approved=False, message="too much")])
def test_whoever_asks_waits_for_the_decision(decision: Decision) -> None:
    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        group.create_task(desk.ask("c1"))
        await asyncio.sleep(1000)
        assert [event.call_id for event in desk.events] == ["c1"]
        assert desk.approvals.pending == tuple(desk.events)
        assert desk.decisions == {}
        desk.approvals.decide("c1", decision)
        assert desk.approvals.pending == ()

    assert play(scene).decisions == {"c1": decision}


def test_a_decision_may_be_made_while_the_event_is_published() -> None:
    async def main() -> Decision:
        approvals = Approvals(lambda event: approvals.decide(event, YES))
        return await approvals.ask(request("c1"), timeout_s=None)

    assert run(main()) is YES


def test_nobody_decides_in_time() -> None:
    async def scene(desk: Desk, _group: asyncio.TaskGroup) -> None:
        await desk.ask("c1", timeout_s=2.5)
        assert asyncio.get_running_loop().time() >= 2.5
        with pytest.raises(ConfigurationError, match="'c1' was rejected, because nobody decided in time"):
            desk.approvals.decide("c1", YES)

    decision = play(scene).decisions["c1"]
    assert decision.timed_out
    assert not decision.approved
    assert decision.message == "Tool 'refund' was not run: nobody approved it within 2.5 s."


def test_a_decision_at_the_last_moment_counts() -> None:
    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        group.create_task(desk.ask("c1", timeout_s=2))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_at(2, desk.approvals.decide, "c1", YES)

    assert play(scene).decisions == {"c1": YES}


def test_who_is_cancelled_while_asking_waits_no_more() -> None:
    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        task = group.create_task(desk.ask("c1"))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.sleep(0)
        assert desk.approvals.pending == ()

    assert play(scene).decisions == {}


def test_a_decision_is_refused_that_decides_nothing() -> None:
    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        with pytest.raises(ConfigurationError, match="no call 'c9' waits for approval; no call is waiting"):
            desk.approvals.decide("c9", YES)
        for call_id in ("c1", "c2", "c3"):
            group.create_task(desk.ask(call_id))
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match=r"no call 'c9' .*; waiting: 'c1', 'c2', 'c3'"):
            desk.approvals.decide("c9", YES)
        desk.approvals.decide("c1", YES)
        with pytest.raises(ConfigurationError, match="'c1' was decided already; waiting: 'c2', 'c3'"):
            desk.approvals.decide("c1", NO)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.approvals.decide("c2", NO)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(ConfigurationError, match="call 'c1' was approved; waiting: 'c3'"):
            desk.approvals.decide("c1", YES)
        desk.approvals.decide("c3", YES)
        with pytest.raises(ConfigurationError, match="call 'c2' was rejected; no call is waiting"):
            desk.approvals.decide("c2", YES)

    assert play(scene).decisions == {"c1": YES, "c2": NO, "c3": YES}


def test_a_decision_for_always_holds_for_later_calls_of_that_tool() -> None:
    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        group.create_task(desk.ask("c1"))
        group.create_task(desk.ask("c2"))
        group.create_task(desk.ask("c3", "cancel_order"))
        await asyncio.sleep(0)
        assert desk.approvals.remembered("refund") is None
        desk.approvals.decide("c1", YES, always=True)
        assert desk.approvals.remembered("refund") is YES
        assert [event.call_id for event in desk.approvals.pending] == ["c2", "c3"]
        desk.approvals.decide("c2", NO)
        assert desk.approvals.remembered("refund") is YES
        desk.approvals.decide("c3", NO, always=True)
        assert desk.approvals.remembered("cancel_order") is NO

    assert play(scene).decisions == {"c1": YES, "c2": NO, "c3": NO}


def test_the_memory_of_decisions_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals_module, "REMEMBERED_DECISIONS", 1)

    async def scene(desk: Desk, group: asyncio.TaskGroup) -> None:
        for call_id in ("c1", "c2"):
            group.create_task(desk.ask(call_id))
            await asyncio.sleep(0)
            desk.approvals.decide(call_id, YES)
        await asyncio.sleep(1)
        with pytest.raises(ConfigurationError, match="no call 'c1' waits"):
            desk.approvals.decide("c1", YES)
        with pytest.raises(ConfigurationError, match="'c2' was approved"):
            desk.approvals.decide("c2", YES)

    play(scene)


@pytest.mark.parametrize(
    "call",
    [
        "c1",
        request("c1"),
        FunctionCallItem(call_id="c1", name="refund", arguments="{}"),
        {"type": "function_call", "call_id": "c1"},
    ],
)
def test_a_call_is_named_by_whatever_has_its_id(call: object) -> None:
    assert call_id_of(call) == "c1"


@pytest.mark.parametrize(
    "call",
    [
        7,
        None,
        {},
        {"call_id": 7},
        FunctionCallItem(name="refund", arguments="{}"),
        SimpleNamespace(call_id=b"c1"),
    ],
)
def test_what_has_no_call_id_names_no_call(call: object) -> None:
    with pytest.raises(ConfigurationError, match=r"a call is named by its call id, .* got"):
        call_id_of(call)


def told(decision: Decision, formatter: Any = None) -> tuple[str, list[Any]]:
    context = ToolContext("user", call_id="c1", tool_name="refund")
    desk = Desk(formatter)
    return run(desk.approvals.message(decision, context)), desk.events


def test_a_message_goes_before_the_formatter_and_the_formatter_before_the_default() -> None:
    def formatter(args: ToolErrorFormatterArgs) -> str:
        assert (args.kind, args.tool_type, args.error) == ("approval_rejected", "function", None)
        assert (args.tool_name, args.call_id, args.run_context.context) == ("refund", "c1", "user")
        return f"Sorry: {args.default_message}"

    async def later(args: ToolErrorFormatterArgs) -> str | None:
        return formatter(args)

    def none(_args: ToolErrorFormatterArgs) -> None:
        return None

    assert told(Decision(approved=False, message="no"), formatter) == ("no", [])
    assert told(Decision(approved=False, message=""), formatter) == ("", [])
    assert told(NO, formatter) == (f"Sorry: {REJECTED}", [])
    assert told(NO, later) == (f"Sorry: {REJECTED}", [])
    assert told(NO, none) == (REJECTED, [])
    assert told(NO) == (REJECTED, [])


def raises(_args: ToolErrorFormatterArgs) -> str:
    raise ValueError("lost for words")


def hangs(_args: ToolErrorFormatterArgs) -> Awaitable[str]:
    return asyncio.Event().wait()  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("formatter", "reason"),
    [
        (raises, "lost for words"),
        (hangs, "it took longer than 5 s"),
        (lambda _: 7, "it must return a text or None, got 7"),
    ],
)
def test_a_formatter_that_fails_is_an_error_and_the_model_is_told_all_the_same(
    formatter: Any, reason: str
) -> None:
    text, (event,) = told(NO, formatter)
    assert text == REJECTED
    assert isinstance(event, RealtimeError)
    assert isinstance(event.error, ToolError)
    assert str(event.error) == f"tool_error_formatter failed: {reason}"
    assert (event.error.tool_name, event.error.call_id) == ("refund", "c1")
