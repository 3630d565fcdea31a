"""The observers beside each other, on a session of the local model with scripted engines."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vivavoce.agents import RealtimeAgent, function_tool, realtime_handoff
from vivavoce.audio.wav import read_wav
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.observe.logs import SessionLog
from vivavoce.observe.prices import ModelPrice, PriceTable
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.observe.tracing import SessionTracer
from vivavoce.observe.usage import UsageLedger
from vivavoce.session import RealtimeRunner
from vivavoce.testing import run


@function_tool
def get_weather(city: str) -> str:
    """Get the weather."""
    return f"It is sunny in {city}."


@function_tool
def broken() -> str:
    """Fail."""
    raise KeyError("no")


def test_one_session_seen_by_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    billing = RealtimeAgent[Any]("Billing", "You handle billing.")
    agent = RealtimeAgent[Any](
        "Ada", "Be kind.", tools=[get_weather, broken], handoffs=[realtime_handoff(billing)]
    )
    engines = scripted_engines(
        answers=[
            [FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}'), FunctionCallDelta(1, "broken", "{}")],
            ["It is sunny in Oslo."],
            [FunctionCallDelta(0, "transfer_to_billing", "{}")],
            ["Billing here."],
        ]
    )
    ledger = UsageLedger(PriceTable({"local": ModelPrice(text_input=1.0, audio_input=1.0)}), model="local")
    recorder = SessionRecorder(tmp_path / "call")
    heard = bytearray()

    async def main() -> int:
        tracer = SessionTracer(tracer_provider=provider)
        observers = [tracer, ledger, SessionLog(content=False), recorder]
        session = await RealtimeRunner(agent, model=LocalRealtimeModel(engines)).run(observers=observers)
        session.on("audio", lambda event: heard.extend(event.audio.data))
        async with recorder, session:
            for question in ("Weather?", "My bill, please."):
                await session.send_message(question)
                async for event in session:
                    if event.type == "playback_ended":
                        break
            await asyncio.sleep(0.5)
            return session.usage.input_tokens

    with caplog.at_level(logging.DEBUG, "vivavoce.observe"):
        used = run(main())

    spans = exporter.get_finished_spans()
    names = [span.name for span in spans]
    assert names.count("session") == 1
    assert names.count("turn") == 2
    assert names.count("response") == 4
    assert names.count("handoff") == 1
    (failed,) = [span for span in spans if span.name == "execute_tool broken"]
    assert dict(failed.attributes or {})["error.type"] == "KeyError"
    turns = {span.get_span_context().span_id for span in spans if span.name == "turn"}  # type: ignore[union-attr]
    (handoff,) = [span for span in spans if span.name == "handoff"]
    assert handoff.parent is not None
    assert handoff.parent.span_id in turns
    last = [span for span in spans if span.name == "response"][-1]
    assert dict(last.attributes or {})["gen_ai.agent.name"] == "Billing"

    assert [len(turn.responses) for turn in ledger.turns] == [2, 2]
    assert ledger.total.input_tokens == used > 0
    assert ledger.cost is not None
    assert ledger.cost.amount == pytest.approx(used / 1e6)

    messages = [record.getMessage() for record in caplog.records]
    assert messages[-1] == "Session closed"
    assert {"Session opened", "Tool began", "Tool ended", "Handoff", "Response ended"} <= set(messages)

    assert recorder.error is None
    assert bytes(heard).strip(b"\0") != b""
    agent_side = read_wav(recorder.wav_path).channel(1)
    assert sum(1 for sample in memoryview(agent_side).cast("h") if sample) == sum(
        1 for sample in memoryview(bytes(heard)).cast("h") if sample
    )
