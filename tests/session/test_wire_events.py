from __future__ import annotations

from typing import get_args

import pytest

from vivavoce.protocol import ResponseOutputTextDone
from vivavoce.protocol.codec import server_event_from
from vivavoce.session.wire_events import BETA_NAMES, BetaEvent, BetaName, WireEventName


def event() -> ResponseOutputTextDone:
    part = {"response_id": "r", "item_id": "a", "output_index": 0, "content_index": 0}
    made = server_event_from({"type": "response.output_text.done", "event_id": "e", **part, "text": "hi"})
    assert isinstance(made, ResponseOutputTextDone)
    return made


def test_every_name_of_the_beta_stands_for_one_of_today() -> None:
    assert set(BETA_NAMES.values()) == set(get_args(BetaName))
    assert set(BETA_NAMES) <= set(get_args(WireEventName))


def test_an_event_of_the_beta_has_the_fields_of_todays() -> None:
    beta = BetaEvent("response.text.done", event())
    assert (beta.type, beta.text, beta.item_id) == ("response.text.done", "hi", "a")
    assert "response.text.done" in repr(beta)
    with pytest.raises(AttributeError):
        _ = beta.nothing_of_the_kind
