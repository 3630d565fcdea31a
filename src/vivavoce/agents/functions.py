"""`function_tool`: a function as something an agent can do."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from vivavoce.agents.schema import FunctionSchema, function_schema
from vivavoce.agents.threads import call
from vivavoce.agents.tool import Approval, Enabled, FailureMessage, FunctionTool, TimeoutBehavior
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents.context import ToolContext
    from vivavoce.agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail


logger = logging.getLogger(__name__)


class ToolOptions(TypedDict, total=False):
    """What `function_tool` may be told of a tool. All but the first four are described at `FunctionTool`.

    Attributes:
        name_override: name for the model, instead of the function's; spaces in it become ``_``.
        description_override: description for the model, instead of the docstring's.
        use_docstring_info: take descriptions from the docstring; the default.
        strict_mode: `FunctionTool.strict_json_schema`.
        failure_error_function: writes the output for the model when a call fails.
        is_enabled: whether the model sees the tool.
        needs_approval: whether a call waits for a person's approval.
        approval_timeout: seconds a call waits for it.
        tool_input_guardrails: checks before a call.
        tool_output_guardrails: checks after a call.
        timeout: seconds a call may take. A thread cannot be stopped: a plain function runs on, its result
            unused.
        timeout_behavior: what a call that took too long counts as.
        timeout_error_function: writes the output for the model then.
        background: the conversation goes on while the tool runs.
    """

    name_override: str | None
    description_override: str | None
    use_docstring_info: bool
    strict_mode: bool
    failure_error_function: FailureMessage | None
    is_enabled: Enabled
    needs_approval: Approval
    approval_timeout: float | None
    tool_input_guardrails: Sequence[ToolInputGuardrail[Any]] | None
    tool_output_guardrails: Sequence[ToolOutputGuardrail[Any]] | None
    timeout: float | None
    timeout_behavior: TimeoutBehavior
    timeout_error_function: FailureMessage | None
    background: bool


@overload
def function_tool(function: Callable[..., Any], /, **options: Unpack[ToolOptions]) -> FunctionTool: ...


@overload
def function_tool(**options: Unpack[ToolOptions]) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def function_tool(
    function: Callable[..., Any] | None = None, /, **options: Unpack[ToolOptions]
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function: ``@function_tool``, ``@function_tool(timeout=5)``, ``function_tool(f)``.

    The model sees the function's name, its docstring and its parameters: types from the hints, descriptions
    from ``Annotated[str, "…"]``, ``Field(description="…")`` or the docstring. Its arguments are checked
    strictly. A tool without a description, or with a parameter without a hint, is logged as a warning. A
    first parameter hinted `ToolContext` or `RunContextWrapper` receives the context and is not shown to the
    model. An async function runs on the event loop, a plain function in one of 32 threads that all sessions
    share; when they are all busy the call fails at once. Use async functions for long waits.

    Args:
        function: plain or async.
        options: see `ToolOptions`.

    Raises:
        ConfigurationError: the function cannot be described to a model, the message names the parameter; or
            an option is unknown or has a wrong value.
    """
    for name in options:
        if name not in ToolOptions.__annotations__:
            raise ConfigurationError(
                f"function_tool has no option {name!r}; it has: {', '.join(ToolOptions.__annotations__)}"
            )
    decorate = functools.partial(_make, options=options)
    return decorate if function is None else decorate(function)


def _make(target: Callable[..., Any], *, options: ToolOptions) -> FunctionTool:
    if not callable(target):
        raise ConfigurationError(f"function_tool takes a function, got {target!r}")
    rest: dict[str, Any] = dict(options)
    schema = function_schema(target, use_docstring=rest.pop("use_docstring_info", True))
    name, description = rest.pop("name_override", None), rest.pop("description_override", None)
    if "strict_mode" in rest:
        rest["strict_json_schema"] = rest.pop("strict_mode")
    described = schema.description if description is None else description
    _warn_of_gaps(schema, described=bool(described))
    for guardrails in ("tool_input_guardrails", "tool_output_guardrails"):
        rest[guardrails] = rest.get(guardrails) or ()

    async def invoke(context: ToolContext[Any], arguments: str) -> Any:
        given = schema.parse(arguments)
        first = (context,) if schema.takes_context else ()
        return await call(functools.partial(target, *first, **given), purpose="tool")

    return FunctionTool(
        schema.name if name is None else name.replace(" ", "_") if isinstance(name, str) else name,
        described,
        schema.parameters,
        invoke,
        **rest,
    )


def _warn_of_gaps(schema: FunctionSchema, *, described: bool) -> None:
    """Log what a model will not know of a tool, once for the tool."""
    gaps = [] if described else ["it has no docstring, so a model cannot know what it is for"]
    if schema.unhinted:
        names = ", ".join(map(repr, schema.unhinted))
        gaps.append(f"no type hint says what goes into {names}, so a model may pass anything")
    if gaps:
        logger.warning("Tool %r: %s", schema.name, "; ".join(gaps))
