"""One conversation is one trace, though its client and its server are two programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vivavoce.agents import RealtimeAgent
from vivavoce.observe.tracing import SessionTracer
from vivavoce.session import RealtimeRunner

SERVE = ("-m", "vivavoce", "serve", "--port", "0", "--engines", "bench", "--otel")


def spans_of(text: str) -> list[dict[str, Any]]:
    """The spans that the console exporter wrote, one JSON object after the other."""
    decoder, spans, text = json.JSONDecoder(), [], text.strip()
    while text:
        span, end = decoder.raw_decode(text)
        spans.append(span)
        text = text[end:].strip()
    return spans


async def talk(url: str, provider: TracerProvider) -> None:
    """Ask the server something, and hear the answer to its end."""
    agent = RealtimeAgent(name="Front desk", instructions="Greet people.")
    tracer = SessionTracer(tracer_provider=provider)
    runner = RealtimeRunner(agent)
    run = await runner.run(model_config={"url": url, "api_key": "none"}, observers=[tracer])
    async with asyncio.timeout(20), run as session:
        await session.send_message("My number is 12345.")
        async for event in session:
            if event.type == "agent_end":
                break


def served(environment: Mapping[str, str], provider: TracerProvider) -> tuple[str, list[dict[str, Any]]]:
    """Talk to a server of its own process; return its log and its spans."""
    with subprocess.Popen(
        [sys.executable, *SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            asyncio.run(talk(process.stdout.readline().split()[-1], provider))
            process.send_signal(signal.SIGTERM)
            out, log = process.communicate(timeout=10)
        finally:
            process.kill()
    assert process.returncode == 0, log
    return log, spans_of(out)


def test_the_servers_spans_are_children_of_the_clients() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    log, spans = served({**os.environ, "OTEL_TRACES_EXPORTER": "console"}, provider)

    [client] = [span for span in exporter.get_finished_spans() if span.name == "session"]
    context = client.get_span_context()
    assert context is not None
    assert {span["context"]["trace_id"] for span in spans} == {f"0x{context.trace_id:032x}"}
    by_name = {span["name"]: span for span in spans}
    assert set(by_name) == {"session", "turn", "response"}
    session, turn, response = by_name["session"], by_name["turn"], by_name["response"]
    assert session["kind"] == "SpanKind.SERVER"
    assert session["parent_id"] == f"0x{context.span_id:016x}"
    assert turn["parent_id"] == session["context"]["span_id"]
    assert response["parent_id"] == turn["context"]["span_id"]
    assert response["attributes"]["vivavoce.stage.first_token_ms"] >= 0
    told = [span.attributes or {} for span in exporter.get_finished_spans() if span.name == "response"]
    assert response["attributes"]["gen_ai.response.id"] == told[0]["gen_ai.response.id"]
    assert "12345" not in str(spans)
    assert "12345" not in log
    assert "session ended" in log
    assert "responses=1" in log
