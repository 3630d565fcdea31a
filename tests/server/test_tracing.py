"""Where the spans of a server go, and how it ends with them."""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from functools import partial
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from vivavoce import __version__
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import RealtimeSession, SessionCreated
from vivavoce.server import tracing
from vivavoce.server.auth import Caller
from vivavoce.server.hub import SessionStart
from vivavoce.server.tracing import EXPORTER_VARIABLE, FLUSH_S, PROTOCOL_VARIABLES, Tracing, TracingPolicy
from vivavoce.testing import run

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import export

CONSOLE = export.ConsoleSpanExporter
TRACE = "0af7651916cd43dd8448eb211c80319c"
START = SessionStart(
    session_id="sess_1",
    caller=Caller("lab"),
    model="m",
    kind="realtime",
    headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "host": "x"},
)
CREATED = SessionCreated(event_id="e", session=RealtimeSession(id="sess_1", model="m"))


def spans_of(text: str) -> list[dict[str, Any]]:
    """The spans that the console exporter wrote, one JSON object after the other."""
    decoder, spans, text = json.JSONDecoder(), [], text.strip()
    while text:
        span, end = decoder.raw_decode(text)
        spans.append(span)
        text = text[end:].strip()
    return spans


def written(policy: TracingPolicy, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The spans of a session that is traced to the console."""
    out = io.StringIO()
    # By default it writes where standard output was when it was imported.
    monkeypatch.setattr(export, "ConsoleSpanExporter", partial(CONSOLE, out=out))
    traces = Tracing(policy)
    observer = traces.observer(START)
    assert observer is not None
    observer.on_server_event(CREATED, 1.0)
    observer.close(2.0)
    run(traces.aclose())
    run(traces.aclose())
    return spans_of(out.getvalue())


def test_spans_go_to_the_exporter_and_belong_to_the_clients_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    [span] = written(TracingPolicy("console"), monkeypatch)
    assert span["name"] == "session"
    assert span["context"]["trace_id"] == f"0x{TRACE}"
    assert span["parent_id"] == "0xb7ad6b7169203331"
    assert span["resource"]["attributes"]["service.name"] == "vivavoce"
    assert span["resource"]["attributes"]["service.version"] == __version__


def test_the_variables_of_opentelemetry_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EXPORTER_VARIABLE, "console")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front-desk")
    [span] = written(TracingPolicy(), monkeypatch)
    assert span["resource"]["attributes"]["service.name"] == "front-desk"
    monkeypatch.setenv(EXPORTER_VARIABLE, "none")
    assert written(TracingPolicy(), monkeypatch) == []


def test_without_a_policy_a_program_that_traces_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Tracing(None).observer(START) is not None  # this test has imported OpenTelemetry
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert Tracing(None).observer(START) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("otlp_of_somebody", "for OTLP: pip install .*opentelemetry-exporter-otlp"),
        ("nowhere", "'nowhere', only .*console"),
    ],
)
def test_an_exporter_that_is_not_there_is_named(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Tracing(TracingPolicy(name))


def test_an_exporter_that_cannot_be_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no such port")

    monkeypatch.setattr(export, "ConsoleSpanExporter", broken)
    with pytest.raises(ConfigurationError, match="'console' cannot be had: no such port"):
        Tracing(TracingPolicy("console"))


@pytest.mark.parametrize(
    ("protocol", "entry"),
    [(None, "otlp_proto_http"), ("http/protobuf", "otlp_proto_http"), ("grpc", "otlp_proto_grpc")],
)
def test_otlp_is_spoken_as_the_variables_say(
    protocol: str | None, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in PROTOCOL_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    if protocol is not None:
        monkeypatch.setenv(PROTOCOL_VARIABLES[1], protocol)
    value = "opentelemetry.sdk.trace.export:ConsoleSpanExporter"
    points = EntryPoints([EntryPoint(entry, value, "opentelemetry_traces_exporter")])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))
    run(Tracing(TracingPolicy("otlp")).aclose())
    monkeypatch.setenv(PROTOCOL_VARIABLES[0], "pigeon")
    with pytest.raises(ConfigurationError, match="'pigeon' is not known; use http/protobuf or grpc"):
        Tracing(TracingPolicy("otlp"))


def test_without_the_sdk_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match="needs OpenTelemetry's SDK: pip install"):
        Tracing(TracingPolicy("console"))


def test_a_collector_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "FLUSH_S", 0.05)
    gate = threading.Event()
    traces = Tracing(TracingPolicy("none"))
    monkeypatch.setattr(traces._provider, "shutdown", lambda: gate.wait(30))
    began = time.monotonic()
    run(traces.aclose())
    gate.set()
    assert time.monotonic() - began < FLUSH_S
