"""What the server counts, in the form that Prometheus reads: see `docs/operations.md` for the list.

Nothing here knows a user: labels are kinds and codes, never ids, names of models or texts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from vivavoce.errors import MissingExtraError
from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import (
    ErrorEvent,
    FunctionCallItem,
    InputAudioBufferCommitted,
    InputAudioBufferTimeoutTriggered,
    McpCallItem,
    ResponseDone,
    ResponseOutputItemDone,
    ServerEvent,
    StatusDetails,
    Unknown,
    UnsetType,
    Usage,
    present,
)

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

__all__ = ["CONTENT_TYPE", "Deliveries", "Gauges", "MetricsPolicy", "ServerMetrics", "queue_depths"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

STAGES = (
    ("end_of_speech", "end_of_turn", "turn_detection"),
    ("end_of_turn", "transcript", "transcription"),
    ("transcript", "first_token", "model"),
    ("end_of_turn", "first_token", "model"),
    ("asked", "first_token", "model"),
    ("first_token", "first_audio", "synthesis"),
)
"""From one moment of `stage_times` to another, and what took that time. Of a stage that is named more than
once the first line counts whose two moments were reached."""

ANSWER_FROM = ("end_of_turn", "asked")
"""What an answer's first sound is measured from: the end of a spoken turn, or that somebody asked for it."""

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
DURATION_BUCKETS_S = (10, 30, 60, 120, 300, 600, 1200, 1800, 3600)
LAG_EVERY_S = 0.5
MAX_CODES = 100
"""Different codes of errors that get a line of their own; later ones are counted as "other"."""


ENGINES = {
    "vad": "vad",
    "turn": "turn",
    "noise": "noise",
    "transcriber": "stt",
    "llm": "llm",
    "synthesizer": "tts",
}
"""Parts of a set of engines, and what they are called."""


@dataclass(frozen=True, slots=True)
class MetricsPolicy:
    """Who may read the page of metrics (`/metrics`).

    Attributes:
        open: whoever reaches the server may. Otherwise the page is as any other of the API: it needs an API
            key where there are keys, and where there are none it is for this machine.
    """

    open: bool = False


def queue_depths(engines: object) -> dict[str, int]:
    """Return how much work waits for each engine that has a line to wait in (`queue_depth`)."""
    found = {
        name: getattr(getattr(engines, part, None), "queue_depth", None) for part, name in ENGINES.items()
    }
    return {name: depth for name, depth in found.items() if depth is not None}


class Gauges(Protocol):
    """What is not counted but looked at when somebody asks."""

    @property
    def sessions(self) -> int:
        """Sessions that are connected now."""
        ...

    @property
    def max_sessions(self) -> int:
        """Sessions that may be connected at once."""
        ...

    def queue_depths(self) -> Mapping[str, int]:
        """Return how much work waits for each engine, by its name."""
        ...


class Deliveries(Protocol):
    """What becomes of webhooks."""

    delivered: int
    failed: int

    @property
    def waiting(self) -> int:
        """Deliveries that have neither arrived nor been given up."""
        ...


