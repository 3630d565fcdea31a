"""Every event that passes between session and model, with its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from vivavoce.connections import ConnectionStatus, ModelEvent, RealtimeModel, RealtimeModelConfig
from vivavoce.connections.base import ConnectionFailed
from vivavoce.protocol import ClientEvent, ServerEvent, Unknown
from vivavoce.protocol.codec import to_builtins


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event.

    Attributes:
        at: when, in seconds on the event loop's clock.
        sender: who sent it.
        event: the event.
    """

    at: float
    sender: Literal["client", "server"]
    event: ClientEvent | ServerEvent | Unknown


class TappedModel(RealtimeModel):
    """A model that notes what passes through it.

    Args:
        model: the real one.

    Attributes:
        log: what has passed, in order.
    """

    def __init__(self, model: RealtimeModel) -> None:
        super().__init__()
        self._model = model
        self.log: list[LogEntry] = []
        model.add_listener(self._hear)

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open the connection."""
        await self._model.connect(config)

    async def send_event(self, event: ClientEvent) -> None:
        """Send one event."""
        self.log.append(LogEntry(asyncio.get_running_loop().time(), "client", event))
        await self._model.send_event(event)

    async def close(self) -> None:
        """Close the connection."""
        await self._model.close()

    def _hear(self, event: ModelEvent) -> None:
        if not isinstance(event, ConnectionStatus | ConnectionFailed):
            self.log.append(LogEntry(asyncio.get_running_loop().time(), "server", event))
        self.emit(event)


def json_lines(log: Iterable[LogEntry], start: float) -> str:
    """Return the events as JSON, one in a line; audio is replaced by its length.

    Args:
        log: the events.
        start: what their times are counted from, in seconds.
    """
    lines = []
    for entry in log:
        raw = entry.event.raw if isinstance(entry.event, Unknown) else to_builtins(entry.event)
        event = _without_audio(raw)
        lines.append(json.dumps({"t": round(entry.at - start, 4), "from": entry.sender, "event": event}))
    return "".join(f"{line}\n" for line in lines)


def _without_audio(value: Any, *, is_audio: bool = False) -> Any:
    if isinstance(value, dict):
        audible = value.get("type") == "response.output_audio.delta"
        return {
            key: _without_audio(part, is_audio=key == "audio" or (audible and key == "delta"))
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_audio(part) for part in value]
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if is_audio and isinstance(value, str):
        return f"{len(value) * 3 // 4 - value[-2:].count('=')} bytes"
    return value
