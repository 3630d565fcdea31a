"""Codecs of a call: what goes in comes out, what is lost is made up, what is none is refused."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("av", reason="needs vivavoce[webrtc]")

from vivavoce.errors import AudioFormatError, ConfigurationError
from vivavoce.webrtc.codecs import (
    CODECS,
    FRAME_BYTES,
    SILENCE,
    VOICE_RATE,
    OpusDecoder,
    OpusEncoder,
    decoder_for,
    encoder_for,
)


def voice(seconds: float, hertz: float = 220.0, level: float = 5000.0) -> bytes:
    time = np.arange(round(VOICE_RATE * seconds)) / VOICE_RATE
    wave = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 6))
    return (np.asarray(wave) * level).astype("<i2").tobytes()


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def delay_and_likeness(spoken: bytes, heard: bytes) -> tuple[int, float]:
    """By how many samples it is late, and the correlation there."""
    best = max(
        (
            float(
                np.corrcoef(samples(spoken)[2400 : 2400 + 7200], samples(heard)[2400 + d : 9600 + d])[0, 1]
            ),
            d,
        )
        for d in range(480)
    )
    return best[1], best[0]


@pytest.mark.parametrize("codec", CODECS)
def test_a_voice_comes_through(codec: str) -> None:
    spoken = voice(0.6, 110.0)
    encoder, decoder = encoder_for(codec), decoder_for(codec)
    payloads = [encoder.encode(frame) for frame in frames(spoken)]
    heard = [decoder.decode(payload) for payload in payloads]
    assert {len(frame) for frame in heard} == {FRAME_BYTES}
    delay, likeness = delay_and_likeness(spoken, b"".join(heard))
    # Opus for speech takes away the lowest tones, and with them their phase.
    assert likeness > 0.8
    assert delay < 0.01 * VOICE_RATE


@pytest.mark.parametrize("codec", CODECS)
def test_silence_is_silent(codec: str) -> None:
    encoder, decoder = encoder_for(codec), decoder_for(codec)
    heard = b"".join(decoder.decode(encoder.encode(SILENCE)) for _ in range(10))
    assert np.abs(samples(heard)).max() <= 16  # A-law has no zero


def test_opus_takes_little_of_the_line() -> None:
    encoder = OpusEncoder()
    noise = np.random.default_rng(1).normal(0, 3000, 480 * 100).astype("<i2").tobytes()
    size = sum(len(encoder.encode(frame)) for frame in frames(noise))
    assert 24_000 < size * 8 / 2 < 40_000


def test_opus_carries_a_copy_of_the_frame_before() -> None:
    """In-band error correction costs bits only where the encoder has it on: compare with one that has not."""
    from av import CodecContext

    plain = OpusEncoder()
    context = CodecContext.create("libopus", "w")
    context.format, context.layout, context.sample_rate = "s16", "mono", VOICE_RATE
    context.time_base, context.bit_rate = plain._context.time_base, 32_000
    context.options = {**plain._context.options, "fec": "0"}
    plain._context = context
    speech = frames(voice(1.0, 130.0))
    redundant = OpusEncoder()
    assert [plain.encode(frame) for frame in speech] != [redundant.encode(frame) for frame in speech]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("missing", [1, 2])
def test_lost_packets_are_made_up(codec: str, missing: int) -> None:
    spoken = frames(voice(0.6, 130.0))
    encoder, decoder = encoder_for(codec), decoder_for(codec)
    payloads = [encoder.encode(frame) for frame in spoken]
    before = b"".join(decoder.decode(payload) for payload in payloads[:15])
    made = decoder.conceal(480 * missing)
    after = b"".join(decoder.decode(payload) for payload in payloads[15 + missing :])
    assert len(made) == FRAME_BYTES * missing
    assert np.std(samples(made)) > 0.5 * np.std(samples(before)[-4800:])
    whole = samples(before + made + after)
    usual = np.abs(np.diff(samples(before)[4800:])).max()
    assert np.abs(np.diff(whole)).max() < 1.6 * usual


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_made_up_fades(codec: str) -> None:
    encoder, decoder = encoder_for(codec), decoder_for(codec)
    for frame in frames(voice(0.4)):
        decoder.decode(encoder.encode(frame))
    made = samples(decoder.conceal(480 * 8))
    assert np.std(made[-480:]) < 0.1 * np.std(made[:480])


@pytest.mark.parametrize("codec", CODECS)
def test_before_the_first_packet_there_is_silence(codec: str) -> None:
    assert decoder_for(codec).conceal(480) == bytes(FRAME_BYTES)


def test_opus_makes_up_whole_frames() -> None:
    encoder, decoder = OpusEncoder(), OpusDecoder()
    decoder.decode(encoder.encode(voice(0.02)))
    assert len(decoder.conceal(700)) == 2 * FRAME_BYTES
    assert decoder.conceal(0) == decoder.conceal(-480) == b""


@pytest.mark.parametrize("codec", CODECS)
def test_an_empty_packet_is_none(codec: str) -> None:
    with pytest.raises(AudioFormatError, match="at least one byte"):
        decoder_for(codec).decode(b"")


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_opus_or_refused(payload: bytes) -> None:
    decoder = OpusDecoder()
    with contextlib.suppress(AudioFormatError):
        assert len(decoder.decode(payload)) <= 0.12 * VOICE_RATE * 2
    encoder = OpusEncoder()
    for frame in frames(voice(0.1)):
        assert len(decoder.decode(encoder.encode(frame))) == FRAME_BYTES


@pytest.mark.parametrize("codec", ["opus", "PCMU"])
def test_encoders_take_what_they_are_given_when_they_are_given_it(codec: str) -> None:
    """One frame's memory serves for all: what comes later must not change what went before."""
    spoken = frames(voice(0.5, 190.0))
    together, alone = encoder_for(codec), encoder_for(codec)
    payloads = [together.encode(frame) for frame in spoken]
    assert payloads == [alone.encode(bytes(bytearray(frame))) for frame in spoken]
    shuffled = random.Random(1).sample(spoken, len(spoken))
    other = encoder_for(codec)
    assert [other.encode(frame) for frame in shuffled] != payloads


@pytest.mark.parametrize("codec", ["opus", "OPUS", "pcmu", "PCMA"])
def test_names_are_of_any_case(codec: str) -> None:
    assert encoder_for(codec).clock_rate == decoder_for(codec).clock_rate


@pytest.mark.parametrize("make", [encoder_for, decoder_for])
def test_other_codecs_are_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ConfigurationError, match=r"'G722' is no codec .* opus, PCMU, PCMA"):
        make("G722")
