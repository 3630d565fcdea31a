"""Runs the tools that the model calls: side by side, beside the conversation, each with an output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents import FunctionTool, RealtimeAgent, ToolContext, Usage, to_text
from vivavoce.errors import ToolError
from vivavoce.session.events import RealtimeError, RealtimeToolEnd, RealtimeToolStart
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.conversation.client_notices import ToolCalled
    from vivavoce.protocol import Item
    from vivavoce.session.events import RealtimeSessionEvent

CALLS_AT_ONCE = 64
"""Calls of one session that may run at the same time; the model is told when there are more."""
CALL_S = 300.0
"""Seconds after which a call is given up, where its tool sets no limit of its own."""


@dataclass(frozen=True, slots=True)
class ToolOwner:
    """Whose tools are called: what a call must know of its session.

    Attributes:
        agent: the agent that speaks.
        tools: its tools by name.
        context: the user's own object.
        usage: tokens of the session.
    """

    agent: RealtimeAgent[Any]
    tools: Mapping[str, FunctionTool]
    context: Any
    usage: Usage


class ToolCalls:
    """The calls of one session.

    Args:
        answer: takes ``(call_id, output)`` for the model.
        publish: takes the session's events.
        history: returns the conversation so far.
    """

    def __init__(
        self,
        answer: Callable[[str, str], None],
        publish: Callable[[RealtimeSessionEvent], None],
        history: Callable[[], Sequence[Item]],
    ) -> None:
        self._answer = answer
        self._publish = publish
        self._history = history
        self._tasks = Tasks()

    def start(self, call: ToolCalled, owner: ToolOwner) -> None:
        """Begin to run a call; it answers by itself."""
        tool = owner.tools.get(call.name)
        if tool is None:
            known = ", ".join(owner.tools) or "none"
            self._refuse(call, f"There is no tool {call.name!r}. The tools are: {known}.")
        elif len(self._tasks) >= CALLS_AT_ONCE:
            self._refuse(call, f"Tool {call.name!r} was not run: {CALLS_AT_ONCE} calls are running already.")
        else:
            context = ToolContext(
                owner.context,
                owner.usage,
                call_id=call.call_id,
                tool_name=call.name,
                arguments=call.arguments,
                agent=owner.agent,
                history=tuple(self._history()),
            )
            self._tasks.spawn(self._run(tool, context, owner.agent), name=f"tool {call.name}")

    def _refuse(self, call: ToolCalled, reason: str) -> None:
        self._publish(RealtimeError(ToolError(reason, tool_name=call.name, call_id=call.call_id)))
        self._answer(call.call_id, reason)

    async def _run(self, tool: FunctionTool, context: ToolContext[Any], agent: RealtimeAgent[Any]) -> None:
        import asyncio

        self._publish(RealtimeToolStart(agent, tool, context.call_id, context.arguments))
        seconds = CALL_S if tool.timeout is None else tool.timeout
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                output = await tool.invoke(context, context.arguments)
            text = to_text(output)
        except Exception as error:  # noqa: BLE001  # whatever a tool does, the model gets an output
            # A tool may raise a TimeoutError of its own: only the limit knows whether it was the limit.
            reason = f"it took longer than {seconds:g} s" if limit.expired() else str(error)
            output = text = await self._failed(tool, context, error, reason or type(error).__name__)
        self._answer(context.call_id, text)
        self._publish(RealtimeToolEnd(agent, tool, context.call_id, context.arguments, output))

    async def _failed(
        self, tool: FunctionTool, context: ToolContext[Any], error: Exception, reason: str
    ) -> str:
        """Report a failure and return what the model is told of it."""
        failure = ToolError(
            f"tool {tool.name!r} failed: {reason}", tool_name=tool.name, call_id=context.call_id
        )
        failure.__cause__ = error
        self._publish(RealtimeError(failure))
        try:
            return str(await tool.describe_failure(context, error))
        except Exception as second:  # noqa: BLE001  # the user's own error message may fail too
            self._publish(RealtimeError(second))
            return "The tool failed."

    async def aclose(self) -> None:
        """Stop every call."""
        await self._tasks.aclose()
