"""Runs the tools that the model calls: side by side, beside the conversation, each with an output."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vivavoce.agents import (
    CallResult,
    FunctionTool,
    RealtimeAgent,
    ToolContext,
    Usage,
    call_tool,
    check_arguments,
    is_enabled,
    wants_approval,
)
from vivavoce.agents.limits import within
from vivavoce.errors import ToolError
from vivavoce.protocol import FunctionCallItem
from vivavoce.session.approvals import Approvals, Decision
from vivavoce.session.events import (
    RealtimeError,
    RealtimeToolApprovalRequired,
    RealtimeToolEnd,
    RealtimeToolStart,
)
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.agents import RealtimeRunHooks
    from vivavoce.conversation.client_notices import ToolCalled
    from vivavoce.protocol import Item
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.run_settings import ToolSettings

CALLS_AT_ONCE = 64
"""Calls of one session that may run at the same time; the model is told when there are more."""
WAITING_AT_ONCE = 64
"""Calls of one session that may wait for approval at the same time; more are rejected."""
BACKGROUND_S = 3600.0
"""Seconds after which a background tool is given up that sets no limit of its own."""
HOOKS_S = 5.0
"""Seconds that each hook has."""

STARTED = json.dumps(
    {
        "status": "started",
        "message": "I am on it, and will tell you the result as soon as I have it.",
        "note": "This runs in the background and its result will follow by itself. Do not call it again.",
    }
)
"""What the model is told at once of a call that runs in the background."""

_APPROVED = Decision(approved=True)


class ToolPort(Protocol):
    """What the calls of a session need of it."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Take an event for the application."""

    def history(self) -> Sequence[Item]:
        """Return the conversation so far."""

    def tool_output(self, call_id: str, output: str, *, respond: bool) -> None:
        """Take what the model is told of a call, once for each call.

        Args:
            call_id: the call.
            output: a text for the model.
            respond: the model is to speak about it.
        """

    def late_output(self, call: ToolCalled, output: str, *, respond: bool) -> None:
        """Take the result of a call that has an output already.

        Args:
            call: the call as the model made it.
            output: its result, a text for the model.
            respond: the model is to speak about it as soon as nobody speaks.
        """

    def call_waits(self, call_id: str) -> None:
        """Note that a call waits for somebody's approval: nothing else should wait for it."""

    def call_decided(self, call_id: str) -> None:
        """Note that somebody has decided about a call that waited."""

    async def say(self, text: str) -> None:
        """Have the agent say something while a tool runs."""


@dataclass(frozen=True, slots=True)
class ToolOwner:
    """Whose tools are called: what was so when the response with the call began.

    Attributes:
        agent: the agent that speaks.
        tools: its tools by name.
        context: the user's own object.
        usage: tokens of the session.
        hooks: of the whole session.
    """

    agent: RealtimeAgent[Any]
    tools: Mapping[str, FunctionTool]
    context: Any
    usage: Usage
    hooks: RealtimeRunHooks[Any] | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """One call on its way."""

    call: ToolCalled
    tool: FunctionTool
    owner: ToolOwner
    context: ToolContext[Any]


