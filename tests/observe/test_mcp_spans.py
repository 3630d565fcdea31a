"""What a server asks of MCP servers, as spans of the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.mcp.plain_http import mcp_server, plain_http, said
from tests.pipeline.conftest import Client

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.observe.mcp_spans import MAX_OPEN
from vivavoce.observe.tracing import SessionTracer
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol import McpListToolsCompleted, ResponseMcpCallCompleted
from vivavoce.protocol.codec import client_event_from

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SECRET = "my number is 12345"
WHERE = {"item_id": "item_1", "output_index": 0}


class Traced:
    """A session that is traced."""

    def __init__(self, show: Callable[..., Any], **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = SessionTracer(tracer_provider=provider, **options)
        self.stage = show(self.tracer)
        self.stage.opened()

    def one(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return span

    @property
    def names(self) -> list[str]:
        return [span.name for span in self._exporter.get_finished_spans()]

    def at(self, now: float, kind: str, **fields: Any) -> None:
        self.stage.now = now
        self.stage.server(kind, **fields)

    def item(self, now: float, event: str, **fields: Any) -> None:
        self.at(now, f"conversation.item.{event}", previous_item_id=None, item=call(**fields))


def call(**fields: Any) -> dict[str, Any]:
    item = {"type": "mcp_call", "id": "item_1", "server_label": "weather", "name": "forecast"}
    return {**item, "arguments": f'{{"q": "{SECRET}"}}', "output": None, **fields}


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    return dict(span.attributes or {})


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def called(traced: Traced, end: str, **outcome: Any) -> ReadableSpan:
    """A call in a turn, which ends with its response, before the tool is called."""
    traced.stage.now = 1.0
    traced.stage.response()
    traced.item(1.1, "added", arguments="")
    traced.at(
        1.2, "response.output_item.done", response_id="resp_1", output_index=0, item=call(status="completed")
    )
    traced.stage.now = 1.3
    traced.stage.done()
    traced.at(2.0, "response.mcp_call.in_progress", **WHERE)
    traced.at(2.5, f"response.mcp_call.{end}", **WHERE)
    traced.item(2.5, "done", **outcome)
    return traced.one("execute_tool forecast")


def test_a_call_is_a_child_of_the_turn_that_asked_for_it(show: Callable[..., Any]) -> None:
    traced = Traced(show)
    span = called(traced, "completed", output=SECRET)
    turn = traced.one("turn").get_span_context()
    assert turn is not None
    assert span.parent is not None
    assert span.parent.span_id == turn.span_id
    assert seconds(span) == 0.5
    assert attributes(span) == {
        "vivavoce.mcp.server": "weather",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "forecast",
        "gen_ai.tool.call.id": "item_1",
    }


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "http_error", "code": 502, "message": SECRET}, "http_error"),
        ({"type": "tool_execution_error", "message": SECRET}, "tool_execution_error"),
        (None, "mcp_failed"),
    ],
)
def test_a_failure_is_told_by_its_kind_and_not_in_words(
    show: Callable[..., Any], error: object, kind: str
) -> None:
    span = called(Traced(show), "failed", error=error)
    assert not span.status.is_ok
    assert attributes(span)["error.type"] == kind
    assert SECRET not in str(attributes(span))


def test_with_content_a_call_tells_what_was_asked_and_answered(show: Callable[..., Any]) -> None:
    span = called(Traced(show, capture_content=True), "completed", output=SECRET)
    assert attributes(span)["gen_ai.tool.call.arguments"] == f'{{"q": "{SECRET}"}}'
    assert attributes(span)["gen_ai.tool.call.result"] == SECRET
    error = {"type": "tool_execution_error", "message": SECRET}
    failed = called(Traced(show, capture_content=True), "failed", error=error)
    assert attributes(failed)["exception.message"] == SECRET


def test_a_listing_is_followed_from_the_question_which_is_told_before_its_item(
    show: Callable[..., Any],
) -> None:
    traced = Traced(show)
    item: dict[str, Any] = {"type": "mcp_list_tools", "id": "item_1", "server_label": "weather", "tools": []}
    traced.at(1.0, "mcp_list_tools.in_progress", item_id="item_1")
    traced.at(1.0, "conversation.item.added", previous_item_id=None, item=item)
    traced.at(1.5, "mcp_list_tools.completed", item_id="item_1")
    tools = [{"name": "forecast", "input_schema": {}}]
    traced.at(1.5, "conversation.item.done", previous_item_id=None, item={**item, "tools": tools})
    span = traced.one("mcp.list_tools weather")
    assert seconds(span) == 0.5
    assert attributes(span) == {"vivavoce.mcp.server": "weather", "vivavoce.mcp.tools": 1}


def test_what_is_never_made_has_no_span_and_what_still_runs_ends_with_the_session(
    show: Callable[..., Any],
) -> None:
    traced = Traced(show)
    traced.item(1.0, "added")
    traced.at(1.1, "response.mcp_call.failed", **WHERE)
    traced.item(1.1, "done", error={"type": "tool_execution_error", "message": "denied"})
    traced.at(1.2, "response.mcp_call.failed", item_id="item_of_nobody", output_index=0)
    traced.item(1.2, "done", id="item_of_nobody")
    traced.at(1.3, "response.mcp_call.in_progress", item_id="item_without_more", output_index=0)
    assert traced.names == []
    traced.item(2.0, "added", id="item_2")
    traced.at(2.0, "response.mcp_call.in_progress", item_id="item_2", output_index=0)
    traced.tracer.close(5.0)
    assert sorted(traced.names) == ["execute_tool forecast", "session"]
    assert seconds(traced.one("execute_tool forecast")) == 3.0


def test_other_items_are_none_of_its_business(show: Callable[..., Any]) -> None:
    traced = Traced(show)
    message = {"type": "message", "id": "item_1", "role": "user", "content": []}
    for kind in ("added", "done"):
        traced.at(1.0, f"conversation.item.{kind}", previous_item_id=None, item=message)
    traced.tracer.close(2.0)
    assert traced.names == ["session"]


def test_there_is_a_bound_on_what_is_followed(show: Callable[..., Any]) -> None:
    traced = Traced(show)
    for number in range(MAX_OPEN + 1):
        traced.item(1.0, "added", id=f"item_{number}")
        traced.at(1.0, "response.mcp_call.in_progress", item_id=f"item_{number}", output_index=0)
    traced.tracer.close(2.0)
    assert traced.names.count("execute_tool forecast") == MAX_OPEN


async def what_a_server_sends() -> list[Any]:
    """The events of a session whose server lists the tools of an MCP server and calls one of them."""
    script = [[FunctionCallDelta(0, "look", "{}")]]
    options = SessionOptions(mcp_private_addresses=True)
    async with plain_http(mcp_server(said("a tree"))) as plain:
        client = Client(scripted_engines(answers=script), options)
        tool = {"type": "mcp", "server_label": "woods", "server_url": plain.url, "require_approval": "never"}
        session = {"type": "realtime", "output_modalities": ["text"], "tools": [tool]}
        client.do(client_event_from({"type": "session.update", "session": session}))
        await client.wait(McpListToolsCompleted)
        client.do(client_event_from({"type": "response.create"}))
        await client.wait(ResponseMcpCallCompleted)
        await client.session.aclose()
        return [event for _, event in client.events]


def test_it_follows_what_a_server_really_sends(show: Callable[..., Any]) -> None:
    traced = Traced(show)
    for number, event in enumerate(asyncio.run(what_a_server_sends())):
        traced.tracer.on_server_event(event, float(number))
    assert traced.one("mcp.list_tools woods").parent is not None
    turn, call = traced.one("turn").get_span_context(), traced.one("execute_tool look")
    assert turn is not None
    assert call.parent is not None
    assert call.parent.span_id == turn.span_id
    assert call.status.is_ok
