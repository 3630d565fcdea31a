"""From frames to events: decoded, counted, in the right dialect, and never the end of anybody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    ClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    RealtimeSession,
    ResponseCreate,
    SessionUpdate,
    TranscriptionSession,
)
from vivavoce.server.hub import SessionHub
from vivavoce.server.keys import KeyLimits
from vivavoce.server.limits import Limits
from vivavoce.server.metering import Meter
from vivavoce.server.reading import FrameReader
from vivavoce.server.socket import RealtimeSocket
from vivavoce.server.usage import KeyUsage
from vivavoce.testing import run

CLEAR = '{"type":"input_audio_buffer.clear"}'
APPEND = '{"type":"input_audio_buffer.append","audio":"AAAA"}'
FLAT = '{"type":"session.update","session":{"modalities":["text"]}}'
NESTED = '{"type":"session.update","session":{"type":"realtime"}}'


class Session:
    """Takes events and errors, and falls over when told to."""

    id = "sess_1"
    on_end: Callable[[str], None] | None = None

    def __init__(self) -> None:
        self.events: list[ClientEvent] = []
        self.errors: list[str] = []
        self.fault: Exception | None = None

    def start(self) -> None:
        raise NotImplementedError

    def receive(self, event: ClientEvent) -> None:
        if self.fault is not None:
            raise self.fault
        self.events.append(event)

    def receive_error(self, error: RemoteProtocolError) -> None:
        self.errors.append(error.code)

    def resume(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


class Reading:
    """One reader, what it reads, and what became of it."""

    def __init__(self, frames: Iterable[Any], **options: Any) -> None:
        self.session = Session()
        self._frames = list(frames)
        self._options = options
        self.socket: RealtimeSocket
        self.took = 0.0

    def run(self) -> Reading:
        run(self._run())
        return self

    async def _run(self) -> None:
        limits = self._options.pop("limits", Limits())
        self.socket = RealtimeSocket(self._nobody, limits)
        hub = SessionHub(self.socket)
        hub.attach(self.session, meter=self._options.pop("meter", None))
        reader = FrameReader(hub, self.socket, limits, **self._options)
        loop = asyncio.get_running_loop()
        start = loop.time()
        await reader.run(self._receive)
        self.took = loop.time() - start

    async def _nobody(self, message: Any) -> None:
        raise AssertionError(message)

    async def _receive(self) -> dict[str, Any]:
        if not self._frames:
            return {"type": "websocket.disconnect", "code": 1000}
        frame = self._frames.pop(0)
        kind = "bytes" if isinstance(frame, bytes) else "text"
        return {"type": "websocket.receive", kind: frame}


def read(*frames: Any, **options: Any) -> Reading:
    return Reading(frames, **options).run()


def test_frames_become_events_until_the_peer_is_gone() -> None:
    reading = read(CLEAR, APPEND, CLEAR)
    assert [type(event) for event in reading.session.events] == [
        InputAudioBufferClear,
        InputAudioBufferAppend,
        InputAudioBufferClear,
    ]
    assert reading.socket.close_code == 1000


def test_what_is_wrong_is_told_and_reading_goes_on() -> None:
    reading = read("{", CLEAR, '{"type":"no.such"}', "é", CLEAR)
    assert reading.session.errors == ["invalid_json", "invalid_value", "invalid_json"]
    assert len(reading.session.events) == 2


@pytest.mark.parametrize(
    ("frame", "errors"),
    [
        (CLEAR.encode(), []),
        (b"\n " + CLEAR.encode(), []),
        (b"\x00\x01", ["invalid_event"]),
        (b"", ["invalid_event"]),
        (b"{\xff", ["invalid_json"]),
    ],
)
def test_a_binary_message_may_hold_json(frame: bytes, errors: list[str]) -> None:
    reading = read(frame)
    assert reading.session.errors == errors
    assert len(reading.session.events) == 1 - len(errors)


def test_a_message_has_a_length() -> None:
    long = json.dumps({"type": "input_audio_buffer.append", "audio": "AAAA" * 30})
    wide = json.dumps({"type": "é" * 70}, ensure_ascii=False)
    reading = read(long, wide, APPEND, limits=Limits(max_message_bytes=100))
    assert reading.session.errors == ["message_too_large"] * 2
    assert len(reading.session.events) == 1


def test_a_message_of_too_many_fields_is_not_read() -> None:
    many = json.dumps({str(number): number for number in range(20_000)})
    reading = read(many, many.encode(), APPEND)
    assert reading.session.errors == ["message_too_large"] * 2
    assert len(reading.session.events) == 1


def test_garbage_is_read_slowly_and_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    reading = read("{", CLEAR, *["{"] * 52, CLEAR, limits=Limits(max_consecutive_errors=3))
    assert reading.socket.closing is None
    assert len(reading.session.errors) == 53
    assert len(reading.session.events) == 2
    assert reading.took == pytest.approx(5.0, abs=0.1), "50 at ten a second"
    assert caplog.messages == ["a peer that sends garbage is read slowly"]


def test_a_fault_of_the_session_closes_this_connection() -> None:
    reading = Reading([CLEAR])
    reading.session.fault = KeyError("a bug")
    assert reading.run().socket.close_code == 1011


def test_a_flood_waits() -> None:
    limits = Limits(max_messages_per_s=100)
    assert read(*[CLEAR] * 320, limits=limits).took == pytest.approx(3.2, abs=0.1)
    assert read(CLEAR, limits=limits).took == 0.0


def test_who_announced_the_beta_is_read_as_such() -> None:
    reading = read(FLAT, NESTED, beta=True)
    assert reading.session.events == [SessionUpdate(session=RealtimeSession(output_modalities=["text"]))]
    assert reading.session.errors == ["unknown_parameter"]


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        (FLAT, SessionUpdate(session=RealtimeSession(output_modalities=["text"]))),
        (
            '{"type":"transcription_session.update","session":{}}',
            SessionUpdate(session=TranscriptionSession()),
        ),
        ('{"type":"response.create","response":{"modalities":["text"]}}', None),
    ],
)
def test_the_first_event_tells_the_beta(frame: str, event: ClientEvent | None) -> None:
    reading = read(APPEND, frame, FLAT)
    assert reading.session.errors == []
    first, second = reading.session.events[1:]
    assert event in (first, None)
    assert isinstance(first, SessionUpdate | ResponseCreate)
    assert isinstance(second, SessionUpdate)


@pytest.mark.parametrize("before", [CLEAR, NESTED, "{", '{"type":"session.update","session":{}}'])
def test_after_that_nothing_does(before: str) -> None:
    reading = read(before, FLAT)
    assert reading.session.errors[-1] == "missing_required_parameter"


def test_audio_beyond_the_share_of_a_key_is_not_heard() -> None:
    usage = KeyUsage(KeyLimits(max_audio_s_per_minute=1))
    second = json.dumps({"type": "input_audio_buffer.append", "audio": "AAAA" * 16000})
    reading = read(second, second, CLEAR, meter=Meter(usage, "lab"))
    assert reading.session.errors == ["rate_limit_exceeded"]
    assert [type(event) for event in reading.session.events] == [
        InputAudioBufferAppend,
        InputAudioBufferClear,
    ]
