"""What a session uses of its key's share."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    AudioInput,
    InputAudioBufferAppend,
    InputAudioBufferCleared,
    PcmuFormat,
    RealtimeSession,
    SessionAudio,
    SessionCreated,
    SessionUpdated,
    TranscriptionSession,
    TranscriptionSessionAudio,
)
from vivavoce.server.keys import KeyLimits
from vivavoce.server.metering import Meter
from vivavoce.server.usage import KeyUsage
from vivavoce.testing import run

SECOND = bytes(48_000)


def metered(**limits: Any) -> tuple[KeyUsage, Meter]:
    usage = KeyUsage(KeyLimits(**limits))
    return usage, Meter(usage, "lab")


@pytest.mark.parametrize(
    ("limits", "name", "limited"),
    [
        ({}, "lab", False),
        ({"max_sessions": 1}, "lab", False),
        ({"max_minutes_per_day": 5}, "lab", True),
        ({"max_audio_s_per_minute": 5}, "lab", True),
        ({"max_audio_s_per_minute": 5}, None, False),
    ],
)
def test_there_is_a_meter_where_there_is_a_limit(limits: Any, name: str | None, limited: bool) -> None:
    assert (Meter.for_key(KeyUsage(KeyLimits(**limits)), name) is not None) is limited


def test_audio_beyond_the_share_is_refused_with_the_id_of_its_event() -> None:
    _, meter = metered(max_audio_s_per_minute=2)
    meter.append(InputAudioBufferAppend(audio=SECOND), 0.0)
    meter.append(InputAudioBufferAppend(audio=SECOND), 0.0)
    for event_id in ({}, {"event_id": "mine"}):
        with pytest.raises(RemoteProtocolError) as caught:
            meter.append(InputAudioBufferAppend(audio=SECOND, **event_id), 0.0)
        assert (caught.value.code, caught.value.event_id) == (
            "rate_limit_exceeded",
            event_id.get("event_id"),
        )
    meter.append(InputAudioBufferAppend(audio=SECOND), 30.0)


@pytest.mark.parametrize("kind", [SessionCreated, SessionUpdated])
@pytest.mark.parametrize(
    "session",
    [
        RealtimeSession(audio=SessionAudio(input=AudioInput(format=PcmuFormat()))),
        TranscriptionSession(audio=TranscriptionSessionAudio(input=AudioInput(format=PcmuFormat()))),
    ],
)
def test_seconds_are_those_of_the_format(kind: Any, session: Any) -> None:
    _, meter = metered(max_audio_s_per_minute=6)
    meter.on_server_event(kind(event_id="e", session=session), 0.0)
    meter.append(InputAudioBufferAppend(audio=SECOND), 0.0)  # six seconds of µ-law
    with pytest.raises(RemoteProtocolError):
        meter.append(InputAudioBufferAppend(audio=bytes(8000)), 0.0)


@pytest.mark.parametrize(
    "event",
    [
        SessionUpdated(event_id="e", session=RealtimeSession()),
        SessionUpdated(event_id="e", session=RealtimeSession(audio=SessionAudio())),
        SessionUpdated(event_id="e", session=RealtimeSession(audio=SessionAudio(input=AudioInput()))),
        InputAudioBufferCleared(event_id="e"),
    ],
)
def test_what_says_nothing_of_the_format_leaves_it(event: Any) -> None:
    _, meter = metered(max_audio_s_per_minute=1)
    meter.on_server_event(event, 0.0)
    meter.append(InputAudioBufferAppend(audio=SECOND), 0.0)
    with pytest.raises(RemoteProtocolError):
        meter.append(InputAudioBufferAppend(audio=SECOND), 0.0)


def test_the_minutes_of_a_key_are_used_up_by_all_its_sessions() -> None:
    async def scenario() -> None:
        now = asyncio.get_running_loop().time
        usage, meter = metered(max_minutes_per_day=10)
        start = now()
        usage.begin("lab", now())
        waiting = asyncio.ensure_future(meter.wait_for_shortage())
        await asyncio.sleep(240)
        usage.begin("lab", now())
        error = await waiting
        assert (error.code, error.kind) == ("key_minutes_reached", "rate_limit_error")
        assert now() - start == pytest.approx(240 + 180, abs=1.0)

    run(scenario())


def test_where_only_audio_is_limited_a_session_may_go_on() -> None:
    async def scenario() -> None:
        usage, meter = metered(max_audio_s_per_minute=1)
        usage.begin("lab", asyncio.get_running_loop().time())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(24 * 3600.0):
                await meter.wait_for_shortage()

    run(scenario())
