"""Carries out the handoff that a model asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents.limits import within
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem
from vivavoce.text.agent import Agent
from vivavoce.text.handoffs import FilteredHandoff, HandoffInputData, filtered
from vivavoce.text.inputs import read_input
from vivavoce.text.items import HandoffOutputItem, RunItem, ToolCallOutputItem

if TYPE_CHECKING:
    from vivavoce.agents import Handoff
    from vivavoce.text.offers import Offer
    from vivavoce.text.run_config import RunConfig
    from vivavoce.text.state import RunState
    from vivavoce.text.stream_events import ItemEventName

ANOTHER = "Only one handoff at a time: this one was not made."
"""What the model is told of the second handoff of an answer."""


@dataclass(frozen=True, slots=True)
class Handover:
    """The handoffs of one answer.

    Attributes:
        state: the run.
        offer: what its agent may call.
        config: the run's settings.
        add: takes each new item, and the name of its event.
    """

    state: RunState[Any]
    offer: Offer
    config: RunConfig
    add: Callable[[RunItem, ItemEventName], None]

    async def make(self, calls: Sequence[FunctionCallItem]) -> Agent[Any, Any] | None:
        """Answer the calls and return who takes over; the first of them counts.

        Args:
            calls: the handoffs that the model asks for, at least one.

        Returns:
            The next agent; ``None`` when the model has asked wrongly, and was told.

        Raises:
            ConfigurationError: the handoff leads to something else than a text agent.
            TimeoutError: its `on_handoff` took too long.
            Exception: whatever its `on_handoff` raised.
        """
        first, *others = calls
        source = self.state.current_agent
        handoff = self.offer.handoffs[first.name]
        target = await self._target(handoff, first)
        if target is not None:
            raw = FunctionCallOutputItem(
                call_id=str(first.call_id), output=handoff.get_transfer_message(target)
            )
            self.add(HandoffOutputItem(source, raw, source, target), "handoff_occured")
        for call in others:
            self._decline(call, ANOTHER)
        return target

    async def _target(self, handoff: Handoff[Any], call: FunctionCallItem) -> Agent[Any, Any] | None:
        try:
            target = await within(
                self.config.tool_timeout_s, handoff.on_invoke_handoff(self.state.context, call.arguments)
            )
        except ToolError as error:
            self._decline(call, f"The handoff was not made: {error}")
            return None
        if not isinstance(target, Agent):
            raise ConfigurationError(
                f"handoff {handoff.tool_name!r} of agent {self.state.current_agent.name!r} must lead to an "
                f"Agent, got {target!r}"
            )
        return target

    def _decline(self, call: FunctionCallItem, text: str) -> None:
        raw = FunctionCallOutputItem(call_id=str(call.call_id), output=text)
        self.add(ToolCallOutputItem(self.state.current_agent, raw, text), "tool_output")

    async def filter(self, calls: Sequence[FunctionCallItem]) -> None:
        """Let the handoff's filter, or the run's, decide what the next agent sees.

        Args:
            calls: as for `make`.

        Raises:
            ConfigurationError: the filter returned something else than `HandoffInputData`.
            Exception: whatever the filter raised.
        """
        handoff = self.offer.handoffs[calls[0].name]
        own = handoff.input_filter if isinstance(handoff, FilteredHandoff) else None
        chosen = own or self.config.handoff_input_filter
        if chosen is None:
            return
        progress = self.state.progress
        data = HandoffInputData(
            tuple(progress.input),
            tuple(progress.seen[: progress.turn_start]),
            tuple(progress.seen[progress.turn_start :]),
            self.state.context,
        )
        data = await filtered(data, chosen)
        progress.input = read_input(data.input_history)
        progress.seen = [*data.pre_handoff_items, *data.new_items]
