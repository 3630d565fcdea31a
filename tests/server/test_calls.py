"""Which session belongs to which id, and to whom."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vivavoce.protocol import ServerEvent
from vivavoce.server.calls import Calls
from vivavoce.server.hub import SessionHub


class Line:
    """A connection that remembers how it was closed."""

    writable = True

    def __init__(self) -> None:
        self.closed: tuple[int, str] | None = None

    def send(self, events: Sequence[ServerEvent]) -> None:
        raise AssertionError(events)

    def close(self, code: int, reason: str = "") -> None:
        self.closed = (code, reason)


@pytest.mark.parametrize("owner", ["lab", None])
def test_whoever_opened_a_session_finds_it_until_it_is_removed(owner: str | None) -> None:
    calls, hub = Calls(), SessionHub(Line())
    calls.add("sess_1", hub, owner)
    calls.add("rtc_1", hub, owner)
    assert calls.find("sess_1", owner) is hub
    assert calls.find("rtc_1", owner) is hub
    calls.remove("rtc_1")
    calls.remove("rtc_1")
    assert calls.find("rtc_1", owner) is None
    assert calls.find("sess_1", owner) is hub


@pytest.mark.parametrize(("owner", "other"), [("lab", "shop"), ("lab", None), (None, "shop")])
def test_to_others_it_is_not_there(owner: str | None, other: str | None) -> None:
    line = Line()
    calls = Calls()
    calls.add("sess_1", SessionHub(line), owner)
    assert calls.find("sess_1", other) is None
    assert not calls.hang_up("sess_1", other)
    assert line.closed is None


def test_a_call_is_hung_up_by_its_id() -> None:
    line = Line()
    calls = Calls()
    calls.add("rtc_1", SessionHub(line), "lab")
    assert calls.hang_up("rtc_1", "lab")
    assert line.closed == (1000, "The call was hung up.")
    assert not calls.hang_up("rtc_2", "lab")
