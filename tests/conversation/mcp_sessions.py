"""A conversation with MCP servers on the desk: they list and answer when the test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.conversation.effects import CallMcpTool, ListMcpTools
from vivavoce.protocol import (
    McpCallError,
    McpListedTool,
    McpToolExecutionError,
    to_builtins,
)

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

URL = "https://example.com/mcp"
LISTING = ["mcp_list_tools.in_progress", "conversation.item.added"]
LISTED = ["mcp_list_tools.completed", "conversation.item.done"]
UNLISTED = ["mcp_list_tools.failed", "conversation.item.done"]
OPENED = ["response.output_item.added", "conversation.item.added"]
WRITTEN = ["response.mcp_call_arguments.delta", "response.mcp_call_arguments.done"]
ASKED = ["conversation.item.added", "conversation.item.done"]
CALLED = ["response.output_item.done", "response.mcp_call.in_progress"]
COMPLETED = ["response.mcp_call.completed", "conversation.item.done"]
FAILED = ["response.mcp_call.failed", "conversation.item.done"]
NO_LUCK = McpToolExecutionError(message="No luck.")


def server(label: str = "s", **fields: Any) -> dict[str, Any]:
    """An MCP server as a client declares it."""
    return {"type": "mcp", "server_label": label, "server_url": f"{URL}/{label}", **fields}


def free(label: str = "s", **fields: Any) -> dict[str, Any]:
    """One whose calls nobody has to approve."""
    return server(label, require_approval="never", **fields)


def listed(*names: str) -> list[McpListedTool]:
    return [McpListedTool(name=name, input_schema={"type": "object"}) for name in names]


class Bench:
    """What MCP servers do in a conversation, and what is seen of it."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    def use(self, *servers: dict[str, Any], tools: tuple[str, ...] = ("look",), **session: Any) -> list[str]:
        """Declare servers, and have each list these tools."""
        said = self.talk.update(tools=list(servers), **session)
        for effect in self.asked_for_tools[-len(servers) :]:
            said += self.lists(*tools, item_id=effect.item_id)
        return said

    @property
    def asked_for_tools(self) -> list[ListMcpTools]:
        return self.talk.of(ListMcpTools)

    @property
    def called(self) -> list[CallMcpTool]:
        return self.talk.of(CallMcpTool)

    def lists(self, *names: str, item_id: str | None = None) -> list[str]:
        item_id = item_id or self.asked_for_tools[-1].item_id
        self.talk.server.mcp.receive_tools(item_id, listed(*names), self.talk.now)
        return self.talk.take()

    def answers(self, output: str = "done", item_id: str | None = None) -> list[str]:
        self.talk.server.mcp.receive_result(item_id or self.called[-1].item_id, output, self.talk.now)
        return self.talk.take()

    def fails(self, item_id: str | None = None, error: McpCallError = NO_LUCK) -> list[str]:
        self.talk.server.mcp.receive_failure(item_id or self.called[-1].item_id, error, self.talk.now)
        return self.talk.take()

    def approve(self, request_id: str, *, approve: bool = True, **more: Any) -> list[str]:
        item = {
            "type": "mcp_approval_response",
            "approval_request_id": request_id,
            "approve": approve,
            **more,
        }
        return self.talk.send("conversation.item.create", item=item)

    def item(self, kind: str) -> dict[str, Any]:
        """The newest item of a kind, as the last event about it has it."""
        events = (to_builtins(event) for event in reversed(self.talk.events))
        return next(event["item"] for event in events if event.get("item", {}).get("type") == kind)

    def read(self) -> list[tuple[str, str]]:
        """What the model was given of calls in the newest response: kind, and arguments or output."""
        given = [to_builtins(item) for item in self.talk.started.items]
        return [
            (item["type"], str(item.get("output", item.get("arguments"))))
            for item in given
            if item["type"] != "message"
        ]
