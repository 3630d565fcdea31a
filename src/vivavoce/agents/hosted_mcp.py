"""`HostedMCPTool`: an MCP server that the model's own server connects to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, InitVar, dataclass, field, fields
from typing import Any, TypeAlias

from vivavoce import protocol
from vivavoce.errors import ConfigurationError, RemoteProtocolError

ApprovalFunction: TypeAlias = Callable[[Any], Any]
"""``(request)``, plain or async: returns a bool, or ``{"approve": bool, "reason": str}``."""


@dataclass(eq=False)
class HostedMCPTool:
    """The tools of an MCP server that the model's server lists and calls by itself.

    Attributes:
        server_label: how events and approvals call the server.
        server_url: where it is; this or `connector_id`.
        connector_id: a service that the model's provider knows, for example ``"connector_gmail"``.
        headers: HTTP headers for it.
        authorization: access token for it.
        allowed_tools: names of the tools that the model may use, or ``{"tool_names": […], "read_only":
            bool}``; ``None`` is all.
        require_approval: ``"never"``, ``"always"``, or a filter ``{"always": {"tool_names": […]}, "never":
            {…}}``. ``None`` leaves it to the provider, where it is ``"always"``.
        server_description: what it is for, in words for the model.
        on_approval_request: ``(request)``, plain or async: decides on a call that needs approval. Returns a
            bool, or ``{"approve": bool, "reason": str}``. ``None`` leaves it to the session's event.
        tool_config: the same in one dictionary with the API's names; not both. Not kept.

    Raises:
        ConfigurationError: a field has a value that the API does not accept.
    """

    server_label: str = ""
    server_url: str | None = None
    connector_id: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    authorization: str | None = field(default=None, repr=False)
    allowed_tools: Sequence[str] | Mapping[str, Any] | None = None
    require_approval: str | Mapping[str, Any] | None = "never"
    server_description: str | None = None
    on_approval_request: ApprovalFunction | None = None
    _: KW_ONLY
    tool_config: InitVar[Mapping[str, Any] | None] = None

    def __post_init__(self, tool_config: Mapping[str, Any] | None) -> None:
        if tool_config is not None:
            self._read(tool_config)
        label: object = self.server_label
        if not isinstance(label, str) or not label.strip():
            raise ConfigurationError(
                f"HostedMCPTool.server_label must be a text that is not empty, got {label!r}"
            )
        if (self.server_url is None) == (self.connector_id is None):
            raise ConfigurationError(
                f"HostedMCPTool {self.server_label!r} needs a server_url or a connector_id, and not both"
            )
        if self.on_approval_request is not None and not callable(self.on_approval_request):
            raise ConfigurationError(
                f"HostedMCPTool {self.server_label!r}: on_approval_request must be a function, "
                f"got {self.on_approval_request!r}"
            )
        self.to_wire()

    def _read(self, config: Mapping[str, Any]) -> None:
        """Take the fields from the API's own form of the tool."""
        accepted = [one.name for one in fields(self) if one.name != "on_approval_request"]
        self.require_approval = None
        for name, value in config.items():
            if name == "type" and value == "mcp":
                continue
            if name not in accepted:
                raise ConfigurationError(
                    f"HostedMCPTool.tool_config has no {name!r}; it has: type 'mcp', {', '.join(accepted)}"
                )
            setattr(self, name, value)

    @property
    def name(self) -> str:
        """Its `server_label`."""
        return self.server_label

    def to_wire(self) -> protocol.McpTool:
        """Return the tool as a session declares it.

        Raises:
            ConfigurationError: a field has a value that the API does not accept.
        """
        form = {
            one.name: value
            for one in fields(self)
            if one.name != "on_approval_request" and (value := getattr(self, one.name)) is not None
        }
        try:
            session = protocol.session_from({"type": "realtime", "tools": [{"type": "mcp", **form}]})
        except RemoteProtocolError as error:
            place = (error.param or "").removeprefix("session.tools[0]").lstrip(".")
            raise ConfigurationError(
                f"HostedMCPTool {self.server_label!r}: {place or 'a field'} is not accepted: {error}"
            ) from error
        assert isinstance(session, protocol.RealtimeSession)
        assert isinstance(session.tools, Sequence)
        (tool,) = session.tools
        assert isinstance(tool, protocol.McpTool)
        return tool
