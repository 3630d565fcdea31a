from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import FunctionTool, RunContextWrapper
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallOutputItem
from vivavoce.testing import run
from vivavoce.text import Agent
from vivavoce.text.items import FunctionToolResult, ToolCallOutputItem
from vivavoce.text.tool_use import ToolsToFinalOutputResult, check_tool_use, final_output

CONTEXT = RunContextWrapper(None)


async def nothing(context: Any, arguments: str) -> None:
    """Do nothing."""


def result(name: str, output: Any) -> FunctionToolResult:
    raw = FunctionCallOutputItem(call_id=name, output=str(output))
    tool = FunctionTool(name, "", on_invoke_tool=nothing)
    return FunctionToolResult(tool, output, ToolCallOutputItem(Agent("A"), raw, output))


RESULTS = [result("one", 1), result("two", 2)]


@pytest.mark.parametrize(
    ("behavior", "output"),
    [
        ("run_llm_again", None),
        ("stop_on_first_tool", 1),
        ({"stop_at_tool_names": ["two", "three"]}, 2),
        (["two", "one"], 1),
        (["three"], None),
    ],
)
def test_the_forms_that_need_no_function(behavior: Any, output: Any) -> None:
    decided = run(final_output(check_tool_use(behavior), CONTEXT, RESULTS))
    assert (decided.is_final_output, decided.final_output) == (output is not None, output)


def test_a_function_decides_plain_or_async() -> None:
    def plain(context: Any, results: list[FunctionToolResult]) -> ToolsToFinalOutputResult:
        assert context is CONTEXT
        return ToolsToFinalOutputResult(is_final_output=True, final_output=sum(r.output for r in results))

    async def later(context: Any, results: list[FunctionToolResult]) -> ToolsToFinalOutputResult:
        return plain(context, results)

    for behavior in (plain, later):
        assert run(final_output(check_tool_use(behavior), CONTEXT, RESULTS)).final_output == 3


def test_without_results_nothing_ends() -> None:
    assert not run(final_output("stop_on_first_tool", CONTEXT, [])).is_final_output


def test_a_function_must_return_a_decision() -> None:
    with pytest.raises(ConfigurationError, match="must return a ToolsToFinalOutputResult, got 7"):
        run(final_output(lambda *_: 7, CONTEXT, RESULTS))  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", ["stop", 3, {"names": []}, [1], {"stop_at_tool_names": "one"}])
def test_other_forms_are_refused(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="tool_use_behavior must be 'run_llm_again'"):
        check_tool_use(bad)
