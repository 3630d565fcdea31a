"""The beta dialect at the edge: who announces it, and how its frames are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.protocol.beta_server import BetaTranslator
from vivavoce.protocol.codec import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Scope

    from vivavoce.protocol import ServerEvent, Unknown

__all__ = ["BETA_SUBPROTOCOL", "BetaFrames", "announces_beta"]

BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
"""With this subprotocol a browser, which can set no headers, says that it speaks the beta dialect."""


def announces_beta(scope: Scope) -> bool:
    """Return whether a client says in its handshake that it speaks the beta dialect."""
    return BETA_SUBPROTOCOL in scope.get("subprotocols", ()) or any(
        name == b"openai-beta" and b"realtime=v1" in value for name, value in scope.get("headers", ())
    )


class BetaFrames:
    """Writes the events of one connection as frames of the beta dialect."""

    def __init__(self) -> None:
        self._translator = BetaTranslator()

    def __call__(self, event: ServerEvent | Unknown) -> Sequence[str]:
        """Return the frames that say what this event says; none where the beta has no words for it."""
        return [write_json(form) for form in self._translator.translate(event)]
