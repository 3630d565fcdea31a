"""`SessionOpening`: what `RealtimeRunner.run` returns, to await or to enter."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivavoce.session.session import RealtimeSession


class SessionOpening(Coroutine[Any, Any, "RealtimeSession"]):
    """A session that is being prepared.

    ``session = await runner.run()`` gives the session, for ``async with session``. In one step it is
    ``async with runner.run() as session``. It goes wherever a coroutine goes, and serves once.

    Args:
        work: prepares the session.
    """

    def __init__(self, work: Coroutine[Any, Any, RealtimeSession]) -> None:
        self._work = work
        self._session: RealtimeSession | None = None

    def __await__(self) -> Generator[Any, Any, RealtimeSession]:
        return self._work.__await__()

    async def __aenter__(self) -> RealtimeSession:
        self._session = await self._work
        return await self._session.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._session is not None, "it was entered"
        await self._session.__aexit__(kind, error, traceback)

    def send(self, value: Any) -> Any:
        """Go on with preparing the session; the event loop does this."""
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where preparing the session waits; the event loop does this."""
        return self._work.throw(*error)

    def close(self) -> None:
        """Prepare no session."""
        self._work.close()
