"""How WebRTC calls end, and what is left of them: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.rtc_caller import HERE, RtcCaller, calling, emptied, hosting, post_offer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from vivavoce.engines.base import EngineCost
from vivavoce.engines.registry import EngineChoice, build_engines
from vivavoce.errors import ConfigurationError, EngineError, RemoteProtocolError
from vivavoce.protocol import ClientEvent, RealtimeSession, SessionCreated
from vivavoce.server import Limits, ServerConfig, create_app
from vivavoce.testing.lossy_link import LinkConditions, LossyLink
from vivavoce.webrtc.config import RtcConfig

QUICK = RtcConfig(addresses=("127.0.0.1",), connect_s=0.5, vanish_s=1.0)


def sockets() -> int:
    """How many sockets this process has open."""
    gc.collect()
    links = []
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one with which the folder is read
            links.append(str(number.readlink()))
    return sum(link.startswith("socket:") for link in links)


class Ends:
    """With which code each session ended."""

    def __init__(self, app: Any) -> None:
        self.codes: list[int | None] = []
        app._sessions.on_ended = lambda _start, code, _summary: self.codes.append(code)


def test_who_hangs_up_ends_the_session() -> None:
    async def scenario() -> None:
        async with hosting() as (url, app):
            ends, before = Ends(app), sockets()
            async with calling(url) as caller:
                assert app.sessions == 1
                session = caller.of("session.created")[0]["session"]["id"]
                calls = app._sessions.calls
                assert calls.find(session, None) is calls.find(caller.call_id, None) is not None
            assert await emptied(app) < 2
            assert ends.codes == [1000]
            assert calls.find(caller.call_id, None) is None
            assert sockets() == before

    asyncio.run(scenario())


def test_who_vanishes_is_not_waited_for() -> None:
    async def scenario() -> None:
        # The relay loses the first packets, and the next ones come half a second later.
        patient = replace(QUICK, connect_s=10.0)
        async with hosting(ServerConfig(webrtc=patient)) as (url, app):
            ends, before = Ends(app), sockets()
            caller = RtcCaller()
            try:
                async with LossyLink() as link:
                    answer = await post_offer(url, await caller.peer.offer())
                    await caller.peer.accept(await link.through(answer.text))
                    await caller.event("session.created")
                    link.conditions = LinkConditions(loss=1.0)
                    assert 0.5 < await emptied(app) < 3
                    assert ends.codes == [1006]
            finally:
                await caller.peer.aclose()
            assert sockets() == before

    asyncio.run(scenario())


def test_who_never_connects_is_not_waited_for() -> None:
    async def scenario() -> None:
        async with hosting(ServerConfig(webrtc=QUICK)) as (url, app):
            ends = Ends(app)
            caller = RtcCaller()
            answer = await post_offer(url, await caller.peer.offer())
            assert answer.status_code == 201
            await caller.peer.aclose()
            before = sockets()
            assert await emptied(app) < 2
            assert ends.codes == [1006]
            assert sockets() < before

    asyncio.run(scenario())


@pytest.mark.parametrize("cancelled", [True, False])
def test_who_goes_away_before_the_answer_leaves_nothing_behind(cancelled: bool) -> None:
    async def scenario() -> None:
        async with hosting() as (_url, app):
            ends = Ends(app)
            caller = RtcCaller()
            offer = (await caller.peer.offer()).encode()
            await caller.peer.aclose()
            before = sockets()
            messages = [{"type": "http.request", "body": offer, "more_body": False}]
            if cancelled:
                app._sessions.open = _cancel  # type: ignore[method-assign, assignment]
            sent: list[Any] = []

            async def receive() -> Any:
                return messages.pop(0) if messages else {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                sent.append(message)

            if cancelled:
                messages.append({"type": "http.request", "body": b"", "more_body": False})
                with pytest.raises(asyncio.CancelledError):
                    await app(_post(), receive, send)
            else:
                await app(_post(), receive, send)
                assert sent[0]["status"] == 499
            assert (app.sessions, ends.codes) == (0, [])
            assert sockets() == before

    asyncio.run(scenario())


def _cancel(*_arguments: Any, **_options: Any) -> None:
    raise asyncio.CancelledError


def _post() -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/realtime/calls",
        "query_string": b"",
        "headers": [(b"content-type", b"application/sdp"), (b"host", b"localhost")],
        "client": ("127.0.0.1", 5),
    }


def test_a_call_is_hung_up_by_its_id_and_the_caller_sees_it() -> None:
    async def scenario() -> None:
        config = ServerConfig(api_keys=("sk-1", "sk-2"), webrtc=HERE)
        async with hosting(config) as (url, app), calling(url, key="sk-1") as caller:
            ends = Ends(app)
            base = url.replace("ws://", "http://").removesuffix("/v1/realtime")
            async with httpx.AsyncClient() as client:

                async def hang_up(key: str) -> int:
                    answer = await client.post(
                        f"{base}{caller.location}/hangup", headers={"authorization": f"Bearer {key}"}
                    )
                    return answer.status_code

                assert await hang_up("sk-2") == 404
                assert await hang_up("sk-1") == 200
                await caller.until(lambda: caller.over)
                await emptied(app)
                assert await hang_up("sk-1") == 404
            assert ends.codes == [1000]

    asyncio.run(scenario())


def test_a_sideband_is_told_when_the_caller_has_gone() -> None:
    async def scenario() -> None:
        async with hosting() as (url, _app):
            async with calling(url) as caller, connect(f"{url}?call_id={caller.call_id}") as side:
                await caller.peer.aclose()
                with pytest.raises(ConnectionClosed) as caught:
                    await side.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1000

    asyncio.run(scenario())


def test_a_server_that_ends_hangs_up() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with hosting() as (url, app):
            ends = Ends(app)
            caller = RtcCaller()
            await caller.call(url)
            await caller.event("session.created")
            before = loop.time()
        assert loop.time() - before < 2
        assert ends.codes == [1001]
        await caller.until(lambda: caller.over)
        await caller.peer.aclose()

    asyncio.run(scenario())


def test_a_full_house_and_ports_that_are_taken_refuse_the_next() -> None:
    async def scenario() -> None:
        port = _free_port()
        narrow = RtcConfig(addresses=("127.0.0.1",), udp_ports=(port, port))
        for config, code in (
            (ServerConfig(webrtc=narrow), "media_ports_taken"),
            (ServerConfig(webrtc=HERE, limits=Limits(max_sessions=1)), "session_limit_reached"),
        ):
            async with hosting(config) as (url, app), calling(url):
                second = RtcCaller()
                answer = await post_offer(url, await second.peer.offer())
                await second.peer.aclose()
                assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)
                assert answer.headers["retry-after"] == "5"
                assert app.sessions == 1

    asyncio.run(scenario())


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_who_comes_while_the_server_ends_is_refused() -> None:
    async def scenario() -> None:
        async with hosting() as (url, app):
            ends, opening = Ends(app), app._sessions.open
            calls: Any = app._webrtc

            def open_late(*arguments: Any, **options: Any) -> Any:
                calls._tasks._closed = True
                app._sessions.admission.drain()
                return opening(*arguments, **options)

            app._sessions.open = open_late  # type: ignore[method-assign]
            caller = RtcCaller()
            offer = await caller.peer.offer()
            before = sockets()
            answer = await post_offer(url, offer)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "server_shutting_down")
            await caller.peer.aclose()
            assert sockets() < before
            assert (app.sessions, ends.codes) == (0, [None])

    asyncio.run(scenario())


def test_an_address_of_another_machine_is_refused_at_the_start() -> None:
    config = ServerConfig(webrtc=RtcConfig(addresses=("127.0.0.1", "203.0.113.7")))
    with pytest.raises(ConfigurationError, match=r"\[webrtc\] addresses: 203.0.113.7 .* advertised_address"):
        create_app(config, build_engines(EngineChoice(preset="bench")))


class Speaker:
    """A model that hears and speaks itself; its session ends when it is told something, or never begins."""

    cost = EngineCost()
    names: dict[str, Any] = {"speech_model": "speaker"}  # noqa: RUF012
    close_code = 1011
    id = "sess_1"

    def __init__(self, *, away: bool = False) -> None:
        self.on_end: Callable[[str], None] | None = None
        self._away = away

    def open(self, sink: Any, options: Any, settings: Any = None) -> Any:
        if self._away:
            raise EngineError("The upstream is away.")
        self._sink = sink
        return self

    def start(self) -> None:
        session = RealtimeSession(id=self.id, object="realtime.session")
        self._sink.send([SessionCreated(event_id="event_1", session=session)])

    def receive(self, event: ClientEvent) -> None:
        if event.type != "input_audio_buffer.append":
            assert self.on_end is not None
            self.on_end("The upstream has gone.")

    def receive_error(self, error: RemoteProtocolError) -> None:
        raise AssertionError(error)

    def resume(self) -> None:
        """Nothing is paced here."""

    async def aclose(self) -> None:
        """Nothing is open."""


def test_a_session_that_fails_says_so_before_it_hangs_up() -> None:
    async def scenario() -> None:
        engines: Any = Speaker()
        async with hosting(engines=engines) as (url, app):
            ends = Ends(app)
            async with calling(url) as caller:
                caller.send("input_audio_buffer.clear")
                await caller.until(lambda: caller.over)
                error = caller.events[-1]["error"]
                assert (error["code"], error["message"]) == ("session_failed", "The upstream has gone.")
            await emptied(app)
            assert ends.codes == [1011]

    asyncio.run(scenario())


def test_a_session_that_cannot_be_had_is_no_call(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        engines: Any = Speaker(away=True)
        async with hosting(engines=engines) as (url, app):
            caller = RtcCaller()
            offer = await caller.peer.offer()
            before = sockets()
            answer = await post_offer(url, offer)
            await caller.peer.aclose()
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "session_failed")
            assert "upstream" not in answer.text
            assert app.sessions == 0
            assert sockets() < before

    asyncio.run(scenario())
    assert "session could not begin" in [record.message for record in caplog.records]
