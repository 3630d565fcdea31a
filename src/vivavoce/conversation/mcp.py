"""MCP in a session: the servers that it declares, their tools as the model gets them, the calls it makes.

Nothing continues by itself after a call: the client asks for the next response, as it does after a function
call, unless the operator has the server do it (`SessionOptions.mcp_follow_up`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from vivavoce.conversation.items import Items
from vivavoce.conversation.mcp_calls import McpCalls
from vivavoce.conversation.mcp_offer import Offer, offer_tools
from vivavoce.conversation.mcp_output import McpCallOutput, never_made
from vivavoce.conversation.mcp_rules import redeclared
from vivavoce.conversation.mcp_servers import McpServers
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.plan import ResponsePlan
from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import (
    ConversationItemDone,
    Item,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    McpCallError,
    McpCallItem,
    McpListedTool,
    McpListToolsItem,
    McpTool,
    RealtimeSession,
    ResponseCreateParams,
    Tool,
    ToolChoice,
    ToolChoiceMcp,
    TranscriptionSession,
    UnsetType,
    present,
    replace,
)

MAX_FOLLOW_UPS = 8
"""Responses that the server gives by itself after calls, one after the other; the last may call nothing."""

Session = RealtimeSession | TranscriptionSession


class Floor(Protocol):
    """What MCP asks of the session."""

    @property
    def busy(self) -> bool:
        """Whether somebody speaks: the person, or the model in a response of the conversation."""

    def respond(self, params: ResponseCreateParams, now: float, stages: dict[str, float]) -> None:
        """Begin a response."""

    def tools_listed(self, item_id: str, now: float) -> None:
        """Begin the responses that have waited for this list of tools."""

    def make_room(self, now: float) -> None:
        """Let go of the oldest items beyond the bound."""


class McpTools:
    """What a session has to do with MCP.

    Args:
        outbox: where events and effects go.
        items: the conversation.
        options: the operator's.
        floor: the session.
    """

    def __init__(self, outbox: Outbox, items: Items, options: SessionOptions, floor: Floor) -> None:
        self._outbox = outbox
        self._items = items
        self._floor = floor
        self._servers = McpServers(outbox, items)
        self._calls = McpCalls(outbox, items)
        self._follows_up = options.mcp_follow_up
        self._owing: set[str] = set()  # responses whose open calls are still to be followed up
        self._owed = False
        self._followed = 0
        self._following = False
        self._ended = False

    # --- declarations -------------------------------------------------------------------------------------

    def completed(self, patch: Session) -> Session:
        """Return a session with its servers completed by what is known of their labels."""
        if not isinstance(patch, RealtimeSession) or isinstance(patch.tools, UnsetType):
            return patch
        return replace(patch, tools=self._completed(patch.tools))

    def _completed(self, tools: Sequence[Tool]) -> list[Tool]:
        return [
            redeclared(tool, self._servers.declared(tool.server_label)) if isinstance(tool, McpTool) else tool
            for tool in tools
        ]

    def configure(self, patch: Session) -> None:
        """Ask the servers that the session now has for their tools, and leave those it has no more.

        Args:
            patch: what has just been applied to the session, completed; without `tools`, nothing changes.
        """
        if isinstance(patch, RealtimeSession) and not isinstance(patch.tools, UnsetType):
            self._servers.keep(patch.tools)

    def wishes(self, params: ResponseCreateParams) -> ResponseCreateParams:
        """Return the wishes for a response with its servers completed.

        Raises:
            RemoteProtocolError: a response outside the conversation is to have MCP tools, or a label means
                another server here than in the session.
        """
        if isinstance(params.tools, UnsetType):
            tools: Sequence[Tool] = ()
        else:
            tools = self._completed(params.tools)
            params = replace(params, tools=tools)
        if present(params.conversation, "auto") == "none" and (
            isinstance(params.tool_choice, ToolChoiceMcp) or any(isinstance(tool, McpTool) for tool in tools)
        ):
            raise refuse(
                "MCP tools cannot be called in a response with conversation 'none': their output would go "
                "nowhere.",
                "response.tools",
            )
        for index, tool in enumerate(tools):
            if isinstance(tool, McpTool) and self._servers.is_elsewhere(tool):
                raise refuse(
                    f"In this session '{tool.server_label}' is another MCP server, or has other secrets. Use "
                    "another label for this response, or the label alone for that server.",
                    f"response.tools[{index}].server_label",
                )
        return params

    # --- responses ----------------------------------------------------------------------------------------

    def begin_response(self, params: ResponseCreateParams, plan: ResponsePlan) -> set[str]:
        """Take note of a response that has been created.

        It uses the tools that are known when it begins. It waits for a server only where it cannot do
        without: one that this response names, in its `tools` or as its `tool_choice`.

        Returns:
            Ids of the `mcp_list_tools` items that it has to wait for.
        """
        if not plan.in_conversation:
            return set()
        self._owed = False
        if not self._following:
            self._followed = 0
        self._following = False
        own = present(params.tools, ())
        self._servers.use(own)
        needed = {tool.server_label for tool in own if isinstance(tool, McpTool)}
        if isinstance(plan.tool_choice, ToolChoiceMcp):
            needed.add(plan.tool_choice.server_label)
        return self._servers.listing(needed)

    def offer(self, plan: ResponsePlan) -> Offer:
        """Return what the model may call in a response that begins now."""
        if plan.in_conversation:
            return offer_tools(plan.tools, self._servers.tools_of, plan.tool_choice)
        choice = "auto" if isinstance(plan.tool_choice, ToolChoiceMcp) else plan.tool_choice
        return offer_tools(plan.tools, lambda _server: (), choice)

    def opener(self, offer: Offer, response_id: str) -> Callable[[int, str], McpCallOutput | None]:
        """Return what begins the call of an MCP tool in a response, by output index and offered name.

        It returns `None` when the model calls a function of the client.
        """

        def open_call(output_index: int, name: str) -> McpCallOutput | None:
            target = offer.targets.get(name)
            if target is None:
                return None
            return McpCallOutput(
                self._outbox, self._items, response_id, output_index, target=target, calls=self._calls
            )

        return open_call

    def response_ended(self, response_id: str, *, follow_up: bool) -> None:
        """Take note that a response has ended.

        Args:
            response_id: the response.
            follow_up: whether it may be continued: it was completed and waits for no function of the client.
        """
        if not self._calls.of_response(response_id):
            return
        self._calls.response_over(response_id)
        if follow_up and self._calls.of_response(response_id):
            self._owing.add(response_id)
        elif follow_up:
            self._owed = True

    def follow_up(self, now: float) -> None:
        """Answer what came of the calls, where the operator wishes that and nobody speaks."""
        if not self._owed or not self._follows_up or self._floor.busy:
            return
        self._followed += 1
        self._following = True
        choice: ToolChoice = "auto" if self._followed < MAX_FOLLOW_UPS else "none"
        self._floor.respond(ResponseCreateParams(tool_choice=choice), now, {"asked": now})

    # --- what comes in ------------------------------------------------------------------------------------

    def check_item(self, item: Item) -> None:
        """Refuse an item of a client that would mean nothing.

        Raises:
            RemoteProtocolError: it is an answer to a request that is not there, or has been answered; or of a
                kind that only a server makes.
        """
        if isinstance(item, McpListToolsItem | McpApprovalRequestItem):
            raise refuse(f"Items of type '{item.type}' are made by the server only.", "item.type")
        if isinstance(item, McpCallItem) and not item.arguments:
            raise refuse("An mcp_call needs its arguments, '{}' where there are none.", "item.arguments")
        if isinstance(item, McpApprovalResponseItem):
            self._calls.check_answer(item)

    def item_created(self, item: Item, now: float) -> None:
        """Carry out an answer to an approval request."""
        if isinstance(item, McpApprovalResponseItem):
            self._settled(self._calls.answer(item))
            self.follow_up(now)

    def item_gone(self, item_id: str) -> None:
        """Take note that an item is about to be deleted."""
        record = self._items.get(item_id)
        if record is not None and isinstance(item := record.item, McpCallItem) and not item.arguments:
            # The model is still writing it.
            previous = self._items.before(item_id)
            self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=never_made(item))
        self._servers.item_gone(item_id)
        self._settled(self._calls.item_gone(item_id))

    def receive_tools(self, item_id: str, tools: Sequence[McpListedTool], now: float) -> None:
        """Take the tools of a server that was asked for them."""
        self._listed(item_id, tools, now)

    def receive_result(self, item_id: str, output: str, now: float) -> None:
        """Take the output of a call."""
        self._called(item_id, output, now)

    def receive_failure(self, item_id: str, error: McpCallError, now: float) -> None:
        """Take why a server did not list its tools, or a call has no output."""
        if not self._listed(item_id, None, now):
            self._called(item_id, error, now)

    def _listed(self, item_id: str, tools: Sequence[McpListedTool] | None, now: float) -> bool:
        known = not self._ended and self._servers.receive(item_id, tools)
        if known:
            self._floor.tools_listed(item_id, now)
            self._floor.make_room(now)
        return known

    def _called(self, item_id: str, outcome: str | McpCallError, now: float) -> None:
        if not self._ended:
            self._settled(self._calls.receive(item_id, outcome))
            self._floor.make_room(now)
            self.follow_up(now)

    def _settled(self, response_id: str | None) -> None:
        """Take note that the last open call of a response has been settled."""
        if response_id in self._owing:
            self._owing.discard(response_id)
            self._owed = True

    def end(self) -> None:
        """End what is under way: the session is over."""
        self._ended = True
        self._calls.end()
        self._servers.end()
