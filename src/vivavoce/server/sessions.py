"""`Sessions`: everything that a session of the server has around it, whoever carries it to its client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from vivavoce.server.calls import Calls
from vivavoce.server.envelope import Refusal
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.hub import SessionHub, SessionStart, open_session
from vivavoce.server.limits import Admission, default_max_sessions
from vivavoce.server.metering import Meter
from vivavoce.server.query import session_options
from vivavoce.server.tally import Tally
from vivavoce.server.usage import KeyUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from vivavoce.engines.base import Engines
    from vivavoce.engines.speech_model import ServedSession, Sink, SpeechModel
    from vivavoce.observe.base import SessionObserver
    from vivavoce.pipeline import SessionOptions
    from vivavoce.server.auth import Caller
    from vivavoce.server.carrier import Carrier, Guest, SharedSink
    from vivavoce.server.config import ServerConfig
    from vivavoce.server.guardrails import ServerGuardrail
    from vivavoce.server.hub import Observe
    from vivavoce.server.keys import ApiKeys

__all__ = ["HostedSession", "Sessions"]

SESSION_CLOSE_S = 0.6
"""What `ServedSession.aclose` takes at most (half a second), and a little."""

SHUTTING_DOWN = (1001, "The server is shutting down.")

_log = logging.getLogger(__name__)


class HostedSession:
    """One session with everything around it; made by `Sessions.open`.

    Args:
        house: where it is at home.
        carrier: its main connection.
        guest: whom it is for.
        hub: where its events meet those who look on.
        session: as the hub is to know it.
        closing: what ends with it, from the hub's side to the engines'.
        ids: under which it can be reached beside its own.

    Attributes:
        hub: the hub.
        session: as the hub knows it.
    """

    def __init__(
        self,
        house: Sessions,
        carrier: Carrier,
        guest: Guest,
        hub: SessionHub,
        session: ServedSession,
        closing: Sequence[Callable[[], Coroutine[Any, Any, None]]],
        ids: Sequence[str] = (),
    ) -> None:
        self.hub = hub
        self.session = session
        self._house = house
        self._carrier = carrier
        self._guest = guest
        self._closing = closing
        self._ids = (self.session.id, *ids)
        self._tally = Tally(asyncio.get_running_loop().time())
        self._start: SessionStart | None = None

    @property
    def log_fields(self) -> dict[str, object]:
        """What every log line says of the session."""
        fields: dict[str, object] = {"session_id": self.session.id, **self._guest.log_fields}
        return {**fields, "call_id": self._ids[1]} if self._ids[1:] else fields

    def admit(self, options: SessionOptions) -> None:
        """Show the session to those who watch it, and make it reachable by its ids."""
        self._start = start = SessionStart(
            session_id=self.session.id,
            caller=self._guest.caller,
            model=options.model,
            kind="transcription" if options.transcription_only else "realtime",
            headers=self._guest.headers,
            transport=self._guest.transport,
        )
        meter = Meter.for_key(self._house.usage, self._guest.caller.name)
        self.hub.attach(self.session, [self._tally, *self._house.observers(start)], meter)
        carrier = self._carrier
        carrier.on_writable = self.session.resume
        self.session.on_end = self._ended_by_itself
        self._house.running.add(carrier)
        for call_id in self._ids:
            self._house.calls.add(call_id, self.hub, self._guest.caller.name)
        _log.info("session started", extra={**self.log_fields, "sessions": len(self._house.running)})

    def _ended_by_itself(self, reason: str) -> None:
        self._carrier.close(getattr(self.session, "close_code", None) or 1001, reason)

    async def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Start the session and return when its connection is closed and everything of it has ended.

        Args:
            work: what runs as long as the connection.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(each) for each in work]
                self.session.start()
                if self._house.closing:
                    self._carrier.close(*SHUTTING_DOWN)
                if self.hub.meter is not None:
                    running.append(tasks.create_task(self._end_in_time(self.hub.meter)))
                await self._carrier.run()
                for task in running:
                    task.cancel()
        finally:
            await self.aclose()

    async def _end_in_time(self, meter: Meter) -> None:
        """End the session when the minutes of its key are used up."""
        error = await meter.wait_for_shortage()
        self.session.receive_error(error)
        self._carrier.close(1008, error.message)

    async def aclose(self) -> None:
        """End the session and what is around it: for one that is not to `run`, after all.

        Whatever goes wrong in it stays in it.
        """
        for call_id in self._ids:
            self._house.calls.remove(call_id)
        self.hub.close(*_farewell(self._carrier))
        try:
            async with asyncio.timeout(SESSION_CLOSE_S):
                for close in self._closing:
                    await close()
        except Exception:  # noqa: BLE001 - the connection's own cleaning-up must go on
            _log.exception("session did not end cleanly", extra={"session_id": self.session.id})
        self._house.running.discard(self._carrier)
        summary = self._tally.summary(asyncio.get_running_loop().time())
        code = self._carrier.close_code
        _log.info("session ended", extra={**self.log_fields, "close_code": code, **summary})
        if self._house.on_ended is not None and self._start is not None:
            self._house.on_ended(self._start, code, summary)


class Sessions:
    """The sessions of a process: how many there may be, and what is around each of them.

    Args:
        engines: shared by all sessions; closed by whoever made them.
        config: session defaults and limits.
        keys: who may come in, and within which limits.
        cpus: cores that this process may use, for the default number of sessions.
        usage: what API keys use; counted here for sessions and their audio.
        observe: who may want to watch sessions; each is asked at the start of every one.
        guardrails: what is asked in every session before its words are sent.

    Attributes:
        admission: how many sessions there are, and may be.
        calls: the running sessions, to be joined or hung up by id.
        running: their main connections.
        closing: whether the server is shutting down.
        on_refused: called with the code whenever a connection is not let in, or gets no session.
        on_ended: called when a session has ended: with its start, its WebSocket close code (1006 for a
            peer that vanished) and its numbers (`Tally.summary`).
    """

    def __init__(
        self,
        engines: Engines | SpeechModel,
        config: ServerConfig,
        keys: ApiKeys,
        *,
        cpus: int,
        usage: KeyUsage | None = None,
        observe: Sequence[Observe] = (),
        guardrails: Sequence[ServerGuardrail] = (),
    ) -> None:
        self._engines = engines
        self._defaults = config.session
        self._close_grace_s = config.limits.close_grace_s
        self._observe = observe
        self._guardrails = guardrails
        self.usage = usage or KeyUsage(config.limits.per_key, keys.limits)
        self.calls = Calls()
        self.on_refused: Callable[[str | None], None] | None = None
        self.on_ended: Callable[[SessionStart, int | None, Mapping[str, Any]], None] | None = None
        self.admission = Admission(
            config.limits.max_sessions or default_max_sessions(engines.cost.cores, cpus),
            config.limits.max_sessions_per_key,
            keys.limits,
        )
        self.running: set[Carrier] = set()
        self.closing = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.admission.on_empty = self._empty.set

    # --- coming in ------------------------------------------------------------------------------------------

    def enter(self, caller: Caller, query: bytes) -> SessionOptions | Refusal:
        """Give a caller a place; whoever got one must `leave`.

        Args:
            caller: who wants to come in.
            query: the query string of their request, see `session_options`.

        Returns:
            The options of their session, or why they cannot have one.
        """
        now = asyncio.get_running_loop().time()
        options = session_options(query, self._defaults, caller.settings)
        if isinstance(options, Refusal):
            return options
        if shortage := self.usage.shortage(caller.name, now):
            return shortage.refusal()
        if not self.admission.admit(caller.name):
            return self.admission.refusal(caller.name)
        self._empty.clear()
        self.usage.begin(caller.name, now)
        return options

    def leave(self, caller: Caller) -> None:
        """Take back the place of a caller."""
        self.usage.end(caller.name, asyncio.get_running_loop().time())
        self.admission.leave(caller.name)

    def open(
        self,
        carrier: Carrier,
        guest: Guest,
        options: SessionOptions,
        *,
        through: Callable[[SessionHub], SharedSink] | None = None,
        ids: Sequence[str] = (),
    ) -> HostedSession:
        """Return a session for somebody who has a place; it has not started.

        Args:
            carrier: their connection.
            guest: who they are.
            options: from `enter`.
            through: makes what stands between the session and its hub, given the hub.
            ids: under which the session can be reached beside its own.

        Raises:
            RemoteProtocolError: the settings it would begin with cannot be met.
            EngineError: no session can be had now.
        """
        hub = SessionHub(carrier)
        middle = through(hub) if through is not None else None
        sink: Sink = middle or hub
        guarded = GuardedSink(sink, self._guardrails) if self._guardrails else None
        session = open_session(self._engines, guarded or sink, options, guest.caller.settings)
        closing = [session.aclose] if middle is None else [middle.aclose]
        if guarded is not None:
            guarded.attach(session)
            closing.insert(0, guarded.aclose)
        if middle is not None:
            middle.attach(session)
        hosted = HostedSession(self, carrier, guest, hub, middle or session, closing, ids)
        hosted.admit(options)
        return hosted

    def count_refusal(self, code: str | None) -> None:
        """Take note of a connection that was not let in, or got no session."""
        if self.on_refused is not None:
            self.on_refused(code)

    def observers(self, start: SessionStart) -> list[SessionObserver]:
        """Return who watches a session; whoever cannot be asked does not."""
        observers: list[SessionObserver] = []
        for observe in self._observe:
            try:
                observer = observe(start)
            except Exception:  # noqa: BLE001 - anybody's code, and the session goes on without it
                _log.exception("an observer could not begin", extra={"session_id": start.session_id})
            else:
                observers += [observer] if observer is not None else []
        return observers

    # --- going ----------------------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more and wait until those inside have left, at most so long."""
        self.admission.drain()
        if self.admission.sessions:
            self._empty.clear()  # a request that uses engines holds a place, too
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def aclose(self) -> None:
        """Let nobody in any more and close every session (1001).

        Returns within `Limits.close_grace_s`, which the peers have, and `SESSION_CLOSE_S`.
        """
        self.admission.drain()
        self.closing = True
        for carrier in list(self.running):
            carrier.close(*SHUTTING_DOWN)
        try:
            async with asyncio.timeout(self._close_grace_s + SESSION_CLOSE_S):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("sessions did not end in time", extra={"sessions": len(self.running)})


def _farewell(carrier: Carrier) -> tuple[int, str]:
    """Return how the sidebands are told that the main connection has ended."""
    if carrier.closing is not None and carrier.closing[0] in {1001, 1011}:
        return carrier.closing
    return 1000, "The session has ended."
