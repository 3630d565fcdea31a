"""`FunctionTool`: something an agent can do. `HostedMCPTool`: something the model's server does for it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeAlias

from vivavoce import protocol
from vivavoce.agents.context import RunContextWrapper, ToolContext
from vivavoce.agents.hosted_mcp import HostedMCPTool
from vivavoce.agents.limits import TookTooLongError
from vivavoce.agents.tool_guardrails import ToolInputGuardrail, ToolOutputGuardrail
from vivavoce.errors import ConfigurationError

__all__ = [
    "Approval",
    "Enabled",
    "FailureMessage",
    "FunctionTool",
    "HostedMCPTool",
    "Invoke",
    "TimeoutBehavior",
    "Tool",
    "default_tool_error",
    "is_object_schema",
    "is_tool_name",
]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

Invoke: TypeAlias = Callable[[ToolContext[Any], str], Awaitable[Any]]
FailureMessage: TypeAlias = Callable[[ToolContext[Any], Exception], str | Awaitable[str]]
Enabled: TypeAlias = bool | Callable[[RunContextWrapper[Any], Any], bool | Awaitable[bool]]
"""A switch, or ``(context, agent)``, plain (runs on the event loop) or async."""
Approval: TypeAlias = bool | Callable[[ToolContext[Any], dict[str, Any], str], bool | Awaitable[bool]]
"""A switch, or ``(context, arguments, call_id)``, plain (runs on the event loop) or async."""
TimeoutBehavior: TypeAlias = Literal["error_as_result", "raise_exception"]


def default_tool_error(context: ToolContext[Any], error: Exception) -> str:
    """Tell the model what went wrong, so that it can try again or apologise."""
    if isinstance(error, TookTooLongError):
        limit = f"{error.seconds:g} seconds"
        return f"Tool {context.tool_name!r} timed out after {limit}. Say so, and offer to try again."
    if isinstance(error, TimeoutError):
        return f"Tool {context.tool_name!r} timed out. Say so, and offer to try again."
    return f"An error occurred while running the tool. Please try again. Error: {error}"


def is_tool_name(value: object) -> bool:
    """Tell whether a model can call something by this name: 1 to 64 letters, digits, ``_`` and ``-``."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def is_object_schema(value: object) -> bool:
    """Tell whether something is the JSON Schema of an object, as arguments are."""
    return isinstance(value, Mapping) and value.get("type") == "object"


def _empty_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


async def _no_function(_context: ToolContext[Any], _arguments: str) -> Any:
    """Stand for a function that was not given; a tool is never made with it."""


