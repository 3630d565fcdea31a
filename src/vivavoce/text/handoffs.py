"""Handoffs between text agents, and what of the conversation goes along."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from vivavoce.agents.handoff import Handoff, OnHandoff, handoff_to
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, Item
from vivavoce.text.items import MessageOutputItem, RunItem

if TYPE_CHECKING:
    from vivavoce.agents import RunContextWrapper
    from vivavoce.agents.tool import Enabled
    from vivavoce.text.agent import Agent


@dataclass(frozen=True, slots=True)
class HandoffInputData:
    """What the next agent is about to see.

    Attributes:
        input_history: the conversation before the run.
        pre_handoff_items: what the run has added before the answer that hands over.
        new_items: that answer: a message, calls and their outputs, the handoff itself.
        run_context: the user's own object.
    """

    input_history: tuple[Item, ...]
    pre_handoff_items: tuple[RunItem, ...]
    new_items: tuple[RunItem, ...]
    run_context: RunContextWrapper[Any] | None = None

    def clone(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)


HandoffInputFilter: TypeAlias = Callable[[HandoffInputData], HandoffInputData | Awaitable[HandoffInputData]]


@dataclass(eq=False)
class FilteredHandoff(Handoff[Any]):
    """A handoff that says what of the conversation goes along; `handoff` makes one.

    Attributes:
        input_filter: ``(HandoffInputData) -> HandoffInputData``, plain or async; ``None`` lets everything
            go along.
    """

    input_filter: HandoffInputFilter | None = field(default=None, kw_only=True)


def handoff(
    agent: Agent[Any, Any],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    on_handoff: OnHandoff | None = None,
    input_type: Any = None,
    input_filter: HandoffInputFilter | None = None,
    is_enabled: Enabled = True,
) -> FilteredHandoff:
    """Let the model hand the conversation to a text agent, and say how.

    Args:
        agent: who takes over.
        tool_name_override: name for the model, instead of ``transfer_to_<name of the agent>``.
        tool_description_override: when to use it, in words for the model.
        on_handoff: called before the agent takes over, with the context, and with what the model gave if
            there is an `input_type`; plain (runs on the event loop) or async.
        input_type: what the model must give: anything that pydantic can describe.
        input_filter: what of the conversation goes along, see `FilteredHandoff`.
        is_enabled: whether the model sees it: a switch or a function ``(context, agent)``.

    Raises:
        ConfigurationError: `agent` is no `Agent`, the filter is no function, or `on_handoff` and
            `input_type` do not fit together.
    """
    from vivavoce.text.agent import Agent

    if not isinstance(agent, Agent):
        raise ConfigurationError(
            f"handoff takes an Agent, got {agent!r}; agents that speak: realtime_handoff"
        )
    if input_filter is not None and not callable(input_filter):
        raise ConfigurationError(f"input_filter must be a function or None, got {input_filter!r}")
    plain = handoff_to(
        agent,
        tool_name=tool_name_override,
        tool_description=tool_description_override,
        on_handoff=on_handoff,
        input_type=input_type,
        is_enabled=is_enabled,
    )
    fields = {entry.name: getattr(plain, entry.name) for entry in dataclasses.fields(Handoff)}
    return FilteredHandoff(**fields, input_filter=input_filter)


async def filtered(data: HandoffInputData, input_filter: HandoffInputFilter) -> HandoffInputData:
    """Return what a filter lets through.

    Raises:
        ConfigurationError: the filter returned something else than `HandoffInputData`.
        Exception: whatever the filter raised.
    """
    result: object = input_filter(data)
    if inspect.isawaitable(result):
        result = await result
    if not isinstance(result, HandoffInputData):
        raise ConfigurationError(f"an input_filter must return HandoffInputData, got {result!r}")
    return result


def remove_all_tools(data: HandoffInputData) -> HandoffInputData:
    """Let only messages go along: an `input_filter`."""
    calls = FunctionCallItem | FunctionCallOutputItem
    return data.clone(
        input_history=tuple(item for item in data.input_history if not isinstance(item, calls)),
        pre_handoff_items=_messages(data.pre_handoff_items),
        new_items=_messages(data.new_items),
    )


def _messages(items: tuple[RunItem, ...]) -> tuple[RunItem, ...]:
    return tuple(item for item in items if isinstance(item, MessageOutputItem))
