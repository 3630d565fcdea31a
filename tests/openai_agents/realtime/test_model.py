"""The playback tracker with the methods of `openai-agents`."""

from __future__ import annotations

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.openai_agents.realtime.model import RealtimePlaybackTracker
from vivavoce.protocol import PcmuFormat

NOTHING = {"current_item_id": None, "current_item_content_index": None, "elapsed_ms": None}


def playing(tracker: RealtimePlaybackTracker) -> tuple[str | None, int | None, float | None]:
    state = tracker.get_state()
    return state["current_item_id"], state["current_item_content_index"], state["elapsed_ms"]


def test_it_says_what_is_being_played() -> None:
    tracker = RealtimePlaybackTracker()
    assert tracker.get_state() == NOTHING
    tracker.on_play_ms("item_1", 0, 20)
    tracker.on_play_ms("item_1", 0, 30)
    assert playing(tracker) == ("item_1", 0, 50)
    tracker.on_play_ms("item_2", 1, 20)
    assert playing(tracker) == ("item_2", 1, 20)
    tracker.on_interrupted()
    assert tracker.get_state() == NOTHING


def test_reports_count_for_the_session() -> None:
    tracker = RealtimePlaybackTracker()
    tracker.expect("item_1", 0)
    tracker.on_play_bytes("item_1", 0, bytes(4800))
    assert tracker.played_ms("item_1", 0) == 100
    tracker.forget("item_2", 0)
    assert playing(tracker) == ("item_1", 0, 100)
    tracker.forget("item_1", 0)
    assert tracker.get_state() == NOTHING


@pytest.mark.parametrize("spelled", ["g711_ulaw", "audio/pcmu", {"type": "audio/pcmu"}, PcmuFormat()])
def test_formats_are_spelled_as_there(spelled: str | dict[str, str] | PcmuFormat) -> None:
    tracker = RealtimePlaybackTracker()
    tracker.set_audio_format(format=spelled)
    tracker.on_play_bytes("item_1", 0, bytes(800))
    assert playing(tracker) == ("item_1", 0, 100)


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="mp3"):
        RealtimePlaybackTracker().set_audio_format("mp3")
