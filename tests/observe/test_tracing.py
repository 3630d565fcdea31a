"""Spans of a session, as OpenTelemetry's own SDK receives them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.errors import ToolError
from vivavoce.observe.tracing import SessionTracer

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

SECRET = "my number is 12345"
ADA, BOB = SimpleNamespace(name="Ada"), SimpleNamespace(name="Bob")
TOOL = SimpleNamespace(name="get_weather")


class Backend:
    """Where spans go."""

    def __init__(self, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(**options)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def all(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.all() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


@pytest.fixture
def backend() -> Backend:
    return Backend()


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def own_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def a_turn_with_a_tool(stage: Any, forms: SimpleNamespace) -> None:
    stage.opened(model="voice-1", audio={"output": {"voice": "alloy"}})
    stage.now = 1.0
    stage.speech_started()
    stage.now = 2.0
    stage.speech_stopped()
    stage.understood(SECRET)
    stage.response("resp_1")
    stage.told("agent_start", agent=ADA, response_id="resp_1")
    stage.now = 2.5
    call = forms.call("get_weather", "call_1")
    stage.done("resp_1", output=[call], usage=forms.usage(text=10, wrote=2))
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_1", arguments=SECRET)
    stage.now = 3.5
    stage.told("tool_end", agent=ADA, tool=TOOL, call_id="call_1", arguments=SECRET, output=SECRET)
    stage.response("resp_2")
    stage.now = 3.75
    stage.audio("resp_2")
    stage.now = 3.8
    stage.audio("resp_2")
    stage.now = 4.0
    stage.done(
        "resp_2",
        output=[forms.message(SECRET)],
        usage=forms.usage(text=20, spoke=30),
        stage_times={"first_token": 120.5},
    )


def test_a_turn_its_responses_and_its_tool(
    show: Callable[..., Any], forms: SimpleNamespace, backend: Backend
) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    a_turn_with_a_tool(stage, forms)
    stage.observer.close(5.0)
    stage.observer.close(6.0)

    session, turn, tool = backend.one("session"), backend.one("turn"), backend.one("execute_tool get_weather")
    first, second = backend.named("response")
    assert session.parent is None
    assert parent(turn) == own_id(session)
    assert parent(first) == parent(second) == parent(tool) == own_id(turn)
    assert [seconds(span) for span in (turn, first, tool, second)] == [3.0, 0.5, 1.0, 0.5]

    assert attributes(session) == {
        "gen_ai.conversation.id": "sess_1",
        "gen_ai.request.model": "voice-1",
        "vivavoce.voice": "alloy",
        "vivavoce.turns": 1,
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.usage.output_tokens": 32,
        "vivavoce.usage.input_text_tokens": 30,
        "vivavoce.usage.input_audio_tokens": 0,
        "vivavoce.usage.input_image_tokens": 0,
        "vivavoce.usage.cached_tokens": 0,
        "vivavoce.usage.output_text_tokens": 2,
        "vivavoce.usage.output_audio_tokens": 30,
    }
    assert attributes(turn) == {"vivavoce.turn.index": 1, "vivavoce.turn.answer_delay_ms": 1750.0}
    assert [event.name for event in turn.events] == ["speech_started", "speech_stopped"]
    assert attributes(tool) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.agent.name": "Ada",
    }
    told = attributes(second)
    assert told["gen_ai.response.id"] == "resp_2"
    assert told["gen_ai.agent.name"] == "Ada"
    assert told["vivavoce.response.status"] == "completed"
    assert told["vivavoce.response.first_audio_ms"] == 250.0
    assert told["vivavoce.stage.first_token_ms"] == 120.5
    assert told["gen_ai.usage.output_tokens"] == 30
    assert [event.name for event in second.events] == ["first_audio"]
    assert SECRET not in "".join(span.to_json() for span in backend.all())


def test_content_is_captured_when_asked_for(
    show: Callable[..., Any], forms: SimpleNamespace, backend: Backend
) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider, capture_content=True))
    a_turn_with_a_tool(stage, forms)
    stage.server("error", error={"type": "server_error", "code": "oops", "message": SECRET})
    stage.told("guardrail_tripped", guardrail_results=[], message=SECRET, response_id="resp_2")
    stage.observer.close(5.0)
    assert attributes(backend.one("turn"))["vivavoce.transcript"] == SECRET
    assert attributes(backend.named("response")[1])["vivavoce.transcript"] == SECRET
    tool = attributes(backend.one("execute_tool get_weather"))
    assert tool["gen_ai.tool.call.arguments"] == tool["gen_ai.tool.call.result"] == SECRET
    assert attributes(backend.one("guardrail"))["vivavoce.transcript"] == SECRET
    (error,) = backend.one("session").events
    assert dict(error.attributes or {}) == {"error.type": "oops", "exception.message": SECRET}


def test_the_session_is_a_child_of_the_span_in_which_it_begins(
    show: Callable[..., Any], backend: Backend
) -> None:
    observer = SessionTracer(tracer_provider=backend.provider)
    with backend.provider.get_tracer("the application").start_as_current_span("request"):
        show(observer).told("connection_status", status="connecting")
    observer.close(2.5)
    session = backend.one("session")
    assert parent(session) == own_id(backend.one("request"))
    assert seconds(session) == 2.5


def test_a_server_takes_part_in_the_trace_of_its_client(
    show: Callable[..., Any], forms: SimpleNamespace, backend: Backend
) -> None:
    client = SessionTracer(tracer_provider=backend.provider)
    headers = client.connection_headers(0.5)
    assert list(headers) == ["traceparent"]
    elsewhere = Backend()
    server = SessionTracer(tracer_provider=elsewhere.provider, carrier={"host": "x", **headers})
    stage = show(server)
    a_turn_with_a_tool(stage, forms)
    server.close(5.0)
    client.close(6.0)
    ours, theirs = backend.one("session"), elsewhere.one("session")
    assert parent(theirs) == own_id(ours)
    assert (ours.kind, theirs.kind) == (SpanKind.CLIENT, SpanKind.SERVER)
    trace_ids = {span.context.trace_id for span in [*backend.all(), *elsewhere.all()] if span.context}
    assert len(trace_ids) == 1


def test_a_server_without_a_trace_from_outside_begins_its_own(
    show: Callable[..., Any], backend: Backend
) -> None:
    observer = SessionTracer(tracer_provider=backend.provider, carrier={"traceparent": "nonsense"})
    with backend.provider.get_tracer("somebody else's").start_as_current_span("request"):
        show(observer).told("connection_status", status="connecting")
    observer.close(2.5)
    assert backend.one("session").parent is None


def test_a_trace_that_is_not_sampled_is_not_carried_on() -> None:
    tracer = SessionTracer(tracer_provider=TracerProvider(sampler=sampling.ALWAYS_OFF))
    assert tracer.connection_headers(0.0) == {}


def test_a_session_that_never_began_has_no_span(backend: Backend) -> None:
    SessionTracer(tracer_provider=backend.provider).close(1.0)
    assert backend.all() == []


def test_the_person_speaks_into_an_answer(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.asked()
    stage.response("resp_1")
    stage.now = 1.0
    stage.speech_started()
    stage.told("audio_interrupted", item_id="item_1", heard_ms=700)
    stage.now = 1.5
    stage.done("resp_1", status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
    first = backend.one("turn")
    assert attributes(first)["vivavoce.turn.index"] == 1
    assert seconds(first) == 1.5, "a turn lasts until its answer is over"
    told = attributes(backend.one("response"))
    assert (told["vivavoce.response.status"], told["vivavoce.response.reason"]) == (
        "cancelled",
        "turn_detected",
    )
    stage.now = 2.0
    stage.speech_stopped()
    stage.response("resp_2")
    stage.done("resp_2")
    second = backend.named("turn")[1]
    assert [event.name for event in second.events] == [
        "speech_started",
        "audio_interrupted",
        "speech_stopped",
    ]
    assert seconds(second) == 1.0


def test_a_pause_within_a_sentence_is_no_new_turn(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    for _ in range(3):
        stage.speech_started()
        stage.speech_stopped()
    stage.response("resp_1")
    stage.done("resp_1")
    stage.done("resp_1")
    stage.audio("resp_1")
    stage.observer.close(1.0)
    assert len(backend.named("turn")) == 1
    assert attributes(backend.one("session"))["vivavoce.turns"] == 1


def test_a_tool_outlives_the_turn_that_called_it(
    show: Callable[..., Any], forms: SimpleNamespace, backend: Backend
) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.asked()
    stage.response("resp_1")
    stage.done("resp_1", output=[forms.call("get_weather", "call_1")])
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_1", arguments="{}")
    stage.now = 1.0
    stage.asked()
    stage.now = 2.0
    stage.told("tool_end", agent=ADA, tool=TOOL, call_id="call_1", arguments="{}", output="sun")
    stage.told("tool_end", agent=ADA, tool=TOOL, call_id="never seen", arguments="{}", output="sun")
    (first,) = backend.named("turn")
    assert attributes(first)["vivavoce.turn.index"] == 1
    assert seconds(first) == 2.0


def test_failures_are_marked(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_1", arguments="{}")
    failure = ToolError(SECRET, call_id="call_1")
    failure.__cause__ = KeyError(SECRET)
    stage.told("error", error=failure)
    stage.told("error", error=ToolError("another"))
    stage.told("tool_end", agent=ADA, tool=TOOL, call_id="call_1", arguments="{}", output="It failed.")
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_2", arguments="{}")
    stage.told(
        "tool_end", agent=ADA, tool=TOOL, call_id="call_2", arguments="{}", output="", error=TimeoutError()
    )
    for number, details in enumerate(
        [
            {"type": "failed", "error": {"type": "server_error", "code": "overloaded", "message": SECRET}},
            {"type": "failed"},
        ]
    ):
        stage.response(f"resp_{number}")
        stage.done(f"resp_{number}", status="failed", status_details=details)
    stage.server("error", error={"type": "invalid_request_error", "message": SECRET})
    stage.observer.close(1.0)
    failed = [span for span in backend.all() if not span.status.is_ok and span.status.is_unset is False]
    assert [attributes(span)["error.type"] for span in failed] == [
        "KeyError",
        "TimeoutError",
        "overloaded",
        "failed",
    ]
    assert SECRET not in "".join(span.to_json() for span in backend.all())


def test_handoffs_and_guardrails_are_moments_of_their_turn(
    show: Callable[..., Any], backend: Backend
) -> None:
    class Named:
        def get_name(self) -> str:
            return "no prices"

    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.asked()
    stage.response("resp_1")
    stage.told("handoff", from_agent=ADA, to_agent=BOB)
    results = [SimpleNamespace(guardrail=Named()), SimpleNamespace(guardrail=SimpleNamespace(name="calm"))]
    stage.told("guardrail_tripped", guardrail_results=results, message="", response_id="resp_1")
    stage.told("input_guardrail_tripped", guardrail_results=[])
    stage.done("resp_1")
    turn = own_id(backend.one("turn"))
    handoff = backend.one("handoff")
    assert attributes(handoff) == {"vivavoce.handoff.from": "Ada", "vivavoce.handoff.to": "Bob"}
    output, asked = backend.named("guardrail")
    assert parent(handoff) == parent(output) == parent(asked) == turn
    assert attributes(output)["vivavoce.guardrail.names"] == ("no prices", "calm")
    assert [attributes(span)["vivavoce.guardrail.kind"] for span in (output, asked)] == ["output", "input"]


def test_closing_ends_what_is_open(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_0", arguments="{}")
    stage.asked()
    stage.response("resp_1")
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_1", arguments="{}")
    stage.speech_started()
    stage.observer.close(3.0)
    stage.asked()
    stage.response("resp_2")
    stage.told("tool_start", agent=ADA, tool=TOOL, call_id="call_2", arguments="{}")
    assert sorted(span.name for span in backend.all()) == [
        "execute_tool get_weather",
        "execute_tool get_weather",
        "response",
        "session",
        "turn",
        "turn",
    ]


def test_voices_and_sessions_of_other_kinds(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.server("session.created", session={"type": "transcription"})
    stage.opened(audio={"output": {"voice": {"id": "voice_1"}}})
    stage.opened(audio={"output": {}})
    stage.opened(audio={})
    stage.observer.close(1.0)
    assert attributes(backend.one("session"))["vivavoce.voice"] == "voice_1"


def test_labels_that_the_client_gives_its_trace(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.opened(tracing="auto")
    stage.opened(tracing={"workflow_name": "Desk", "group_id": "call-7", "metadata": {"team": "b", "n": 1}})
    stage.observer.close(1.0)
    labels = attributes(backend.one("session"))
    names = ("workflow_name", "group_id", "metadata.team", "metadata.n")
    assert [labels[f"vivavoce.{name}"] for name in names] == ["Desk", "call-7", "b", "1"]


def test_what_is_not_sampled_costs_nothing(show: Callable[..., Any], forms: SimpleNamespace) -> None:
    backend = Backend(sampler=sampling.ALWAYS_OFF)
    stage = show(SessionTracer(tracer_provider=backend.provider))
    a_turn_with_a_tool(stage, forms)
    stage.observer.close(5.0)
    assert backend.all() == []


def test_without_opentelemetry_nothing_happens(
    show: Callable[..., Any], forms: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    stage = show(SessionTracer())
    a_turn_with_a_tool(stage, forms)
    stage.observer.close(5.0)


def test_a_transcription_has_its_id(show: Callable[..., Any], backend: Backend) -> None:
    stage = show(SessionTracer(tracer_provider=backend.provider))
    stage.server("session.created", session={"type": "transcription", "id": "sess_9"})
    stage.observer.close(1.0)
    assert attributes(backend.one("session"))["gen_ai.conversation.id"] == "sess_9"
