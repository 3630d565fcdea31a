"""`Relay`: between a client of this server and an upstream model. Decides everything, waits never.

Feed it with the `receive…` methods, then take `to_client()` and `to_server()`; call `handle_deadline` when
`next_deadline()` has come. What is no concern of this server passes as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vivavoce.connections.upstream_answers import OpenAnswers
from vivavoce.connections.upstream_items import UpstreamItems
from vivavoce.connections.upstream_opening import (
    opening_patches,
    shown_expiry,
    shown_tools,
    without_identity,
    without_temperature,
)
from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.options import SessionOptions
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    UNSET,
    ClientEvent,
    ConversationItemDelete,
    ErrorDetail,
    ErrorEvent,
    RealtimeSession,
    ServerEvent,
    Session,
    SessionUpdate,
    Unknown,
    replace,
)
from vivavoce.protocol.codec import encode_text, relayed

EXPIRED = "session_expired"
UNAVAILABLE = "upstream_unavailable"
LOST = "upstream_lost"

NORMAL, GOING_AWAY, POLICY, FAILED, TRY_LATER = 1000, 1001, 1008, 1011, 1013

EARLY_EVENTS = 512
EARLY_CHARACTERS = 8 * 1024 * 1024
"""What a client may send before its session is open."""
GARBAGE_FRAMES = 100
"""Frames in a row that are no events after which an upstream is given up."""
_HELD_EVENTS = 256


@dataclass(frozen=True, slots=True)
class RelayPlan:
    """What one session is to be.

    Attributes:
        session_id: that the client sees.
        options: what the operator decided; `created_at` is set.
        settings: what the session begins with beyond that.
        model: that the upstream was asked for, or `None` for its own.
        shown_model: that the client asked for and is shown, or `None` for what the upstream says.
        upstream_name: from a model's name here to its name there.
        opening_s: seconds until the session must be open.
    """

    session_id: str
    options: SessionOptions
    settings: Session | None = None
    model: str | None = None
    shown_model: str | None = None
    upstream_name: Callable[[str], str] = str
    opening_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session is over.

    Attributes:
        code: WebSocket code to close with.
        reason: in words for the client.
    """

    code: int
    reason: str


