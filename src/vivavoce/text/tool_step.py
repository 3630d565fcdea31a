"""Runs the calls of one answer: side by side, each with an output for the model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents import RunContextWrapper, ToolContext
from vivavoce.agents.calling import call_tool, wants_approval
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, Item
from vivavoce.text.failures import RunFailedError
from vivavoce.text.items import ToolCallOutputItem

if TYPE_CHECKING:
    from vivavoce.agents import FunctionTool
    from vivavoce.text.agent import Agent
    from vivavoce.text.announcing import Announcer
    from vivavoce.text.offers import Offer
    from vivavoce.text.run_config import RunConfig
    from vivavoce.text.state import Decisions

logger = logging.getLogger(__name__)

CALLS_AT_ONCE = 32
"""Calls of one answer that run at the same time; the others wait for their turn."""

outer_config: ContextVar[RunConfig | None] = ContextVar("outer_config", default=None)
"""Settings of the run in which a tool runs; an agent that is used as a tool goes by them."""


@contextmanager
def one_error() -> Iterator[None]:
    """Raise one error out of a task group as itself: a failure of the run before any other.

    Raises:
        Exception: that error.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        errors = list(_flat(group))
        error = next((one for one in errors if isinstance(one, RunFailedError)), errors[0])
        raise error from error.__cause__


def _flat(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


@dataclass(frozen=True, slots=True)
class ToolStep:
    """The calls of one answer.

    Attributes:
        agent: who called.
        offer: what it may call.
        context: the run.
        history: the conversation up to the answer.
        decisions: what was decided about calls that need approval.
        announcer: tells hooks.
        config: the run's settings, for tools that are agents.
        emit: takes each output as it comes.
    """

    agent: Agent[Any, Any]
    offer: Offer
    context: RunContextWrapper[Any]
    history: tuple[Item, ...]
    decisions: Decisions
    announcer: Announcer
    config: RunConfig
    emit: Callable[[ToolCallOutputItem], None]

    async def waiting(self, calls: Sequence[FunctionCallItem]) -> list[FunctionCallItem]:
        """Return the calls that need an approval nobody has given or refused yet."""
        return [call for call in calls if await self._waits(call)]

    async def _waits(self, call: FunctionCallItem) -> bool:
        tool = self.offer.tools.get(call.name)
        if tool is None or self.decisions.about(call) is not None:
            return False
        return await wants_approval(tool, self._context(call))

    async def run(self, calls: Sequence[FunctionCallItem]) -> list[tuple[ToolCallOutputItem, str | None]]:
        """Run calls and return their outputs, in their order; with the tool's name where it was really run.

        Raises:
            ToolError: a tool failed whose owner asked that its failure end the run.
            Exception: whatever a hook raised.
        """
        slots = asyncio.Semaphore(CALLS_AT_ONCE)
        with one_error():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run(call, slots)) for call in calls]
        return [task.result() for task in tasks]

    async def _run(
        self, call: FunctionCallItem, slots: asyncio.Semaphore
    ) -> tuple[ToolCallOutputItem, str | None]:
        tool = self.offer.tools.get(call.name)
        decision = self.decisions.about(call)
        if tool is None:
            logger.warning("The model called a tool that does not exist", extra={"tool": call.name})
            text = f"There is no tool {call.name!r}. The tools are: {self.offer.names()}."
            return self._output(call, text, text), None
        if decision is not None and not decision.approved:
            return self._output(call, decision.message, decision.message), None
        async with slots:
            return await self._invoke(tool, call)

    async def _invoke(
        self, tool: FunctionTool, call: FunctionCallItem
    ) -> tuple[ToolCallOutputItem, str | None]:
        context = self._context(call)
        await self.announcer.tool_started(self.agent, tool, context, call)
        outer_config.set(self.config)  # this call has a task of its own, and so a context of its own
        result = await call_tool(tool, context, timeout_s=self.config.tool_timeout_s)
        await self.announcer.tool_ended(self.agent, tool, context, call, result.output)
        if result.error is not None:
            if result.raised:
                raise result.error
            logger.warning("A tool failed, and the model was told", extra={"tool": tool.name})
        return self._output(call, result.text, result.output), tool.name

    def _output(self, call: FunctionCallItem, text: str, output: Any) -> ToolCallOutputItem:
        raw = FunctionCallOutputItem(call_id=str(call.call_id), output=text)
        item = ToolCallOutputItem(self.agent, raw, output)
        self.emit(item)
        return item

    def _context(self, call: FunctionCallItem) -> ToolContext[Any]:
        return ToolContext(
            self.context.context,
            self.context.usage,
            call_id=str(call.call_id),
            tool_name=call.name,
            arguments=call.arguments,
            agent=self.agent,
            history=self.history,
        )
