"""`PlayedSession`: between a session and its hub, where the server itself feeds the ear (WebRTC, SIP).

`session → [GuardedSink] → PlayedSession → hub`: to the session it is the sink, to the hub the session.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from vivavoce.audio.polyphase import RatioResampler
from vivavoce.pipeline.formats import pcm_encoder
from vivavoce.protocol import (
    ConversationItemTruncate,
    InputAudioBufferAppend,
    OutputAudioBufferClear,
    ResponseCancel,
    present,
)
from vivavoce.server.played_output import PlayedOutput
from vivavoce.server.played_response import RATE

if TYPE_CHECKING:
    from vivavoce.engines.speech_model import ServedSession
    from vivavoce.errors import RemoteProtocolError
    from vivavoce.protocol import AudioFormat, ClientEvent, ServerEvent

__all__ = ["Hub", "PlayedSession"]


class Hub(Protocol):
    """What a `SessionHub` is to it: where events go, and by which way the line's audio comes in."""

    @property
    def writable(self) -> bool:
        """Whether the main connection keeps up."""
        ...

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take the session's events, in order."""
        ...

    def receive(self, event: ClientEvent, number: int = 0) -> None:
        """Give the session an event of a client, past those who watch and count."""
        ...


class PlayedSession:
    """A session whose audio is played by this server.

    All its events pass on to the hub, audio too; `output_audio_buffer.started`, `.stopped` and `.cleared`
    come in between. At a barge-in, and when a client sends `output_audio_buffer.clear`, it stops at the very
    frame, and has the session truncate its items to what the media clock has played. Whatever of those
    truncations cannot be carried out is nobody's error.

    Args:
        hub: those who are connected to the session; it must be attached to this as to its session.

    Attributes:
        on_end: of the session.
        id: of the session, once there is one.
        close_code: of the session, where it ended badly, else `None`.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._session: ServedSession | None = None
        self._output = PlayedOutput(_event_id)
        self._truncations: deque[ConversationItemTruncate] = deque()
        self._input = _Input(self._output.input_format)
        self._closed = False
        self.id = ""

    def attach(self, session: ServedSession) -> None:
        """Join it to its session, which has not started."""
        self._session = session
        self.id = session.id

    # --- the line -----------------------------------------------------------------------------------------

    def pull_audio(self) -> bytes:
        """Return the next 20 ms of the media clock: 960 bytes, PCM16 mono at 24 kHz, or `b""` for silence."""
        if self._closed:
            return b""
        pcm = self._output.pull()
        self._pass_on()
        return pcm

    def hear(self, pcm: bytes) -> None:
        """Take what was said on the line, as an `input_audio_buffer.append` in the session's input format.

        Before there is a session that listens, while a model elsewhere is being dialed, nobody hears it.

        Args:
            pcm: PCM16 mono at 24 kHz, a whole number of samples.
        """
        if self._closed or not self._output.opened:
            return
        fmt = self._output.input_format
        if fmt != self._input.fmt:
            self._input = _Input(fmt)
        if audio := self._input.process(pcm):
            self._hub.receive(InputAudioBufferAppend(audio=audio))

    # --- a sink, to the session ---------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether the main connection keeps up."""
        return self._hub.writable

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take the session's events, in order."""
        receive = self._output.receive
        for event in events:
            receive(event)
        self._pass_on()

    def _pass_on(self) -> None:
        if events := self._output.events_to_send():
            self._hub.send(events)
        if truncations := self._output.truncations():
            if not self._truncations:
                # The session hears of it once it has said what it is about to say.
                asyncio.get_running_loop().call_soon(self._truncate)
            self._truncations += truncations

    def _truncate(self) -> None:
        while self._truncations and not self._closed:
            self._inner.receive(self._truncations.popleft())

    # --- a session, to the hub ----------------------------------------------------------------------------

    @property
    def _inner(self) -> ServedSession:
        assert self._session is not None, "attach comes before everything else"
        return self._session

    @property
    def on_end(self) -> Callable[[str], None] | None:
        """Called once, with the reason, when the session ends by itself."""
        return self._inner.on_end

    @on_end.setter
    def on_end(self, call: Callable[[str], None] | None) -> None:
        self._inner.on_end = call

    @property
    def close_code(self) -> int | None:
        """The WebSocket code to close with in place of 1001, where the session did not end as it should."""
        return getattr(self._inner, "close_code", None)

    def start(self) -> None:
        """Send `session.created`, at once or as soon as there is one."""
        self._inner.start()

    def receive(self, event: ClientEvent) -> None:
        """Take a decoded client event. Never waits, never raises."""
        self._truncate()  # a response that is asked for now must not know what was not heard
        if isinstance(event, OutputAudioBufferClear):
            self._output.clear()
        elif isinstance(event, ConversationItemTruncate) and self._output.take_truncate(event.item_id):
            pass
        else:
            if isinstance(event, ResponseCancel):
                self._output.cancel_asked(present(event.response_id, None))
            self._inner.receive(event)
            return
        self._pass_on()
        self._truncate()

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: it is answered with an `error` event."""
        self._inner.receive_error(error)

    def resume(self) -> None:
        """Go on sending paced audio: the sink is writable again."""
        self._inner.resume()

    async def aclose(self) -> None:
        """End everything within a second, and play nothing any more; safe to call twice."""
        self._closed = True
        await self._inner.aclose()


class _Input:
    """From what the line hears to the input format of a session, as a stream.

    Args:
        fmt: that format.
    """

    def __init__(self, fmt: AudioFormat) -> None:
        self.fmt = fmt
        self._encode = pcm_encoder(fmt)
        self._resampler = RatioResampler(RATE, fmt.sample_rate)

    def process(self, pcm: bytes) -> bytes:
        """Return what is ready of the encoded stream."""
        pcm = self._resampler.process(pcm)
        return pcm if self._encode is None else self._encode(pcm)


def _event_id() -> str:
    """Return an id as the hosted API gives to what happens on the media plane: `event_` and 16 hex digits."""
    return f"event_{secrets.token_hex(8)}"
