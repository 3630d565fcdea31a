"""The process: one listening socket, one event loop, and an end in order.

After a signal, and the time to drain if there is any, sessions are told goodbye and have about a second to
end; they hardly ever use it. The HTTP stack and the engines have a second more each, at worst.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from vivavoce.engines.registry import build_engines
from vivavoce.errors import ConfigurationError
from vivavoce.server.app import REALTIME_PATHS, RealtimeApp, create_app
from vivavoce.server.logs import quiet_http_stack
from vivavoce.server.wire import MAX_HEAD_BYTES, HttpProtocol, WebSocketProtocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from vivavoce.engines.base import Engines
    from vivavoce.engines.speech_model import SpeechModel
    from vivavoce.server.config import ServerConfig

__all__ = ["UNSENT_BYTES", "open_listener", "run", "serve"]

UNSENT_BYTES = 16 * 1024
"""What the kernel may hold unsent for one peer. By default it hides a minute of audio from us, and with it
that a peer reads too slowly."""

_PING_S = 20.0
_ENGINES_CLOSE_S = 1.0

_log = logging.getLogger(__name__)


def run(
    config: ServerConfig,
    *,
    engines: Engines | SpeechModel | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Run `serve` on an event loop of its own (uvloop where installed) until SIGINT or SIGTERM."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(config, engines=engines, on_ready=on_ready))


async def serve(
    config: ServerConfig,
    *,
    engines: Engines | SpeechModel | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the Realtime API until SIGINT or SIGTERM, then close every session.

    After a signal sessions have `ServerConfig.drain_s` to end by themselves; a second signal ends the process
    at once. Cancellation closes the sessions without that wait.

    Args:
        config: settings.
        engines: engines to use, closed by the caller; when absent they are built from `config.engines` and
            closed here.
        on_ready: called with the WebSocket URL once connections are accepted.

    Raises:
        ConfigurationError: the address cannot be listened on, or an engine is missing something.
    """
    with open_listener(config) as listener:
        if engines is not None:
            await _serve_on(listener, config, engines, on_ready)
            return
        built = build_engines(config.engines)
        try:
            await built.prewarm()
            await _serve_on(listener, config, built, on_ready)
        finally:
            await _close_engines(built)


async def _close_engines(engines: Engines | SpeechModel) -> None:
    """Close the engines; one that will not close must not turn a clean end into a failure."""
    try:
        async with asyncio.timeout(_ENGINES_CLOSE_S):
            await engines.aclose()
    except TimeoutError:
        _log.warning("engines did not close in time", extra={"seconds": _ENGINES_CLOSE_S})
    except Exception:  # noqa: BLE001 - engines are anybody's code, and the process ends without them
        _log.exception("engines did not close cleanly")


async def _serve_on(
    listener: socket.socket,
    config: ServerConfig,
    engines: Engines | SpeechModel,
    on_ready: Callable[[str], None] | None,
) -> None:
    app = create_app(config, engines)
    await app.prewarm()

    def announce() -> None:
        url = _url(listener)
        _log.info("listening", extra={"url": url, "max_sessions": app.max_sessions, "engines": engines.names})
        if on_ready is not None:
            on_ready(url)

    server = _Server(app, config, on_ready=announce)
    await server.serve(sockets=[listener])
    if server.cancelled:
        raise asyncio.CancelledError


def open_listener(config: ServerConfig) -> socket.socket:
    """Bind the address without listening yet; connections inherit the options set here.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows it would let a second process take the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}; "
            "choose another --port (0 takes any free one) or --host"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A peer that vanished from the network takes nothing and closes nothing: the kernel gives it up.
        timeout_ms = round(config.limits.stall_s * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
    return listener


class _Server(uvicorn.Server):
    """Uvicorn with sessions that are told goodbye, and signals that end the process with code 0."""

    def __init__(self, app: RealtimeApp, config: ServerConfig, *, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HttpProtocol,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
                ws=WebSocketProtocol,
                ws_max_size=config.limits.max_message_bytes,
                ws_ping_interval=_PING_S,
                ws_ping_timeout=_PING_S,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        quiet_http_stack()
        self._app = app
        self._drain_s = config.drain_s
        # Signals come to the main thread only, and SIGHUP is left alone where there is nothing to read again.
        in_main_thread = threading.current_thread() is threading.main_thread()
        self._reloads = config.keys_file is not None and hasattr(signal, "SIGHUP") and in_main_thread
        self._on_ready = on_ready
        self.cancelled = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._reloads:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload_keys)
        self._on_ready()

    def _reload_keys(self) -> None:
        try:
            self._app.reload_keys()
        except ConfigurationError as error:
            _log.error("keys were not reloaded", extra={"reason": str(error)})
        else:
            _log.info("keys reloaded", extra={"keys": len(self._app.keys)})

    async def main_loop(self) -> None:
        """Wait for a signal, then for the sessions; cancellation ends both waits, `shutdown` comes anyway."""
        try:
            await super().main_loop()
            if self._drain_s:
                _log.info("draining", extra={"sessions": self._app.sessions, "seconds": self._drain_s})
                await self._app.drain(self._drain_s)
        except asyncio.CancelledError:
            self.cancelled = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _log.info("shutting down", extra={"sessions": self._app.sessions})
        for server in self.servers:
            server.close()
        if self._reloads:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        await self._app.aclose()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - overrides
        """Note the first signal; let the second one do what it does by default."""
        # The base class raises the signal again after a clean end, which would make the exit code a failure.
        if self.should_exit:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.should_exit = True


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"ws://{name}:{port}{REALTIME_PATHS[0]}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
