from __future__ import annotations

from vivavoce.text import Agent
from vivavoce.text.items import ModelResponse
from vivavoce.text.stream_events import (
    AgentUpdatedStreamEvent,
    RawResponsesStreamEvent,
    ResponseCompletedEvent,
    ResponseCreatedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
)


def test_events_say_what_they_are() -> None:
    assert AgentUpdatedStreamEvent(Agent("A")).type == "agent_updated_stream_event"
    raw = RawResponsesStreamEvent(ResponseTextDeltaEvent("Hi"))
    assert (raw.type, raw.data.type) == ("raw_response_event", "response.output_text.delta")
    assert ResponseCreatedEvent().type == "response.created"
    assert ResponseCompletedEvent(ModelResponse((), None)).type == "response.completed"
    assert ResponseFunctionCallArgumentsDeltaEvent("{", "look", 0).type == (
        "response.function_call_arguments.delta"
    )
