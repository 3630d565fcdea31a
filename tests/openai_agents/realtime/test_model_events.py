"""Events of a model: the classes of `openai-agents`, field by field."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import get_args

import pytest

from vivavoce.openai_agents.realtime import model_events as ours

CLASSES = [name for name, value in vars(ours).items() if is_dataclass(value) and name != "Usage"]


@pytest.mark.clients
@pytest.mark.parametrize("name", CLASSES)
def test_fields_are_theirs(name: str) -> None:
    theirs = pytest.importorskip("agents.realtime.model_events", reason="needs the package openai-agents")
    assert [(one.name, one.default) for one in fields(getattr(ours, name))] == [
        (one.name, one.default) for one in fields(getattr(theirs, name))
    ]


@pytest.mark.clients
def test_no_event_is_missing() -> None:
    theirs = pytest.importorskip("agents.realtime.model_events", reason="needs the package openai-agents")
    assert {event.__name__ for event in get_args(ours.RealtimeModelEvent)} == {
        event.__name__ for event in get_args(theirs.RealtimeModelEvent)
    }


def test_no_two_events_are_of_one_type() -> None:
    kinds = [event.__dataclass_fields__["type"].default for event in get_args(ours.RealtimeModelEvent)]
    assert len(set(kinds)) == len(kinds) == 19
