from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from typing import Any, assert_type, get_args

from vivavoce.connections import ConnectionStatus
from vivavoce.protocol import SERVER_EVENT_TYPES, Response, ResponseDone
from vivavoce.session import events
from vivavoce.session.events import (
    SESSION_EVENTS,
    RealtimeAudio,
    RealtimeSessionEvent,
    RealtimeToolStart,
)
from vivavoce.session.wire_events import BETA_NAMES, BetaEvent, BetaName, WireEventName


def test_every_event_of_the_session_has_its_name_in_the_list() -> None:
    own = [kind for kind in get_args(RealtimeSessionEvent) if dataclasses.is_dataclass(kind)]
    names = {field.default for kind in own for field in dataclasses.fields(kind) if field.name == "type"}
    assert names == set(SESSION_EVENTS)
    assert ConnectionStatus in own


def test_names_of_the_beta_stand_for_events_of_today() -> None:
    assert set(BETA_NAMES) <= set(SERVER_EVENT_TYPES)
    assert not set(BETA_NAMES.values()) & set(SERVER_EVENT_TYPES)


def test_type_checkers_know_every_name_that_an_event_may_have() -> None:
    assert set(get_args(BetaName)) == set(BETA_NAMES.values())
    passed_on = set(get_args(WireEventName))
    assert passed_on == set(SERVER_EVENT_TYPES) - {"error", "response.output_audio.delta"}


async def narrow(session: AsyncIterator[RealtimeSessionEvent]) -> None:
    """What a user's type checker makes of a user's loop: checked by mypy, never run."""
    async for event in session:
        if event.type == "tool_start":
            assert_type(event, RealtimeToolStart)
        elif event.type == "audio":
            assert_type(event, RealtimeAudio)
        elif event.type == "response.audio_transcript.done":
            assert_type(event, BetaEvent)
        elif event.type == "response.output_audio_transcript.done":
            assert_type(event.transcript, Any)
        elif isinstance(event, ResponseDone):
            assert_type(event.response, Response)


def test_audio_bytes_are_not_printed() -> None:
    chunk = events.AudioChunk(b"secret" * 1000, "r", "a", 0)
    assert len(repr(events.RealtimeAudio(chunk, "a", 0))) < 200
