"""The observers beside each other, on a session of the local model with scripted engines."""

from __future__ import annotations

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


class Call:
    """A call that all observers have seen.

    Attributes:
        heard: speech as the application got it.
        used: input tokens as the session counted them.
    """

    def __init__(self, folder: Path) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        prices = ModelPrice(text_input=1.0, audio_input=1.0)
        self.ledger = UsageLedger(PriceTable({"local": prices}), model="local")
        self.recorder = SessionRecorder(folder / "call")
        self.heard = bytearray()
        self.used = 0

    async def make(self) -> None:
        billing = RealtimeAgent[Any]("Billing", "You handle billing.")
        agent = RealtimeAgent[Any](
            "Ada", "Be kind.", tools=[get_weather, broken], handoffs=[realtime_handoff(billing)]
        )
        weather = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
        engines = scripted_engines(
            answers=[
                [weather, FunctionCallDelta(1, "broken", "{}")],
                ["It is sunny in Oslo."],
                [FunctionCallDelta(0, "transfer_to_billing", "{}")],
                ["Billing here."],
            ]
        )
        tracer = SessionTracer(tracer_provider=self.provider)
        observers = [tracer, self.ledger, SessionLog(content=False), self.recorder]
        session = await RealtimeRunner(agent, model=LocalRealtimeModel(engines)).run(observers=observers)
        session.on("audio", lambda event: self.heard.extend(event.audio.data))
        async with self.recorder, session:
            for question in ("Weather?", "My bill, please."):
                await session.send_message(question)
                async for event in session:
                    if event.type == "playback_ended":
                        break
            self.used = session.usage.input_tokens


def test_one_session_seen_by_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    call = Call(tmp_path)
    with caplog.at_level(logging.DEBUG, "vivavoce.observe"):
        run(call.make())

    spans = call.exporter.get_finished_spans()
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

    assert [len(turn.responses) for turn in call.ledger.turns] == [2, 2]
    assert call.ledger.total.input_tokens == call.used > 0
    assert call.ledger.cost is not None
    assert call.ledger.cost.amount == pytest.approx(call.used / 1e6)

    messages = [record.getMessage() for record in caplog.records]
    assert messages[-1] == "Session closed"
    assert {"Session opened", "Tool began", "Tool ended", "Handoff", "Response ended"} <= set(messages)

    assert call.recorder.error is None
    assert bytes(call.heard).strip(b"\0") != b""
    agent_side = read_wav(call.recorder.wav_path).channel(1)
    assert sum(1 for sample in memoryview(agent_side).cast("h") if sample) == sum(
        1 for sample in memoryview(bytes(call.heard)).cast("h") if sample
    )
