"""Calls that wait until somebody allows them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vivavoce.agents import RunContextWrapper, ToolContext
from vivavoce.agents.limits import within
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.session.events import RealtimeError

if TYPE_CHECKING:
    from vivavoce.session.events import RealtimeSessionEvent, RealtimeToolApprovalRequired

REJECTED = "Tool execution was not approved."
"""What the model is told of a rejected call, where nobody words it."""
FORMATTER_S = 5.0
"""Seconds that a `tool_error_formatter` has."""
REMEMBERED_DECISIONS = 256
"""Decisions that are remembered, to say that a second one comes too late."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a call.

    Attributes:
        approved: the call may run.
        message: what the model is told instead of running it; ``None`` leaves the words to the session.
        timed_out: nobody decided in time.
    """

    approved: bool
    message: str | None = None
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class ToolErrorFormatterArgs:
    """What a `tool_error_formatter` is told of a call that was not run.

    Attributes:
        tool_name: name of the tool.
        call_id: the model's id of the call.
        default_message: what the model is told if the formatter returns ``None``.
        run_context: the context that the tool would have received.
        kind: what went wrong.
        tool_type: what kind of tool it is.
        error: the exception; a rejection has none.
    """

    tool_name: str
    call_id: str
    default_message: str
    run_context: RunContextWrapper[Any]
    kind: Literal["approval_rejected"] = "approval_rejected"
    tool_type: Literal["function"] = "function"
    error: Exception | None = None


ToolErrorFormatter: TypeAlias = Callable[[ToolErrorFormatterArgs], str | Awaitable[str | None] | None]


def call_id_of(call: object) -> str:
    """Return the id of a call.

    Args:
        call: the id itself, or something that has it: a `tool_approval_required` event, an item of the
            history, or an item in its JSON form.

    Raises:
        ConfigurationError: it has none.
    """
    if isinstance(call, Mapping):
        call_id = call.get("call_id")
    else:
        call_id = call if isinstance(call, str) else getattr(call, "call_id", None)
    if not isinstance(call_id, str):
        raise ConfigurationError(
            f"a call is named by its call id, its tool_approval_required event or its item, got {call!r}"
        )
    return call_id


class Approvals:
    """The calls of one session that wait for a decision, and the decisions that hold for later ones.

    Args:
        publish: takes the session's events.
        formatter: words the rejections that come without a message.
    """

    def __init__(
        self, publish: Callable[[RealtimeSessionEvent], None], formatter: ToolErrorFormatter | None = None
    ) -> None:
        self._publish = publish
        self._formatter = formatter
        self._waiting: dict[str, tuple[RealtimeToolApprovalRequired, asyncio.Future[Decision]]] = {}
        self._always: dict[str, Decision] = {}
        self._decided: dict[str, str] = {}

    @property
    def pending(self) -> tuple[RealtimeToolApprovalRequired, ...]:
        """The calls that wait, in the order in which they were made."""
        return tuple(request for request, decision in self._waiting.values() if not decision.done())

    def remembered(self, tool_name: str) -> Decision | None:
        """Return what was decided about every call of a tool, or ``None``."""
        return self._always.get(tool_name)

    async def ask(self, request: RealtimeToolApprovalRequired, *, timeout_s: float | None) -> Decision:
        """Publish a request and wait for its decision.

        Args:
            request: the call, as the application is told of it.
            timeout_s: seconds after which the call is rejected; ``None`` waits as long as the session lasts.
        """
        call_id = request.call_id
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[call_id] = (request, future)
        try:
            self._publish(request)
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            del self._waiting[call_id]
        if future.done():
            decision = future.result()
            self._decided[call_id] = "approved" if decision.approved else "rejected"
        else:
            reason = f"Tool {request.tool.name!r} was not run: nobody approved it within {timeout_s:g} s."
            decision = Decision(approved=False, message=reason, timed_out=True)
            self._decided[call_id] = "rejected, because nobody decided in time"
        if len(self._decided) > REMEMBERED_DECISIONS:
            del self._decided[next(iter(self._decided))]
        return decision

    def decide(self, call: object, decision: Decision, *, always: bool = False) -> None:
        """Decide about a call that waits.

        Args:
            call: its id, or something that has it; see `call_id_of`.
            decision: what is to happen.
            always: decide the same about every later call of this tool; other calls of it that wait already
                still want a decision of their own.

        Raises:
            ConfigurationError: no such call waits, or it was decided before.
        """
        call_id = call_id_of(call)
        request, future = self._waiting.get(call_id, (None, None))
        if request is None or future is None or future.done():
            raise ConfigurationError(self._nothing_to_decide(call_id))
        if always:
            self._always[request.tool.name] = decision
        future.set_result(decision)

    def _nothing_to_decide(self, call_id: str) -> str:
        names = ", ".join(repr(request.call_id) for request in self.pending)
        hint = f"waiting: {names}" if names else "no call is waiting"
        if call_id in self._waiting:
            return f"call {call_id!r} was decided already; {hint}"
        if call_id in self._decided:
            return f"call {call_id!r} was {self._decided[call_id]}; {hint}"
        return f"no call {call_id!r} waits for approval; {hint}"

    async def message(self, decision: Decision, context: ToolContext[Any]) -> str:
        """Return what the model is told of a rejected call.

        A formatter that fails, hangs or returns no text becomes an `error` event.

        Args:
            decision: the rejection.
            context: what the tool would have received.
        """
        if decision.message is not None:
            return decision.message
        if self._formatter is None:
            return REJECTED
        try:
            written = await within(FORMATTER_S, self._format(self._formatter, context))
        except Exception as error:  # noqa: BLE001  # the user's own words may fail; the model gets ours
            failure = ToolError(
                f"tool_error_formatter failed: {str(error) or type(error).__name__}",
                tool_name=context.tool_name,
                call_id=context.call_id,
            )
            failure.__cause__ = error
            self._publish(RealtimeError(failure))
            return REJECTED
        return REJECTED if written is None else written

    async def _format(self, formatter: ToolErrorFormatter, context: ToolContext[Any]) -> str | None:
        arguments = ToolErrorFormatterArgs(context.tool_name, context.call_id, REJECTED, context)
        written: object = formatter(arguments)
        if inspect.isawaitable(written):
            written = await written
        if not isinstance(written, str | None):
            raise TypeError(f"it must return a text or None, got {written!r}")
        return written
