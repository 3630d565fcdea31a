"""When `response.create` may be sent: one at a time, never lost, never waiting for ever.

"Conversation already has an active response in progress … Wait until the response is finished before
creating a new one." (Realtime API reference). Requests of the session itself (a message, the outputs of
tools) mean "answer what is there now" and fall together; a request that the user wrote out is kept as it is.

Who speaks is not talked over: while a user's turn lasts, and until the server's own answer to it has begun,
requests of the session wait; that answer stands for them, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

from vivavoce.protocol import ErrorDetail, Response, ResponseCancel, ResponseCreate, UnsetType, replace

ANSWER_S = 10.0
"""Seconds to wait for the server's answer to a request."""
STALL_S = 30.0
"""Seconds without any sign of the running response after which it is taken for dead."""
RETRY_S = 0.5
"""Seconds before a request is repeated when the server still speaks of a response that is not known here."""
TURN_S = 2.0
"""Seconds after a user's turn within which the server's own answer to it is awaited."""
HEAR_S = 5.0
"""Seconds in which a new server must begin to hear a turn that is said to it again."""
MAX_TRIES = 5
MAX_WAITING = 64
"""Requests that may wait for the conversation to become free."""

ALREADY_ACTIVE = "conversation_already_has_active_response"


@dataclass(slots=True, eq=False)
class _Request:
    """One wish for an answer."""

    event: ResponseCreate
    automatic: bool
    sent_at: float = 0.0
    tries: int = 0


