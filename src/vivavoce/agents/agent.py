"""`RealtimeAgent`: who speaks in a session."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeAlias

from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.tool import FunctionTool
from vivavoce.errors import ConfigurationError

Instructions: TypeAlias = str | Callable[[RunContextWrapper[Any], "RealtimeAgent[Any]"], str | Awaitable[str]]


@dataclass(eq=False)
class RealtimeAgent(Generic[TContext]):
    """An agent: instructions, tools and a voice. One definition serves any number of sessions.

    Attributes:
        name: how events and traces call it.
        instructions: the system prompt, or a function ``(context, agent) -> str``, plain or async, that
            writes it when the session starts. Empty leaves the server's own default.
        tools: what the agent can do; made by `function_tool` or as `FunctionTool`.
        voice: name of the voice; goes before the voice of the run's settings.

    Raises:
        ConfigurationError: a field has a value of the wrong type, or two tools share a name.
    """

    name: str
    instructions: Instructions = ""
    _: dataclasses.KW_ONLY
    tools: Sequence[FunctionTool] = ()
    voice: str | None = None

    def __post_init__(self) -> None:
        name: object = self.name
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"RealtimeAgent.name must be a text that is not empty, got {name!r}")
        if not isinstance(self.instructions, str) and not callable(self.instructions):
            raise ConfigurationError(
                "RealtimeAgent.instructions must be a text or a function (context, agent) -> text, "
                f"got {self.instructions!r}"
            )
        voice: object = self.voice
        if voice is not None and not isinstance(voice, str):
            raise ConfigurationError(f"RealtimeAgent.voice must be a text or None, got {voice!r}")
        self.tools = check_tools(self.tools, owner="RealtimeAgent.tools")

    def clone(self, **changes: Any) -> Self:
        """Return a copy with some fields changed; its lists are its own.

        Raises:
            ConfigurationError: a change names no field of an agent, or has a wrong value.
        """
        accepted = [field.name for field in dataclasses.fields(self) if field.init]
        for name in changes:
            if name not in accepted:
                raise ConfigurationError(
                    f"RealtimeAgent has no field {name!r}; it has: {', '.join(accepted)}"
                )
        return dataclasses.replace(self, **changes)

    async def resolve_instructions(self, context: RunContextWrapper[Any]) -> str:
        """Return the system prompt, calling the function that writes it if there is one.

        Raises:
            ConfigurationError: the function returned something that is not a text.
        """
        if isinstance(self.instructions, str):
            return self.instructions
        written: object = self.instructions(context, self)
        if inspect.isawaitable(written):
            written = await written
        if not isinstance(written, str):
            raise ConfigurationError(
                f"the instructions function of agent {self.name!r} must return a text, got {written!r}"
            )
        return written


def check_tools(tools: object, *, owner: str) -> list[FunctionTool]:
    """Return the tools as a list of one's own.

    Args:
        tools: what the user gave.
        owner: the setting that holds them, for the message.

    Raises:
        ConfigurationError: one of them is not a tool, or two share a name.
    """
    if isinstance(tools, str) or not isinstance(tools, Sequence):
        raise ConfigurationError(f"{owner} must be a list of tools, got {tools!r}")
    names: set[str] = set()
    checked: list[FunctionTool] = []
    for index, tool in enumerate(tools):
        if not isinstance(tool, FunctionTool):
            hint = "; decorate it with @function_tool" if callable(tool) else ""
            raise ConfigurationError(f"{owner}[{index}] is not a FunctionTool: {tool!r}{hint}")
        if tool.name in names:
            raise ConfigurationError(f"{owner} has two tools named {tool.name!r}; give one a name_override")
        names.add(tool.name)
        checked.append(tool)
    return checked
