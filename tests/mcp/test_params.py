from __future__ import annotations

import math
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.mcp.params import (
    MCPServerSseParams,
    MCPServerStdioParams,
    MCPServerStreamableHttpParams,
    check_seconds,
    checked,
)


def test_what_is_accepted_comes_back_as_a_copy() -> None:
    stdio = {"command": "npx", "args": ["-y"], "env": {"A": "b"}, "encoding": "latin-1", "connect_timeout": 5}
    assert checked(stdio, MCPServerStdioParams, "command") == stdio
    assert checked(stdio, MCPServerStdioParams, "command") is not stdio
    http = {
        "url": "https://example.org/mcp",
        "headers": {"A": "b"},
        "timeout": 1.5,
        "terminate_on_close": False,
    }
    assert checked(http, MCPServerStreamableHttpParams, "url") == http


@pytest.mark.parametrize(
    ("params", "kind", "needed", "complaint"),
    [
        ("npx", MCPServerStdioParams, "command", "params must be a dictionary with 'command', got 'npx'"),
        ({}, MCPServerStdioParams, "command", r"params\['command'\] must be a text, got None"),
        ({"command": ""}, MCPServerStdioParams, "command", r"params\['command'\] must be a text, got ''"),
        (
            {"command": "x", "arg": []},
            MCPServerStdioParams,
            "command",
            "unknown key 'arg', accepted: command, ",
        ),
        ({"command": "x", "encoding": "utf-16"}, MCPServerStdioParams, "command", "'utf-16' is not accepted"),
        ({"command": "x", "encoding": "utf-9"}, MCPServerStdioParams, "command", "'utf-9' is not accepted"),
        (
            {"command": "x", "args": "-y"},
            MCPServerStdioParams,
            "command",
            r"\['args'\] must be a list of texts",
        ),
        (
            {"command": "x", "env": {"A": 1}},
            MCPServerStdioParams,
            "command",
            r"\['env'\] must be a dictionary",
        ),
        ({"url": "http://x", "headers": ["A"]}, MCPServerSseParams, "url", r"\['headers'\] must be"),
        ({"url": "ftp://x"}, MCPServerSseParams, "url", "must be an http:// or https:// address"),
        ({"url": "http:"}, MCPServerSseParams, "url", "must be an http:// or https:// address"),
        (
            {"url": "http://x", "timeout": 0},
            MCPServerSseParams,
            "url",
            r"params\['timeout'\] must be seconds",
        ),
        (
            {"url": "http://x", "terminate_on_close": True},
            MCPServerSseParams,
            "url",
            "unknown key 'terminate_on_close'",
        ),
    ],
)
def test_a_mistake_is_named(params: Any, kind: Any, needed: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        checked(params, kind, needed)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"command": "x", "env": {"TOKEN": "hush", "OTHER": None}}, "at 'OTHER' there is the type NoneType"),
        ({"command": "x", "env": {1: "hush"}}, "its names too"),
        ({"command": "x", "env": ["TOKEN=hush"]}, "got the type list"),
        ({"command": "x", "args": ["--token=hush", 3]}, "at 1 there is the type int"),
        ({"command": "x", "args": "--token=hush"}, "got the type str"),
    ],
)
def test_a_mistake_shows_no_secret(params: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        checked(params, MCPServerStdioParams, "command")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["htps://me:hush@example.org/mcp", "example.org/mcp?key=hush", "x#hush"])
def test_no_address_shows_no_secret(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must be an http") as caught:
        checked({"url": url}, MCPServerSseParams, "url")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("bad", [0, -1, True, "5", None, math.inf, math.nan])
def test_a_duration_is_seconds_above_nothing(bad: Any) -> None:
    check_seconds("wait", 0.1)
    with pytest.raises(ConfigurationError, match="wait must be seconds above 0"):
        check_seconds("wait", bad)
