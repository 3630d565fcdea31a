"""How the server says no over HTTP: the API's error envelope, also for refused WebSocket upgrades."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from starlette.types import Scope, Send

__all__ = ["REQUEST_ID_HEADER", "Refusal", "RefusedError", "new_request_id", "refuse_upgrade"]

REQUEST_ID_HEADER = b"x-request-id"

ErrorType = Literal["invalid_request_error", "server_error", "rate_limit_error"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer that is an error.

    Attributes:
        status: HTTP status code.
        message: what is wrong and what to do, for the developer of the client; never holds a key.
        code: machine-readable code.
        type: kind of error.
        param: the offending parameter, or `None`.
        headers: more response headers.
    """

    status: int
    message: str
    code: str | None
    type: ErrorType = "invalid_request_error"
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the JSON envelope `{"error": {message, type, param, code}}`."""
        error: dict[str, Any] = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        return json.dumps({"error": error}, indent=2).encode()


class RefusedError(Exception):
    """Ends the handling of a request with a refusal.

    Args:
        refusal: what the peer is told.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def new_request_id() -> str:
    """Return a fresh `req_…` id."""
    return f"req_{secrets.token_hex(16)}"


async def refuse_upgrade(scope: Scope, send: Send, refusal: Refusal, request_id: str) -> None:
    """Answer a WebSocket handshake with an HTTP error.

    A server without the ASGI extension `websocket.http.response` can only say 403.
    """
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.message[:120]})
        return
    headers = {
        "content-type": "application/json",
        REQUEST_ID_HEADER.decode(): request_id,
        **refusal.headers,
    }
    await send(
        {
            "type": "websocket.http.response.start",
            "status": refusal.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "websocket.http.response.body", "body": refusal.body()})
