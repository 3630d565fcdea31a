"""Calls by WebRTC: from an SDP offer to a session whose voice goes by RTP, its events by data channel."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import secrets
import socket
from typing import TYPE_CHECKING, NoReturn

from vivavoce.errors import (
    ConfigurationError,
    MissingExtraError,
    NoPortError,
    RemoteProtocolError,
    SdpError,
)
from vivavoce.server.data_channel import DataChannel
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.limits import RETRY_AFTER_S
from vivavoce.server.played import PlayedSession
from vivavoce.server.reading import FrameReader
from vivavoce.tasks import Tasks
from vivavoce.webrtc.peer import HIGH_WATER, HUNG_UP, RtcPeer, load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vivavoce.pipeline import SessionOptions
    from vivavoce.server.carrier import Guest
    from vivavoce.server.hub import SessionHub
    from vivavoce.server.limits import Limits
    from vivavoce.server.metering import Meter
    from vivavoce.server.sessions import HostedSession, Sessions
    from vivavoce.webrtc.config import RtcConfig

__all__ = ["EXTRA_MISSING", "WebRtcCalls", "webrtc_installed"]

BYTES_PER_S = 48_000
"""Of the voice as a peer gives it: PCM16 mono at 24 kHz."""

TOLD_AGAIN_S = 10.0
"""How often a caller is told that its voice is not heard because the key has no audio left."""

EXTRA_MISSING = Refusal(
    501,
    "This server takes no WebRTC calls: it lacks an extra (pip install 'vivavoce[webrtc]'). Connect to "
    "/v1/realtime with a WebSocket.",
    code="webrtc_not_supported",
    headers={"x-should-retry": "false"},
)
"""What callers are told where aiortc is not installed."""

_log = logging.getLogger(__name__)


def webrtc_installed() -> bool:
    """Return whether the extra `webrtc` is there; nothing of it is loaded for that."""
    return importlib.util.find_spec("aiortc") is not None


class WebRtcCalls:
    """The WebRTC calls of a process.

    Args:
        sessions: the sessions of the server.
        config: how peers are reached.
        limits: of a connection.

    Raises:
        ConfigurationError: an address for media is none of this machine.
    """

    def __init__(self, sessions: Sessions, config: RtcConfig, limits: Limits) -> None:
        for address in config.addresses:
            _check_address(address)
        self._sessions = sessions
        self._config = config
        self._limits = limits
        self._tasks = Tasks()
        self._loaded = False

    async def prewarm(self) -> None:
        """Load what calls need, beside the event loop: some tenths of a second, once.

        Raises:
            RefusedError: it is not installed.
        """
        if not self._loaded:
            try:
                await asyncio.to_thread(load)
            except MissingExtraError as error:
                raise RefusedError(EXTRA_MISSING) from error
            self._loaded = True

    async def answer(
        self,
        guest: Guest,
        query: bytes,
        offer: str,
        *,
        beta: bool = False,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> tuple[str, str]:
        """Begin a call.

        Args:
            guest: who calls; what their session begins with is in `caller.settings`.
            query: the query string of their request.
            offer: their SDP.
            beta: whether they speak the beta dialect.
            gone: says whether they have gone away meanwhile; the call is dropped then.

        Returns:
            The id of the call, `rtc_…`, and the SDP that answers.

        Raises:
            RefusedError: there is no place, no port, no session to be had, or the offer is none.
            RemoteProtocolError: the settings that the session would begin with cannot be met.
        """
        await self.prewarm()
        options = self._sessions.enter(guest.caller, query)
        if isinstance(options, Refusal):
            raise RefusedError(options)
        call = _Call(self._config, self._limits)
        try:
            answer = await call.answer(offer)
            if gone is not None and await gone():
                _client_gone()
            hosted = self._open(call, guest, options)
        except BaseException:  # cancelled as well: whoever waits for the answer may go away
            await self._put_away(call, guest)
            raise
        if self._tasks.spawn(self._carry(call, hosted, guest, beta=beta), call.id) is None:
            # The server has ended while the answer was made.
            await hosted.aclose()
            await self._put_away(call, guest)
            raise RefusedError(self._sessions.admission.refusal(guest.caller.name))
        return call.id, answer

    def _open(self, call: _Call, guest: Guest, options: SessionOptions) -> HostedSession:
        try:
            return self._sessions.open(
                call.channel, guest, options, through=call.played_between, ids=[call.id]
            )
        except RemoteProtocolError:
            raise
        except Exception as error:
            _log.exception("session could not begin", extra=guest.log_fields)
            message = "The session could not be started on the server's side."
            refusal = Refusal(503, message, code="session_failed", type="server_error")
            raise RefusedError(refusal) from error

    async def _carry(self, call: _Call, hosted: HostedSession, guest: Guest, *, beta: bool) -> None:
        """Run one call until either side hangs up."""
        try:
            if beta:
                call.channel.speak_beta()
            reader = FrameReader(hosted.hub, call.channel, self._limits, beta=beta)
            await hosted.run(reader.run(call.channel.receive))
        finally:
            await self._put_away(call, guest)

    async def _put_away(self, call: _Call, guest: Guest) -> None:
        try:
            await call.peer.aclose()
        finally:
            self._sessions.leave(guest.caller)

    async def aclose(self) -> None:
        """End what is left of calls, after `Sessions.aclose` has closed their sessions."""
        await self._tasks.aclose()


class _Call:
    """One call: what its peer tells goes to its session, and what the peer asks for comes from there.

    Args:
        config: how the peer is reached.
        limits: of its data channel.
    """

    def __init__(self, config: RtcConfig, limits: Limits) -> None:
        self.id = f"rtc_{secrets.token_hex(16)}"
        self.peer = RtcPeer(config, self)
        self.channel = DataChannel(self.peer, limits, high_water=HIGH_WATER)
        self._hub: SessionHub | None = None
        self._played: PlayedSession | None = None
        self._may_tell_at = 0.0

    async def answer(self, offer: str) -> str:
        """Return the SDP that answers an offer.

        Raises:
            RefusedError: the offer is none, or there is no port for it.
        """
        try:
            return await self.peer.answer(offer)
        except SdpError as error:
            raise RefusedError(Refusal(400, str(error), code="invalid_offer", param="sdp")) from error
        except NoPortError as error:
            _log.warning("no media port is free", extra={"reason": str(error)})
            raise RefusedError(
                Refusal(
                    503,
                    "All media ports of this server are taken. Try again later.",
                    code="media_ports_taken",
                    type="server_error",
                    headers={"retry-after": str(RETRY_AFTER_S)},
                )
            ) from error
        except ConfigurationError as error:
            _log.exception("media cannot be received")
            message = "This server cannot take calls as it is set up; its log says why."
            refusal = Refusal(500, message, code="webrtc_failed", type="server_error")
            raise RefusedError(refusal) from error

    def played_between(self, hub: SessionHub) -> PlayedSession:
        """Return what stands between the session and its hub: this call plays what the session says."""
        self._hub, self._played = hub, PlayedSession(hub)
        return self._played

    # --- what the peer tells --------------------------------------------------------------------------------

    def on_audio(self, pcm: bytes) -> None:
        """Have the session hear the peer, as far as the key may."""
        if self._played is not None and self._may_be_heard(len(pcm) / BYTES_PER_S):
            self._played.hear(pcm)

    def _may_be_heard(self, seconds: float) -> bool:
        assert self._hub is not None
        meter: Meter | None = self._hub.meter
        if meter is None:
            return True
        now = asyncio.get_running_loop().time()
        try:
            meter.hear(seconds, now)
        except RemoteProtocolError as error:
            # A voice goes on, fifty times a second; a client that streams events would be told of each.
            if now >= self._may_tell_at:
                self._may_tell_at = now + TOLD_AGAIN_S
                self._hub.receive_error(error)
            return False
        return True

    def pull_audio(self) -> bytes:
        """Return the next 20 ms of what the session says."""
        return self._played.pull_audio() if self._played is not None else b""

    def on_text(self, text: str) -> None:
        """Take a message of the client."""
        self.channel.take(text)

    def on_open(self) -> None:
        """Send what has waited."""
        self.channel.opened()

    def on_drained(self) -> None:
        """Go on: the client has read what was sent."""
        self.channel.drained()

    def on_end(self, reason: str) -> None:
        """End the call: the peer has."""
        _log.info("peer has gone", extra={"call_id": self.id, "reason": reason})
        self.channel.peer_gone(1000 if reason == HUNG_UP else 1006)


def _check_address(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        raise ConfigurationError(
            f"[webrtc] addresses: {address} is no address of this machine: {error.strerror or error}; where "
            "clients see it under this one, give it as advertised_address"
        ) from error


def _client_gone() -> NoReturn:
    raise RefusedError(Refusal(499, "The client has gone away.", code="client_gone"))
