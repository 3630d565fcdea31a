from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.mcp.approval import approval_policy


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        (None, False),
        ("never", False),
        ("always", True),
        (True, True),
        (False, False),
        ({"read": "never", "write": "always", "look": False}, {"read": False, "write": True, "look": False}),
        (
            {"always": {"tool_names": ["write", "delete"]}, "never": {"tool_names": ["read"]}},
            {"write": True, "delete": True, "read": False},
        ),
        ({"always": {"tool_names": ("write",)}}, {"write": True}),
        # A tool may be called like that.
        ({"always": "never"}, {"always": False}),
    ],
)
def test_every_form_becomes_a_switch_or_a_switch_per_tool(setting: Any, policy: Any) -> None:
    assert approval_policy(setting) == policy


def test_a_function_stays_itself() -> None:
    def ask(*_: Any) -> bool:
        return True

    assert approval_policy(ask) is ask


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("sometimes", "require_approval is 'sometimes'; accepted: \"always\""),
        (1.5, "require_approval is 1.5"),
        ({"read": "maybe"}, r"require_approval\['read'\] is 'maybe'"),
        ({"always": {"tool_names": "write"}}, r"require_approval\['always'\]"),
        ({"always": {"tool_names": ["write"]}, "never": "all"}, r"require_approval\['never'\] is 'all'"),
        ({"always": {"tool_names": ["write"]}, "write": "never"}, r"require_approval\['write'\]"),
        (
            {"always": {"tool_names": ["write"]}, "never": {"tool_names": ["write"]}},
            "'write' is in both 'always' and 'never'",
        ),
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(bad: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        approval_policy(bad)
