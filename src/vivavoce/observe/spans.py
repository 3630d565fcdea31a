"""OpenTelemetry, as far as it is there: spans with times of the event loop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span, TracerProvider

SCOPE = "vivavoce"
"""Name of the instrumentation scope of all spans."""


@dataclass(slots=True, eq=False)
class TurnSpan:
    """The span of a turn, and what of the turn is still running."""

    span: Span
    responses: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    answered: bool = False
    complete: bool = False
    speech_ended: float | None = None
    sounded: bool = False


@dataclass(slots=True, eq=False)
class ResponseSpan:
    """The span of a response, its turn and its beginning."""

    span: Span
    turn: TurnSpan
    began: float
    sounded: bool = False


class Spans:
    """Makes the spans of one session.

    Args:
        tracer_provider: where spans go; ``None`` is OpenTelemetry's global provider.
        carrier: headers of the request that led to the session, whose trace it belongs to; ``None`` on the
            client's side, where it belongs to the span that is current.

    Attributes:
        session: the session's own span, once it has begun.
    """

    session: Span

    def __init__(
        self, tracer_provider: TracerProvider | None = None, carrier: Mapping[str, str] | None = None
    ) -> None:
        self._provider = tracer_provider
        self._carrier = carrier
        self._offset: int | None = None
        self._otel: Any = None

    def begin(self, now: float) -> bool:
        """Begin the session's own span, as a child of the current one or of that of the request.

        Returns:
            Whether anybody will see spans; where not, nothing else here may be used.
        """
        try:
            from opentelemetry import propagate, trace
        except ImportError:
            return False
        self._otel = trace
        self._propagate = propagate
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=self._provider)
        served = self._carrier is not None
        self.session = self._tracer.start_span(
            "session",
            propagate.extract(self._carrier) if served else None,
            kind=trace.SpanKind.SERVER if served else trace.SpanKind.CLIENT,
            start_time=self.at(now),
        )
        return self.session.is_recording()

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the session's trace on, for example `traceparent`."""
        carrier: dict[str, str] = {}
        self._propagate.inject(carrier, self._otel.set_span_in_context(self.session))
        return carrier

    def at(self, now: float) -> int:
        """Return the wall clock's nanoseconds for a time of the event loop."""
        if self._offset is None:
            self._offset = time.time_ns() - round(now * 1e9)
        return self._offset + round(now * 1e9)

    def start(self, name: str, parent: Span, now: float, attributes: Mapping[str, Any]) -> Span:
        """Begin a span; attributes without a value are left out."""
        span: Span = self._tracer.start_span(
            name,
            self._otel.set_span_in_context(parent),
            attributes=present_only(attributes),
            start_time=self.at(now),
        )
        return span

    def fail(self, span: Span, kind: str, message: str = "") -> None:
        """Mark a span as failed."""
        span.set_attributes(present_only({"error.type": kind, "exception.message": message}))
        span.set_status(self._otel.StatusCode.ERROR)


def present_only(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that have a value; OpenTelemetry takes no ``None``."""
    return {name: value for name, value in attributes.items() if value is not None and value != ""}
