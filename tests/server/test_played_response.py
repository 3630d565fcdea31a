"""What comes of a response's parts, and what was heard."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.audio.levels import rms_dbfs
from vivavoce.protocol import AudioFormat, PcmaFormat, PcmFormat, PcmuFormat
from vivavoce.server.played_response import PlayedPart, PlayedResponse
from vivavoce.testing.tones import tone, tone_in


@pytest.mark.parametrize("fmt", [PcmFormat(), PcmuFormat(), PcmaFormat()], ids=lambda fmt: fmt.type)
@pytest.mark.parametrize("size", [1, 160, 333])
def test_every_format_comes_out_as_long_and_as_loud_as_it_came_in(fmt: AudioFormat, size: int) -> None:
    part = PlayedPart("a", 0, 0, fmt)
    audio = tone_in(str(fmt.type), 500)
    pcm = b"".join(part.process(audio[at : at + size]) for at in range(0, len(audio), size))
    assert len(pcm) == 24 * 500 * 2
    assert part.received == 24 * 500
    assert rms_dbfs(pcm) == pytest.approx(rms_dbfs(tone(500)), abs=0.2)
    if fmt == PcmFormat():
        assert pcm == audio
    else:
        heard, said = np.frombuffer(pcm, "<i2").astype(float), np.frombuffer(tone(500), "<i2").astype(float)
        late = 36  # samples by which the filter holds back
        assert np.corrcoef(heard[late:], said[:-late])[0, 1] > 0.99


def test_heard_milliseconds_are_rounded_down() -> None:
    part = PlayedPart("a", 0, 0, PcmFormat())
    for heard, ms in ((0, 0), (23, 0), (24, 1), (479, 19), (480, 20)):
        part.heard = heard
        assert part.heard_ms == ms


def test_a_part_is_whole_when_it_has_ended_and_all_of_it_was_heard() -> None:
    part = PlayedPart("a", 0, 0, PcmFormat())
    part.process(bytes(960))
    part.heard = 480
    assert not part.whole
    part.ended = True
    now_whole = part.whole
    part.process(bytes(2))
    assert (now_whole, part.whole) == (True, False)


def test_a_response_knows_its_parts_by_item_and_index() -> None:
    response = PlayedResponse(1, "r", in_conversation=True, fmt=PcmFormat())
    first, second = response.part("a", 0), response.part("b", 0)
    third = response.part("a", 1)
    assert response.part("a", 0) is first
    assert response.part("b", 0) is second
    assert [part.number for part in (first, second, third)] == [0, 1, 2]


def test_what_is_cut_is_cut_once_and_only_in_the_conversation() -> None:
    response = PlayedResponse(1, "r", in_conversation=True, fmt=PcmFormat())
    heard, unheard = response.part("a", 0), response.part("b", 0)
    heard.ended = True
    assert list(response.cuts()) == [unheard]
    assert list(response.cuts()) == []
    beside = PlayedResponse(2, "s", in_conversation=False, fmt=PcmFormat())
    beside.part("c", 0)
    assert list(beside.cuts()) == []


@pytest.mark.parametrize(
    ("running", "in_conversation", "cancelled", "parts", "begun"),
    [
        (True, True, False, True, True),
        (True, True, True, False, True),
        (True, True, False, False, False),
        (False, True, True, True, False),
        (True, False, True, True, False),
    ],
)
def test_a_response_has_begun(
    running: bool, in_conversation: bool, cancelled: bool, parts: bool, begun: bool
) -> None:
    response = PlayedResponse(1, "r", in_conversation=in_conversation, fmt=PcmFormat())
    response.running, response.cancelled = running, cancelled
    if parts:
        response.part("a", 0)
    assert response.begun is begun