@dataclass(eq=False, slots=True)
class FunctionTool:
    """A tool and its schema. `function_tool` makes one from a function; write it by hand for the rest.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: what it does, in words for the model.
        params_json_schema: JSON Schema of the arguments, an object.
        on_invoke_tool: coroutine function ``(context, arguments)``; `arguments` is the JSON text as the model
            sent it. What it returns goes to the model as text (`to_text`).
        strict_json_schema: text agents ask the model to keep to the schema strictly (`strict_schema`). The
            Realtime API knows no such request.
        is_enabled: whether the model sees the tool: a switch, or a function ``(context, agent)``, plain or
            async, asked when the tools are declared, and in a voice session once more before each call: a
            call of a tool that is not enabled any more is not run, and the model is told. A plain one runs
            on the event loop.
        needs_approval: whether a call waits until a person approves it: a switch, or a function
            ``(context, arguments, call_id)`` with the arguments as a dictionary, plain or async.
        approval_timeout: seconds a call waits for approval; ``None`` is the session's default.
        tool_input_guardrails: checks of a call's arguments, in order, before the tool runs.
        tool_output_guardrails: checks of the result, in order, before the model gets it.
        background: in a voice session the conversation goes on while the tool runs; its result is spoken of
            when it comes and the person is not speaking.
        timeout: seconds a call may take; ``None`` is the session's default, 300.
        timeout_behavior: a call that took too long gives the model a text (``"error_as_result"``), or ends a
            text agent's run with an error (``"raise_exception"``; in a voice session an error event).
        timeout_error_function: ``(context, error) -> str``, plain or async: writes the output for the model
            when a call took too long; ``None`` leaves it to `failure_error_function`.
        failure_error_function: ``(context, error) -> str``, plain or async: writes the output for the model
            when a call fails. ``None`` tells the model no more than that the tool failed, and the failure
            ends a text agent's run.

    Raises:
        ConfigurationError: a field has a value that is not accepted.
    """

    name: str
    description: str
    params_json_schema: Mapping[str, Any] = field(default_factory=_empty_schema)
    on_invoke_tool: Invoke = _no_function
    strict_json_schema: bool = field(default=True, kw_only=True)
    is_enabled: Enabled = field(default=True, kw_only=True)
    needs_approval: Approval = field(default=False, kw_only=True)
    approval_timeout: float | None = field(default=None, kw_only=True)
    tool_input_guardrails: Sequence[ToolInputGuardrail[Any]] = field(default=(), kw_only=True)
    tool_output_guardrails: Sequence[ToolOutputGuardrail[Any]] = field(default=(), kw_only=True)
    background: bool = field(default=False, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    timeout_behavior: TimeoutBehavior = field(default="error_as_result", kw_only=True)
    timeout_error_function: FailureMessage | None = field(default=None, kw_only=True)
    failure_error_function: FailureMessage | None = field(default=default_tool_error, kw_only=True)

    def __repr__(self) -> str:
        return f"FunctionTool({self.name!r})"

    def __post_init__(self) -> None:
        if not is_tool_name(self.name):
            raise ConfigurationError(
                f"tool name {self.name!r} is not accepted: letters, digits, '_' and '-', 1 to 64 of them"
            )
        if not is_object_schema(self.params_json_schema):
            self._refuse("params_json_schema", "a JSON Schema with type 'object'")
        function: object = self.on_invoke_tool
        if function is _no_function or not callable(function):
            raise ConfigurationError(f"tool {self.name!r}: on_invoke_tool must be an async function")
        for names, fits, accepted in _KINDS:
            for name in names:
                if not fits(getattr(self, name)):
                    self._refuse(name, accepted)
        self.tool_input_guardrails = tuple(self.tool_input_guardrails)
        self.tool_output_guardrails = tuple(self.tool_output_guardrails)

    def _refuse(self, name: str, accepted: str) -> NoReturn:
        raise ConfigurationError(
            f"tool {self.name!r}: {name} must be {accepted}, got {getattr(self, name)!r}"
        )

    def to_wire(self) -> protocol.FunctionTool:
        """Return the tool as a session declares it."""
        return protocol.FunctionTool(
            name=self.name, description=self.description, parameters=dict(self.params_json_schema)
        )

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        """Run one call, unchecked and without a time limit, and return what the tool returned.

        Raises:
            Exception: whatever the tool raised.
        """
        return await self.on_invoke_tool(context, arguments)

    async def describe_failure(self, context: ToolContext[Any], error: Exception) -> str:
        """Return the output that tells the model of a failed call.

        Raises:
            Exception: whatever the user's error function raised.
        """
        write = self.failure_error_function
        if isinstance(error, TookTooLongError):
            write = self.timeout_error_function or write or default_tool_error
        if write is None:
            return "The tool failed."
        message = write(context, error)
        return str(await message if inspect.isawaitable(message) else message)


Tool: TypeAlias = FunctionTool | HostedMCPTool
"""What an agent's `tools` may hold."""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool) or callable(value)


def _is_duration(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value > 0)


def _holds(kind: type[Any]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, Sequence) and all(isinstance(one, kind) for one in value)


def _is_function_or_none(value: object) -> bool:
    return value is None or callable(value)


def _is_timeout_behavior(value: object) -> bool:
    return value in ("error_as_result", "raise_exception")


_KINDS: tuple[tuple[tuple[str, ...], Callable[[object], bool], str], ...] = (
    (("description",), _is_text, "a text"),
    (("strict_json_schema", "background"), _is_bool, "True or False"),
    (("is_enabled",), _is_switch, "True, False or a function (context, agent)"),
    (("needs_approval",), _is_switch, "True, False or a function (context, arguments, call_id)"),
    (("approval_timeout", "timeout"), _is_duration, "seconds above 0"),
    (("tool_input_guardrails",), _holds(ToolInputGuardrail), "a list of ToolInputGuardrail"),
    (("tool_output_guardrails",), _holds(ToolOutputGuardrail), "a list of ToolOutputGuardrail"),
    (("timeout_behavior",), _is_timeout_behavior, "'error_as_result' or 'raise_exception'"),
    (
        ("timeout_error_function", "failure_error_function"),
        _is_function_or_none,
        "a function (context, error) or None",
    ),
)
"""Fields, what tells a value that fits, and what the message says of it."""
