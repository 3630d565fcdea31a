"""The MCP servers of a session: which are known, which are being asked for their tools, what they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vivavoce.conversation.effects import LeaveMcpServer, ListMcpTools
from vivavoce.conversation.items import Items, Record
from vivavoce.conversation.mcp_rules import is_allowed
from vivavoce.conversation.outbox import Outbox
from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemDone,
    McpListedTool,
    McpListToolsCompleted,
    McpListToolsFailed,
    McpListToolsInProgress,
    McpListToolsItem,
    McpTool,
    Tool,
    present,
    replace,
)

MAX_KNOWN = 64
"""Servers that a session remembers by their label, those it has left included."""


class _Server:
    """One server: its declaration, and its tools once it has listed them.

    Attributes:
        item_id: of the `mcp_list_tools` item while it is being asked.
        record: that item, until it is done or deleted.
        tools: what it has, or `None` while that is not known: it is being asked, has failed or was left.
    """

    __slots__ = ("declared", "item_id", "record", "tools")

    def __init__(self, declared: McpTool, item_id: str, record: Record) -> None:
        self.declared = declared
        self.item_id: str | None = item_id
        self.record: Record | None = record
        self.tools: tuple[McpListedTool, ...] | None = None

    @property
    def in_use(self) -> bool:
        """Whether it is being asked, or has said what it has."""
        return self.item_id is not None or self.tools is not None


class McpServers:
    """The MCP servers of one session, by label.

    Args:
        outbox: where events and effects go.
        items: the conversation.
    """

    def __init__(self, outbox: Outbox, items: Items) -> None:
        self._outbox = outbox
        self._items = items
        self._known: dict[str, _Server] = {}
        self._kept: frozenset[str] = frozenset()  # labels that the session itself declares

    def declared(self, label: str) -> McpTool | None:
        """Return how a server was last declared, or `None`."""
        server = self._known.get(label)
        return None if server is None else server.declared

    def tools_of(self, declared: McpTool) -> list[McpListedTool]:
        """Return the tools that a server may offer; none while they are not known."""
        server = self._known.get(declared.server_label)
        tools = None if server is None else server.tools
        return [tool for tool in tools or () if is_allowed(declared, tool)]

    def is_elsewhere(self, tool: McpTool) -> bool:
        """Whether this label stands for another server in the session, or for other secrets."""
        known = self.declared(tool.server_label)
        return known is not None and tool.server_label in self._kept and not _same_place(known, tool)

    def listing(self, labels: Iterable[str]) -> set[str]:
        """Return the ids of the `mcp_list_tools` items of those servers that are being asked now."""
        servers = (self._known.get(label) for label in labels)
        return {server.item_id for server in servers if server is not None and server.item_id is not None}

    def use(self, tools: Sequence[Tool]) -> None:
        """Ask the servers that a response names what they have, unless that is known."""
        for tool in _servers_of(tools):
            known = self._known.get(tool.server_label)
            if known is None or not known.in_use or not _same_place(known.declared, tool):
                self._ask(tool)

    def keep(self, tools: Sequence[Tool]) -> None:
        """Ask the servers of the session, unless the same is known, and leave those it has no more.

        The label of a server that is left stays known.
        """
        self._kept = frozenset(tool.server_label for tool in _servers_of(tools))
        for label, server in self._known.items():
            if label not in self._kept and server.in_use:
                self._give_up(server)
                server.tools = None
                self._outbox.effect(LeaveMcpServer(label))
        for tool in _servers_of(tools):
            known = self._known.get(tool.server_label)
            if known is not None and known.in_use and _lists_the_same(known.declared, tool):
                known.declared = tool
            else:
                self._ask(tool)

    def _ask(self, tool: McpTool) -> None:
        label = tool.server_label
        if (known := self._known.pop(label, None)) is not None:
            self._give_up(known)
        while len(self._known) >= MAX_KNOWN:
            oldest = next(iter(self._known))
            self._give_up(self._known.pop(oldest))
            self._outbox.effect(LeaveMcpServer(oldest))
        item_id = self._outbox.ids.new("item")
        item = McpListToolsItem(id=item_id, server_label=label, tools=[])
        record = Record(item)
        previous = self._items.append(item_id, record)
        self._known[label] = _Server(tool, item_id, record)
        self._outbox.emit(McpListToolsInProgress, item_id=item_id)
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=item)
        self._outbox.effect(ListMcpTools(item_id, tool))

    def _give_up(self, server: _Server) -> None:
        """End a listing that nobody waits for any more."""
        if server.item_id is not None:
            self._end(server, None)

    def _by_item(self, item_id: str) -> _Server | None:
        return next((server for server in self._known.values() if server.item_id == item_id), None)

    def receive(self, item_id: str, tools: Sequence[McpListedTool] | None) -> bool:
        """Take what a server has, or `None` when it did not say.

        Returns:
            Whether anybody had asked.
        """
        server = self._by_item(item_id)
        if server is not None:
            self._end(server, tools)
        return server is not None

    def item_gone(self, item_id: str) -> None:
        """Take note that an item is about to be deleted; the server is asked all the same."""
        if (server := self._by_item(item_id)) is not None:
            self._done(server)

    def end(self) -> None:
        """End every listing: the session is over."""
        for server in self._known.values():
            self._give_up(server)

    def _end(self, server: _Server, tools: Sequence[McpListedTool] | None) -> None:
        item_id, server.item_id = server.item_id, None
        if tools is None:
            self._outbox.emit(McpListToolsFailed, item_id=item_id)
        else:
            server.tools = tuple(tools)
            self._outbox.emit(McpListToolsCompleted, item_id=item_id)
        self._done(server)

    def _done(self, server: _Server) -> None:
        record, server.record = server.record, None
        if record is None:
            return  # the item was deleted
        assert isinstance(record.item, McpListToolsItem)
        tools = self.tools_of(server.declared)
        record.item = replace(record.item, tools=tools)
        size = sum(len(tool.description) + len(str(tool.input_schema)) for tool in tools)
        record.size += size
        self._items.size += size
        previous = self._items.before(str(record.item.id))
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=record.item)


def _servers_of(tools: Sequence[Tool]) -> list[McpTool]:
    return [tool for tool in tools if isinstance(tool, McpTool)]


def _lists_the_same(one: McpTool, other: McpTool) -> bool:
    """Whether two declarations are of one server with the same tools; approval is asked per call."""
    return _same_place(one, other) and one.allowed_tools == other.allowed_tools


def _same_place(one: McpTool, other: McpTool) -> bool:
    return _place(one) == _place(other)


def _place(tool: McpTool) -> tuple[object, ...]:
    return tool.server_url, present(tool.authorization, None), present(tool.headers, None)
