from __future__ import annotations

from vivavoce.conversation.ids import CountingIds
from vivavoce.lines import PlayedPiece
from vivavoce.web.loudspeaker import RESPONSES, Loudspeaker, LoudspeakerEvent

FRAME = 480


def names(events: list[LoudspeakerEvent]) -> list[tuple[str, str]]:
    return [(str(event.type).removeprefix("output_audio_buffer."), event.response_id) for event in events]


def piece(item_id: str, samples: int = FRAME) -> PlayedPiece:
    return PlayedPiece(item_id, 0, 0, samples)


def test_a_response_starts_with_its_first_frame_and_stops_when_all_of_it_was_played() -> None:
    speaker = Loudspeaker(CountingIds())
    speaker.queued("r1", "i1", 2 * FRAME * 2)
    assert names(speaker.frame(())) == []
    assert names(speaker.frame([piece("i1")])) == [("started", "r1")]
    speaker.done("r1")
    assert names(speaker.frame([piece("i1")])) == [("stopped", "r1")]
    assert names(speaker.frame(())) == []


def test_a_gap_before_the_response_is_done_is_not_its_end() -> None:
    speaker = Loudspeaker(CountingIds())
    speaker.queued("r1", "i1", FRAME * 2)
    speaker.frame([piece("i1")])
    assert names(speaker.frame(())) == []
    speaker.queued("r1", "i2", FRAME * 2)
    assert names(speaker.frame([piece("i2")])) == []
    speaker.done("r1")
    assert names(speaker.frame(())) == [("stopped", "r1")]


def test_half_a_sample_holds_nothing_up() -> None:
    speaker = Loudspeaker(CountingIds())
    speaker.queued("r1", "i1", FRAME * 2 + 1)
    speaker.done("r1")
    assert names(speaker.frame([piece("i1")])) == [("started", "r1"), ("stopped", "r1")]


def test_clearing_tells_of_those_that_had_started() -> None:
    speaker = Loudspeaker(CountingIds())
    speaker.queued("r1", "i1", FRAME * 20)
    speaker.queued("r2", "i2", FRAME * 20)
    speaker.frame([piece("i1")])
    assert names(speaker.cleared()) == [("cleared", "r1")]
    assert names(speaker.cleared()) == []
    assert names(speaker.frame([piece("i1")])) == []


def test_a_response_without_sound_is_none_of_the_loudspeakers() -> None:
    speaker = Loudspeaker(CountingIds())
    speaker.done("r1")
    assert names(speaker.frame(())) == []


def test_responses_without_an_end_are_forgotten_beyond_a_bound() -> None:
    speaker = Loudspeaker(CountingIds())
    for number in range(RESPONSES + 1):
        speaker.queued(f"r{number}", f"i{number}", FRAME * 2)
    assert names(speaker.frame([piece("i0")])) == []
    assert names(speaker.frame([piece("i1")])) == [("started", "r1")]