class ServerMetrics:
    """The counters of one server.

    Args:
        gauges: what is looked at when somebody asks.

    Raises:
        MissingExtraError: `prometheus-client` is not installed.
    """

    def __init__(self, gauges: Gauges) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
        except ImportError:
            raise MissingExtraError("metrics", "the page of metrics") from None
        self.registry = registry = CollectorRegistry()
        self._codes: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

        def counter(name: str, words: str, *labels: str) -> Counter:
            return Counter(f"vivavoce_{name}", words, labels, registry=registry)

        def histogram(name: str, words: str, *labels: str, buckets: Iterable[float] = BUCKETS_S) -> Histogram:
            return Histogram(
                f"vivavoce_{name}", words, labels, registry=registry, buckets=tuple(map(float, buckets))
            )

        registry.register(_Looked(gauges))
        ProcessCollector(registry=registry)
        self.started = counter("sessions_started", "Sessions that began.", "kind", "transport")
        self.closed = counter("sessions_closed", "Sessions that ended, by WebSocket close code.", "code")
        self.duration = histogram(
            "session_duration_seconds", "Length of sessions.", buckets=DURATION_BUCKETS_S
        )
        self.refusals = counter("refusals", "Connections that were not let in.", "code")
        self.turns = counter("turns", "Turns of people that were committed, by what ended them.", "kind")
        self.responses = counter("responses", "Responses that ended.", "status", "reason")
        self.stages = histogram("stage_seconds", "What an answer waited for.", "stage")
        self.answers = histogram(
            "answer_seconds", "From what an answer began with to its first sound.", "began"
        )
        self.tokens = counter("tokens", "Tokens of responses.", "direction", "kind")
        self.errors = counter("errors", "Error events that were sent to clients.", "code")
        self.calls = counter("tool_calls", "Tools that the model called.", "kind")
        self.lag = histogram("event_loop_lag_seconds", "How late the event loop runs what is due.")

    def watch_webhooks(self, deliveries: Deliveries) -> None:
        """Show what becomes of webhooks from now on."""
        self.registry.register(_Sent(deliveries))

    # --- what happens -------------------------------------------------------------------------------------

    def refused(self, code: str | None) -> None:
        """Count a connection that was not let in."""
        self.refusals.labels(self._known(code)).inc()

    def session_started(self, kind: str, now: float, transport: str = "websocket") -> SessionObserver:
        """Count a session and return what watches it.

        Args:
            kind: `realtime` or `transcription`.
            now: the event loop's time.
            transport: `websocket` or `webrtc`.
        """
        self.started.labels(kind, transport).inc()
        return _Watcher(self, now)

    def session_closed(self, code: int | None) -> None:
        """Count the end of a session, by the code of its WebSocket."""
        self.closed.labels(str(code or "none")).inc()

    def start(self) -> None:
        """Begin to watch the event loop."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            due = loop.time() + LAG_EVERY_S
            self._timer = loop.call_at(due, self._tick, due)

    def close(self) -> None:
        """Stop watching the event loop; safe to call twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self, due: float) -> None:
        loop = asyncio.get_running_loop()
        self.lag.observe(max(0.0, loop.time() - due))
        due = loop.time() + LAG_EVERY_S
        self._timer = loop.call_at(due, self._tick, due)

    def page(self) -> bytes:
        """Return the page that Prometheus reads (`CONTENT_TYPE`)."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)

    def _known(self, code: str | None) -> str:
        """Return the label of a code; there is a bound on how many there can be."""
        if code is None:
            return "none"
        if code not in self._codes:
            if len(self._codes) >= MAX_CODES:
                return "other"
            self._codes.add(code)
        return code

    def response_done(self, event: ResponseDone) -> None:
        """Count a response."""
        response = event.response
        self.responses.labels(response.status, self._reason(response.status_details)).inc()
        if response.usage is not None:
            for direction, kind, number in _tokens(response.usage):
                if number:
                    self.tokens.labels(direction, kind).inc(number)
        if not isinstance(event.stage_times, UnsetType):
            self._stage_times(event.stage_times)

    def _reason(self, details: StatusDetails | None) -> str:
        if details is None:
            return "none"
        error = present(details.error, None)
        return self._known(present(error.code, None)) if error else str(present(details.reason, "none"))

    def _stage_times(self, times: Mapping[str, float]) -> None:
        seen: set[str] = set()
        for begin, end, stage in STAGES:
            if begin in times and end in times and stage not in seen:
                seen.add(stage)
                self.stages.labels(stage).observe(max(0.0, times[end] - times[begin]) / 1000)
        heard = times.get("first_audio")
        begun = next((name for name in ANSWER_FROM if name in times), None)
        if heard is not None and begun is not None:
            self.answers.labels(begun).observe(max(0.0, heard - times[begun]) / 1000)

    def error(self, event: ErrorEvent) -> None:
        """Count an `error` event."""
        self.errors.labels(self._known(present(event.error.code, None))).inc()

    def item_done(self, event: ResponseOutputItemDone) -> None:
        """Count an item that calls a tool."""
        if isinstance(event.item, FunctionCallItem):
            self.calls.labels("function").inc()
        elif isinstance(event.item, McpCallItem):
            self.calls.labels("mcp").inc()


def _tokens(usage: Usage) -> Iterator[tuple[str, str, int]]:
    read, made = usage.input_token_details, usage.output_token_details
    yield "input", "text", read.text_tokens
    yield "input", "audio", read.audio_tokens
    yield "input", "image", read.image_tokens
    yield "input", "cached", read.cached_tokens
    yield "output", "text", made.text_tokens
    yield "output", "audio", made.audio_tokens


class _Watcher(SessionObserver):
    """Counts what happens in one session."""

    def __init__(self, metrics: ServerMetrics, now: float) -> None:
        self._metrics = metrics
        self._began = now
        self._closed = False
        self._handlers: dict[type, Callable[[Any], None]] = {
            ResponseDone: metrics.response_done,
            ErrorEvent: metrics.error,
            ResponseOutputItemDone: metrics.item_done,
            InputAudioBufferCommitted: lambda _: metrics.turns.labels("speech").inc(),
            InputAudioBufferTimeoutTriggered: lambda _: metrics.turns.labels("idle_timeout").inc(),
        }
        self.server_events = frozenset(self._handlers)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Count what counts; most events do not."""
        del now
        if (handler := self._handlers.get(type(event))) is not None:
            handler(event)

    def close(self, now: float) -> None:
        """Note the length of the session, once."""
        if not self._closed:
            self._closed = True
            self._metrics.duration.observe(now - self._began)


class _Looked:
    """The collector of what is looked at."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges as they are now."""
        from prometheus_client.core import GaugeMetricFamily

        yield GaugeMetricFamily("vivavoce_sessions", "Sessions connected now.", self._gauges.sessions)
        yield GaugeMetricFamily(
            "vivavoce_sessions_max", "Sessions that may be connected at once.", self._gauges.max_sessions
        )
        queues = GaugeMetricFamily(
            "vivavoce_engine_queue", "Work that waits for an engine.", labels=["engine"]
        )
        for engine, depth in self._gauges.queue_depths().items():
            queues.add_metric([engine], depth)
        yield queues


class _Sent:
    """The collector of what becomes of webhooks."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._deliveries = deliveries

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield the numbers as they are now."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        ended = CounterMetricFamily(
            "vivavoce_webhooks", "Webhooks that arrived or were given up.", labels=["outcome"]
        )
        ended.add_metric(["delivered"], self._deliveries.delivered)
        ended.add_metric(["failed"], self._deliveries.failed)
        yield ended
        waiting = self._deliveries.waiting
        yield GaugeMetricFamily("vivavoce_webhooks_waiting", "Webhooks on their way.", waiting)
