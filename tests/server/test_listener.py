"""The process: its listening socket, and how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from vivavoce.engines.bench import BenchTranscriber
from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig, listener
from vivavoce.server.keys import digest_of
from vivavoce.server.listener import UNSENT_BYTES, open_listener

Serve = Callable[..., AbstractAsyncContextManager[str]]


def test_an_address_in_use_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1 port {port}.*--port"):
            open_listener(ServerConfig(port=port))


def test_an_unknown_host_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match=r"no-such-host\.invalid"):
        open_listener(ServerConfig(host="no-such-host.invalid", api_keys=("sk-1",)))


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the platform has no TCP_NOTSENT_LOWAT")
def test_connections_inherit_the_options_that_make_a_slow_reader_visible() -> None:
    with closing(open_listener(ServerConfig(port=0))) as bound:
        bound.listen()
        with socket.create_connection(bound.getsockname()):
            accepted, _ = bound.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("system", "reused"), [("posix", True), ("nt", False)])
def test_only_where_it_is_harmless_an_address_is_reused(
    system: str, reused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "os", SimpleNamespace(name=system))
    with closing(open_listener(ServerConfig(port=0))) as bound:
        assert bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is reused


def test_engines_are_warm_before_anyone_can_connect_and_closed_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []

    class Transcriber(BenchTranscriber):
        async def prewarm(self) -> None:
            events.append("warm")

        async def aclose(self) -> None:
            events.append("closed")

    engines = replace(build_local_engines(EngineChoice(preset="bench")), transcriber=Transcriber())
    monkeypatch.setattr(listener, "build_engines", lambda choice: engines)

    async def scenario() -> None:
        ready = asyncio.Event()

        def announce(url: str) -> None:
            events.append("ready")
            ready.set()

        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(listener.serve(ServerConfig(port=0), on_ready=announce))
            await ready.wait()
            server.cancel()

    asyncio.run(scenario())
    assert events == ["warm", "ready", "closed"]


class Hangs(BenchTranscriber):
    async def aclose(self) -> None:
        await asyncio.Event().wait()


class Raises(BenchTranscriber):
    async def aclose(self) -> None:
        raise KeyError("a bug")


@pytest.mark.parametrize(
    ("transcriber", "words"), [(Hangs(), "did not close in time"), (Raises(), "did not close cleanly")]
)
def test_engines_that_do_not_close_do_not_spoil_a_clean_end(
    transcriber: BenchTranscriber,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    engines = replace(build_local_engines(EngineChoice(preset="bench")), transcriber=transcriber)
    monkeypatch.setattr(listener, "build_engines", lambda choice: engines)
    monkeypatch.setattr(listener, "_ENGINES_CLOSE_S", 0.01)

    def end(url: str) -> None:
        signal.raise_signal(signal.SIGTERM)

    asyncio.run(listener.serve(ServerConfig(port=0), on_ready=end))
    assert words in caplog.text


def test_cancelling_the_server_says_goodbye_to_its_sessions(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            peer = await connect(url)
            await peer.recv()
        with pytest.raises(ConnectionClosed) as caught:
            await peer.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1001, "The server is shutting down.")
        with pytest.raises(ConnectionRefusedError):
            await connect(url)

    asyncio.run(scenario())


def _health(url: str) -> str:
    return url.replace("ws://", "http://").replace("/v1/realtime", "/readyz")


def test_after_a_signal_sessions_may_go_on_and_nobody_new_comes_in() -> None:
    async def scenario() -> None:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        config = ServerConfig(port=0, engines=EngineChoice(preset="bench"), drain_s=60)
        async with asyncio.timeout(15), asyncio.TaskGroup() as tasks, httpx.AsyncClient() as client:
            server = tasks.create_task(listener.serve(config, on_ready=ready.set_result))
            url = await ready
            async with connect(url) as peer:
                await peer.recv()
                signal.raise_signal(signal.SIGTERM)
                while (await client.get(_health(url))).status_code == 200:
                    pass
                with pytest.raises(InvalidStatus) as refused:
                    await connect(url)
                assert refused.value.response.status_code == 503
                await peer.send("{")
                assert json.loads(await peer.recv())["type"] == "error"
            await server  # long before its time to drain is over

    asyncio.run(scenario())


def test_who_is_still_there_when_the_time_to_drain_is_over_is_told_goodbye() -> None:
    async def scenario() -> None:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        config = ServerConfig(port=0, engines=EngineChoice(preset="bench"), drain_s=0.05)
        async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.serve(config, on_ready=ready.set_result))
            async with connect(await ready) as peer:
                await peer.recv()
                signal.raise_signal(signal.SIGTERM)
                with pytest.raises(ConnectionClosed) as caught:
                    await peer.recv()
                assert caught.value.rcvd is not None
                assert caught.value.rcvd.code == 1001

    asyncio.run(scenario())


def test_cancelling_a_server_that_drains_closes_its_sessions_now() -> None:
    async def scenario() -> None:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        config = ServerConfig(port=0, engines=EngineChoice(preset="bench"), drain_s=60)
        async with asyncio.timeout(15), asyncio.TaskGroup() as tasks, httpx.AsyncClient() as client:
            server = tasks.create_task(listener.serve(config, on_ready=ready.set_result))
            url = await ready
            async with connect(url) as peer:
                await peer.recv()
                signal.raise_signal(signal.SIGTERM)
                while (await client.get(_health(url))).status_code == 200:
                    pass
                server.cancel()
                with pytest.raises(ConnectionClosed) as caught:
                    await peer.recv()
                assert caught.value.rcvd is not None
                assert caught.value.rcvd.code == 1001

    asyncio.run(scenario())


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the platform has no SIGHUP")
def test_on_sighup_the_keys_file_is_read_again(
    serving: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vivavoce")
    file = tmp_path / "keys.toml"
    file.write_text(f'one = "sha256:{digest_of("sk-1").hex()}"\n')

    async def status(url: str, key: str) -> int:
        async with httpx.AsyncClient() as client:
            base = url.replace("ws://", "http://").replace("/realtime", "")
            return (await client.get(f"{base}/models", headers={"api-key": key})).status_code

    class Told(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.messages: asyncio.Queue[str] = asyncio.Queue()

        def emit(self, record: logging.LogRecord) -> None:
            self.messages.put_nowait(record.getMessage())

    async def scenario() -> None:
        told = Told()

        async def hang_up_and_wait(words: str) -> None:
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(5):
                assert await told.messages.get() == words

        logging.getLogger("vivavoce.server.listener").addHandler(told)
        async with serving(ServerConfig(keys_file=file)) as url:
            assert [await status(url, "sk-1"), await status(url, "sk-2")] == [200, 401]
            assert await told.messages.get() == "listening"
            file.write_text(f'two = "sha256:{digest_of("sk-2").hex()}"\n')
            await hang_up_and_wait("keys reloaded")
            assert [await status(url, "sk-1"), await status(url, "sk-2")] == [401, 200]
            file.write_text("two = ")
            await hang_up_and_wait("keys were not reloaded")
            assert await status(url, "sk-2") == 200
        logging.getLogger("vivavoce.server.listener").removeHandler(told)

    before = signal.getsignal(signal.SIGHUP)
    asyncio.run(scenario())
    assert signal.getsignal(signal.SIGHUP) == before
