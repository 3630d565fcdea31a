"""The blocks of docs/observing.md as one program. Needs the packages opentelemetry-sdk and vivavoce[otel].

python examples/docs/looking_on.py
"""

import logging
from typing import Any

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from vivavoce import ModelPrice, PriceTable, RealtimeAgent, RealtimeRunner, SessionObserver, UsageLedger
from vivavoce.observe.tracing import SessionTracer
from vivavoce.testing import run
from vivavoce.testing.local import local_test_model

agent = RealtimeAgent(name="Front desk", instructions="Greet people and help.")

prices = PriceTable({"my-model": ModelPrice(text_input=4, audio_input=32, text_output=16, audio_output=64)})


class Stopwatch(SessionObserver):
    """Print how long an answer takes to be heard."""

    asked = 0.0

    def on_client_event(self, event: Any, now: float) -> None:
        """Note when an answer is asked for."""
        if event.type == "response.create":
            self.asked = now

    def on_session_event(self, event: Any, now: float) -> None:
        """Look at the end of the first message."""
        if event.type == "playback_ended":
            print(f"[heard to its end after {now - self.asked:.1f} s]")


async def main() -> None:
    """Ask one question, with everybody looking on."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    ledger = UsageLedger(prices, model="my-model")
    tracer = SessionTracer(tracer_provider=provider, capture_content=True)
    runner = RealtimeRunner(agent, model=local_test_model(["Welcome to the hotel."]))
    async with await runner.run(observers=[ledger, tracer, Stopwatch()]) as session:
        await session.send_message("Hello!")
        async for event in session:
            if event.type == "playback_ended":
                break
        print(f"{session.usage.input_tokens} tokens in, {session.usage.output_tokens} out")
    for turn in ledger.turns:
        print(f"Turn {turn.index}: {turn.usage.total_tokens} tokens, {turn.cost}")
    print([span.name for span in spans.get_finished_spans()])


if __name__ == "__main__":
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger("vivavoce.observe.logs").setLevel(logging.INFO)
    run(main())
