from __future__ import annotations

import re
from typing import Any

import pytest

from vivavoce import protocol
from vivavoce.agents import HostedMCPTool
from vivavoce.errors import ConfigurationError

URL = "https://example.org/mcp"


def form(tool: HostedMCPTool) -> dict[str, Any]:
    return protocol.to_builtins(tool.to_wire())


def test_a_server_by_its_address_asks_for_no_approval() -> None:
    tool = HostedMCPTool("docs", URL)
    assert tool.name == "docs"
    assert form(tool) == {
        "type": "mcp",
        "server_label": "docs",
        "server_url": URL,
        "require_approval": "never",
    }


def test_every_field_goes_over_the_wire_but_the_function() -> None:
    tool = HostedMCPTool(
        "mail",
        connector_id="connector_gmail",
        headers={"X-Team": "a"},
        authorization="token",
        allowed_tools=["search"],
        require_approval={"always": {"tool_names": ["send"]}},
        server_description="Mail.",
        on_approval_request=lambda _request: True,
    )
    assert form(tool) == {
        "type": "mcp",
        "server_label": "mail",
        "connector_id": "connector_gmail",
        "headers": {"X-Team": "a"},
        "authorization": "token",
        "allowed_tools": ["search"],
        "require_approval": {"always": {"tool_names": ["send"]}},
        "server_description": "Mail.",
    }


def test_the_apis_own_form_is_accepted_and_adds_nothing() -> None:
    config = {"type": "mcp", "server_label": "docs", "server_url": URL, "allowed_tools": {"read_only": True}}
    tool = HostedMCPTool(tool_config=config, on_approval_request=print)
    assert form(tool) == config
    assert tool.on_approval_request is print
    assert (
        form(HostedMCPTool(tool_config={**config, "require_approval": "always"}))["require_approval"]
        == "always"
    )


def test_secrets_are_not_shown() -> None:
    tool = HostedMCPTool("docs", URL, headers={"X-Key": "hush"}, authorization="hush")
    assert "docs" in repr(tool)
    assert "hush" not in repr(tool)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"server_url": URL}, "server_label must be a text that is not empty, got ''"),
        ({"server_label": 3, "server_url": URL}, "server_label must be a text that is not empty, got 3"),
        ({"server_label": "docs"}, "HostedMCPTool 'docs' needs a server_url or a connector_id, and not both"),
        (
            {"server_label": "docs", "server_url": URL, "connector_id": "connector_gmail"},
            "needs a server_url or a connector_id, and not both",
        ),
        (
            {"server_label": "docs", "server_url": URL, "on_approval_request": True},
            "on_approval_request must be a function, got True",
        ),
        (
            {"server_label": "docs", "server_url": URL, "require_approval": "sometimes"},
            "HostedMCPTool 'docs': require_approval is not accepted",
        ),
        ({"server_label": "docs", "connector_id": "connector_x"}, "connector_id is not accepted"),
        (
            {"server_label": "docs", "server_url": URL, "allowed_tools": [3]},
            "allowed_tools[0] is not accepted",
        ),
        (
            {"tool_config": {"server": "docs"}},
            "tool_config has no 'server'; it has: type 'mcp', server_label, ",
        ),
        ({"tool_config": {"type": "web_search"}}, "tool_config has no 'type'"),
    ],
)
def test_what_the_api_does_not_accept_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        HostedMCPTool(**fields)
