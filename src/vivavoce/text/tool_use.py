"""What the results of tools lead to: another answer of the model, or the end of the run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from vivavoce.errors import ConfigurationError
from vivavoce.text.items import FunctionToolResult

if TYPE_CHECKING:
    from vivavoce.agents import RunContextWrapper


class StopAtTools(TypedDict):
    """Ends the run when one of these tools has run.

    Attributes:
        stop_at_tool_names: their names.
    """

    stop_at_tool_names: list[str]


@dataclass(slots=True)
class ToolsToFinalOutputResult:
    """What a `tool_use_behavior` function decides.

    Attributes:
        is_final_output: whether the run ends here.
        final_output: its output then.
    """

    is_final_output: bool
    final_output: Any = None


ToolsToFinalOutputFunction: TypeAlias = Callable[
    ["RunContextWrapper[Any]", list[FunctionToolResult]],
    ToolsToFinalOutputResult | Awaitable[ToolsToFinalOutputResult],
]
ToolUseBehavior: TypeAlias = (
    Literal["run_llm_again", "stop_on_first_tool"] | StopAtTools | Sequence[str] | ToolsToFinalOutputFunction
)


def check_tool_use(given: object) -> ToolUseBehavior:
    """Return a `tool_use_behavior`; a list of names becomes a `StopAtTools`.

    Raises:
        ConfigurationError: it has none of the four forms.
    """
    if given in ("run_llm_again", "stop_on_first_tool") or callable(given):
        return given
    names = given.get("stop_at_tool_names") if isinstance(given, Mapping) else given
    if (
        not isinstance(names, str)
        and isinstance(names, Sequence)
        and all(isinstance(name, str) for name in names)
    ):
        return StopAtTools(stop_at_tool_names=list(names))
    raise ConfigurationError(
        "tool_use_behavior must be 'run_llm_again', 'stop_on_first_tool', "
        "StopAtTools(stop_at_tool_names=[…]), a list of tool names or a function (context, results), "
        f"got {given!r}"
    )


async def final_output(
    behavior: ToolUseBehavior, context: RunContextWrapper[Any], results: Sequence[FunctionToolResult]
) -> ToolsToFinalOutputResult:
    """Return what the results of one answer's calls lead to.

    Args:
        behavior: the agent's, as `check_tool_use` returns it.
        context: the run.
        results: in the order of the calls; none leads to nothing.

    Raises:
        ConfigurationError: the agent's function returned something else than a `ToolsToFinalOutputResult`.
        Exception: whatever that function raised.
    """
    if not results or behavior == "run_llm_again":
        return ToolsToFinalOutputResult(is_final_output=False)
    if behavior == "stop_on_first_tool":
        return ToolsToFinalOutputResult(is_final_output=True, final_output=results[0].output)
    if callable(behavior):
        decided: object = behavior(context, list(results))
        if inspect.isawaitable(decided):
            decided = await decided
        if not isinstance(decided, ToolsToFinalOutputResult):
            raise ConfigurationError(
                f"tool_use_behavior must return a ToolsToFinalOutputResult, got {decided!r}"
            )
        return decided
    names = behavior["stop_at_tool_names"]  # type: ignore[call-overload]
    for result in results:
        if result.tool.name in names:
            return ToolsToFinalOutputResult(is_final_output=True, final_output=result.output)
    return ToolsToFinalOutputResult(is_final_output=False)
