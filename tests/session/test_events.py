from __future__ import annotations

import dataclasses
from typing import get_args

from vivavoce.connections import ConnectionStatus
from vivavoce.protocol import SERVER_EVENT_TYPES
from vivavoce.session import events
from vivavoce.session.events import BETA_NAMES, SESSION_EVENTS, RealtimeSessionEvent


def test_every_event_of_the_session_has_its_name_in_the_list() -> None:
    own = [kind for kind in get_args(RealtimeSessionEvent) if dataclasses.is_dataclass(kind)]
    names = {field.default for kind in own for field in dataclasses.fields(kind) if field.name == "type"}
    assert names == set(SESSION_EVENTS)
    assert ConnectionStatus in own


def test_names_of_the_beta_stand_for_events_of_today() -> None:
    assert set(BETA_NAMES) <= set(SERVER_EVENT_TYPES)
    assert not set(BETA_NAMES.values()) & set(SERVER_EVENT_TYPES)


def test_audio_bytes_are_not_printed() -> None:
    chunk = events.AudioChunk(b"secret" * 1000, "r", "a", 0)
    assert len(repr(events.RealtimeAudio(chunk, "a", 0))) < 200
