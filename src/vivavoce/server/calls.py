"""`Calls`: which session belongs to which id, for those who come to one that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce.server.hub import SessionHub

__all__ = ["Calls"]


class Calls:
    """The running sessions of a process by the ids under which they can be reached.

    A session that came by WebSocket has its session id (`sess_…`); a call that came another way has the id of
    the call (`rtc_…`) as well. Only the API key that opened a session reaches it: to all others it is
    not there.
    """

    def __init__(self) -> None:
        self._hubs: dict[str, tuple[SessionHub, str | None]] = {}

    def add(self, call_id: str, hub: SessionHub, owner: str | None) -> None:
        """Make a session reachable.

        Args:
            call_id: `rtc_…` or `sess_…`.
            hub: of the session.
            owner: name of the API key that opened it; `None` where there are no keys.
        """
        self._hubs[call_id] = (hub, owner)

    def remove(self, call_id: str) -> None:
        """Forget an id; safe to call twice."""
        self._hubs.pop(call_id, None)

    def find(self, call_id: str, owner: str | None) -> SessionHub | None:
        """Return the session of this id, if the key of this name opened it."""
        hub, key = self._hubs.get(call_id, (None, None))
        return hub if key == owner else None

    def hang_up(self, call_id: str, owner: str | None) -> bool:
        """End the session of this id; return whether there was one."""
        hub = self.find(call_id, owner)
        if hub is None:
            return False
        hub.hang_up(1000, "The call was hung up.")
        return True
