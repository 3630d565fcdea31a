"""Events of a session as `openai-agents` knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import vivavoce
from vivavoce import protocol
from vivavoce.protocol import ResponseDone, Unknown, to_builtins

from .items import RealtimeItem, history_from, item_from

SESSION_EVENTS = frozenset(
    {
        "agent_start",
        "agent_end",
        "audio",
        "audio_end",
        "audio_interrupted",
        "error",
        "guardrail_tripped",
        "handoff",
        "history_added",
        "history_updated",
        "input_audio_timeout_triggered",
        "raw_model_event",
        "tool_approval_required",
        "tool_end",
        "tool_start",
    }
)
"""The events that there are; what else a session of `vivavoce` tells is left out."""


@dataclass(frozen=True)
class InputTokensDetails:
    """Tokens that the model has read, by kind."""

    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    cached_tokens: int = 0


@dataclass(frozen=True)
class OutputTokensDetails:
    """Tokens that the model has written or spoken, by kind."""

    text_tokens: int | None = None
    audio_tokens: int | None = None


@dataclass(frozen=True)
class Usage:
    """Tokens of one response, or of a whole session."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: InputTokensDetails = field(default_factory=InputTokensDetails)


@dataclass(frozen=True)
class RealtimeModelRawServerEvent:
    """An event of the server in its JSON form."""

    data: Mapping[str, Any]
    type: Literal["raw_server_event"] = "raw_server_event"


@dataclass(frozen=True)
class RealtimeModelItemUpdatedEvent:
    """The server has an item that is new."""

    item: RealtimeItem
    type: Literal["item_updated"] = "item_updated"


@dataclass(frozen=True)
class RealtimeModelUsageEvent:
    """Tokens that a response took."""

    usage: Usage
    input_tokens_details: InputTokensDetails | None = None
    output_tokens_details: OutputTokensDetails | None = None
    type: Literal["usage"] = "usage"


@dataclass(frozen=True)
class EventContext:
    """The object of the application, and the tokens of the session so far."""

    context: Any
    usage: Usage


@dataclass(frozen=True)
class RealtimeEventInfo:
    """What every event has beside what it tells."""

    context: EventContext


class RealtimeSessionEvent:
    """An event of a session, with the attributes that `openai-agents` gives it.

    Args:
        event: the event of `vivavoce`.
        info: see there.
        changed: attributes that are not those of the event.
    """

    def __init__(self, event: Any, info: RealtimeEventInfo, **changed: Any) -> None:
        self._event = event
        self.info = info
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)

    @property
    def history(self) -> list[RealtimeItem]:
        """The whole conversation; a `history_updated` has it."""
        return history_from(self._event.history)


def events_from(event: Any, context: EventContext) -> list[RealtimeSessionEvent]:
    """Return what `openai-agents` would tell: nothing, the same, or more."""
    if event.type not in SESSION_EVENTS:
        return []
    info = RealtimeEventInfo(context)
    told = [RealtimeSessionEvent(event, info)]
    if event.type == "raw_model_event":
        told = [RealtimeSessionEvent(event, info, data=data) for data in _model_events(event.data)]
    elif event.type == "history_added":
        item = item_from(event.item)
        if item is None:
            return []
        updated = RealtimeModelItemUpdatedEvent(item)
        told = [
            RealtimeSessionEvent(event, info, type="raw_model_event", data=updated),
            RealtimeSessionEvent(event, info, item=item),
        ]
    return told


def usage_so_far(usage: vivavoce.Usage) -> Usage:
    """Return the tokens of a session."""
    by_kind = usage.input_tokens_details
    details = InputTokensDetails(
        by_kind.get("text"), by_kind.get("audio"), by_kind.get("image"), by_kind.get("cached", 0)
    )
    return Usage(usage.requests, usage.input_tokens, usage.output_tokens, usage.total_tokens, details)


def _model_events(event: protocol.ServerEvent | Unknown) -> list[Any]:
    raw = RealtimeModelRawServerEvent(event.raw if isinstance(event, Unknown) else to_builtins(event))
    if not isinstance(event, ResponseDone) or event.response.usage is None:
        return [raw]
    used = event.response.usage
    read, written = used.input_token_details, used.output_token_details
    details = InputTokensDetails(read.text_tokens, read.audio_tokens, read.image_tokens, read.cached_tokens)
    usage = RealtimeModelUsageEvent(
        Usage(1, used.input_tokens, used.output_tokens, used.total_tokens, details),
        details,
        OutputTokensDetails(written.text_tokens, written.audio_tokens),
    )
    return [raw, usage]
