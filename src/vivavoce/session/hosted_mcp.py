"""MCP tools that the server calls: who approves their calls, and what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from vivavoce.agents.limits import within
from vivavoce.agents.threads import call
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.protocol import (
    UNSET,
    ConversationItemCreate,
    Item,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    McpCallItem,
    McpListToolsItem,
)
from vivavoce.session.events import (
    RealtimeError,
    RealtimeMcpToolCallCompleted,
    RealtimeMcpToolsChanged,
    RealtimeToolApprovalRequired,
)
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.protocol import ClientEvent
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.speaker import Speaker

APPROVAL_S = 300.0
"""Seconds that an `on_approval_request` may take."""
WAITING_AT_ONCE = 64
"""Calls that may wait for approval at the same time; more are rejected."""
REMEMBERED = 1024
"""Items of which it is known that they were reported."""


class HostedMcpPort(Protocol):
    """What hosted MCP tools need of their session."""

    @property
    def speaker(self) -> Speaker:
        """Who speaks now."""

    def send(self, event: ClientEvent) -> None:
        """Send an event to the server."""

    def request_response(self) -> None:
        """Ask the model for an answer."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Tell the application."""


class HostedMcp:
    """The MCP calls that a server makes in one session.

    Args:
        port: the session.
    """

    def __init__(self, port: HostedMcpPort) -> None:
        self._port = port
        self._pending: dict[str, RealtimeToolApprovalRequired] = {}
        self._always: dict[tuple[str, str], bool] = {}
        self._seen: dict[str, None] = {}
        self._tasks = Tasks()

    @property
    def pending(self) -> Sequence[RealtimeToolApprovalRequired]:
        """The calls that nobody has decided on, as the application was told of them."""
        return list(self._pending.values())

    def waits(self, request_id: str) -> bool:
        """Say whether a call waits for approval."""
        return request_id in self._pending

    def forget(self) -> bool:
        """Forget the calls that wait, which no other server knows of. True: there were some."""
        waited = bool(self._pending)
        self._pending = {}
        return waited

    def hear(self, item: Item) -> None:
        """Take in an item as the server has it now."""
        if isinstance(item, McpApprovalRequestItem):
            if self._is_new(item.id):
                self._ask(item)
        elif isinstance(item, McpCallItem):
            if (item.output is not None or item.error) and self._is_new(item.id):
                self._port.publish(RealtimeMcpToolCallCompleted(item))
                self._port.request_response()
        elif isinstance(item, McpListToolsItem) and item.tools:
            self._port.publish(RealtimeMcpToolsChanged(item.server_label, item.tools))

    def _is_new(self, item_id: str) -> bool:
        if item_id in self._seen:
            return False
        self._seen[item_id] = None
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def _ask(self, request: McpApprovalRequestItem) -> None:
        speaker, waiting = self._port.speaker, len(self._pending)
        question = RealtimeToolApprovalRequired(speaker.agent, request, request.id, request.arguments)
        self._pending[request.id] = question
        always = self._always.get((request.server_label, request.name))
        tool = speaker.hosted.get(request.server_label)
        if always is not None:
            self.decide(request.id, approve=always)
        elif waiting >= WAITING_AT_ONCE:
            reason = f"{waiting} calls are waiting for approval already"
            self._port.publish(RealtimeError(ToolError(reason, tool_name=request.name, call_id=request.id)))
            self.decide(request.id, approve=False, reason=reason)
        elif tool is not None and tool.on_approval_request is not None:
            self._tasks.spawn(self._ask_function(request, tool.on_approval_request), name="MCP approval")
        else:
            self._port.publish(question)

    async def _ask_function(self, request: McpApprovalRequestItem, decide: Callable[[Any], Any]) -> None:
        try:
            verdict = await within(APPROVAL_S, call(decide, request, purpose="tool"))
            given = verdict if isinstance(verdict, Mapping) else {"approve": verdict}
            approve, reason = bool(given["approve"]), given.get("reason")
        except Exception as error:  # noqa: BLE001  # who cannot decide does not approve
            self._port.publish(RealtimeError(error))
            approve, reason = False, "The approval failed."
        if self.waits(request.id):  # nobody else has decided, and its server is still there
            self.decide(request.id, approve=approve, reason=reason)

    def decide(
        self, request_id: str, *, approve: bool, always: bool = False, reason: str | None = None
    ) -> None:
        """Answer a request.

        Args:
            request_id: the request.
            approve: whether the server may make the call.
            always: decide the same for every later call of this tool in this session.
            reason: told to the model when the call is not approved.

        Raises:
            ConfigurationError: there is no such request.
        """
        question = self._pending.pop(request_id, None)
        if question is None:
            raise ConfigurationError(f"no MCP call {request_id!r} waits for approval")
        request = question.tool
        if always and isinstance(request, McpApprovalRequestItem):
            self._always[request.server_label, request.name] = approve
        answer = McpApprovalResponseItem(
            approval_request_id=request_id, approve=approve, reason=UNSET if reason is None else reason
        )
        self._port.send(ConversationItemCreate(item=answer))
        if not approve:
            self._port.request_response()  # a call that is made leads to an answer; this one is not

    async def aclose(self) -> None:
        """Decide nothing more."""
        await self._tasks.aclose()
