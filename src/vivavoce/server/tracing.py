"""Traces of a server: who is asked for an observer of each session, and where its spans go.

A program that embeds the server sets OpenTelemetry up itself, and its global provider is used. Where the
server is the program (`[tracing]`, `--otel`), it sets up what the variables `OTEL_…` say.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce import __version__
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from vivavoce.observe.base import SessionObserver
    from vivavoce.server.hub import SessionStart

__all__ = ["Tracing", "TracingPolicy"]

EXPORTER_VARIABLE = "OTEL_TRACES_EXPORTER"
FLUSH_S = 0.9
"""Seconds that the last spans have to be sent when the server ends."""

PROTOCOL_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
"""How OTLP is spoken, and the exporter that speaks it so."""

_EXPORTERS = "opentelemetry_traces_exporter"
_INSTALL = "pip install opentelemetry-sdk opentelemetry-exporter-otlp"
_API = "opentelemetry.trace"


@dataclass(frozen=True, slots=True)
class TracingPolicy:
    """How a server traces that sets OpenTelemetry up by itself.

    Attributes:
        exporter: where spans go, by the name that OpenTelemetry's packages give it: `"otlp"`, `"console"`,
            several with commas between, `"none"`; `None` is what `OTEL_TRACES_EXPORTER` says, and without
            that `otlp`. Address, headers and protocol (`http/protobuf` unless told otherwise) come from the
            variables `OTEL_EXPORTER_OTLP_…`.
        capture_content: put what is said, and what tools are given and return, into the spans.
    """

    exporter: str | None = None
    capture_content: bool = False


class Tracing:
    """Traces the sessions of one server.

    Args:
        policy: how; `None` leaves it to the program, and traces where that has imported OpenTelemetry.

    Raises:
        ConfigurationError: OpenTelemetry's SDK is not installed, there is no such exporter, or it cannot work
            as the variables say.
    """

    def __init__(self, policy: TracingPolicy | None) -> None:
        self._content = policy is not None and policy.capture_content
        self._provider = _provider(policy) if policy is not None else None

    def observer(self, start: SessionStart) -> SessionObserver | None:
        """Return what traces a session, as a part of the trace that its client is in."""
        if self._provider is None and _API not in sys.modules:
            return None
        from vivavoce.observe.tracing import SessionTracer

        return SessionTracer(
            tracer_provider=self._provider, capture_content=self._content, carrier=start.trace_context
        )

    async def aclose(self) -> None:
        """Send the last spans, but do not wait for a collector that does not answer; safe to call twice."""
        provider, self._provider = self._provider, None
        if provider is None:
            return
        # A daemon: a collector that hangs must not keep the process from ending.
        sending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, FLUSH_S)


def _provider(policy: TracingPolicy) -> TracerProvider:
    try:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise ConfigurationError(f"[tracing] needs OpenTelemetry's SDK: {_INSTALL}") from None
    ours = Resource({"service.name": "vivavoce", "service.version": __version__})
    resource = Resource.create().merge(ours).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    names = policy.exporter or os.environ.get(EXPORTER_VARIABLE) or "otlp"
    for name in (part.strip() for part in names.split(",")):
        if name != "none":
            provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    return provider


def _exporter(name: str) -> Any:
    from importlib.metadata import entry_points

    if name == "otlp":
        protocol = next(filter(None, map(os.environ.get, PROTOCOL_VARIABLES)), "http/protobuf")
        if protocol not in PROTOCOLS:
            raise ConfigurationError(f"OTLP over {protocol!r} is not known; use {' or '.join(PROTOCOLS)}")
        name = PROTOCOLS[protocol]
    found = entry_points(group=_EXPORTERS)
    if name not in found.names:
        known = ", ".join(sorted({*found.names, "none"}))
        hint = f"; for OTLP: {_INSTALL}" if name.startswith("otlp") else ""
        raise ConfigurationError(f"there is no exporter of traces {name!r}, only {known}{hint}")
    try:
        return found[name].load()()
    except Exception as error:
        raise ConfigurationError(f"the exporter of traces {name!r} cannot be had: {error}") from error
