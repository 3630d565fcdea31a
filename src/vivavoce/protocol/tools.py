"""Tools that the model may use, and the choice between them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from vivavoce.protocol.base import UNSET, Tagged, UnsetType, Wire

__all__ = [
    "ConnectorId",
    "FunctionTool",
    "McpApprovalFilter",
    "McpTool",
    "McpToolFilter",
    "Tool",
    "ToolChoice",
    "ToolChoiceFunction",
    "ToolChoiceMcp",
]

ConnectorId: TypeAlias = Literal[
    "connector_dropbox",
    "connector_gmail",
    "connector_googlecalendar",
    "connector_googledrive",
    "connector_microsoftteams",
    "connector_outlookcalendar",
    "connector_outlookemail",
    "connector_sharepoint",
]


class FunctionTool(Tagged, frozen=True, kw_only=True, tag="function"):
    """A function that the client runs.

    Attributes:
        parameters: JSON Schema of the arguments.
    """

    name: str
    description: str | UnsetType = UNSET
    parameters: Mapping[str, Any] | UnsetType = UNSET


class McpToolFilter(Wire, frozen=True, kw_only=True):
    """Picks tools of an MCP server by name, by being read-only, or both."""

    read_only: bool | UnsetType = UNSET
    tool_names: Sequence[str] | UnsetType = UNSET


class McpApprovalFilter(Wire, frozen=True, kw_only=True):
    """Which tools of an MCP server always, and which never, need approval."""

    always: McpToolFilter | UnsetType = UNSET
    never: McpToolFilter | UnsetType = UNSET


class McpTool(Tagged, frozen=True, kw_only=True, tag="mcp"):
    """An MCP server whose tools the Realtime server runs.

    Later in a session `server_label` alone names a server that has already been listed.
    """

    server_label: str
    server_url: str | UnsetType = UNSET
    connector_id: ConnectorId | UnsetType = UNSET
    tunnel_id: str | UnsetType = UNSET
    authorization: str | UnsetType = UNSET
    headers: Mapping[str, str] | UnsetType | None = UNSET
    allowed_tools: Sequence[str] | McpToolFilter | UnsetType | None = UNSET
    require_approval: Literal["always", "never"] | McpApprovalFilter | UnsetType | None = UNSET
    server_description: str | UnsetType = UNSET
    allowed_callers: Sequence[Literal["direct", "programmatic"]] | UnsetType | None = UNSET
    defer_loading: bool | UnsetType = UNSET


Tool: TypeAlias = FunctionTool | McpTool


class ToolChoiceFunction(Tagged, frozen=True, kw_only=True, tag="function"):
    """The model must call this function."""

    name: str


class ToolChoiceMcp(Tagged, frozen=True, kw_only=True, tag="mcp"):
    """The model must call this MCP server, or this one tool of it."""

    server_label: str
    name: str | UnsetType | None = UNSET


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | ToolChoiceFunction | ToolChoiceMcp
