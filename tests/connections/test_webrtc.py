"""Real calls over the loopback interface: a session on one end, a server with a script on the other."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.connections.rtc_server import LOOPBACK, RtcServer, parts

from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.connections.webrtc import WebRTCRealtimeModel
from vivavoce.errors import ConfigurationError, ConnectionLostError, MissingExtraError, RemoteProtocolError
from vivavoce.protocol import (
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    ResponseCreate,
    ResponseOutputAudioDelta,
)
from vivavoce.testing import run
from vivavoce.webrtc.seams import protocols


def tone(seconds: float, hz: int = 400) -> bytes:
    samples = np.sin(np.arange(round(seconds * 24_000)) * 2 * np.pi * hz / 24_000)
    return (12_000 * samples).astype("<i2").tobytes()


def pitch(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2")
    return float(np.abs(np.fft.rfft(samples)).argmax() * 24_000 / len(samples))


class Line:
    """A model and all it said."""

    def __init__(self, model: WebRTCRealtimeModel) -> None:
        self.model = model
        self.events: list[Any] = []
        self._news = asyncio.Event()
        model.add_listener(self._hear)

    def _hear(self, event: object) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, found: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(10):
            while True:
                for event in self.events:
                    if found(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def heard(self, kind: str) -> Any:
        return await self.until(lambda event: getattr(event, "type", "") == kind)

    async def disconnected(self) -> None:
        await self.until(lambda event: event == ConnectionStatus("disconnected"))

    def sound(self) -> bytes:
        return b"".join(event.delta for event in self.events if isinstance(event, ResponseOutputAudioDelta))


def on_call(
    test: Callable[[Line, RtcServer], Coroutine[Any, Any, None]],
    *,
    connect: bool = True,
    server: RtcServer | None = None,
    **options: Any,
) -> None:
    async def main() -> None:
        async with (server or RtcServer()).open() as there:
            line = Line(WebRTCRealtimeModel(there.url, rtc=LOOPBACK, **options))
            try:
                if connect:
                    await line.model.connect({})
                await test(line, there)
            finally:
                await line.model.close()

    run(main())


def test_a_call_begins_with_the_servers_first_event_and_ends_at_both_ends() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        assert [event.type for event in line.events] == [
            "connection_status",
            "connection_status",
            "session.created",
        ]
        assert line.model.call_id == "rtc_1"
        with pytest.raises(ConfigurationError, match="connected already"):
            await line.model.connect({})
        began = asyncio.get_running_loop().time()
        await line.model.close()
        await line.model.close()
        assert asyncio.get_running_loop().time() - began < 1
        assert line.events[-1] == ConnectionStatus("disconnected")
        assert not line.model.call_id
        await server.caller.until(lambda: server.caller.reason)
        with pytest.raises(
            ConnectionLostError, match=r"cannot send response\.create: there is no connection"
        ):
            await line.model.send_event(ResponseCreate())

    on_call(test)


def test_the_agents_voice_becomes_deltas_between_its_events() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        line.events.clear()
        server.caller.say(tone(0.5))
        await line.heard("output_audio_buffer.stopped")
        kinds = [event.type.removeprefix("response.") for event in line.events]
        deltas = [kind for kind in kinds if kind == "output_audio.delta"]
        first, last = kinds.index(deltas[0]), len(kinds) - 1 - kinds[::-1].index(deltas[0])
        assert kinds[first - 1] == "output_audio_buffer.started"
        assert kinds[first + 1] == "done"  # on a WebSocket no answer begins to sound after its end, either
        assert kinds[last + 1 :] == ["output_audio.done", "output_audio_buffer.stopped"]
        assert 480 <= len(line.sound()) / 48 <= 620
        assert pitch(line.sound()) == pytest.approx(400, abs=5)

    on_call(test)


def test_the_users_voice_arrives_and_a_commit_after_it() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        await line.model.send_event(InputAudioBufferAppend(audio=tone(0.4)))
        await line.model.send_event(InputAudioBufferCommit(event_id="c"))
        await line.model.send_event(ResponseCreate(event_id="r"))
        await server.caller.event("response.create")
        assert [event["type"] for event in server.caller.heard] == [
            "input_audio_buffer.commit",
            "response.create",
        ]
        voice = np.frombuffer(bytes(server.caller.voice), "<i2")
        spoken = np.flatnonzero(np.abs(voice.astype(int)) > 500)
        assert 0.38 <= np.ptp(spoken) / 24_000 <= 0.42

    on_call(test)


def test_raw_events_go_out_as_they_stand_but_for_what_a_call_says_otherwise() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        await line.model.send_raw({"type": "brand.new", "theirs": {"x": [1, None]}})
        assert await server.caller.event("brand.new") == {"type": "brand.new", "theirs": {"x": [1, None]}}
        await line.model.send_raw({"type": "input_audio_buffer.append", "audio": "AAAA"})
        await line.model.send_raw({"type": "input_audio_buffer.commit"})
        await server.caller.event("input_audio_buffer.commit")
        with pytest.raises(RemoteProtocolError, match="'type' field is missing"):
            await line.model.send_raw({"x": 1})
        assert len(server.caller.heard) == 2

    on_call(test)


def test_a_server_that_hangs_up_has_said_all_there_is() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        await server.caller.peer.aclose()
        await line.disconnected()
        assert not any(isinstance(event, ConnectionFailed) for event in line.events)
        line.events.clear()
        await line.model.connect({})
        assert line.model.call_id == "rtc_2"

    on_call(test)


def test_a_server_that_vanishes_is_a_broken_connection() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        vanish(server)
        await line.disconnected()
        failed, status = line.events[-2:]
        assert isinstance(failed, ConnectionFailed)
        assert isinstance(failed.error, ConnectionLostError)
        assert "nothing was heard of the peer for 1 s" in str(failed.error)
        assert status == ConnectionStatus("disconnected")

    on_call(test)


def vanish(server: RtcServer) -> None:
    """Take the network away from the server: it says no more."""
    wiring = server.caller.peer._wiring
    assert wiring is not None
    for protocol in protocols(wiring.link):
        protocol.transport.abort()


def test_an_expired_session_is_told_once() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        server.caller.tell(
            "error", error={"type": "invalid_request_error", "code": "session_expired", "message": "x"}
        )
        await line.heard("error")
        vanish(server)
        await line.disconnected()
        assert not any(isinstance(event, ConnectionFailed) for event in line.events)

    on_call(test)


def test_what_is_no_event_is_told_and_harms_nothing() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        server.caller.peer.send("{")
        failed = await line.until(lambda event: isinstance(event, ConnectionFailed))
        assert isinstance(failed.error, RemoteProtocolError)
        server.caller.tell("input_audio_buffer.cleared")
        await line.heard("input_audio_buffer.cleared")

    on_call(test)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (
            (401, '{"error": {"message": "Incorrect API key."}}'),
            r"refused the call: HTTP 401 Incorrect API key\.$",
        ),
        (
            (501, '{"error": {"message": "No WebRTC here."}}'),
            r"HTTP 501 No WebRTC here\. .*WebSocketRealtimeModel",
        ),
        ((503, "busy"), r"HTTP 503 busy$"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(refusal: tuple[int, str], words: str) -> None:
    async def test(line: Line, _server: RtcServer) -> None:
        with pytest.raises(ConnectionLostError, match=words) as told:
            await line.model.connect({"api_key": "secret"})
        assert told.value.status == refusal[0]
        assert "secret" not in str(told.value)
        assert [event.status for event in line.events] == ["connecting", "disconnected"]

    on_call(test, connect=False, server=RtcServer(refuses=refusal))


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (
            RtcServer(answers=None),
            r"The realtime server at http://127.0.0.1:\d+/v1/realtime/calls did not answer within 0\.5 s",
        ),
        (RtcServer(greets=False), r"took the call, but its media did not answer within 0\.5 s"),
        (RtcServer(answers="hello"), r"The answer of http://127\S+ is no use: "),
    ],
)
def test_servers_that_answer_badly_or_not_at_all(server: RtcServer, words: str) -> None:
    async def test(line: Line, _server: RtcServer) -> None:
        with pytest.raises(ConnectionLostError, match=words):
            await line.model.connect({})

    on_call(test, connect=False, server=server, options={"handshake_timeout": 0.5})


def test_nobody_listens() -> None:
    async def main() -> None:
        model = WebRTCRealtimeModel("http://127.0.0.1:9", rtc=LOOPBACK)
        with pytest.raises(ConnectionLostError, match="cannot be reached"):
            await model.connect({})
        await model.close()

    run(main())


def test_what_cannot_work_is_refused_before_anything_is_tried() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="provider must be 'openai' or 'azure'"):
            WebRTCRealtimeModel(provider="other")  # type: ignore[arg-type]
        model = WebRTCRealtimeModel("http://127.0.0.1:9")
        with pytest.raises(ConfigurationError, match="call_id is joined over a WebSocket"):
            await model.connect({"call_id": "rtc_1"})
        with pytest.raises(ConfigurationError, match="no URL of a realtime server"):
            await WebRTCRealtimeModel("ftp://x").connect({})

    run(main())


@pytest.mark.parametrize("key", ["url", "base_url"])
def test_the_configuration_of_a_run_names_another_server(key: str) -> None:
    async def test(line: Line, server: RtcServer) -> None:
        url = server.url if key == "url" else server.url.removesuffix("/realtime/calls")
        await line.model.connect({key: url, "initial_model_settings": {"model_name": "m"}})  # type: ignore[misc]
        [(path, headers, body)] = server.requests
        assert path == "/v1/realtime/calls"
        assert parts(headers, body)["session"] == '{"type": "realtime", "model": "m"}'

    async def main() -> None:
        async with RtcServer().open() as there:
            line = Line(WebRTCRealtimeModel("http://127.0.0.1:9", rtc=LOOPBACK))
            try:
                await test(line, there)
            finally:
                await line.model.close()

    run(main())


def test_without_the_extra_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vivavoce.webrtc.wiring", None)

    async def test(line: Line, _server: RtcServer) -> None:
        with pytest.raises(MissingExtraError, match=r"pip install 'vivavoce\[webrtc\]'"):
            await line.model.connect({})

    on_call(test, connect=False)


def test_a_slow_key_is_nobody_elses_fault() -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async def test(line: Line, _server: RtcServer) -> None:
        with pytest.raises(ConnectionLostError, match=r"The api_key function did not answer within 0\.2 s"):
            await line.model.connect({"api_key": never})

    on_call(test, connect=False, options={"handshake_timeout": 0.2})


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def own_threads() -> list[str]:
    """Threads but for those of the event loop's own pool, which it may fill up."""
    return [thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]


def test_calls_leave_nothing_behind() -> None:
    async def test(line: Line, server: RtcServer) -> None:
        async def call() -> None:
            await line.model.connect({})
            await line.model.close()
            await server.calls.pop().peer.aclose()

        await call()
        threads, files, tasks = own_threads(), open_files(), asyncio.all_tasks()
        for _ in range(5):
            await call()
        assert own_threads() == threads
        assert open_files() <= files
        assert {task for task in asyncio.all_tasks() - tasks if "_visit" not in repr(task)} == set()

    on_call(test, connect=False)
