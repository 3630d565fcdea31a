"""`Instruments`: everything with which an operator sees what the sessions of a server do."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from vivavoce.server.metrics import ServerMetrics
from vivavoce.server.recording import Recordings
from vivavoce.server.tracing import Tracing
from vivavoce.server.webhooks import SESSION_ENDED, SESSION_STARTED, WebhookSender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vivavoce.observe.base import SessionObserver
    from vivavoce.server.config import ServerConfig
    from vivavoce.server.hub import Observe, SessionStart
    from vivavoce.server.metrics import Gauges

__all__ = ["Instruments"]

LAST_WEBHOOKS_S = 0.4
"""Seconds that the webhooks of the last sessions have to arrive when the server ends."""


class Instruments:
    """Metrics, traces, recordings and webhooks, as far as the settings ask for them.

    Made before there is an event loop, because folders and certificates are read.

    Args:
        config: the server's settings.
        gauges: what is looked at when somebody asks for the metrics.

    Attributes:
        metrics: the counters, or `None` when nothing is counted.
        webhooks: what sends webhooks, or `None` where there are no endpoints.

    Raises:
        ConfigurationError: something that is asked for cannot be had.
    """

    def __init__(self, config: ServerConfig, gauges: Gauges) -> None:
        self.metrics = ServerMetrics(gauges) if config.metrics is not None else None
        self._tracing = Tracing(config.tracing)
        self._recordings = Recordings(config.recording) if config.recording is not None else None
        self.webhooks = WebhookSender(config.webhooks) if config.webhooks else None
        if self.metrics is not None and self.webhooks is not None:
            self.metrics.watch_webhooks(self.webhooks)
        self._tells_sessions = any(
            endpoint.wants(event)
            for endpoint in config.webhooks
            for event in (SESSION_STARTED, SESSION_ENDED)
        )

    @property
    def observe(self) -> Sequence[Observe]:
        """Who is asked for an observer at the start of every session."""
        return (self._count, self._tracing.observer, self._record, self._announce)

    def refused(self, code: str | None) -> None:
        """Take note of a connection that was not let in."""
        if self.metrics is not None:
            self.metrics.refused(code)

    def ended(self, start: SessionStart, close_code: int | None, summary: Mapping[str, Any]) -> None:
        """Take note of the end of a session.

        Args:
            start: what was known when it began.
            close_code: of its WebSocket.
            summary: its numbers.
        """
        if self.metrics is not None:
            self.metrics.session_closed(close_code)
        if self._tells_sessions and self.webhooks is not None:
            self.webhooks.send(SESSION_ENDED, {**_about(start), "close_code": close_code, **summary})

    def page(self) -> bytes:
        """Return the page of metrics; there must be metrics."""
        assert self.metrics is not None
        self.metrics.start()
        return self.metrics.page()

    async def aclose(self) -> None:
        """Finish recordings, the last spans and webhooks, within a second; safe to call twice."""
        if self.metrics is not None:
            self.metrics.close()
        finishing = [self._tracing.aclose(), self._send_last()]
        if self._recordings is not None:
            finishing.append(self._recordings.aclose())
        await asyncio.gather(*finishing)

    async def _send_last(self) -> None:
        if self.webhooks is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WEBHOOKS_S):
                await self.webhooks.settled()
        await self.webhooks.aclose()

    # --- at the start of a session --------------------------------------------------------------------------

    def _count(self, start: SessionStart) -> SessionObserver | None:
        if self.metrics is None:
            return None
        self.metrics.start()
        return self.metrics.session_started(start.kind, asyncio.get_running_loop().time(), start.transport)

    def _record(self, start: SessionStart) -> SessionObserver | None:
        if self._recordings is None:
            return None
        return self._recordings.observer(start.session_id, start.caller.name, start.headers)

    def _announce(self, start: SessionStart) -> None:
        if self._tells_sessions and self.webhooks is not None:
            self.webhooks.send(SESSION_STARTED, _about(start))


def _about(start: SessionStart) -> dict[str, Any]:
    """Return what is told of a session: what it is, and nothing of what is said in it."""
    return {
        "session_id": start.session_id,
        "kind": start.kind,
        "transport": start.transport,
        "model": start.model,
        "key": start.caller.name,
    }
