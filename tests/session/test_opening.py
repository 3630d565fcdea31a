from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol.codec import server_event_from
from vivavoce.session.opening import UPDATE_ID, Opening
from vivavoce.testing import run

CREATED = server_event_from({"type": "session.created", "event_id": "e", "session": {"type": "realtime"}})
UPDATED = server_event_from({"type": "session.updated", "event_id": "e", "session": {"type": "realtime"}})


def refused(event_id: str | None) -> Any:
    error = {"type": "t", "message": "no", "event_id": event_id}
    return server_event_from({"type": "error", "event_id": "e", "error": error})


def outcome(*events: Any) -> list[str]:
    """Return what has become of the two answers after some events."""

    async def main() -> list[str]:
        opening = Opening()
        for event in events:
            opening.hear(event)
        return [name_of(answer) for answer in (opening.created, opening.updated)]

    return run(main())


def name_of(answer: asyncio.Future[None]) -> str:
    if not answer.done():
        return "waits"
    error = answer.exception()
    return "done" if error is None else type(error).__name__


BAD_FRAME = ConnectionFailed(RemoteProtocolError("no JSON", code="invalid_json"))
GONE = ConnectionStatus("disconnected")
LOST, REFUSED = ConnectionLostError.__name__, ConfigurationError.__name__


@pytest.mark.parametrize(
    ("events", "answers"),
    [
        ([], ["waits", "waits"]),
        ([ConnectionStatus("connected"), BAD_FRAME], ["waits", "waits"]),
        ([CREATED], ["done", "waits"]),
        ([CREATED, CREATED, UPDATED, UPDATED], ["done", "done"]),
        ([refused(None)], [REFUSED, REFUSED]),
        ([CREATED, refused(UPDATE_ID)], ["done", REFUSED]),
        ([CREATED, refused("other")], ["done", "waits"]),
        ([CREATED, GONE], ["done", LOST]),
        ([ConnectionFailed(ConnectionLostError("cut")), GONE], [LOST, LOST]),
        ([CREATED, UPDATED, GONE], ["done", "done"]),
    ],
)
def test_what_opens_a_session_and_what_fails_it(events: list[Any], answers: list[str]) -> None:
    assert outcome(*events) == answers


def test_the_last_error_of_the_server_is_kept() -> None:
    async def main() -> None:
        opening = Opening(created=True)
        opening.hear(refused(None))
        assert opening.said == "no"
        assert not opening.updated.done()

    run(main())


def test_acceptance_is_told_at_once_and_once() -> None:
    async def main() -> None:
        told: list[str] = []
        opening = Opening(created=True, accepted=lambda: told.append("accepted"))
        opening.hear(UPDATED)
        assert told == ["accepted"]
        opening.hear(UPDATED)
        assert told == ["accepted"]

    run(main())
