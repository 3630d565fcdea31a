"""What is sent to a model: the classes of `openai-agents`, field by field."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import pytest

from vivavoce.openai_agents.realtime import model_inputs as ours
from vivavoce.openai_agents.realtime.model_inputs import RealtimeModelSendInterrupt

CLASSES = [event.__name__ for event in get_args(ours.RealtimeModelSendEvent)]


@pytest.mark.clients
@pytest.mark.parametrize("name", CLASSES)
def test_fields_are_theirs(name: str) -> None:
    theirs = pytest.importorskip("agents.realtime.model_inputs", reason="needs the package openai-agents")
    assert [(one.name, one.default) for one in fields(getattr(ours, name))] == [
        (one.name, one.default) for one in fields(getattr(theirs, name))
    ]


def test_an_interruption_stops_everything_unless_told_otherwise() -> None:
    assert len(CLASSES) == 6
    assert not RealtimeModelSendInterrupt().cancel_response_only
