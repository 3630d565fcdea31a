"""The MCP calls of a session, from the model's wish to the tool's output.

    WRITTEN ─(needs approval)─► ASKED ─approve─► RUNNING ─result, failure─► SETTLED
       │                          └──deny, withdrawn──────────────────────────┤
       └─(free, or the arguments are no JSON)──► RUNNING ─────────────────────┘

What comes of a call is told after `response.done` of the response that it is part of: a client that asks for
the next response when it hears of it may do so at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vivavoce.conversation.effects import CallMcpTool, CancelMcpCall
from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.mcp_output import WrittenCall
from vivavoce.conversation.mcp_rules import needs_approval
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemDone,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    McpCallError,
    McpToolExecutionError,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseMcpCallInProgress,
    present,
    replace,
)

MAX_CALLS = 64
"""Calls of a session that may run or wait for approval at the same time; one more fails at once."""


class _Open:
    """A call that has not been settled."""

    __slots__ = ("outcome", "request_id", "response_over", "running", "written")

    def __init__(self, written: WrittenCall, request_id: str | None) -> None:
        self.written = written
        self.request_id = request_id
        self.response_over = False
        self.running = False
        self.outcome: str | McpCallError | None = None


class McpCalls:
    """The calls that have been written and are not settled.

    Args:
        outbox: where events and effects go.
        items: the conversation.
    """

    def __init__(self, outbox: Outbox, items: Items) -> None:
        self._outbox = outbox
        self._items = items
        self._open: dict[str, _Open] = {}
        self._asked: dict[str, _Open] = {}

    def of_response(self, response_id: str) -> bool:
        """Whether calls of this response are open."""
        return any(call.written.response_id == response_id for call in self._open.values())

    # --- from the model -----------------------------------------------------------------------------------

    def ask_first(self, call: WrittenCall) -> None:
        """Ask for an approval where the call needs one; the item then names the request."""
        item = call.item
        opened = _Open(call, None)
        if len(self._open) >= MAX_CALLS:
            opened.outcome = _failed(f"Too many calls at once: at most {MAX_CALLS} may run or wait.")
        elif _arguments(item.arguments) is None:
            opened.outcome = _failed("The arguments are not a JSON object.")
        elif needs_approval(call.target.server, call.target.tool):
            opened.request_id = self._outbox.ids.new("item")
            self._asked[opened.request_id] = opened
            self._request(opened.request_id, call)
        self._open[item.id] = opened

    def _request(self, request_id: str, call: WrittenCall) -> None:
        item = call.item
        call.record.item = replace(item, approval_request_id=request_id)
        request = McpApprovalRequestItem(
            id=request_id, server_label=item.server_label, name=item.name, arguments=item.arguments
        )
        previous = self._items.append(request_id, Record(request))
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=request)
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=request)

    def take(self, call: WrittenCall) -> None:
        """Have the call made, unless it waits for an approval or cannot be made."""
        opened = self._open[call.item.id]
        if opened.request_id is None and opened.outcome is None:
            self._run(opened)

    def _run(self, opened: _Open) -> None:
        call = opened.written
        opened.running = True
        self._outbox.emit(ResponseMcpCallInProgress, item_id=call.item.id, output_index=call.output_index)
        arguments = _arguments(call.item.arguments) or {}
        self._outbox.effect(CallMcpTool(call.item.id, call.target.server, call.target.tool.name, arguments))

    def response_over(self, response_id: str) -> None:
        """Tell what has come of the calls of a response that has just ended."""
        for opened in list(self._open.values()):
            if opened.written.response_id == response_id:
                opened.response_over = True
                if opened.outcome is not None:
                    self._settle(opened)

    # --- from the client ----------------------------------------------------------------------------------

    def check_answer(self, answer: McpApprovalResponseItem) -> None:
        """Refuse an answer to what was not asked.

        Raises:
            RemoteProtocolError: there is no such request, or it has been answered.
        """
        request_id = answer.approval_request_id
        if request_id not in self._asked:
            raise refuse(
                f"There is no approval request with id '{request_id}' that waits for an answer.",
                "item.approval_request_id",
            )

    def answer(self, answer: McpApprovalResponseItem) -> str | None:
        """Carry out an answer that `check_answer` has let pass.

        Returns:
            As `receive`.
        """
        opened = self._asked.pop(answer.approval_request_id)
        if answer.approve:
            self._run(opened)
            return None
        reason = present(answer.reason, None)
        return self._decide(opened, _failed("The call was not approved" + (f": {reason}" if reason else ".")))

    def item_gone(self, item_id: str) -> str | None:
        """Take note that an item is about to be deleted: nobody waits for its call, or can approve it.

        Returns:
            As `receive`.
        """
        if (asked := self._asked.pop(item_id, None)) is not None:
            return self._decide(asked, _failed("The approval request was deleted."))
        opened = self._open.get(item_id)
        if opened is None:
            return None
        if opened.outcome is None:
            opened.outcome = _failed("The call was deleted.")
            if opened.running:
                self._outbox.effect(CancelMcpCall(item_id))
        self._asked.pop(str(opened.request_id), None)
        return self._settle(opened)

    # --- from the tools -----------------------------------------------------------------------------------

    def receive(self, item_id: str, outcome: str | McpCallError) -> str | None:
        """Take the output of a call, or why there is none.

        Returns:
            The response whose last open call this settled, or `None`.
        """
        opened = self._open.get(item_id)
        return None if opened is None or opened.outcome is not None else self._decide(opened, outcome)

    def end(self) -> None:
        """End every open call: the session is over, and all its responses are."""
        for opened in list(self._open.values()):
            opened.outcome = _failed("The session has ended.")
            self._settle(opened)
        self._asked.clear()

    def _decide(self, opened: _Open, outcome: str | McpCallError) -> str | None:
        opened.outcome = outcome
        return self._settle(opened) if opened.response_over else None

    def _settle(self, opened: _Open) -> str | None:
        call, outcome = opened.written, opened.outcome
        item_id = call.item.id
        del self._open[item_id]
        where = {"item_id": item_id, "output_index": call.output_index}
        if isinstance(outcome, str):
            call.record.item = replace(call.item, output=outcome)
            call.record.size += len(outcome)
            self._items.size += len(outcome)
            self._outbox.emit(ResponseMcpCallCompleted, **where)
        else:
            call.record.item = replace(call.item, error=outcome)
            self._outbox.emit(ResponseMcpCallFailed, **where)
        previous = self._items.before(item_id)
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=call.record.item)
        return call.response_id if opened.response_over and not self.of_response(call.response_id) else None


def _failed(message: str) -> McpToolExecutionError:
    return McpToolExecutionError(message=message)


def _arguments(text: str) -> Mapping[str, Any] | None:
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return arguments if isinstance(arguments, dict) else None
