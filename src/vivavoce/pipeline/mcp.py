"""The MCP servers of a session: asked for their tools, and called, each request in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from vivavoce.conversation.effects import (
    CallMcpTool,
    CancelMcpCall,
    Effect,
    LeaveMcpServer,
    ListMcpTools,
)
from vivavoce.pipeline.backstage import Backstage
from vivavoce.pipeline.mcp_link import McpFailedError, McpLink
from vivavoce.protocol import McpTool, McpToolExecutionError

logger = logging.getLogger(__name__)

AT_ONCE = 8
"""Requests of one session that are under way at the same time; others wait, in order."""


class McpRequests:
    """Carries out what the conversation asks of MCP servers. One connection a server and session.

    Args:
        backstage: what the session shares.
    """

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._links: dict[str, McpLink] = {}
        self._leaving: set[McpLink] = set()
        self._calls: dict[str, asyncio.Task[None]] = {}
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        self.performers: Mapping[type[Effect], Callable[[Any], None]] = {
            ListMcpTools: self._list_tools,
            CallMcpTool: self._call_tool,
            CancelMcpCall: self._cancel_call,
            LeaveMcpServer: self._leave_server,
        }

    def closing(self) -> list[Coroutine[Any, Any, None]]:
        """Return what is still to be done when the session ends."""
        links = [*self._links.values(), *self._leaving]
        self._links.clear()
        return [link.aclose() for link in links]

    def _link_to(self, declared: McpTool) -> McpLink:
        label = declared.server_label
        link = self._links.get(label)
        if link is None or not link.leads_to(declared):
            self._leave(label)
            options = self._backstage.options
            link = McpLink(declared, options.mcp_timeout_s, private_addresses=options.mcp_private_addresses)
            self._links[label] = link
        return link

    def _list_tools(self, effect: ListMcpTools) -> None:
        link = self._link_to(effect.server)

        async def work() -> None:
            tools = await link.list_tools()
            self._backstage.feed(lambda talk, now: talk.mcp.receive_tools(effect.item_id, tools, now))

        what = f"The MCP server {effect.server.server_label!r} did not list its tools"
        self._backstage.tasks.spawn(self._reported(effect.item_id, what, work), f"mcp tools {effect.item_id}")

    def _call_tool(self, effect: CallMcpTool) -> None:
        link = self._link_to(effect.server)

        async def work() -> None:
            output = await link.call_tool(effect.name, effect.arguments)
            self._backstage.feed(lambda talk, now: talk.mcp.receive_result(effect.item_id, output, now))

        what = f"A call of the MCP server {effect.server.server_label!r} failed"
        task = self._backstage.tasks.spawn(
            self._reported(effect.item_id, what, work), f"mcp call {effect.item_id}"
        )
        if task is not None:
            self._calls[effect.item_id] = task
            task.add_done_callback(lambda _: self._calls.pop(effect.item_id, None))

    def _cancel_call(self, effect: CancelMcpCall) -> None:
        if (task := self._calls.pop(effect.item_id, None)) is not None:
            task.cancel()

    def _leave_server(self, effect: LeaveMcpServer) -> None:
        self._leave(effect.server_label)

    def _leave(self, label: str) -> None:
        if (link := self._links.pop(label, None)) is not None:
            self._leaving.add(link)
            self._backstage.tasks.spawn(self._left(link), f"mcp farewell {label}")

    async def _left(self, link: McpLink) -> None:
        await link.leave()
        self._leaving.discard(link)

    async def _reported(self, item_id: str, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            async with self._turnstile:
                await work()
        except McpFailedError as failure:
            where = {"session_id": self._backstage.session_id, "detail": str(failure)}
            logger.warning(what, extra=where)
            error = failure.error
        except Exception:
            logger.exception(what, extra={"session_id": self._backstage.session_id})
            error = McpToolExecutionError(message="The server failed.")
        else:
            return
        self._backstage.feed(lambda talk, now: talk.mcp.receive_failure(item_id, error, now))
