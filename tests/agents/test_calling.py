from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import (
    CallResult,
    FunctionTool,
    HostedMCPTool,
    RealtimeAgent,
    RunContextWrapper,
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    background_result,
    call_tool,
    check_arguments,
    function_tool,
    is_enabled,
    wants_approval,
)
from vivavoce.agents.calling import DECISION_S, enabled
from vivavoce.agents.limits import TookTooLongError
from vivavoce.errors import ToolError
from vivavoce.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ADA = RealtimeAgent[Any]("Ada")


def context_of(tool: FunctionTool, arguments: str = "{}") -> ToolContext[Any]:
    return ToolContext(None, call_id="call_1", tool_name=tool.name, arguments=arguments, agent=ADA)


def call(tool: FunctionTool, arguments: str = "{}", timeout_s: float = 5) -> CallResult:
    return run(call_tool(tool, context_of(tool, arguments), timeout_s=timeout_s))


def making(work: Callable[[], Coroutine[Any, Any, Any]], **options: Any) -> FunctionTool:
    """A tool named ``work`` that does this."""

    async def invoke(_context: ToolContext[Any], _arguments: str) -> Any:
        return await work()

    return FunctionTool("work", "Work.", on_invoke_tool=invoke, **options)


async def fine() -> dict[str, int]:
    return {"a": 1}


async def broken() -> None:
    raise ValueError("no such city")


async def slow() -> None:
    await asyncio.sleep(60)


def test_a_call_gives_the_result_and_its_text() -> None:
    result = call(making(fine))
    assert (result.output, result.text) == ({"a": 1}, '{"a":1}')
    assert (result.respond, result.error, result.raised, result.guardrail_results) == (True, None, False, [])


def test_a_background_result_asks_for_no_response() -> None:
    async def work() -> Any:
        return background_result({"a": 1})

    result = call(making(work))
    assert (result.output, result.text, result.respond) == ({"a": 1}, '{"a":1}', False)


def test_a_tool_that_raises_leaves_a_text_for_the_model_and_an_error_for_its_owner() -> None:
    result = call(making(broken))
    assert result.output == result.text
    assert result.text == "An error occurred while running the tool. Please try again. Error: no such city"
    assert isinstance(result.error, ToolError)
    assert str(result.error) == "tool 'work' failed: no such city"
    assert (result.error.tool_name, result.error.call_id) == ("work", "call_1")
    assert isinstance(result.error.__cause__, ValueError)
    assert (result.respond, result.raised) == (True, False)


def test_bad_arguments_are_told_to_the_model() -> None:
    @function_tool
    def weather(city: str) -> str:
        return city

    result = call(weather, '{"town": "Oslo"}')
    assert "bad arguments for weather: city: Field required" in result.text
    assert isinstance(result.error, ToolError)


def test_an_error_without_words_is_named() -> None:
    async def work() -> None:
        raise KeyError

    assert str(call(making(work)).error) == "tool 'work' failed: KeyError"


def test_without_an_error_function_the_owner_must_know() -> None:
    result = call(making(broken, failure_error_function=None))
    assert (result.text, result.raised) == ("The tool failed.", True)


def test_an_error_function_may_fail_too() -> None:
    def bad(_context: object, _error: object) -> str:
        raise ZeroDivisionError("twice")

    result = call(making(broken, failure_error_function=bad))
    assert (result.text, result.raised) == ("The tool failed.", False)
    assert str(result.error) == "tool 'work' failed: no such city; its error function failed too: twice"


@pytest.mark.parametrize(("own", "limit"), [(None, 5), (2, 2)])
def test_a_tool_that_takes_too_long_is_stopped(own: float | None, limit: int) -> None:
    async def main() -> tuple[CallResult, float]:
        tool = making(slow, timeout=own)
        return await call_tool(tool, context_of(tool), timeout_s=5), asyncio.get_running_loop().time()

    result, seconds = run(main())
    assert seconds == limit
    assert f"Tool 'work' timed out after {limit} seconds" in result.text
    assert str(result.error) == f"tool 'work' failed: it took longer than {limit} s"
    assert isinstance(result.error, ToolError)
    assert isinstance(result.error.__cause__, TookTooLongError)
    assert result.raised is False