class ResponseRequests:
    """Sequences the requests for responses of one conversation."""

    def __init__(self) -> None:
        self.active: str | None = None
        """Id of the running response of the conversation."""
        self._waiting: deque[_Request] = deque()
        self._flying: _Request | None = None
        self._claimed: _Request | None = None
        self._doomed: str | None = None  # id of the event that cancelled what was asked for
        self._stopped = False  # the active response was cancelled
        self._online = True
        self._progress_at = 0.0
        self._not_before = 0.0
        self._held_until = 0.0  # infinite while the user speaks
        self._count = 0
        self._aside: deque[ResponseCreate] = deque()
        self._outbox: list[ResponseCreate | ResponseCancel] = []
        self._lost: list[ErrorDetail] = []

    def request(self, now: float, event: ResponseCreate | None = None) -> None:
        """Ask for a response as soon as the conversation is free.

        Args:
            now: seconds on the conversation's clock.
            event: the request as the user wrote it; ``None`` is "answer what is there now".
        """
        automatic = event is None
        if automatic and any(request.automatic for request in self._waiting):
            return
        self._count += 1
        event = event if event is not None else ResponseCreate()
        if isinstance(event.event_id, UnsetType):
            event = replace(event, event_id=f"vivavoce_response_create_{self._count}")
        aside = _is_out_of_band(event)
        if len(self._aside if aside else self._waiting) >= MAX_WAITING:
            self._lose(event, f"{MAX_WAITING} requests wait for their responses; this one was dropped.")
            return
        if aside:
            self._aside.append(event)
            if self._online:
                self._outbox.append(event)
            return
        self._waiting.append(_Request(event, automatic))
        self._advance(now)

    def cancel(self, event_id: str) -> bool:
        """Stop what runs or is about to run, and forget what waits. False: there was nothing to stop."""
        self._waiting.clear()
        if self.active is not None:
            self._stopped = True
            self._outbox.append(ResponseCancel(event_id=event_id, response_id=self.active))
        elif self._flying is not None:
            self._doomed = event_id
            self._outbox.append(ResponseCancel(event_id=event_id))
        else:
            return False
        return True

    def is_idle(self, now: float) -> bool:
        """Say whether no response runs, is asked for or is expected, and the user is silent."""
        busy = self.active is not None or self._flying is not None or bool(self._waiting)
        return not busy and self._held_until <= now

    def lose_connection(self, now: float, *, gated: bool = False) -> bool:
        """Forget the server's part, and send nothing until `connected`. True: it owed an answer.

        What was asked for is asked for again, unless somebody has stopped it. Who was speaking when the
        connection broke is answered when they have spoken.

        Args:
            now: seconds on the conversation's clock.
            gated: turns are checked here, and who checks them asks for their answers.
        """
        speaking = self._held_until == inf
        answering = self.active is not None and not self._stopped
        owed = answering or (now < self._held_until and not gated)
        if self._flying is not None and self._doomed is None:
            self._waiting.appendleft(self._flying)
        self.active = self._flying = self._claimed = None
        self._doomed = None
        self._stopped = self._online = False
        self._held_until = self._not_before = 0.0
        return owed and not speaking

    def connected(self, now: float, *, hears_turn: bool = False) -> None:
        """Note that there is a connection again: what waits for one is sent.

        Args:
            now: seconds on the conversation's clock.
            hears_turn: the server is about to find a turn of the user's, which it hears again.
        """
        self._online = True
        if hears_turn:
            self._held_until = max(self._held_until, now + HEAR_S)
        self._outbox.extend(self._aside)
        self._advance(now)

    def turn_began(self) -> None:
        """Note that the user speaks: nothing but what the user wrote out is asked for now."""
        self._held_until = inf

    def turn_ended(self, now: float, *, answered: bool, within_s: float = TURN_S) -> None:
        """Note that the user has spoken.

        Args:
            now: seconds on the conversation's clock.
            answered: somebody else asks for the answer: the server by itself, or who checks the turn first.
            within_s: seconds in which they will.
        """
        if self._held_until == inf:
            self._held_until = now + within_s if answered else 0.0
            self._advance(now)

    def turn_passed(self) -> None:
        """Note that the user's turn was checked: nothing has to wait for that any more."""
        if self._held_until < inf:
            self._held_until = 0.0

    def created(self, response: Response, now: float, *, sees_all: bool = True) -> bool:
        """Note that a response began. False: it is out of band and none of the conversation's business.

        `take_doom` then tells whether it was cancelled before it began.

        Args:
            response: as it began.
            now: seconds on the conversation's clock.
            sees_all: the server had everything that was sent when it began this response.
        """
        if response.conversation_id is None and self._aside:
            self._aside.popleft()
            return False
        self._stopped = False
        self._claimed, self._flying = self._flying, None
        if 0.0 < self._held_until < inf:
            self._held_until = 0.0
            if sees_all:
                self._waiting = deque(request for request in self._waiting if not request.automatic)
        self.active = response.id
        self._progress_at = now
        return True

    def take_doom(self) -> bool:
        """Return, once, whether the response that began had been cancelled before.

        It is cancelled again then, by its name: the first time the server may not have known of it.
        """
        doomed, self._doomed = self._doomed, None
        if doomed is not None and self.active is not None:
            self._stopped = True
            self._outbox.append(ResponseCancel(event_id=doomed, response_id=self.active))
        return doomed is not None

    def progressed(self, now: float) -> None:
        """Note a sign of life of the running response."""
        self._progress_at = now

    def done(self, response_id: str, now: float) -> None:
        """Note that a response is over."""
        if response_id == self.active:
            self.active = None
            self._claimed = None
        self._advance(now)

    def failed(self, error: ErrorDetail, now: float) -> bool:
        """Note an error of the server. True: it was about a request that needs no more attention.

        Either it will be repeated, or the user has stopped it meanwhile.
        """
        self._aside = deque(event for event in self._aside if event.event_id != error.event_id)
        for request in (self._flying, self._claimed):
            if request is not None and error.event_id == request.event.event_id:
                break
        else:
            return False
        stopped = False
        if request is self._flying:
            self._flying = None
            stopped = self.take_doom()
        else:
            self._claimed = None
        repeat = not stopped and error.code == ALREADY_ACTIVE and request.tries < MAX_TRIES
        if repeat:
            self._waiting.appendleft(request)
            self._not_before = now + RETRY_S if self.active is None else 0.0
        self._advance(now)
        return repeat or stopped

    def events_to_send(self) -> list[ResponseCreate | ResponseCancel]:
        """Return what is to be sent, in order, and forget it."""
        events, self._outbox = self._outbox, []
        return events

    def lost(self) -> list[ErrorDetail]:
        """Return requests that came to nothing, as errors, and forget them."""
        lost, self._lost = self._lost, []
        return lost

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` is next due, or ``None``."""
        if self._flying is not None:
            return self._flying.sent_at + ANSWER_S
        if not self._waiting or not self._online:
            return None
        if self.active is not None:
            return self._progress_at + STALL_S
        due = min(self._due(request) for request in self._waiting)
        return due if due < inf else None

    def handle_deadline(self, now: float) -> None:
        """Give up what has waited too long. Early calls do nothing."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return
        if self._flying is not None:
            self._lose(self._flying.event, f"The server did not answer within {ANSWER_S:g} s.")
            self._flying = None
            self._doomed = None
        elif self.active is not None:
            self.active = None
        self._advance(now)

    def _lose(self, event: ResponseCreate, reason: str) -> None:
        self._lost.append(
            ErrorDetail(
                type="server_error",
                code="response_create_unanswered",
                message=f"response.create had no effect: {reason}",
                event_id=str(event.event_id),
            )
        )

    def _due(self, request: _Request) -> float:
        return max(self._not_before, self._held_until) if request.automatic else self._not_before

    def _advance(self, now: float) -> None:
        if self._flying is not None or self.active is not None or not self._online:
            return
        request = next((request for request in self._waiting if self._due(request) <= now), None)
        if request is not None:
            self._waiting.remove(request)
            request.sent_at = now
            request.tries += 1
            self._flying = request
            self._outbox.append(request.event)


def _is_out_of_band(event: ResponseCreate) -> bool:
    return not isinstance(event.response, UnsetType) and event.response.conversation == "none"
