from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import (
    RealtimeAgent,
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    function_tool,
    tool_input_guardrail,
)
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.session import tool_calls
from vivavoce.session.approvals import REJECTED, ToolErrorFormatterArgs
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.tool_calls.conftest import Bench

AtBench = Callable[..., Coroutine[Any, Any, Any]]


@function_tool
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return f"waited {seconds:g}"


@function_tool(needs_approval=True)
async def refund(amount: int) -> str:
    """Give money back."""
    return f"refunded {amount}"


@function_tool(needs_approval=True, approval_timeout=20)
async def cancel_order() -> str:
    """Cancel."""
    return "cancelled"


def test_a_call_waits_until_it_is_approved(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        await bench.call("c2", "wait", seconds=1)
        await asyncio.sleep(100_000)
        (event,) = bench.calls.pending_approvals
        assert (event.agent, event.tool, event.call_id) == (bench.owner.agent, refund, "c1")
        assert event.arguments == '{"amount": 5}'
        bench.calls.approve("c1")
        await asyncio.sleep(1)
        assert bench.calls.pending_approvals == ()

    bench = run(at_bench(play, refund, wait))
    assert bench.steps == [
        *("waits c1", "tool_approval_required c1"),
        *("tool_start c2", "output c2", "tool_end c2"),
        *("decided c1", "tool_start c1", "output c1", "tool_end c1"),
    ]
    assert bench.outputs["output c1"] == "refunded 5"


def test_a_rejected_call_is_not_run_and_the_model_is_told(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        bench.calls.reject(bench.events[0])
        await asyncio.sleep(0.1)
        await bench.call("c2", "refund", amount=6)
        bench.calls.reject("c2", message="Not above 5.")
        await asyncio.sleep(0.1)

    bench = run(at_bench(play, refund))
    assert bench.steps == [
        *("waits c1", "tool_approval_required c1", "decided c1", "output c1", "tool_end c1"),
        *("waits c2", "tool_approval_required c2", "decided c2", "output c2", "tool_end c2"),
    ]
    assert bench.outputs == {"output c1": REJECTED, "output c2": "Not above 5."}
    assert [event.output for event in bench.events if event.type == "tool_end"] == [REJECTED, "Not above 5."]


def test_the_run_may_word_its_rejections(at_bench: AtBench) -> None:
    def formatter(args: ToolErrorFormatterArgs) -> str:
        assert isinstance(args.run_context, ToolContext)
        return f"{args.tool_name} of {args.call_id} for {args.run_context.context}: {args.default_message}"

    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        bench.calls.reject("c1")
        await asyncio.sleep(0.1)

    bench = run(at_bench(play, refund, tool_error_formatter=formatter))
    assert bench.outputs == {"output c1": f"refund of c1 for Kim: {REJECTED}"}


@pytest.mark.parametrize(
    ("decide", "later"),
    [
        (lambda calls: calls.approve("c1", always=True), "refunded 6"),
        (lambda calls: calls.reject("c1", always=True, message="never"), "never"),
    ],
)
def test_a_decision_may_hold_for_always(at_bench: AtBench, decide: Callable[[Any], None], later: str) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        decide(bench.calls)
        await bench.call("c2", "refund", amount=6)
        assert bench.outputs["output c2"] == later
        await bench.call("c3", "cancel_order")

    steps = run(at_bench(play, refund, cancel_order)).steps
    assert "tool_approval_required c2" not in steps
    assert steps[-1] == "tool_approval_required c3"


def test_a_decision_needs_a_call_that_waits(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        with pytest.raises(ConfigurationError, match=r"'c7' waits for approval; waiting: 'c1'"):
            bench.calls.approve("c7")
        bench.calls.approve("c1")
        with pytest.raises(ConfigurationError, match="'c1' was decided already"):
            bench.calls.reject("c1")

    run(at_bench(play, refund))


@pytest.mark.parametrize(
    ("name", "limit", "seconds"), [("refund", 7, 7), ("cancel_order", 7, 20), ("cancel_order", None, 20)]
)
def test_nobody_decides_in_time(at_bench: AtBench, name: str, limit: float | None, seconds: float) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", name, **({"amount": 5} if name == "refund" else {}))
        await asyncio.sleep(seconds - 0.2)
        assert bench.outputs == {}
        await asyncio.sleep(0.2)

    bench = run(at_bench(play, refund, cancel_order, approval_timeout_s=limit))
    assert bench.outputs == {
        "output c1": f"Tool {name!r} was not run: nobody approved it within {seconds:g} s."
    }
    assert bench.errors == [bench.outputs["output c1"]]
    assert "decided c1" not in bench.steps


def test_a_function_says_which_calls_want_approval(at_bench: AtBench) -> None:
    def large(_context: Any, arguments: dict[str, Any], call_id: str) -> bool:
        assert call_id in {"c1", "c2"}
        return bool(arguments["amount"] > 5)

    @function_tool(needs_approval=large)
    async def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    async def play(bench: Bench) -> None:
        await bench.call("c1", "pay", amount=5)
        await bench.call("c2", "pay", amount=6)

    bench = run(at_bench(play, pay))
    assert bench.steps == [
        "tool_start c1",
        "output c1",
        "tool_end c1",
        "waits c2",
        "tool_approval_required c2",
    ]


@tool_input_guardrail
def no_fortunes(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    """Let nobody ask for much."""
    if len(data.context.arguments) > len('{"amount": 99}'):
        return ToolGuardrailFunctionOutput.reject_content("Ask for less.")
    return ToolGuardrailFunctionOutput.allow()


@pytest.mark.parametrize("before", [True, False])
def test_guardrails_may_run_before_anybody_is_asked(at_bench: AtBench, before: bool) -> None:
    @function_tool(needs_approval=True, tool_input_guardrails=[no_fortunes])
    async def pay(amount: int) -> str:
        """Pay."""
        return f"paid {amount}"

    async def play(bench: Bench) -> None:
        await bench.call("c1", "pay", amount=1000)
        assert [event.call_id for event in bench.calls.pending_approvals] == ([] if before else ["c1"])
        if not before:
            bench.calls.approve("c1")
        await bench.call("c2", "pay", amount=1)
        bench.calls.approve("c2")
        await asyncio.sleep(0.1)

    bench = run(at_bench(play, pay, pre_approval_tool_input_guardrails=before))
    assert bench.outputs == {"output c1": "Ask for less.", "output c2": "paid 1"}
    assert bench.errors == []


def test_more_calls_than_the_bound_do_not_wait(at_bench: AtBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_calls, "WAITING_AT_ONCE", 1)

    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        await bench.call("c2", "refund", amount=6)

    bench = run(at_bench(play, refund))
    assert bench.outputs == {
        "output c2": "Tool 'refund' was not run: 1 calls are waiting for approval already."
    }
    assert bench.errors == [bench.outputs["output c2"]]
    assert "tool_approval_required c2" not in bench.steps


def test_who_waits_lets_others_run_that_run_one_after_another(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        await bench.call("c2", "wait", seconds=10)
        bench.calls.approve("c1")
        await asyncio.sleep(1)
        await bench.call("c3", "wait", seconds=1)
        await asyncio.sleep(20)

    bench = run(at_bench(play, refund, wait, async_tool_calls=False))
    starts = [step for step in bench.steps if step.startswith("tool_start")]
    assert starts == ["tool_start c2", "tool_start c1", "tool_start c3"]
    assert list(bench.outputs) == ["output c2", "output c1", "output c3"]


def test_a_tool_of_another_agent_by_the_same_name_wants_no_approval(at_bench: AtBench) -> None:
    other = RealtimeAgent[Any]("Bob", tools=[function_tool(name_override="refund")(lambda: "nothing")])

    async def play(bench: Bench) -> None:
        await bench.call("c1", "refund", amount=5)
        bench.calls.reject("c1", always=True)
        bench.owner = type(bench.owner)(other, {"refund": other.tools[0]}, None, bench.owner.usage)  # type: ignore[dict-item]
        await bench.call("c2", "refund")
        await asyncio.sleep(1)

    assert run(at_bench(play, refund)).outputs["output c2"] == "nothing"


def test_the_errors_of_approval_name_the_call(at_bench: AtBench) -> None:
    async def play(bench: Bench) -> None:
        await bench.call("c1", "cancel_order")
        await asyncio.sleep(30)

    (error,) = [event.error for event in run(at_bench(play, cancel_order)).events if event.type == "error"]
    assert isinstance(error, ToolError)
    assert (error.tool_name, error.call_id) == ("cancel_order", "c1")
