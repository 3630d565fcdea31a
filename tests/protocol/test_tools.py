from typing import Any

import pytest

from vivavoce.protocol import RealtimeSession, session_from, to_builtins


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "name": "now"},
        {
            "type": "function",
            "name": "now",
            "description": "",
            "parameters": {"type": "object", "strict": None},
        },
        {"type": "mcp", "server_label": "docs"},
        {"type": "mcp", "server_label": "docs", "server_url": "https://x", "allowed_tools": ["find"]},
        {"type": "mcp", "server_label": "docs", "allowed_tools": {"read_only": True}, "headers": {"A": "b"}},
        {"type": "mcp", "server_label": "docs", "require_approval": "never", "allowed_callers": ["direct"]},
        {"type": "mcp", "server_label": "docs", "require_approval": {"always": {"tool_names": ["drop"]}}},
    ],
)
def test_tools_keep_their_form(tool: dict[str, Any]) -> None:
    session = {"type": "realtime", "tools": [tool]}
    assert to_builtins(session_from(session)) == session


@pytest.mark.parametrize(
    "choice",
    [
        "none",
        "auto",
        "required",
        {"type": "function", "name": "now"},
        {"type": "mcp", "server_label": "docs"},
        {"type": "mcp", "server_label": "docs", "name": "find"},
    ],
)
def test_tool_choices_keep_their_form(choice: Any) -> None:
    session = session_from({"type": "realtime", "tool_choice": choice})
    assert isinstance(session, RealtimeSession)
    assert to_builtins(session)["tool_choice"] == choice
