"""Cross-origin requests: what a browser must be told before its page may read an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from vivavoce.server.auth import Guard

__all__ = ["CrossOrigin"]


class CrossOrigin(CORSMiddleware):
    """Answers preflight requests and marks answers for those pages that the guard lets in.

    No credentials of the browser's own are allowed (there are no cookies here): whoever comes in shows a key.

    Args:
        app: the application behind it.
        guard: who may come in.
    """

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        super().__init__(
            app,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            expose_headers=("Location", "X-Request-Id", "Retry-After"),
            # A page of the internet that is let in may find the server in a private network.
            allow_private_network=True,
        )
        self._guard = guard

    def is_allowed_origin(self, origin: str) -> bool:
        """Return whether pages of this origin may read answers."""
        return self._guard.allows_origin(origin)
