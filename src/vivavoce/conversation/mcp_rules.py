"""What an MCP server of a session may be, which of its tools are offered, and which calls need approval."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import (
    UNSET,
    McpApprovalFilter,
    McpListedTool,
    McpTool,
    McpToolFilter,
    RealtimeSession,
    TranscriptionSession,
    UnsetType,
    present,
    replace,
)
from vivavoce.urls import shown_url

MAX_SERVERS = 16
"""MCP servers that a session may declare at the same time."""

_ELSEWHERE = {
    "connector_id": "Connectors are not supported by this server; give the server_url of an MCP server.",
    "tunnel_id": "Tunnels are not supported by this server; give the server_url of an MCP server.",
    "defer_loading": "Deferred loading is not supported by this server; leave defer_loading out.",
}


def check_mcp_tool(tool: McpTool, param: str) -> None:
    """Refuse an MCP server that this server cannot use.

    Args:
        tool: as the client declared it, completed with what is known of its label (`redeclared`).
        param: where it stands, for the message.

    Raises:
        RemoteProtocolError: naming the field.
    """
    url = present(tool.server_url, None)
    if url is not None and present(tool.connector_id, None) is not None:
        raise refuse("Give either server_url or connector_id, not both.", f"{param}.connector_id")
    for name, words in _ELSEWHERE.items():
        if present(getattr(tool, name), None):
            raise refuse(words, f"{param}.{name}")
    if "direct" not in (present(tool.allowed_callers, None) or ("direct",)):
        raise refuse("Only 'direct' callers are supported by this server.", f"{param}.allowed_callers")
    if not tool.server_label:
        raise refuse("An MCP server needs a server_label.", f"{param}.server_label")
    if url is None:
        raise refuse(
            f"The MCP server '{tool.server_label}' has not been used in this session yet: give its "
            "server_url. Later its server_label alone is enough.",
            f"{param}.server_url",
            "missing_required_parameter",
        )
    if not _is_web_address(url):
        raise refuse(f"'{shown_url(url)}' is not an http:// or https:// address.", f"{param}.server_url")
    named = {name.lower() for name in present(tool.headers, None) or ()}
    if present(tool.authorization, None) is not None and "authorization" in named:
        raise refuse(
            "Give either authorization or a header named Authorization, not both.", f"{param}.authorization"
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def redeclared(tool: McpTool, known: McpTool | None) -> McpTool:
    """Return a declaration completed with what is known of its label.

    "Re-declare only `server_label` later in the session to reuse a listed server." The same holds for what
    `session.updated` shows of a server, which is without its secrets: sent back, it means that server.

    Args:
        tool: as the client declared it now.
        known: as this label was last declared, or `None`.
    """
    if known is None or present(tool.connector_id, None) or present(tool.tunnel_id, None):
        return tool
    if tool == McpTool(server_label=tool.server_label):
        return known
    url = str(known.server_url)
    if present(tool.server_url, url) not in {url, shown_url(url)}:
        return tool
    changes: dict[str, Any] = {"server_url": url}
    if present(tool.authorization, None) is None and present(tool.headers, None) is None:
        changes |= {"authorization": known.authorization, "headers": known.headers}
    return replace(tool, **changes)


def without_secrets(session: RealtimeSession | TranscriptionSession) -> Any:
    """Return a session as anybody may see it: of its MCP servers neither authorization nor headers.

    Name, password, query and fragment are cut from their addresses, too: they often hold a key.
    """
    if not isinstance(session, RealtimeSession) or not present(session.tools, ()):
        return session
    return replace(session, tools=[_shown(tool) for tool in present(session.tools, ())])


def _shown(tool: Any) -> Any:
    if not isinstance(tool, McpTool):
        return tool
    url = present(tool.server_url, None)
    return replace(
        tool,
        server_url=UNSET if url is None else shown_url(url),
        authorization=UNSET,
        headers=UNSET,
    )


def is_allowed(server: McpTool, tool: McpListedTool) -> bool:
    """Whether the model may have this tool (`allowed_tools`)."""
    wish = present(server.allowed_tools, None)
    if wish is None:
        return True
    if isinstance(wish, McpToolFilter):
        return _matches(wish, tool)
    return tool.name in wish


def needs_approval(server: McpTool, tool: McpListedTool) -> bool:
    """Whether a client must approve each call of this tool (`require_approval`); the default is always.

    Of two filters that name the tool, `always` counts; a tool that neither names needs approval.
    """
    wish = present(server.require_approval, None)
    if not isinstance(wish, McpApprovalFilter):
        return wish != "never"
    return _names(wish.always, tool) or not _names(wish.never, tool)


def _names(wish: McpToolFilter | UnsetType, tool: McpListedTool) -> bool:
    """Whether a filter says something, and that of this tool."""
    return isinstance(wish, McpToolFilter) and wish != McpToolFilter() and _matches(wish, tool)


def _matches(wish: McpToolFilter, tool: McpListedTool) -> bool:
    hints = present(tool.annotations, None) or {}
    read_only = hints.get("readOnlyHint") is True
    named = isinstance(wish.tool_names, UnsetType) or tool.name in wish.tool_names
    return named and present(wish.read_only, read_only) == read_only
