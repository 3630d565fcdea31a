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
    present,
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
"""Items of which it is known that they were reported, or denied."""


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
        attached: it is somebody else's, who may have MCP servers of their own in it.
    """

    def __init__(self, port: HostedMcpPort, *, attached: bool = False) -> None:
        self._port = port
        self._attached = attached
        self._pending: dict[str, RealtimeToolApprovalRequired] = {}
        self._always: dict[tuple[str, str], bool] = {}
        self._seen: dict[str, None] = {}
        self._denied: dict[str, None] = {}
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
                if self._is_ours_to_answer(item):
                    self._port.request_response()
        elif isinstance(item, McpListToolsItem) and item.tools:
            self._port.publish(RealtimeMcpToolsChanged(item.server_label, item.tools))

    def hear_failed(self, item_id: str, item: Item | None) -> None:
        """Take in that the tools of a server could not be listed; `item` is the list, if it was shown."""
        named = repr(item.server_label) if isinstance(item, McpListToolsItem) else f"of item {item_id!r}"
        reason = (
            f"The tools of MCP server {named} could not be listed, and the agent goes on without them. "
            "Check its address and its authorization; the log of the model's server may say more."
        )
        self._port.publish(RealtimeError(ToolError(reason)))

    def _is_ours_to_answer(self, item: McpCallItem) -> bool:
        """Say whether the answer to a call is to be asked for here; that of a denied one was before."""
        if present(item.approval_request_id, None) in self._denied:
            return False
        return not self._attached or item.server_label in self._port.speaker.hosted

    def _is_new(self, item_id: str) -> bool:
        if item_id in self._seen:
            return False
        _remember(self._seen, item_id)
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
            _remember(self._denied, request_id)
            self._port.request_response()  # a call that is made leads to an answer; this one is not

    async def aclose(self) -> None:
        """Decide nothing more."""
        await self._tasks.aclose()


def _remember(known: dict[str, None], name: str) -> None:
    known[name] = None
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
