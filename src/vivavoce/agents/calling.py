"""One call of a tool, from its arguments to the text that the model gets. It never fails its caller."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from vivavoce.agents.limits import TookTooLongError, within
from vivavoce.agents.results import BackgroundResult, sendable, to_text
from vivavoce.agents.tool_guardrails import (
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolInputGuardrailResult,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    ToolOutputGuardrailResult,
)
from vivavoce.errors import ToolError

if TYPE_CHECKING:
    from vivavoce.agents.base import AgentBase
    from vivavoce.agents.context import RunContextWrapper, ToolContext
    from vivavoce.agents.tool import FunctionTool

logger = logging.getLogger(__name__)

T = TypeVar("T")

DECISION_S = 10.0
"""Seconds that a user's `is_enabled` or `needs_approval` may take."""


@dataclass(slots=True)
class CallResult:
    """How one call of a tool ended.

    Attributes:
        output: what the tool returned, or `text` where it returned nothing of use.
        text: what the model gets, whatever happened.
        respond: whether the model is to speak of it.
        error: what went wrong, or ``None``.
        raised: whether the error is one that its owner asked not to be contained: it ends a text agent's run.
        guardrail_results: what the tool's guardrails found.
    """

    output: Any
    text: str
    respond: bool = True
    error: Exception | None = None
    raised: bool = False
    guardrail_results: list[ToolInputGuardrailResult | ToolOutputGuardrailResult] = field(
        default_factory=list
    )


async def call_tool(tool: FunctionTool, context: ToolContext[Any], *, timeout_s: float) -> CallResult:
    """Run one call: its input guardrails, the tool, its output guardrails.

    Args:
        tool: what to run.
        context: the call.
        timeout_s: seconds the tool may take where it sets no limit of its own; each of its guardrails too.

    Returns:
        How it ended. Nothing that the tool or its guardrails do is raised here.
    """
    seconds = timeout_s if tool.timeout is None else tool.timeout
    result = CallResult(None, "")
    if await _stopped_before(result, tool, context, seconds):
        return result
    try:
        result.output = await within(seconds, tool.invoke(context, context.arguments))
        if isinstance(result.output, BackgroundResult):
            result.output, result.respond = result.output.content, False
        result.text = to_text(result.output)
    except Exception as error:  # noqa: BLE001  # whatever a tool does, the model gets an output
        await _failed(result, tool, context, error, seconds)
    else:
        await _check_output(result, tool, context, seconds)
    return result


async def check_arguments(
    tool: FunctionTool, context: ToolContext[Any], *, timeout_s: float
) -> CallResult | None:
    """Run a tool's input guardrails alone, for example before a person is asked to approve the call.

    Args:
        tool: what is to be called.
        context: the call.
        timeout_s: seconds each guardrail may take, where the tool sets no limit of its own.

    Returns:
        The result of the call if a guardrail ends it; ``None`` if it may run.
    """
    result = CallResult(None, "")
    seconds = timeout_s if tool.timeout is None else tool.timeout
    return result if await _stopped_before(result, tool, context, seconds) else None


async def wants_approval(tool: FunctionTool, context: ToolContext[Any]) -> bool:
    """Tell whether a person has to approve a call. A `needs_approval` that fails means yes."""
    if isinstance(tool.needs_approval, bool):
        return tool.needs_approval
    try:
        parsed = json.loads(context.arguments or "{}")
    except (ValueError, RecursionError):
        parsed = {}
    # What is no dictionary will be refused by the tool; the person is asked about none.
    arguments = parsed if isinstance(parsed, dict) else {}
    try:
        return bool(await _ask(tool.needs_approval, context, arguments, context.call_id))
    except Exception:
        logger.exception("A needs_approval failed; the call has to be approved", extra={"tool": tool.name})
        return True


