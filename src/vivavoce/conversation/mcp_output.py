"""An MCP call while the model is writing it. Its tool runs afterwards, see `mcp_calls.py`.

response.output_item.added → conversation.item.added → response.mcp_call_arguments.delta* → .done
→ [the approval request] → response.output_item.done; conversation.item.done comes with the tool's output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.mcp_offer import McpTarget
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.output import OutputItem
from vivavoce.protocol import (
    ItemStatus,
    McpCallItem,
    McpToolExecutionError,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseOutputItemDone,
    replace,
)


@dataclass(slots=True)
class WrittenCall:
    """A call that the model has written to its end.

    Attributes:
        record: its item.
        response_id: the response that it is part of.
        output_index: its place there.
        target: the tool.
    """

    record: Record
    response_id: str
    output_index: int
    target: McpTarget

    @property
    def item(self) -> McpCallItem:
        """The call as clients see it now."""
        assert isinstance(self.record.item, McpCallItem)
        return self.record.item


class Calls(Protocol):
    """Who has the calls made."""

    def ask_first(self, call: WrittenCall) -> None:
        """Ask for an approval where the call needs one; the item then names the request."""

    def take(self, call: WrittenCall) -> None:
        """Have the call made, now or once it is approved."""


class McpCallOutput(OutputItem):
    """A call of an MCP tool whose arguments stream in.

    Args:
        target: the tool.
        calls: who has it called.
    """

    def __init__(
        self,
        outbox: Outbox,
        items: Items,
        response_id: str,
        output_index: int,
        *,
        target: McpTarget,
        calls: Calls,
    ) -> None:
        item = McpCallItem(
            id=outbox.ids.new("item"),
            server_label=target.server.server_label,
            name=target.tool.name,
            arguments="",
        )
        super().__init__(outbox, items, response_id, output_index, item)
        self._conversation = items
        self._response_id, self._index = response_id, output_index
        self._item = item
        self._arguments = ""
        self._target = target
        self._calls = calls

    def add(self, arguments: str) -> None:
        """Add characters of the arguments."""
        self._arguments += arguments
        self._outbox.emit(ResponseMcpCallArgumentsDelta, **self._where, item_id=self.item_id, delta=arguments)

    def close(self, status: ItemStatus) -> None:
        """End the call; one that was not written to its end, or was deleted, is never made."""
        # Strict clients read the arguments as JSON, also where a tool takes none.
        if not self._arguments:
            self.add("{}")
        self._outbox.emit(
            ResponseMcpCallArgumentsDone, **self._where, item_id=self.item_id, arguments=self._arguments
        )
        item = replace(self._item, arguments=self._arguments)
        if status != "completed" or self._conversation.get(self.item_id) is not self.record:
            self._finish(never_made(item))
            return
        self.open = False
        self.record.item = item
        call = WrittenCall(self.record, self._response_id, self._index, self._target)
        self._calls.ask_first(call)
        self._outbox.emit(ResponseOutputItemDone, **self._where, item=call.item)
        self._calls.take(call)


def never_made(item: McpCallItem) -> McpCallItem:
    """Return a call that was given up while the model was writing it, as it stays."""
    return replace(item, error=McpToolExecutionError(message="The call was given up before it was made."))