@pytest.mark.parametrize(
    ("options", "text", "raised"),
    [
        ({"timeout_error_function": lambda _context, _error: "Late."}, "Late.", False),
        (
            {"failure_error_function": lambda _context, error: f"Sorry: {error}"},
            "Sorry: it took longer",
            False,
        ),
        ({"failure_error_function": None}, "timed out", False),
        ({"timeout_behavior": "raise_exception"}, "timed out", True),
    ],
)
def test_what_a_tool_that_takes_too_long_counts_as(options: dict[str, Any], text: str, raised: bool) -> None:
    result = call(making(slow, **options))
    assert text in result.text
    assert result.raised is raised


def test_a_timeout_error_of_the_tool_itself_is_a_failure_like_others() -> None:
    async def work() -> None:
        raise TimeoutError

    result = call(making(work, timeout_error_function=lambda _context, _error: "Late."))
    assert result.text == "Tool 'work' timed out. Say so, and offer to try again."


def test_a_tool_that_cancels_itself_still_answers() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    assert "cancelled from within" in call(making(work)).text


def test_a_call_that_is_cancelled_stays_cancelled() -> None:
    async def main() -> bool:
        tool = making(slow)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(call_tool(tool, context_of(tool), timeout_s=30))
            await asyncio.sleep(1)
            task.cancel()
        return task.cancelled()

    assert run(main()) is True


def test_a_result_that_cannot_be_written_is_a_failure() -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise ValueError("no words")

    async def work() -> Unprintable:
        return Unprintable()

    result = call(making(work))
    assert "no words" in result.text
    assert result.output == result.text


