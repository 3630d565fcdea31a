"""What a session hears of a call: each test is a short call, told in the names of its events."""

from __future__ import annotations

import numpy as np
import pytest
from tests.connections.rtc_heard import BEGUN, ENDED, FRAME, Call, loud, made

from vivavoce.audio.g711 import encode_ulaw
from vivavoce.connections.webrtc_speech import PATIENCE_S, PAUSE_MS, TAIL_MS


def test_an_answer_is_what_is_between_started_and_stopped() -> None:
    call = Call()
    call.hear(FRAME * 10)
    call.begin()
    call.buffer("started")
    call.hear(loud(200))
    call.done()
    call.hear(loud(180))
    call.buffer("stopped")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 200", "done/r", "sound/r_item 180"]
    call.hear(FRAME * 10, loud(100))
    assert call.told() == ENDED


def test_deltas_name_their_part_and_come_in_pieces() -> None:
    call = Call()
    call.get("response.created", response=made("r", "in_progress"))
    place = {"response_id": "r", "item_id": "i", "output_index": 2, "content_index": 1}
    call.get("response.content_part.added", part={"type": "audio"}, **place)
    call.buffer("started")
    call.hear(loud(200))
    deltas = [event for event in call.events if event.type == "response.output_audio.delta"]
    assert [len(delta.delta) // 48 for delta in deltas] == [20, 60, 60, 60]
    assert len({delta.event_id for delta in deltas}) == 4
    assert {name: getattr(deltas[0], name) for name in place} == place


def test_sound_that_comes_before_its_started_is_not_lost() -> None:
    call = Call()
    call.begin()
    call.hear(FRAME * 20, loud(120))
    call.buffer("started")
    call.hear(loud(60))
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 180"]


def test_a_noise_long_before_the_answer_is_no_part_of_it() -> None:
    call = Call()
    call.begin()
    call.hear(loud(40), FRAME * 40, loud(60))
    call.buffer("started")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 60"]


def test_what_is_kept_of_early_sound_is_bounded() -> None:
    call = Call()
    call.begin()
    call.hear(loud(5000))
    call.buffer("started")
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 1000"]


def test_the_end_of_the_sound_comes_after_its_stopped_and_ends_with_silence() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.done()
    call.buffer("stopped")
    call.hear(loud(100), FRAME, loud(40))
    assert call.told() == [*BEGUN, "started/r", "sound/r_item 20", "done/r", "sound/r_item 120"]
    call.hear(FRAME * (PAUSE_MS // 20))
    assert call.told() == ["sound/r_item 20", *ENDED]


def test_an_end_without_silence_has_a_bound() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.done()
    call.buffer("stopped")
    call.hear(loud(1000))
    assert call.told() == [
        *BEGUN, "started/r", "sound/r_item 20", "done/r", f"sound/r_item {TAIL_MS - 20}", *ENDED
    ]  # fmt: skip


def test_an_end_without_any_sound_has_a_bound_too() -> None:
    call = Call()
    call.begin()
    call.buffer("started")
    call.hear(loud(20))
    call.done()
    call.buffer("stopped")
    call.told()
    call.wait()
    assert call.now == pytest.approx(0.02 + PATIENCE_S)
    assert call.told() == ENDED
    assert call.speech.next_deadline() is None
    assert list(call.speech.handle_deadline(99)) == []


def test_an_answer_that_is_made_before_it_sounds_is_done_when_it_has_begun_to() -> None:
    call = Call()
    call.begin()
    call.done()
    call.get("rate_limits.updated", rate_limits=[])
    assert call.told() == [*BEGUN, "rate_limits.updated"]
    call.buffer("started")
    assert call.told() == ["started/r"]
    call.hear(loud(20))
    assert call.told() == ["sound/r_item 20", "done/r"]
    assert call.speech.next_deadline() is None


def test_an_answer_that_never_sounds_is_done_after_a_moment() -> None:
    call = Call()
    call.begin()
    call.done()
    call.told()
    call.wait()
    assert call.told() == ["done/r"]
    call.buffer("started")  # later than anybody would think
    call.hear(loud(20))
    call.buffer("stopped")
    call.hear(FRAME * 3)
    assert call.told() == ["started/r", "sound/r_item 20", *ENDED]


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_answer_that_went_wrong_is_done_at_once(status: str) -> None:
    call = Call()
    call.begin()
    call.done(status=status)
    assert call.told() == [*BEGUN, "done/r"]


def test_written_answers_and_strangers_go_through() -> None:
    call = Call()
    call.get("response.created", response=made("r", "in_progress"))
    call.part("content_part.added", part={"type": "text", "text": ""})
    call.get("response.done", response=made("r", "completed"))
    call.get("response.done", response=made("other", "completed"))
    call.part("output_audio.done", "other")
    call.part("content_part.added", "other", part={"type": "audio"})
    call.buffer("started", "other")
    call.hear(loud(100))
    call.buffer("stopped", "other")
    call.buffer("cleared", "other")
    call.get("brand.new")
    assert call.told() == [
        "created/r", "content_part.added/r", "done/r", "done/other", "output_audio.done/other",
        "content_part.added/other", "started/other", "stopped/other", "cleared/other", "brand.new",
    ]  # fmt: skip
    assert call.speech.next_deadline() is None


def test_two_answers_play_one_after_the_other() -> None:
    call = Call()
    call.begin("a")
    call.buffer("started", "a")
    call.hear(loud(40))
    call.done("a")
    call.begin("b")
    call.done("b")
    assert call.told()[-3:] == ["done/a", "created/b", "content_part.added/b"]
    assert call.speech.next_deadline() is None  # it waits for the first one to end
    call.buffer("stopped", "a")
    call.buffer("started", "b")
    call.hear(loud(40))
    assert call.told() == [
        "sound/a_item 20", "output_audio.done/a", "stopped/a", "started/b", "sound/b_item 20", "done/b"
    ]  # fmt: skip


def test_what_waits_behind_an_answer_is_waited_for_from_its_end_on() -> None:
    call = Call()
    call.begin("a")
    call.buffer("started", "a")
    call.hear(loud(40))
    call.begin("b")
    call.done("b")
    call.buffer("stopped", "a")
    call.hear(FRAME * 3)
    assert call.speech.next_deadline() == call.now + PATIENCE_S
    call.begin("c")
    assert call.told()[-3:] == ["done/b", "created/c", "content_part.added/c"]


def test_telephone_audio_is_what_a_session_for_it_gets() -> None:
    call = Call(audio={"output": {"format": {"type": "audio/pcmu"}}})
    call.begin()
    call.buffer("started")
    tone = (8000 * np.sin(np.arange(24_000) * 2 * np.pi * 400 / 24_000)).astype("<i2").tobytes()
    call.hear(tone)
    call.done()
    call.buffer("stopped")
    call.hear(FRAME * 3)
    sound = b"".join(event.delta for event in call.events if event.type == "response.output_audio.delta")
    assert len(sound) == 8000
    assert sound != encode_ulaw(bytes(16_000))
    call.get("session.updated", session={"type": "transcription"})
    assert call.speech.session is not None
