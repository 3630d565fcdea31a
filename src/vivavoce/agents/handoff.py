"""Handoffs: tools by which the model passes the conversation to another agent."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias

from vivavoce import protocol
from vivavoce.agents.base import AgentBase, check_list
from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.schema import problems_of
from vivavoce.agents.strict import strict_schema
from vivavoce.agents.tool import Enabled, is_object_schema, is_tool_name
from vivavoce.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from vivavoce.agents.agent import RealtimeAgent

OnHandoff: TypeAlias = Callable[[RunContextWrapper[Any]], Any] | Callable[[RunContextWrapper[Any], Any], Any]
"""``(context)``, or with an `input_type` ``(context, input)``; plain (runs on the event loop) or async."""

NO_INPUT: Mapping[str, Any] = {
    "type": "object",
    "properties": {},
    "required": [],
    "additionalProperties": False,
}
"""JSON Schema of a handoff that takes nothing."""


@dataclass(eq=False)
class Handoff(Generic[TContext]):
    """A tool by which the model hands the conversation on. `realtime_handoff` makes one for an agent.

    Attributes:
        tool_name: name for the model: letters, digits, ``_`` and ``-``, at most 64.
        tool_description: when to use it, in words for the model.
        input_json_schema: JSON Schema of the arguments, an object; empty is one without properties.
        on_invoke_handoff: coroutine function ``(context, arguments)`` that returns the agent to hand to;
            `arguments` is JSON text. A `ToolError` from it is told to the model, which may try again.
        agent_name: name of that agent, as far as it is known beforehand.
        agent: that agent, if it is known beforehand.
        strict_json_schema: text agents ask the model to keep to the schema strictly.
        is_enabled: whether the model sees it: a switch, or a function ``(context, agent)``, plain or async,
            where `agent` is the one that would hand on. A plain one runs on the event loop.

    Raises:
        ConfigurationError: a field has a value that is not accepted.
    """

    tool_name: str
    tool_description: str
    input_json_schema: Mapping[str, Any]
    on_invoke_handoff: Callable[[RunContextWrapper[Any], str], Awaitable[AgentBase[Any]]]
    agent_name: str
    agent: AgentBase[Any] | None = None
    strict_json_schema: bool = field(default=True, kw_only=True)
    is_enabled: Enabled = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not is_tool_name(self.tool_name):
            raise ConfigurationError(
                f"handoff tool name {self.tool_name!r} is not accepted: letters, digits, '_' and '-', "
                "1 to 64 of them; give another as tool_name_override"
            )
        for name in ("tool_description", "agent_name"):
            if not isinstance(getattr(self, name), str):
                self._refuse(name, "a text")
        self.input_json_schema = self.input_json_schema or NO_INPUT
        if not is_object_schema(self.input_json_schema):
            self._refuse("input_json_schema", "a JSON Schema with type 'object'")
        function: object = self.on_invoke_handoff
        if not callable(function):
            self._refuse("on_invoke_handoff", "an async function (context, arguments)")
        if not isinstance(self.is_enabled, bool) and not callable(self.is_enabled):
            self._refuse("is_enabled", "True, False or a function (context, agent)")

    def _refuse(self, name: str, accepted: str) -> NoReturn:
        raise ConfigurationError(
            f"handoff {self.tool_name!r}: {name} must be {accepted}, got {getattr(self, name)!r}"
        )

    @property
    def name(self) -> str:
        """Its `tool_name`."""
        return self.tool_name

    def to_wire(self) -> protocol.FunctionTool:
        """Return the handoff as a session declares it."""
        return protocol.FunctionTool(
            name=self.tool_name, description=self.tool_description, parameters=dict(self.input_json_schema)
        )

    def get_transfer_message(self, agent: AgentBase[Any]) -> str:
        """Return the tool output that tells the model who has taken over."""
        return json.dumps({"assistant": agent.name}, ensure_ascii=False)


def default_tool_name(agent: AgentBase[Any]) -> str:
    """Return ``transfer_to_<name>``: in small letters, with ``_`` for all but ASCII letters and digits."""
    return re.sub(r"[^A-Za-z0-9_]", "_", f"transfer_to_{agent.name}").lower()[:64]


def default_tool_description(agent: AgentBase[Any]) -> str:
    """Return what the model reads of a handoff that has no description of its own."""
    words = f"Handoff to the {agent.name} agent to handle the request."
    return f"{words} {agent.handoff_description}" if agent.handoff_description else words


def realtime_handoff(
    agent: RealtimeAgent[TContext],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    on_handoff: OnHandoff | None = None,
    input_type: Any = None,
    is_enabled: Enabled = True,
    *,
    tool_description: str | None = None,
) -> Handoff[TContext]:
    """Let the model hand the conversation to an agent, and say how.

    Args:
        agent: who takes over.
        tool_name_override: name for the model, instead of ``transfer_to_<name of the agent>``.
        tool_description_override: when to use it, in words for the model.
        on_handoff: called before the agent takes over, with the context, and with what the model gave if
            there is an `input_type`; plain (runs on the event loop) or async.
        input_type: what the model must give: anything that pydantic can describe. It is checked strictly;
            what does not fit is told to the model, which may try again.
        is_enabled: see `Handoff`.
        tool_description: another name of `tool_description_override`.

    Raises:
        ConfigurationError: `agent` is not a `RealtimeAgent`, an `input_type` lacks its `on_handoff`, which
            takes another number of arguments, or there are two descriptions.
    """
    from vivavoce.agents.agent import RealtimeAgent

    if not isinstance(agent, RealtimeAgent):
        raise ConfigurationError(
            f"realtime_handoff takes a RealtimeAgent, got {agent!r}; reach other agents by a tool"
        )
    if tool_description is not None and tool_description_override not in (None, tool_description):
        raise ConfigurationError(
            "realtime_handoff got two descriptions; tool_description is another name of "
            "tool_description_override, so give one"
        )
    description = tool_description_override if tool_description is None else tool_description
    return handoff_to(
        agent,
        tool_name=tool_name_override,
        tool_description=description,
        on_handoff=on_handoff,
        input_type=input_type,
        is_enabled=is_enabled,
    )


def handoff_to(
    agent: AgentBase[TContext],
    *,
    tool_name: str | None = None,
    tool_description: str | None = None,
    on_handoff: OnHandoff | None = None,
    input_type: Any = None,
    is_enabled: Enabled = True,
) -> Handoff[TContext]:
    """Make the handoff to an agent of any kind; see `realtime_handoff`.

    Raises:
        ConfigurationError: an `input_type` lacks its `on_handoff`, or that takes another number of
            arguments.
    """
    adapter = None if input_type is None else _adapter(agent, input_type)
    if adapter is not None and on_handoff is None:
        raise ConfigurationError(
            f"handoff to {agent.name!r}: input_type needs an on_handoff (context, input) that receives it"
        )
    if on_handoff is not None:
        _check_arity(agent, on_handoff, 1 if adapter is None else 2)

    async def invoke(context: RunContextWrapper[Any], arguments: str) -> AgentBase[TContext]:
        given = () if adapter is None else (_read(adapter, name, arguments),)
        if on_handoff is not None:
            done = on_handoff(context, *given)
            if inspect.isawaitable(done):
                await done
        return agent

    name = default_tool_name(agent) if tool_name is None else tool_name
    schema, is_strict = (NO_INPUT, True) if adapter is None else _describe(agent, adapter)
    return Handoff(
        name,
        default_tool_description(agent) if tool_description is None else tool_description,
        schema,
        invoke,
        agent.name,
        agent,
        strict_json_schema=is_strict,
        is_enabled=is_enabled,
    )


def check_handoffs(handoffs: object, owner: str, kind: type[AgentBase[Any]]) -> list[Any]:
    """Return handoffs and plain agents as a list of one's own.

    Args:
        handoffs: what the user gave.
        owner: the setting that holds them, for the message.
        kind: class of the agents.

    Raises:
        ConfigurationError: one is neither such an agent nor a handoff to one, or two share a name.
    """
    names: set[str] = set()
    checked = check_list(
        handoffs,
        owner,
        f"a {kind.__name__} or a Handoff",
        fits=lambda value: isinstance(value, AgentBase | Handoff),
    )
    for index, entry in enumerate(checked):
        target = entry.agent if isinstance(entry, Handoff) else entry
        if target is not None and not isinstance(target, kind):
            raise ConfigurationError(
                f"{owner}[{index}] hands over to {target!r}, but only {kind.__name__} can take over "
                "here; reach it by a tool"
            )
        name = entry.tool_name if isinstance(entry, Handoff) else default_tool_name(entry)
        if name in names:
            raise ConfigurationError(
                f"{owner} has two handoffs named {name!r}; give one a tool_name_override"
            )
        names.add(name)
    return checked


async def enabled_handoffs(
    agent: AgentBase[Any],
    handoffs: object,
    context: RunContextWrapper[Any],
    kind: type[AgentBase[Any]],
    wrap: Callable[[Any], Handoff[Any]],
) -> list[Handoff[Any]]:
    """Return an agent's handoffs that are enabled now.

    Args:
        agent: whose they are.
        handoffs: asked anew, for some may have been appended or replaced since the agent was made.
        context: the run.
        kind: class of the agents that can take over.
        wrap: makes a handoff of a plain agent.

    Raises:
        ConfigurationError: one is neither such an agent nor a handoff to one, or two share a name.
    """
    from vivavoce.agents.calling import enabled

    owner = f"{kind.__name__} {agent.name!r}: handoffs"
    wrapped = [
        entry if isinstance(entry, Handoff) else wrap(entry)
        for entry in check_handoffs(handoffs, owner, kind)
    ]
    return check_handoffs(await enabled(wrapped, context, agent), owner, kind)


def _adapter(agent: AgentBase[Any], input_type: Any) -> TypeAdapter[Any]:
    from pydantic import PydanticUserError, TypeAdapter

    try:
        return TypeAdapter(input_type)
    except PydanticUserError as error:
        raise ConfigurationError(
            f"handoff to {agent.name!r}: input_type cannot be described to a model: {error}"
        ) from error


def _describe(agent: AgentBase[Any], adapter: TypeAdapter[Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema of the arguments, and whether it is a strict one."""
    from pydantic import PydanticUserError

    try:
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise ConfigurationError(
            f"handoff to {agent.name!r}: input_type cannot be described to a model: {error}"
        ) from error
    try:
        return strict_schema(schema), True
    except ConfigurationError:
        if schema.get("type") == "object":
            return schema, False
        raise ConfigurationError(
            f"handoff to {agent.name!r}: input_type must have named fields, as a pydantic model or a "
            f"dataclass has, but its schema is {schema!r}"
        ) from None


def _read(adapter: TypeAdapter[Any], name: str, arguments: str) -> Any:
    from pydantic import ValidationError

    try:
        return adapter.validate_json(arguments.strip() or "{}", strict=True)
    except ValidationError as error:
        raise ToolError(f"bad arguments for {name}: {problems_of(error)}", tool_name=name) from error


def _check_arity(agent: AgentBase[Any], on_handoff: Callable[..., Any], count: int) -> None:
    words = "(context)" if count == 1 else "(context, input)"
    if not callable(on_handoff):
        raise ConfigurationError(f"handoff to {agent.name!r}: on_handoff must be a function {words}")
    try:
        signature = inspect.signature(on_handoff)
    except ValueError:
        return  # Some built-in callables tell nothing of themselves.
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise ConfigurationError(
            f"handoff to {agent.name!r}: on_handoff must take {words}, "
            f"{'with' if count == 2 else 'without'} an input_type: {error}"
        ) from error