def before(verdict: ToolGuardrailFunctionOutput | Exception, name: str = "before") -> ToolInputGuardrail[Any]:
    async def check(_data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    return ToolInputGuardrail(check, name)


def after(verdict: ToolGuardrailFunctionOutput | Exception) -> ToolOutputGuardrail[Any]:
    async def check(_data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    return ToolOutputGuardrail(check, "after")


ALLOW = ToolGuardrailFunctionOutput.allow()
REJECT = ToolGuardrailFunctionOutput.reject_content("Not this.")
RAISE = ToolGuardrailFunctionOutput.raise_exception()


def test_guardrails_that_allow_are_only_noted() -> None:
    one, two = before(ALLOW), after(ALLOW)
    result = call(making(fine, tool_input_guardrails=[one], tool_output_guardrails=[two]))
    assert (result.text, result.error) == ('{"a":1}', None)
    assert [found.guardrail for found in result.guardrail_results] == [one, two]


def test_an_input_guardrail_that_rejects_keeps_the_tool_from_running() -> None:
    ran: list[bool] = []

    async def work() -> None:
        ran.append(True)

    result = call(making(work, tool_input_guardrails=[before(REJECT), before(RAISE, "never reached")]))
    assert (result.output, result.text, result.error) == ("Not this.", "Not this.", None)
    assert len(result.guardrail_results) == 1
    assert ran == []


def test_an_output_guardrail_that_rejects_replaces_the_result() -> None:
    result = call(making(fine, tool_output_guardrails=[after(ALLOW), after(REJECT), after(RAISE)]))
    assert (result.output, result.text, result.error) == ("Not this.", "Not this.", None)
    assert len(result.guardrail_results) == 2


def test_output_guardrails_see_what_the_tool_returned() -> None:
    seen: list[Any] = []

    def look(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        seen.append((data.output, data.agent, data.context.call_id))
        return ALLOW

    call(making(fine, tool_output_guardrails=[ToolOutputGuardrail(look)]))
    assert seen == [({"a": 1}, ADA, "call_1")]


@pytest.mark.parametrize("place", ["tool_input_guardrails", "tool_output_guardrails"])
def test_a_guardrail_may_have_the_call_count_as_an_error(place: str) -> None:
    guardrail: Any = before(RAISE) if place == "tool_input_guardrails" else after(RAISE)
    result = call(making(fine, **{place: [guardrail]}))
    assert result.raised is True
    assert f"guardrail {guardrail.get_name()!r} stopped it" in str(result.error)
    assert result.text == "Tool 'work' was stopped by a check, so there is no result."


@pytest.mark.parametrize("place", ["tool_input_guardrails", "tool_output_guardrails"])
def test_a_guardrail_that_fails_lets_nothing_through(place: str) -> None:
    error = ValueError("bad check")
    guardrail: Any = before(error) if place == "tool_input_guardrails" else after(error)
    result = call(making(fine, **{place: [guardrail]}))
    assert result.text == "The check of tool 'work' failed, so there is no result."
    assert str(result.error) == f"tool 'work' failed: guardrail {guardrail.get_name()!r} failed: bad check"
    assert result.error is not None
    assert result.error.__cause__ is error
    assert result.raised is False


def test_a_guardrail_that_hangs_lets_nothing_through() -> None:
    async def hang(_data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        await asyncio.sleep(60)
        return ALLOW

    result = call(making(fine, tool_input_guardrails=[ToolInputGuardrail(hang)]), timeout_s=3)
    assert "guardrail 'hang' failed: it took longer than 3 s" in str(result.error)


@pytest.mark.parametrize(("verdict", "text"), [(REJECT, "Not this."), (ALLOW, None)])
def test_arguments_can_be_checked_alone(verdict: ToolGuardrailFunctionOutput, text: str | None) -> None:
    tool = making(broken, tool_input_guardrails=[before(verdict)])
    result = run(check_arguments(tool, context_of(tool), timeout_s=5))
    assert (result and result.text) == text


async def _yes(_context: object, *_rest: object) -> bool:
    return True


async def _never(_context: object, *_rest: object) -> bool:
    await asyncio.sleep(10 * DECISION_S)
    return True


def _fails(_context: object, *_rest: object) -> bool:
    raise ValueError("cannot decide")


@pytest.mark.parametrize(
    ("setting", "asked"),
    [
        (True, True),
        (False, False),
        (_yes, True),
        (lambda _context, arguments, call_id: (arguments, call_id) == ({"n": 3}, "call_1"), True),
        (lambda _context, _arguments, _call_id: 0, False),
        (_fails, True),
        (_never, True),
    ],
)
def test_approval_is_wanted_when_the_tool_says_so_or_cannot_say(setting: Any, asked: bool) -> None:
    tool = making(fine, needs_approval=setting)
    assert run(wants_approval(tool, context_of(tool, '{"n": 3}'))) is asked


@pytest.mark.parametrize("arguments", ["", "[3]", "{", "null", "[" * 100_000])
def test_arguments_that_are_no_dictionary_are_asked_about_as_none(arguments: str) -> None:
    tool = making(fine, needs_approval=lambda _context, given, _call_id: given == {})
    assert run(wants_approval(tool, context_of(tool, arguments))) is True


def test_a_needs_approval_that_changes_its_arguments_changes_only_its_own() -> None:
    tool = making(fine, needs_approval=lambda _context, given, _call_id: bool(given.pop("n")))
    context = context_of(tool, '{"n": 3}')
    assert run(wants_approval(tool, context)) is True
    assert json.loads(context.arguments) == {"n": 3}


@pytest.mark.parametrize(
    ("setting", "expected", "logged"),
    [
        (True, True, 0),
        (False, False, 0),
        (_yes, True, 0),
        (lambda context, agent: (context.context, agent) == ("mine", ADA), True, 0),
        (_fails, False, 1),
        (_never, False, 1),
    ],
)
def test_a_tool_is_enabled_when_it_says_so(
    setting: Any, expected: bool, logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    tool = making(fine, is_enabled=setting)
    assert run(is_enabled(tool, RunContextWrapper("mine"), ADA)) is expected
    assert len(caplog.records) == logged


def test_a_hosted_tool_is_always_enabled() -> None:
    tool = HostedMCPTool("docs", "https://example.org/mcp")
    assert run(is_enabled(tool, RunContextWrapper(None), ADA)) is True


def test_all_tools_are_asked_at_the_same_time_and_keep_their_order() -> None:
    @dataclass
    class Offer:
        name: str
        is_enabled: Any

    async def later(_context: object, _agent: object) -> bool:
        await asyncio.sleep(2)
        return True

    async def main() -> tuple[list[str], float]:
        offers = [Offer("a", later), Offer("b", False), Offer("c", later), Offer("d", True)]
        left = await enabled(offers, RunContextWrapper(None), ADA)
        return [offer.name for offer in left], asyncio.get_running_loop().time()

    assert run(main()) == (["a", "c", "d"], 2)


def test_an_error_with_half_an_emoji_in_it_is_told_without_it() -> None:
    @function_tool
    def read_file() -> str:
        raise FileNotFoundError("no file named 'gr\udcfcn.txt'")

    assert call(read_file).text.endswith("no file named 'gr?n.txt'")
