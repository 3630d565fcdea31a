"""What an exception of a request to an MCP server means."""

from __future__ import annotations

import pytest
from mcp.shared.exceptions import MCPError

from vivavoce.errors import ConnectionLostError, ToolError
from vivavoce.mcp.failures import Failure, failure_of


def because(error: Exception, *causes: Exception) -> Exception:
    """The error, raised from the first cause, that from the next."""
    last = error
    for cause in causes:
        last.__cause__ = cause
        last = cause
    return error


@pytest.mark.parametrize(
    ("error", "statuses", "failure"),
    [
        (ToolError("no answer in time"), [], Failure("other", 0, "no answer in time")),
        (ConnectionLostError(""), [], Failure("other", 0, "ConnectionLostError")),
        (
            because(ToolError("'look' failed: odd"), ValueError("x"), MCPError(-32602, "odd arguments")),
            [],
            Failure("protocol", -32602, "odd arguments"),
        ),
        (
            because(ToolError("failed"), MCPError(-32602, "odd arguments")),
            [400],
            Failure("protocol", -32602, "odd arguments"),
        ),
        (
            because(ToolError("failed"), MCPError(-32603, "Server returned an error response")),
            [404, 502],
            Failure("http", 502, "HTTP status 502"),
        ),
        (
            because(ToolError("failed"), MCPError(-32603, "Server returned an error response")),
            [],
            Failure("protocol", -32603, "Server returned an error response"),
        ),
        (ConnectionLostError("gone"), [503], Failure("http", 503, "HTTP status 503")),
    ],
)
def test_what_it_means(error: Exception, statuses: list[int], failure: Failure) -> None:
    assert failure_of(error, statuses) == failure


def test_causes_in_a_circle() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert failure_of(one, []) == Failure("other", 0, "one")
