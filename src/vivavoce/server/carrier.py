"""What brings a session to its client, and who that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vivavoce.engines.speech_model import ServedSession, Sink
from vivavoce.server.hub import Port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Scope

    from vivavoce.server.auth import Caller
    from vivavoce.server.hub import Transport

__all__ = ["Carrier", "Guest", "SharedSink"]

_PROOFS = (b"authorization", b"api-key", b"cookie", b"sec-websocket-protocol", b"proxy-authorization")


class Carrier(Port, Protocol):
    """The main connection of a session: what its client came by.

    Attributes:
        on_writable: called when a connection that was not writable has drained.
        close_code: WebSocket code with which either side closed, or what stands for it, once one has; 1006
            for a peer that vanished.
    """

    on_writable: Callable[[], None]
    close_code: int | None

    @property
    def closing(self) -> tuple[int, str] | None:
        """Code and reason with which this side closes, or `None` when it does not."""
        ...

    async def run(self) -> None:
        """Return when the connection is closed, by whichever side; the peer's faults raise nothing."""
        ...


class SharedSink(Sink, ServedSession, Protocol):
    """What stands between a session and its hub: a sink to the one, the session to the other."""

    def attach(self, session: ServedSession) -> None:
        """Join it to its session, before anything is sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Whom a session is for.

    Attributes:
        caller: who it is.
        request_id: names the connection in answers and logs.
        address: host and port, as far as they are known.
        headers: of the request, their names in lower case, without those that prove who it is.
        transport: by which they come.
    """

    caller: Caller
    request_id: str
    address: tuple[str | None, int | None] = (None, None)
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = "websocket"

    @classmethod
    def of(cls, scope: Scope, caller: Caller, request_id: str, transport: Transport = "websocket") -> Guest:
        """Return who came with a request or a handshake."""
        return cls(
            caller=caller,
            request_id=request_id,
            address=tuple(scope.get("client") or (None, None)),
            headers={
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in scope.get("headers", ())
                if name not in _PROOFS
            },
            transport=transport,
        )

    @property
    def log_fields(self) -> dict[str, object]:
        """What every log line says of the peer: never the key, only its name."""
        host, port = self.address
        return {"request_id": self.request_id, "client": host, "client_port": port, "key": self.caller.name}
