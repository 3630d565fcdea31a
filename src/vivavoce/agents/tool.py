"""`FunctionTool`: something an agent can do, and how a call of it is run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from vivavoce import protocol
from vivavoce.agents.context import ToolContext
from vivavoce.errors import ConfigurationError

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")

Invoke: TypeAlias = Callable[[ToolContext[Any], str], Awaitable[Any]]
FailureMessage: TypeAlias = Callable[[ToolContext[Any], Exception], str | Awaitable[str]]


def default_tool_error(context: ToolContext[Any], error: Exception) -> str:
    """Tell the model what went wrong, so that it can try again or apologise."""
    if isinstance(error, TimeoutError):
        return f"Tool {context.tool_name!r} timed out. Say so, and offer to try again."
    return f"An error occurred while running the tool. Please try again. Error: {error}"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.match(value) is not None


def _is_object_schema(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("type") == "object"


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def _empty_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


@dataclass(eq=False, slots=True)
class FunctionTool:
    """A tool and its schema. `function_tool` makes one from a function; write it by hand for the rest.

    Attributes:
        name: letters, digits, ``_`` and ``-``, at most 64.
        description: what it does, in words for the model.
        params_json_schema: JSON Schema of the arguments, an object.
        on_invoke_tool: coroutine function ``(context, arguments)``; `arguments` is the JSON text as the model
            sent it. What it returns goes to the model as text (`to_text`).
        timeout: seconds a call may take in a session; ``None`` is 300.
        failure_error_function: writes the output for the model when a call fails; ``None`` tells the model no
            more than that the tool failed.

    Raises:
        ConfigurationError: a field has a value that is not accepted.
    """

    name: str
    description: str
    params_json_schema: Mapping[str, Any] = field(default_factory=_empty_schema)
    on_invoke_tool: Invoke = field(kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    failure_error_function: FailureMessage | None = field(default=default_tool_error, kw_only=True)

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise ConfigurationError(
                f"tool name {self.name!r} is not accepted: letters, digits, '_' and '-', 1 to 64 of them"
            )
        if not isinstance(self.description, str):
            raise ConfigurationError(
                f"tool {self.name!r}: description must be a text, got {self.description!r}"
            )
        if not _is_object_schema(self.params_json_schema):
            raise ConfigurationError(
                f"tool {self.name!r}: params_json_schema must be a JSON Schema with type 'object', "
                f"got {self.params_json_schema!r}"
            )
        if not callable(self.on_invoke_tool):
            raise ConfigurationError(f"tool {self.name!r}: on_invoke_tool must be an async function")
        if self.timeout is not None and not _is_duration(self.timeout):
            raise ConfigurationError(
                f"tool {self.name!r}: timeout must be seconds above 0, got {self.timeout!r}"
            )

    def to_wire(self) -> protocol.FunctionTool:
        """Return the tool as a session declares it."""
        return protocol.FunctionTool(
            name=self.name, description=self.description, parameters=dict(self.params_json_schema)
        )

    async def invoke(self, context: ToolContext[Any], arguments: str) -> Any:
        """Run one call and return what the tool returned. Whoever calls it keeps to `timeout`.

        Raises:
            Exception: whatever the tool raised.
        """
        return await self.on_invoke_tool(context, arguments)

    async def describe_failure(self, context: ToolContext[Any], error: Exception) -> str:
        """Return the output that tells the model of a failed call.

        Raises:
            Exception: whatever `failure_error_function` raised.
        """
        if self.failure_error_function is None:
            return "The tool failed."
        message = self.failure_error_function(context, error)
        return await message if inspect.isawaitable(message) else message
