"""Sidebands: a second connection (`?call_id=`) that sees and steers a session that runs already."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from vivavoce.server.envelope import Refusal
from vivavoce.server.hub import MAX_SIDEBANDS

if TYPE_CHECKING:
    from vivavoce.server.auth import Caller
    from vivavoce.server.calls import Calls
    from vivavoce.server.hub import SessionHub
    from vivavoce.server.limits import Limits

__all__ = ["MAX_QUEUED_BYTES", "call_id_of", "find_session", "sideband_limits"]

MAX_QUEUED_BYTES = 1024 * 1024
"""Unsent bytes beyond which a sideband is closed: it gets no audio, so this is minutes of reading nothing."""


def call_id_of(query_string: bytes) -> str | None:
    """Return the id of the call or session that a connection wants to join, or `None`."""
    values = parse_qs(query_string.decode("latin-1"), keep_blank_values=True).get("call_id")
    return values[-1] if values else None


def find_session(call_id: str, caller: Caller, calls: Calls) -> SessionHub | Refusal:
    """Return the session that a caller may join, or why there is none.

    Args:
        call_id: id of the call or session.
        caller: who came in.
        calls: what runs here.
    """
    if caller.secret:
        return Refusal(
            403,
            "A client secret opens sessions of its own; to join one that runs, use the API key behind it.",
            code="client_secret_not_allowed",
            param="call_id",
        )
    hub = calls.find(call_id, caller.name)
    if hub is None:
        return Refusal(
            404,
            f"No call or session with id {call_id[:64]!r} runs here with your API key. "
            "To open a session, connect with ?model= instead.",
            code="call_id_not_found",
            param="call_id",
        )
    if hub.full:
        return Refusal(
            429,
            f"All {MAX_SIDEBANDS} places beside this session are taken.",
            code="sideband_limit_reached",
            type="rate_limit_error",
            param="call_id",
        )
    return hub


def sideband_limits(limits: Limits) -> Limits:
    """Return the limits of a connection that gets no audio and must hold nothing up."""
    bound = max(limits.high_water_bytes, min(limits.max_queued_bytes, MAX_QUEUED_BYTES))
    return replace(limits, max_queued_bytes=bound)
