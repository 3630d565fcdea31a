"""Events of a session: the classes of `openai-agents`, field by field."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from vivavoce.openai_agents.realtime import events as ours
from vivavoce.session.events import SESSION_EVENTS

CLASSES = [event.__name__ for event in get_args(ours.RealtimeSessionEvent)]


@pytest.mark.clients
@pytest.mark.parametrize("name", [*CLASSES, "RealtimeEventInfo"])
def test_fields_are_theirs(name: str) -> None:
    theirs = pytest.importorskip("agents.realtime.events", reason="needs the package openai-agents")
    here = {one.name: one.default for one in fields(getattr(ours, name))}
    assert here == {one.name: one.default for one in fields(getattr(theirs, name))}


@pytest.mark.clients
def test_no_event_is_missing() -> None:
    theirs = pytest.importorskip("agents.realtime.events", reason="needs the package openai-agents")
    assert {event.__name__ for event in get_args(theirs.RealtimeSessionEvent)} == set(CLASSES)


def test_each_is_an_event_of_a_session() -> None:
    kinds = {event.__dataclass_fields__["type"].default for event in get_args(ours.RealtimeSessionEvent)}
    assert len(kinds) == 15
    assert kinds <= set(SESSION_EVENTS)
