"""Opening a WebSocket to a realtime server, and saying in words why it could not be opened."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from vivavoce.errors import ConnectionLostError
from vivavoce.providers.base import USER_AGENT, Endpoint, carries, refusal_text

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from vivavoce.connections.transport import TransportOptions


async def dial(finding: Awaitable[Endpoint], options: TransportOptions) -> ClientConnection:
    """Find a server and open a WebSocket to it, all within `TransportOptions.connect_s`.

    Args:
        finding: gives the server's door; it may take time, for it may ask somebody for the key.
        options: limits of the WebSocket.

    Raises:
        ConfigurationError: the URL or the key cannot work.
        ConnectionLostError: the server could not be reached, or refused; the message says which, and has
            nothing secret of the URL.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus, WebSocketException

    endpoint: Endpoint | None = None
    try:
        async with asyncio.timeout(options.connect_s):
            endpoint = await finding
            return await connect(
                endpoint.url,
                additional_headers=dict(endpoint.headers),
                user_agent_header=None if carries(endpoint.headers, "user-agent") else USER_AGENT,
                compression="deflate" if options.compression else None,
                open_timeout=None,
                close_timeout=options.close_s,
                ping_interval=options.ping_interval_s,
                ping_timeout=options.ping_timeout_s,
                max_size=options.max_frame_bytes,
                max_queue=options.max_queued_frames,
            )
    except InvalidStatus as error:
        status = error.response.status_code
        said = refusal_text((error.response.body or b"").decode(errors="replace"))
        hint = endpoint.hint if endpoint is not None else ""
        raise ConnectionLostError(
            f"{_server(endpoint)} refused the connection: HTTP {status} {said} {hint}".rstrip(),
            status=status,
        ) from error
    except TimeoutError as error:
        # Without an endpoint only the function for the key can have taken the time.
        culprit = "The api_key function" if endpoint is None else _server(endpoint)
        raise ConnectionLostError(f"{culprit} did not answer within {options.connect_s:g} s.") from error
    except (OSError, WebSocketException) as error:
        hint = ". Is the server running?" if _is_refused(error) else ""
        raise ConnectionLostError(f"{_server(endpoint)} cannot be reached: {error}{hint}") from error


def _is_refused(error: Exception) -> bool:
    """Return whether nobody listens at an address; of several addresses only the text tells."""
    return isinstance(error, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(error)


def _server(endpoint: Endpoint | None) -> str:
    return "The realtime server" + (f" at {endpoint.place}" if endpoint is not None else "")