class Relay:
    """One session in front of an upstream model.

    Args:
        plan: what it is to be.
        ids: where the ids of events come from that this makes.
        now: the time, in seconds on any steady clock.
    """

    def __init__(self, plan: RelayPlan, ids: IdSource, now: float) -> None:
        self._plan = plan
        self._ids = ids
        self._answers = OpenAnswers(ids)
        self._items = UpstreamItems(plan.options.max_items)
        self._expires = now + plan.options.max_session_s
        self._opens_by: float | None = now + plan.opening_s
        self._created: dict[str, Any] | None = None
        self._patches: list[str] = []
        self._own = f"relay_{plan.session_id}_"
        self._sent = 0
        self._early: list[ClientEvent | RemoteProtocolError] = []
        self._early_size = 0
        self._held: list[ServerEvent | Unknown] = []
        self._down: list[ServerEvent | Unknown] = []
        self._up: list[str] = []
        self._garbage = 0
        self._expired: str | None = None
        self.ending: Ending | None = None
        """Set once the session is over; nothing comes out any more after what is waiting."""

    # --- what comes out -----------------------------------------------------------------------------------

    def to_client(self) -> list[ServerEvent | Unknown]:
        """Return the events for the client, in order; they are forgotten here."""
        events, self._down = self._down, []
        return events

    def to_server(self) -> list[str]:
        """Return the frames for the upstream, in order; they are forgotten here."""
        frames, self._up = self._up, []
        return frames

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` has something to do, or `None` once the session is over."""
        if self.ending is not None:
            return None
        return self._expires if self._opens_by is None else min(self._opens_by, self._expires)

    @property
    def open(self) -> bool:
        """Whether the client has its session."""
        return self._opens_by is None

    # --- from the client ----------------------------------------------------------------------------------

    def receive(self, event: ClientEvent | RemoteProtocolError) -> None:
        """Take a client event, or a frame of the client's that could not be decoded."""
        if self.ending is not None:
            return
        if not self.open:
            self._keep(event)
        elif isinstance(event, RemoteProtocolError):
            self._error(
                event.message, event.code, param=event.param, event_id=event.event_id, kind=event.kind
            )
        else:
            self._up.append(encode_text(self._translated(event)))

    def _keep(self, event: ClientEvent | RemoteProtocolError) -> None:
        """Keep what comes before the session is open."""
        self._early.append(event)
        if not isinstance(event, RemoteProtocolError):
            self._early_size += len(encode_text(event))
        if len(self._early) > EARLY_EVENTS or self._early_size > EARLY_CHARACTERS:
            message = "Too much was sent before the session was open. Wait for session.created."
            self._end(message, "rate_limit_exceeded", POLICY)

    def _translated(self, event: ClientEvent) -> ClientEvent:
        """Return the event as the upstream is to have it."""
        event = without_temperature(event)
        if not isinstance(event, SessionUpdate):
            return event
        session = without_identity(event.session)
        if isinstance(session, RealtimeSession) and isinstance(session.model, str):
            session = replace(session, model=self._model_there(session.model))
        return replace(event, session=session)

    def _model_there(self, name: str) -> Any:
        """Return what to say of a model that an update names: nothing, if it is the one that answers.

        Nor anything where none was named when the client connected: then it is too late, `session.updated`
        shows which model answers, and clients that name theirs only then must not fall over an error.
        """
        there = self._plan.upstream_name(name)
        if self._plan.shown_model in {None, name} or there == self._plan.model:
            return UNSET
        return there

    # --- from the upstream --------------------------------------------------------------------------------

    def receive_frame(self, frame: str) -> bool:
        """Take a frame of the upstream's; return whether it is an event."""
        if self.ending is not None:
            return True
        try:
            self._receive_event(relayed(frame), frame)
        except (RemoteProtocolError, ValueError, RecursionError):
            self._garbage += 1
            if self._garbage >= GARBAGE_FRAMES:
                self.receive_loss("The model behind this server does not speak the Realtime API.")
            return False
        self._garbage = 0
        return True

    def _receive_event(self, event: ServerEvent | Unknown, frame: str) -> None:
        if event.type in {"session.created", "session.updated"}:
            self._session(event, json.loads(frame))
        elif isinstance(event, ErrorEvent):
            self._upstream_error(event)
        elif self.open:
            self._pass(event)
        elif len(self._held) < _HELD_EVENTS:
            self._held.append(event)
        else:
            self.receive_loss("The model behind this server does not begin as the Realtime API does.")

    def receive_unreachable(self, status: int | None = None) -> None:
        """Take the news that the upstream could not be reached.

        Args:
            status: HTTP status with which it refused, or `None`.
        """
        words = "cannot be reached" if status is None else f"refused the connection (HTTP {status})"
        later = status is None or status == 429 or status >= 500
        message = f"The model behind this server {words}.{' Try again later.' if later else ''}"
        self._end(message, UNAVAILABLE, TRY_LATER if later else FAILED)

    def receive_loss(self, message: str = "The connection to the model behind this server was lost.") -> None:
        """Take the news that the connection to the upstream is over, and end what is under way."""
        if self._expired is not None:
            self._down += self._answers.cut(EXPIRED, self._expired)
            self._finish(GOING_AWAY, self._expired)
            return
        if not self.open:
            self._end(message, UNAVAILABLE, TRY_LATER)
            return
        self._end(message, LOST, FAILED)

    def _session(self, event: ServerEvent | Unknown, form: dict[str, Any]) -> None:
        session = form.get("session")
        if not isinstance(session, Mapping) or session.get("type") not in {"realtime", "transcription"}:
            self.receive_loss("The model behind this server does not speak the Realtime API of today.")
            return
        shown = {**session, "id": self._plan.session_id}
        shown["expires_at"] = shown_expiry(session.get("expires_at"), self._plan.options)
        if "tools" in session:
            shown["tools"] = shown_tools(session["tools"])
        if self._plan.shown_model is not None and "model" in session:
            shown["model"] = self._plan.shown_model
        form = {**form, "session": shown}
        if self.open:
            self._pass(relayed(_text(form)))
        elif event.type == "session.created":
            self._begin(form)
        elif self._created is not None:
            self._patches.pop(0)
            self._created = {**self._created, "session": shown}
            self._next_patch()

    def _begin(self, form: dict[str, Any]) -> None:
        """Take the upstream's `session.created`: have it do what the operator and the client's key want."""
        self._created = form
        for patch in opening_patches(self._plan.options, self._plan.settings):
            event_id = self._own_id()
            self._patches.append(encode_text(SessionUpdate(event_id=event_id, session=patch)))
        self._next_patch()

    def _next_patch(self) -> None:
        if self._patches:
            self._up.append(self._patches[0])
            return
        assert self._created is not None
        self._opens_by = None
        self._pass(relayed(_text(self._created)))
        held, self._held = self._held, []
        for event in held:
            self._pass(event)
        early, self._early = self._early, []
        for waiting in early:
            self.receive(waiting)

    def _upstream_error(self, event: ErrorEvent) -> None:
        error = event.error
        if error.event_id is not None and error.event_id.startswith(self._own):
            if not self.open:
                message = f"The session cannot begin as it must: {error.message}"
                self._error(message, error.code or UNAVAILABLE, param=error.param)
                self._finish(FAILED, message)
        elif not self.open:
            # Not its words: they are for the operator, and may tell of a key.
            named = f" ({error.code})" if error.code else ""
            self._end(f"The model behind this server refused the session{named}.", UNAVAILABLE, FAILED)
        else:
            if error.code == EXPIRED:
                self._expired = error.message
            self._pass(event)

    def _pass(self, event: ServerEvent | Unknown) -> None:
        self._down.append(event)
        self._answers.note(event)
        self._items.note(event)
        for item_id in self._items.surplus():
            delete = ConversationItemDelete(event_id=self._own_id(), item_id=item_id)
            self._up.append(encode_text(delete))

    def _own_id(self) -> str:
        self._sent += 1
        return f"{self._own}{self._sent}"

    # --- the end ------------------------------------------------------------------------------------------

    def handle_deadline(self, now: float) -> None:
        """Do what is due."""
        if self.ending is not None:
            return
        if now >= self._expires:
            minutes = round(self._plan.options.max_session_s / 60)
            self._end(f"Your session hit the maximum duration of {minutes} minutes.", EXPIRED, GOING_AWAY)
        elif self._opens_by is not None and now >= self._opens_by:
            self._end("The model behind this server did not answer in time.", UNAVAILABLE, TRY_LATER)

    def _end(self, message: str, code: str, close_code: int) -> None:
        if self.ending is None:
            self._down += self._answers.cut(code, message)
            self._error(message, code, kind="server_error" if close_code in {FAILED, TRY_LATER} else None)
            self._finish(close_code, message)

    def _finish(self, code: int, reason: str) -> None:
        self.ending = self.ending or Ending(code, reason)
        self._early.clear()
        self._held.clear()
        self._up.clear()

    def _error(
        self,
        message: str,
        code: str,
        *,
        param: str | None = None,
        event_id: str | None = None,
        kind: str | None = None,
    ) -> None:
        kind = kind or "invalid_request_error"
        error = ErrorDetail(type=kind, message=message, code=code, param=param, event_id=event_id)
        self._down.append(ErrorEvent(event_id=self._ids.new("event"), error=error))


def _text(form: Mapping[str, Any]) -> str:
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))
