"""`SpeechModel`: the port of a model that hears and speaks itself, in place of the four engines.

It is a whole realtime model: it takes client events and gives server events. Whoever serves it adds what is
theirs: keys, limits, recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from vivavoce.conversation.options import SessionOptions
    from vivavoce.engines.base import EngineCost
    from vivavoce.errors import RemoteProtocolError
    from vivavoce.protocol import ClientEvent, ServerEvent
    from vivavoce.protocol import Session as SessionSettings


class Sink(Protocol):
    """Where a session's events go."""

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take events, in order. Never waits, never raises."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the peer keeps up. While it does not, the session holds its paced audio back."""
        ...


class ServedSession(Protocol):
    """One realtime session, whatever answers in it. Every method is called on the event loop.

    Attributes:
        id: of the session, `sess_…`.
        on_end: called once, with the reason, when the session ends by itself. Where it did not end as it
            should, the session has a `close_code` as well: the WebSocket code to close with in place of 1001.
    """

    id: str
    on_end: Callable[[str], None] | None

    def start(self) -> None:
        """Send `session.created`, at once or as soon as there is one."""
        ...

    def receive(self, event: ClientEvent) -> None:
        """Take a decoded client event. Never waits, never raises."""
        ...

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: it is answered with an `error` event."""
        ...

    def resume(self) -> None:
        """Go on sending paced audio: the sink is writable again."""
        ...

    async def aclose(self) -> None:
        """End everything within a second; safe to call twice."""
        ...


@runtime_checkable
class SpeechModel(Protocol):
    """Makes sessions of a model that hears and speaks itself.

    Attributes:
        cost: what a session costs this machine, for admission control.
        names: what runs here, for logs: as `Engines.names`.
    """

    cost: EngineCost
    names: dict[str, Any]

    async def prewarm(self) -> None:
        """Find out ahead of the first session what cannot work.

        Raises:
            VivavoceError: a session could never begin; the message says what to change.
        """
        ...

    def open(
        self, sink: Sink, options: SessionOptions, settings: SessionSettings | None = None
    ) -> ServedSession:
        """Return a session that has not started.

        Args:
            sink: where its events go.
            options: what the operator decided.
            settings: what the session begins with, before `session.created`; as in a `session.update`.

        Raises:
            EngineError: no session can be had now.
        """
        ...

    async def aclose(self) -> None:
        """Close what all sessions share; safe to call twice."""
        ...
