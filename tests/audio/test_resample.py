from __future__ import annotations

import itertools
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.audio.resample import ChunkResampler, Quality, Resampler
from vivavoce.errors import ConfigurationError

RATES = [
    (24000, 16000),
    (16000, 24000),
    (8000, 24000),
    (8000, 16000),
    (48000, 24000),
    (22050, 24000),
    (24000, 8000),
]
NOISE = np.random.default_rng(7).normal(0, 8000, 24000).clip(-32768, 32767).astype("<i2").tobytes()


def tone(hertz: float, rate: int, seconds: float = 1.0) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    return (12000 * np.sin(2 * np.pi * hertz * time)).astype("<i2").tobytes()


def convert(resampler: Resampler, pcm: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(pcm)) for cut in cuts), len(pcm)]
    parts = [resampler.process(pcm[a:b]) for a, b in itertools.pairwise(edges)]
    return b"".join(parts) + resampler.flush()


@pytest.mark.parametrize("quality", ["QQ", "LQ", "HQ"])
@pytest.mark.parametrize(("source", "target"), RATES)
@given(cuts=st.lists(st.integers(0, 12000), max_size=12))
@settings(max_examples=8, deadline=None)
def test_chunk_sizes_do_not_change_the_result(
    source: int, target: int, quality: Quality, cuts: list[int]
) -> None:
    pcm = NOISE[:12000]
    whole = convert(Resampler(source, target, quality), pcm, [])
    assert convert(Resampler(source, target, quality), pcm, cuts) == whole
    assert abs(len(whole) // 2 - 6000 * target / source) <= 1


@pytest.mark.parametrize("quality", ["QQ", "LQ", "HQ"])
@pytest.mark.parametrize(("source", "target"), RATES)
def test_a_tone_stays_the_same_tone_at_the_same_time(source: int, target: int, quality: Quality) -> None:
    got = np.frombuffer(convert(Resampler(source, target, quality), tone(440, source), [100, 5001]), "<i2")
    want = np.frombuffer(tone(440, target), "<i2")
    middle = slice(target // 10, -target // 10)
    error = got[: len(want)][middle].astype(float) - want[: len(got)][middle]
    assert np.sqrt(np.mean(error**2)) < 12000 / 200


@pytest.mark.parametrize("quality", ["QQ", "LQ"])
def test_silence_stays_silent(quality: Quality) -> None:
    assert set(convert(Resampler(24000, 16000, quality), bytes(9600), [480])) == {0}


def test_loud_audio_is_clipped_not_wrapped() -> None:
    square = np.where(np.arange(2400) // 12 % 2, 32767, -32768).astype("<i2")
    got = np.frombuffer(convert(Resampler(24000, 16000, "HQ"), square.tobytes(), []), "<i2").astype(int)
    assert got.max() == 32767
    assert got.min() == -32768
    # A sample that wrapped would jump over the whole range within one plateau.
    plateau = np.abs(np.diff(got))[np.arange(len(got) - 1) % 8 == 3][20:-20]
    assert plateau.max() < 20000


def test_default_quality_holds_back_less_than_a_millisecond() -> None:
    resampler = Resampler(24000, 16000)
    ready = sum(len(resampler.process(tone(300, 24000, 0.02))) for _ in range(50))
    assert 2 * 16000 - ready < 2 * 16


def test_equal_rates_pass_through_and_keep_samples_whole() -> None:
    resampler = Resampler(24000, 24000)
    assert resampler.process(b"abc") == b"ab"
    assert resampler.process(b"d") == b"cd"
    assert resampler.process(b"e") == b""
    assert resampler.flush() == b""
    assert resampler.process(b"fg") == b"fg"
    resampler.process(b"h")
    resampler.reset()
    assert resampler.process(b"ij") == b"ij"


@pytest.mark.parametrize("quality", ["QQ", "LQ"])
def test_after_flush_and_after_reset_a_stream_starts_afresh(quality: Quality) -> None:
    resampler = Resampler(16000, 24000, quality)
    first = convert(resampler, NOISE[:8001], [333])
    again = convert(resampler, NOISE[:8001], [1234])
    resampler.process(NOISE[8000:9001])
    resampler.reset()
    assert first == again == convert(resampler, NOISE[:8001], [])


def test_no_audio_gives_no_audio() -> None:
    resampler = Resampler(24000, 16000)
    assert resampler.process(b"") == b""
    assert resampler.process(b"\1") == b""
    assert resampler.flush() == b""


@pytest.mark.parametrize(("source", "target"), [(0, 16000), (16000, -1)])
def test_rates_must_be_positive(source: int, target: int) -> None:
    with pytest.raises(ConfigurationError, match=f"must be positive, got {source} and {target}"):
        Resampler(source, target)


def test_quality_must_be_known() -> None:
    with pytest.raises(ConfigurationError, match="QQ, LQ, MQ, HQ, VHQ, got 'best'"):
        Resampler(24000, 16000, cast("Quality", "best"))


def chunks(resampler: ChunkResampler, pcm: bytes) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """The conversion of a whole stream, chunk by chunk, each with the history that it needs."""
    samples = np.concatenate([np.zeros(resampler.HISTORY, np.int16), np.frombuffer(pcm, "<i2")])
    size = resampler.source_samples
    rows = [samples[at : at + size + resampler.HISTORY] for at in range(0, len(pcm) // 2 - size + 1, size)]
    return np.concatenate([resampler.convert(np.stack([row]))[0] for row in rows])


@pytest.mark.parametrize("source", [8000, 16000, 24000, 48000])
def test_chunks_join_without_a_seam_into_the_same_tone(source: int) -> None:
    got = chunks(ChunkResampler(source, 16000, 512), tone(500, source)).astype(float)
    # The newest point between which it interpolates is two samples behind the newest of the history.
    expected = 12000 * np.sin(2 * np.pi * 500 * (np.arange(len(got)) / 16000 - 2 / source))
    assert len(got) == 31 * 512
    assert np.abs(got - expected)[512:].max() < 60


def test_chunks_are_converted_as_well_as_by_the_stream_resampler() -> None:
    hertz = 3000
    time = np.arange(4 * 512) / 16000
    batched = chunks(ChunkResampler(24000, 16000, 512), tone(hertz, 24000))[: len(time)]
    streamed = np.frombuffer(Resampler(24000, 16000).process(tone(hertz, 24000)), "<i2")[: len(time)]
    errors = []
    for got, delay in ((batched, 2 / 24000), (streamed, 0.0)):
        ideal = 12000 * np.sin(2 * np.pi * hertz * (time - delay))
        errors.append(float(np.abs(got - ideal)[512:].mean()))
    assert errors[0] <= errors[1] * 1.05


def test_a_batch_gives_what_each_stream_gives_alone() -> None:
    resampler = ChunkResampler(24000, 16000, 512)
    rows = np.frombuffer(NOISE, "<i2")[: 7 * 771].reshape(7, 771)
    alone = np.concatenate([resampler.convert(rows[at : at + 1]) for at in range(7)])
    # A product of many rows may sum in another order.
    assert np.abs(resampler.convert(rows).astype(int) - alone).max() <= 1


def test_chunks_that_overshoot_are_clipped() -> None:
    row = np.where(np.arange(771) // 12 % 2, 32767, -32768).astype(np.int16)[None]
    got = ChunkResampler(24000, 16000, 512).convert(row)
    assert got.max() == 32767
    assert got.min() == -32768


def test_a_chunk_must_be_whole_at_both_rates() -> None:
    with pytest.raises(ConfigurationError, match="513 samples at 16000 Hz are no whole number at 24000 Hz"):
        ChunkResampler(24000, 16000, 513)