async def is_enabled(tool: Any, context: RunContextWrapper[Any], agent: AgentBase[Any]) -> bool:
    """Tell whether a tool or a handoff is enabled now. An `is_enabled` that fails means no."""
    setting = getattr(tool, "is_enabled", True)
    if isinstance(setting, bool):
        return setting
    try:
        return bool(await _ask(setting, context, agent))
    except Exception:
        logger.exception("An is_enabled failed; the tool is left out", extra={"tool": tool.name})
        return False


async def enabled(tools: Sequence[T], context: RunContextWrapper[Any], agent: AgentBase[Any]) -> list[T]:
    """Return the tools or handoffs that are enabled now, in their order. All are asked at the same time."""
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(is_enabled(tool, context, agent)) for tool in tools]
    return [tool for tool, answer in zip(tools, asked, strict=True) if answer.result()]


async def _ask(function: Callable[..., Any], *args: Any) -> Any:
    answer = function(*args)
    return await within(DECISION_S, answer) if inspect.isawaitable(answer) else answer


async def _stopped_before(
    result: CallResult, tool: FunctionTool, context: ToolContext[Any], seconds: float
) -> bool:
    data = ToolInputGuardrailData(context, context.agent)
    for guardrail in tool.tool_input_guardrails:
        if await _stopped_by(guardrail, data, result, tool, seconds):
            return True
    return False


async def _check_output(
    result: CallResult, tool: FunctionTool, context: ToolContext[Any], seconds: float
) -> None:
    data = ToolOutputGuardrailData(context, context.agent, result.output)
    for guardrail in tool.tool_output_guardrails:
        if await _stopped_by(guardrail, data, result, tool, seconds):
            return


async def _stopped_by(
    guardrail: ToolInputGuardrail[Any] | ToolOutputGuardrail[Any],
    data: Any,
    result: CallResult,
    tool: FunctionTool,
    seconds: float,
) -> bool:
    """Run one guardrail; write what the model gets instead if it does not allow the call or its result."""
    name = guardrail.get_name()
    try:
        verdict: ToolGuardrailFunctionOutput = await within(seconds, guardrail.run(data))
    except Exception as error:  # noqa: BLE001  # a check that fails must not let anything through
        result.text = f"The check of tool {tool.name!r} failed, so there is no result."
        result.error = _failure(data.context, f"guardrail {name!r} failed: {_reason(error)}", error)
    else:
        result.guardrail_results.append(
            ToolInputGuardrailResult(guardrail, verdict)
            if isinstance(guardrail, ToolInputGuardrail)
            else ToolOutputGuardrailResult(guardrail, verdict)
        )
        behavior = verdict.behavior
        if behavior["type"] == "allow":
            return False
        if behavior["type"] == "reject_content":
            result.text = behavior["message"]
        else:
            result.text = f"Tool {tool.name!r} was stopped by a check, so there is no result."
            result.error = _failure(data.context, f"guardrail {name!r} stopped it")
            result.raised = True
    result.output = result.text
    return True


async def _failed(
    result: CallResult, tool: FunctionTool, context: ToolContext[Any], error: Exception, seconds: float
) -> None:
    """Write what the model gets of a tool that failed."""
    reason = _reason(error)
    try:
        result.text = sendable(await within(seconds, tool.describe_failure(context, error)))
    except Exception as second:  # noqa: BLE001  # the user's own error function may fail too
        result.text = "The tool failed."
        reason = f"{reason}; its error function failed too: {_reason(second)}"
    result.output, result.respond = result.text, True
    result.error = _failure(context, reason, error)
    if isinstance(error, TookTooLongError):
        result.raised = tool.timeout_behavior == "raise_exception"
    else:
        result.raised = tool.failure_error_function is None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _failure(context: ToolContext[Any], complaint: str, cause: Exception | None = None) -> ToolError:
    failure = ToolError(
        f"tool {context.tool_name!r} failed: {complaint}",
        tool_name=context.tool_name,
        call_id=context.call_id,
    )
    failure.__cause__ = cause
    return failure
