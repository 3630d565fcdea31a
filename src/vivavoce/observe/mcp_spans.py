"""`McpSpans`: what the server of a session asks of MCP servers, as spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemDone,
    McpCallItem,
    McpListToolsCompleted,
    McpListToolsFailed,
    McpListToolsInProgress,
    McpListToolsItem,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseMcpCallInProgress,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    present,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from vivavoce.observe.spans import Spans
    from vivavoce.protocol import ServerEvent, Unknown

__all__ = ["McpSpans"]

MAX_OPEN = 256
"""Listings and calls of a session that are followed at a time; more have no span."""

FAILED = "mcp_failed"
"""`error.type` of what failed without saying how."""


@dataclass(slots=True)
class _Asked:
    """A listing or a call: its item, which may be known later than its beginning, and its times."""

    parent: Span
    item: McpCallItem | McpListToolsItem | None = None
    began: float | None = None
    ended: float | None = None
    failed: bool = False


class McpSpans:
    """Follows listings of tools (`mcp.list_tools X`) and calls (`execute_tool X`) of one session.

    A call runs after the response that it is part of, but is a child of that response's turn.

    Args:
        spans: the spans of the session.
        parent: returns the span in which something happens now.
        capture_content: put what tools are given and return into the spans.
    """

    def __init__(self, spans: Spans, parent: Callable[[], Span], *, capture_content: bool) -> None:
        self._spans = spans
        self._parent = parent
        self._content = capture_content
        self._asked: dict[str, _Asked] = {}
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            ConversationItemAdded: self._known,
            ResponseOutputItemAdded: self._known,
            McpListToolsInProgress: self._began,
            ResponseMcpCallInProgress: self._began,
            McpListToolsCompleted: self._over,
            McpListToolsFailed: self._over,
            ResponseMcpCallCompleted: self._over,
            ResponseMcpCallFailed: self._over,
            ConversationItemDone: self._done,
            ResponseOutputItemDone: self._done,
        }

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Follow what belongs to MCP; everything else is none of its business."""
        if (handle := self._handlers.get(type(event))) is not None:
            handle(event, now)

    def close(self, now: float) -> None:
        """End what still runs."""
        asked, self._asked = self._asked, {}
        for one in asked.values():
            self._tell(one, now)

    def _one(self, item_id: str) -> _Asked | None:
        if item_id not in self._asked and len(self._asked) < MAX_OPEN:
            self._asked[item_id] = _Asked(self._parent())
        return self._asked.get(item_id)

    def _known(self, event: ConversationItemAdded | ResponseOutputItemAdded, _now: float) -> None:
        item = event.item
        if isinstance(item, McpCallItem | McpListToolsItem) and (one := self._one(present(item.id, ""))):
            one.item = item

    def _began(self, event: McpListToolsInProgress | ResponseMcpCallInProgress, now: float) -> None:
        if (one := self._one(event.item_id)) is not None:
            one.began = now

    def _over(self, event: Any, now: float) -> None:
        """Note the end; the item, which comes next, says how it went."""
        if (one := self._asked.get(event.item_id)) is not None:
            one.ended = now
            one.failed = isinstance(event, McpListToolsFailed | ResponseMcpCallFailed)

    def _done(self, event: ConversationItemDone | ResponseOutputItemDone, now: float) -> None:
        item = event.item
        if not isinstance(item, McpCallItem | McpListToolsItem):
            return
        if (one := self._asked.get(present(item.id, ""))) is not None:
            one.item = item
            # An item is also done once its arguments are whole; then the call is still to come.
            if one.ended is not None:
                del self._asked[present(item.id, "")]
                self._tell(one, now)

    def _tell(self, one: _Asked, now: float) -> None:
        if one.began is None or one.item is None:
            return  # it was never made: it was denied, or withdrawn
        name, attributes = self._described(one.item)
        span = self._spans.start(name, one.parent, one.began, attributes)
        if one.failed:
            error = present(one.item.error, None) if isinstance(one.item, McpCallItem) else None
            kind = FAILED if error is None else str(error.type)
            self._spans.fail(span, kind, error.message if error is not None and self._content else "")
        span.end(self._spans.at(now if one.ended is None else one.ended))

    def _described(self, item: McpCallItem | McpListToolsItem) -> tuple[str, dict[str, Any]]:
        attributes: dict[str, Any] = {"vivavoce.mcp.server": item.server_label}
        if isinstance(item, McpListToolsItem):
            return f"mcp.list_tools {item.server_label}", {
                **attributes,
                "vivavoce.mcp.tools": len(item.tools),
            }
        attributes |= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": item.name,
            "gen_ai.tool.call.id": item.id,
        }
        if self._content:
            attributes |= {
                "gen_ai.tool.call.arguments": item.arguments,
                "gen_ai.tool.call.result": item.output,
            }
        return f"execute_tool {item.name}", attributes