class ToolCalls:
    """The calls of one session.

    Each is a task of its own. One that wants approval waits for it without holding up anything else.

    Args:
        port: the session.
        settings: how calls are run.
    """

    def __init__(self, port: ToolPort, settings: ToolSettings) -> None:
        self._port = port
        self._settings = settings
        self._approvals = Approvals(self._publish, settings.tool_error_formatter)
        self._tasks = Tasks()
        self._open: set[str] = set()
        self._closed = False
        # Locks are fair: calls that run one after another run in the order in which they were made.
        self._line: AbstractAsyncContextManager[Any] = (
            nullcontext() if settings.async_tool_calls else asyncio.Lock()
        )

    @property
    def pending_approvals(self) -> tuple[RealtimeToolApprovalRequired, ...]:
        """The calls that wait for `approve` or `reject`, in the order in which they were made."""
        return self._approvals.pending

    def start(self, call: ToolCalled, owner: ToolOwner) -> None:
        """Begin to run a call; it answers by itself. A call that runs already is not begun again."""
        if self._closed or call.call_id in self._open:
            return
        tool = owner.tools.get(call.name)
        if tool is None:
            known = ", ".join(owner.tools) or "none"
            self._refuse(call, f"There is no tool {call.name!r}. The tools are: {known}.")
        elif len(self._tasks) - len(self._approvals.pending) >= CALLS_AT_ONCE:
            self._refuse(call, f"Tool {call.name!r} was not run: {CALLS_AT_ONCE} calls are running already.")
        else:
            context = ToolContext(
                owner.context,
                owner.usage,
                call_id=call.call_id,
                tool_name=call.name,
                arguments=call.arguments,
                agent=owner.agent,
                history=tuple(self._port.history()),
                say=self._port.say,
            )
            self._open.add(call.call_id)
            self._tasks.spawn(self._run(_Run(call, tool, owner, context)), name=f"tool {call.name}")

    def approve(self, call: object, *, always: bool = False) -> None:
        """Let a call run that waits for approval.

        Args:
            call: its call id, its `tool_approval_required` event, or its item.
            always: approve every later call of this tool, too, as long as the session lasts.

        Raises:
            ConfigurationError: no such call waits, or it was decided before; names those that wait.
        """
        self._approvals.decide(call, _APPROVED, always=always)

    def reject(self, call: object, *, always: bool = False, message: str | None = None) -> None:
        """Do not run a call that waits for approval, and tell the model so.

        Args:
            call: its call id, its `tool_approval_required` event, or its item.
            always: reject every later call of this tool, too, as long as the session lasts.
            message: what the model is told; ``None`` leaves it to the run's `tool_error_formatter`.

        Raises:
            ConfigurationError: no such call waits, or it was decided before; names those that wait.
        """
        self._approvals.decide(call, Decision(approved=False, message=message), always=always)

    async def aclose(self) -> None:
        """Stop every call, within half a second. What a tool returns later goes nowhere."""
        self._closed = True
        await self._tasks.aclose()

    # --- one call -------------------------------------------------------------------------------------------

    async def _run(self, run: _Run) -> None:
        try:
            if not await is_enabled(run.tool, run.context, run.owner.agent):
                self._refuse(run.call, f"Tool {run.tool.name!r} is not available now.")
                return
            async with self._line:
                decision, blocked = await self._decision(run)
                if blocked is not None:
                    self._end(run, blocked)
                    return
                if decision is not None and decision.approved and not run.tool.background:
                    await self._execute(run)
                    return
            if decision is None:
                decision = await self._ask(run)
            if not decision.approved:
                await self._reject(run, decision)
            elif run.tool.background:
                await self._execute(run)
            else:
                async with self._line:
                    await self._execute(run)
        finally:
            self._open.discard(run.call.call_id)

    async def _decision(self, run: _Run) -> tuple[Decision | None, CallResult | None]:
        """Return what is decided about a call already, and what its input guardrails have against it."""
        if run.tool.needs_approval is False:
            return _APPROVED, None
        decision = self._approvals.remembered(run.tool.name)
        if decision is not None:
            return decision, None
        if not await wants_approval(run.tool, run.context):
            return _APPROVED, None
        if not self._settings.pre_approval_tool_input_guardrails:
            return None, None
        return None, await check_arguments(run.tool, run.context, timeout_s=self._settings.timeout_s)

    async def _ask(self, run: _Run) -> Decision:
        """Have somebody decide about a call."""
        call, tool = run.call, run.tool
        if len(self._approvals.pending) >= WAITING_AT_ONCE:
            reason = f"{WAITING_AT_ONCE} calls are waiting for approval already"
            message = f"Tool {tool.name!r} was not run: {reason}."
            self._fail(run, message)
            return Decision(approved=False, message=message)
        self._port.call_waits(call.call_id)
        own = tool.approval_timeout
        decision = await self._approvals.ask(
            RealtimeToolApprovalRequired(run.owner.agent, tool, call.call_id, call.arguments),
            timeout_s=self._settings.approval_timeout_s if own is None else own,
        )
        if decision.timed_out:
            self._fail(run, str(decision.message))
        else:
            self._port.call_decided(call.call_id)
        return decision

    async def _reject(self, run: _Run, decision: Decision) -> None:
        text = await self._approvals.message(decision, run.context)
        self._end(run, CallResult(text, text))

    async def _execute(self, run: _Run) -> None:
        limit = self._settings.timeout_s
        if run.tool.background:
            limit = max(limit, BACKGROUND_S)
            self._answer(run, STARTED, respond=True)
        await self._began(run)
        if self._closed:
            return  # what users wrote may outlive its cancellation, but nothing begins after the end
        result = await call_tool(run.tool, run.context, timeout_s=limit)
        self._end(run, result, late=run.tool.background)
        await self._ended(run, result)

    # --- what others are told -------------------------------------------------------------------------------

    def _publish(self, event: RealtimeSessionEvent) -> None:
        if not self._closed:
            self._port.publish(event)

    def _refuse(self, call: ToolCalled, reason: str) -> None:
        if self._closed:
            return
        self._publish(RealtimeError(ToolError(reason, tool_name=call.name, call_id=call.call_id)))
        self._port.tool_output(call.call_id, reason, respond=True)

    def _fail(self, run: _Run, reason: str, cause: Exception | None = None) -> None:
        error = ToolError(reason, tool_name=run.tool.name, call_id=run.call.call_id)
        error.__cause__ = cause
        self._publish(RealtimeError(error))

    def _answer(self, run: _Run, text: str, *, respond: bool, late: bool = False) -> None:
        if self._closed:
            return
        if late:
            self._port.late_output(run.call, text, respond=respond)
        else:
            self._port.tool_output(run.call.call_id, text, respond=respond)

    def _end(self, run: _Run, result: CallResult, *, late: bool = False) -> None:
        """Give a call its result."""
        if result.error is not None:
            self._publish(RealtimeError(result.error))
        self._answer(run, result.text, respond=result.respond, late=late)
        self._publish(
            RealtimeToolEnd(
                run.owner.agent,
                run.tool,
                run.call.call_id,
                run.call.arguments,
                result.output,
                result.error,
            )
        )

    async def _began(self, run: _Run) -> None:
        if self._closed:
            return
        agent, tool = run.owner.agent, run.tool
        self._publish(RealtimeToolStart(agent, tool, run.call.call_id, run.call.arguments))
        agent.emit("agent_tool_start", run.context, tool, {"tool_call": _item(run.call)})
        await self._call_hooks(run, "on_tool_start")

    async def _ended(self, run: _Run, result: CallResult) -> None:
        if self._closed:
            return
        tool_call = {"tool_call": _item(run.call)}
        run.owner.agent.emit("agent_tool_end", run.context, run.tool, result.output, tool_call)
        await self._call_hooks(run, "on_tool_end", result.output)

    async def _call_hooks(self, run: _Run, method: str, *results: Any) -> None:
        """Call the agent's hooks and the session's side by side; what they raise becomes events."""

        async def call(hooks: Any) -> None:
            try:
                work = getattr(hooks, method)(run.context, run.owner.agent, run.tool, *results)
                await within(HOOKS_S, work)
            except Exception as error:  # noqa: BLE001  # whatever a hook does, the call goes on
                self._fail(run, f"hook {method} failed: {str(error) or type(error).__name__}", error)

        hooks = (run.owner.agent.hooks, run.owner.hooks)
        await asyncio.gather(*(call(each) for each in hooks if each is not None))


def _item(call: ToolCalled) -> FunctionCallItem:
    return FunctionCallItem(
        id=call.item_id, call_id=call.call_id, name=call.name, arguments=call.arguments, status="completed"
    )
