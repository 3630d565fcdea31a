"""Which MCP servers are accepted, what is shown of them, which of their tools are offered and asked for."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.mcp_rules import (
    check_mcp_tool,
    is_allowed,
    needs_approval,
    redeclared,
    without_secrets,
)
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    UNSET,
    FunctionTool,
    McpApprovalFilter,
    McpListedTool,
    McpTool,
    McpToolFilter,
    RealtimeSession,
    TranscriptionSession,
)

URL = "https://example.com/mcp"
READ = McpListedTool(name="read", input_schema={}, annotations={"readOnlyHint": True})
WRITE = McpListedTool(name="write", input_schema={}, annotations={"readOnlyHint": False})
PLAIN = McpListedTool(name="plain", input_schema={})


def server(**fields: Any) -> McpTool:
    return McpTool(server_label="s", **{"server_url": URL, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"server_url": "http://user:word@host:8000/x?key=1"},
        {"connector_id": UNSET, "headers": None, "allowed_tools": None, "require_approval": None},
        {"authorization": "token", "headers": {"X-Key": "1"}},
        {"headers": {"Authorization": "token"}},
        {"allowed_callers": ["direct", "programmatic"], "defer_loading": False},
        {"allowed_callers": None},
    ],
)
def test_accepted(fields: dict[str, Any]) -> None:
    check_mcp_tool(server(**fields), "session.tools[0]")


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"connector_id": "connector_gmail"}, "connector_id", "not both"),
        ({"connector_id": "connector_gmail", "server_url": UNSET}, "connector_id", "not supported"),
        ({"tunnel_id": "tunnel_x", "server_url": UNSET}, "tunnel_id", "not supported"),
        ({"defer_loading": True}, "defer_loading", "not supported"),
        ({"allowed_callers": ["programmatic"]}, "allowed_callers", "direct"),
        ({"server_label": ""}, "server_label", "needs a server_label"),
        ({"server_url": UNSET}, "server_url", "has not been used"),
        ({"server_url": "ftp://example.com"}, "server_url", "http://"),
        ({"server_url": "https://"}, "server_url", "http://"),
        ({"server_url": "http://host:port"}, "server_url", "http://"),
        ({"authorization": "a", "headers": {"AUTHORIZATION": "b"}}, "authorization", "not both"),
    ],
)
def test_refused(fields: dict[str, Any], param: str, words: str) -> None:
    declared = McpTool(**{"server_label": "s", "server_url": URL, **fields})
    with pytest.raises(RemoteProtocolError, match=words) as refusal:
        check_mcp_tool(declared, "session.tools[0]")
    assert refusal.value.param == f"session.tools[0].{param}"


def test_a_refusal_keeps_the_secrets_of_the_address() -> None:
    with pytest.raises(RemoteProtocolError) as refusal:
        check_mcp_tool(server(server_url="ftp://me:word@example.com/x?key=1"), "t")
    assert "ftp://example.com/x" in refusal.value.message
    assert "word" not in refusal.value.message
    assert "key" not in refusal.value.message


KNOWN = server(server_url=f"{URL}?key=1", authorization="secret", require_approval="never")


@pytest.mark.parametrize(
    ("declared", "meant"),
    [
        (McpTool(server_label="s"), KNOWN),
        # Without a new address it is the same server, with its secrets.
        (
            McpTool(server_label="s", require_approval="always"),
            server(server_url=f"{URL}?key=1", authorization="secret", require_approval="always"),
        ),
        # What `session.updated` shows means the server that it is shown of.
        (
            server(allowed_tools=["a"]),
            server(server_url=f"{URL}?key=1", authorization="secret", allowed_tools=["a"]),
        ),
        (server(headers={"K": "1"}), server(server_url=f"{URL}?key=1", headers={"K": "1"})),
        (server(authorization="new"), server(server_url=f"{URL}?key=1", authorization="new")),
        # Another address is another server: it gets no secret of the first.
        (server(server_url="https://other.example"), server(server_url="https://other.example")),
        (
            McpTool(server_label="s", connector_id="connector_gmail"),
            McpTool(server_label="s", connector_id="connector_gmail"),
        ),
        (McpTool(server_label="s", tunnel_id="t"), McpTool(server_label="s", tunnel_id="t")),
    ],
)  # fmt: skip
def test_redeclared(declared: McpTool, meant: McpTool) -> None:
    assert redeclared(declared, KNOWN) == meant


def test_an_unknown_label_means_what_it_says() -> None:
    assert redeclared(McpTool(server_label="s"), None) == McpTool(server_label="s")


def test_secrets_are_not_shown() -> None:
    look = FunctionTool(name="look")
    session = RealtimeSession(tools=[KNOWN, look, McpTool(server_label="t", headers={"K": "1"})])
    shown = without_secrets(session)
    assert shown.tools == [server(require_approval="never"), look, McpTool(server_label="t")]
    assert session.tools == [KNOWN, look, McpTool(server_label="t", headers={"K": "1"})]


@pytest.mark.parametrize("session", [RealtimeSession(), RealtimeSession(tools=[]), TranscriptionSession()])
def test_a_session_without_servers_is_shown_as_it_is(session: Any) -> None:
    assert without_secrets(session) is session


@pytest.mark.parametrize(
    ("wish", "allowed"),
    [
        (UNSET, ["read", "write", "plain"]),
        (None, ["read", "write", "plain"]),
        ([], []),
        (["write", "no such tool"], ["write"]),
        (McpToolFilter(), ["read", "write", "plain"]),
        (McpToolFilter(read_only=True), ["read"]),
        (McpToolFilter(read_only=False), ["write", "plain"]),
        (McpToolFilter(tool_names=["read", "plain"]), ["read", "plain"]),
        (McpToolFilter(tool_names=["read", "plain"], read_only=True), ["read"]),
    ],
)
def test_allowed_tools(wish: Any, allowed: list[str]) -> None:
    declared = server(allowed_tools=wish)
    assert [tool.name for tool in (READ, WRITE, PLAIN) if is_allowed(declared, tool)] == allowed


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        (UNSET, ["read", "write", "plain"]),
        (None, ["read", "write", "plain"]),
        ("always", ["read", "write", "plain"]),
        ("never", []),
        (McpApprovalFilter(), ["read", "write", "plain"]),
        (McpApprovalFilter(never=McpToolFilter(tool_names=["read"])), ["write", "plain"]),
        (McpApprovalFilter(never=McpToolFilter(read_only=True)), ["write", "plain"]),
        # A filter that names nothing lets nothing pass.
        (McpApprovalFilter(never=McpToolFilter()), ["read", "write", "plain"]),
        (McpApprovalFilter(always=McpToolFilter(tool_names=["read"])), ["read", "write", "plain"]),
        (
            McpApprovalFilter(
                always=McpToolFilter(tool_names=["write"]),
                never=McpToolFilter(tool_names=["write", "read", "plain"]),
            ),
            ["write"],
        ),
    ],
)
def test_require_approval(wish: Any, asked: list[str]) -> None:
    declared = server(require_approval=wish)
    assert [tool.name for tool in (READ, WRITE, PLAIN) if needs_approval(declared, tool)] == asked
