"""The worker's half of the pipe, run in this process."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.stt.pocketsphinx_worker import HEADER, SegmentDecoder, serve, spoken

if TYPE_CHECKING:
    from collections.abc import Callable

local = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None, reason="needs pocketsphinx: vivavoce[local]"
)
BLOCK = 3200


def ask(*requests: tuple[bytes, bytes]) -> list[dict[str, Any]]:
    """Return the worker's replies to these requests, its greeting first."""
    replies = io.BytesIO()
    written = b"".join(HEADER.pack(name, len(payload)) + payload for name, payload in requests)
    serve(io.BytesIO(written), replies)
    return [json.loads(line) for line in replies.getvalue().splitlines()]


def decode(decoder: SegmentDecoder, pcm: bytes, block: int = BLOCK) -> tuple[str, str]:
    decoder.start()
    settled = [decoder.decode(pcm[i : i + block])[0] for i in range(0, len(pcm), block)]
    return " ".join(filter(None, settled)), decoder.transcribe(pcm)


def test_only_words_are_written() -> None:
    heard = ["<s>", "the(2)", "<sil>", "[NOISE]", "++UH++", "it's", "a(12)", "", "</s>"]
    assert spoken(heard) == ["the", "it's", "a"]


@local
@pytest.mark.local
def test_requests_are_answered_one_by_one() -> None:
    silence = bytes(BLOCK)
    greeting, started, heard, ended = ask((b"s", b""), (b"d", silence), (b"w", silence))
    assert (greeting, started, ended) == ({}, {}, {"text": "", "confidences": []})
    assert heard.keys() == {"words", "pause_ms", "guess"}
    assert heard["words"] == ""


@local
@pytest.mark.local
def test_a_request_out_of_turn_is_answered_by_an_error() -> None:
    _, early, unknown = ask((b"d", bytes(BLOCK)), (b"x", b"1"))
    assert early["error"]
    assert "b'x'" in unknown["error"]


@local
@pytest.mark.local
def test_input_that_breaks_off_ends_the_worker() -> None:
    replies = io.BytesIO()
    serve(io.BytesIO(b"s\x00"), replies)
    assert replies.getvalue() == b"{}\n"


def test_a_missing_package_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    (greeting,) = ask((b"s", b""))
    assert "pocketsphinx" in greeting["fatal"]


@local
@pytest.mark.local
def test_settled_words_come_early_and_a_pause_grows(spoken_pcm: Callable[..., bytes]) -> None:
    pcm = spoken_pcm("can you tell me when the next train leaves for chicago")
    decoder = SegmentDecoder()
    decoder.start()
    heard = [decoder.decode(pcm[i : i + BLOCK]) for i in range(0, len(pcm), BLOCK)]
    settled_at = [index for index, (words, _, _) in enumerate(heard) if words]
    guessed_at = [index for index, (_, _, guess) in enumerate(heard) if guess]
    assert guessed_at[0] < settled_at[0] < len(heard) // 2
    pauses = [decoder.decode(bytes(BLOCK))[1] for _ in range(10)]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 1000
    assert decoder.transcribe(pcm).endswith("chicago")
    assert len(decoder.confidences) == 11
    assert all(0 < sure <= 1 for sure in decoder.confidences)
    assert (decoder.transcribe(b""), decoder.confidences) == ("", [])


@local
@pytest.mark.local
def test_the_words_depend_on_the_audio_alone(spoken_pcm: Callable[..., bytes]) -> None:
    first = spoken_pcm("please book a table for two people at seven o'clock tonight", "slt")
    other = spoken_pcm("what time do you open on sunday", "awb")
    decoder = SegmentDecoder()
    fresh = decode(decoder, first)
    decode(decoder, other)
    assert decode(decoder, first) == fresh
    decoder.start()
    decoder.decode(other[: 10 * BLOCK])  # dropped
    assert decode(decoder, first) == fresh
    assert decode(decoder, first, block=1280)[1] == fresh[1]


@local
@pytest.mark.local
def test_what_was_heard_roughly_before_does_not_change_the_careful_pass(
    spoken_pcm: Callable[..., bytes], over_telephone: Callable[[bytes], bytes]
) -> None:
    """On a telephone line, where a trace of the noise or the mean of the audio before is enough to."""
    pcm = over_telephone(spoken_pcm("the doctor said that you can go home on friday", before_ms=0))
    decoder = SegmentDecoder()
    fresh = decoder.transcribe(pcm)
    assert decoder.transcribe(pcm) == fresh
    assert decode(decoder, pcm)[1] == fresh
