"""From what `vivavoce` tells to what `openai-agents` would tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import vivavoce
from vivavoce import protocol
from vivavoce.connections import ConnectionFailed, ConnectionStatus, ModelEvent
from vivavoce.openai_agents.realtime import events as theirs
from vivavoce.openai_agents.realtime import model_events as model
from vivavoce.openai_agents.realtime.items import RealtimeItem, history_from, item_from, message_from
from vivavoce.openai_agents.usage import Usage, usage_of_response, usage_of_session
from vivavoce.protocol import FunctionCallItem, MessageItem, present, to_builtins

# --- what a model tells -------------------------------------------------------------------------------------


def model_events_from(event: ModelEvent) -> list[model.RealtimeModelEvent]:
    """Return what `openai-agents` makes of an event of a model: an event as it came, and what it means."""
    if isinstance(event, ConnectionStatus):
        return [model.RealtimeModelConnectionStatusEvent(event.status)]
    if isinstance(event, ConnectionFailed):
        return [model.RealtimeModelExceptionEvent(event.error)]
    data = dict(event.raw) if isinstance(event, protocol.Unknown) else to_builtins(event)
    meaning = _MEANINGS.get(type(event), _nothing)
    return [model.RealtimeModelRawServerEvent(data), *meaning(event)]


def _nothing(_event: Any) -> list[model.RealtimeModelEvent]:
    return []


def _done(event: protocol.ResponseDone) -> list[model.RealtimeModelEvent]:
    ended = model.RealtimeModelTurnEndedEvent(response_id=event.response.id)
    used = event.response.usage
    if used is None:
        return [ended]
    read, written = used.input_token_details, used.output_token_details
    usage = model.RealtimeModelUsageEvent(
        usage_of_response(used),
        model.RealtimeModelInputTokensDetails(
            read.text_tokens, read.audio_tokens, read.image_tokens, read.cached_tokens
        ),
        model.RealtimeModelOutputTokensDetails(written.text_tokens, written.audio_tokens),
    )
    return [usage, ended]


def _item(event: Any) -> list[model.RealtimeModelEvent]:
    if not isinstance(event.item, MessageItem):
        return []
    return [model.RealtimeModelItemUpdatedEvent(message_from(event.item))]


def _item_done(event: protocol.ResponseOutputItemDone) -> list[model.RealtimeModelEvent]:
    item = event.item
    if not isinstance(item, FunctionCallItem) or item.status != "completed":
        return _item(event)
    spelled = item_from(item)
    assert spelled is not None
    call = model.RealtimeModelToolCallEvent(
        item.name, present(item.call_id, None) or "", item.arguments, id=spelled.item_id
    )
    return [model.RealtimeModelItemUpdatedEvent(spelled), call]


_MEANINGS: Mapping[type[Any], Callable[[Any], list[model.RealtimeModelEvent]]] = {
    protocol.ErrorEvent: lambda event: [model.RealtimeModelErrorEvent(event.error)],
    protocol.ResponseCreated: lambda event: [
        model.RealtimeModelTurnStartedEvent(response_id=event.response.id)
    ],
    protocol.ResponseDone: _done,
    protocol.ConversationItemAdded: _item,
    protocol.ConversationItemCreated: _item,
    protocol.ConversationItemRetrieved: _item,
    protocol.ResponseOutputItemAdded: _item,
    protocol.ResponseOutputItemDone: _item_done,
    protocol.ConversationItemDeleted: lambda event: [model.RealtimeModelItemDeletedEvent(event.item_id)],
    protocol.ConversationItemInputAudioTranscriptionCompleted: lambda event: [
        model.RealtimeModelInputAudioTranscriptionCompletedEvent(event.item_id, event.transcript)
    ],
    protocol.ResponseOutputAudioDelta: lambda event: [
        model.RealtimeModelAudioEvent(event.delta, event.response_id, event.item_id, event.content_index)
    ],
    protocol.ResponseOutputAudioDone: lambda event: [
        model.RealtimeModelAudioDoneEvent(event.item_id, event.content_index)
    ],
    protocol.ResponseOutputAudioTranscriptDelta: lambda event: [
        model.RealtimeModelTranscriptDeltaEvent(event.item_id, event.delta, event.response_id)
    ],
    protocol.ResponseOutputTextDelta: lambda event: [
        model.RealtimeModelOutputTextDeltaEvent(event.item_id, event.delta, event.response_id)
    ],
    protocol.InputAudioBufferTimeoutTriggered: lambda event: [
        model.RealtimeModelInputAudioTimeoutTriggeredEvent(
            event.item_id, event.audio_start_ms, event.audio_end_ms
        )
    ],
}


# --- what a session tells -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class EventContext:
    """What an event's `info.context` has, as it is when it is read."""

    session: vivavoce.RealtimeSession

    @property
    def context(self) -> Any:
        """The application's object."""
        return self.session.context

    @property
    def usage(self) -> Usage:
        """Tokens of the session so far."""
        return usage_of_session(self.session.usage)


class HistoryUpdated(theirs.RealtimeHistoryUpdated):
    """A `history_updated` that is translated when it is read: most are not."""

    def __init__(self, event: Any, info: theirs.RealtimeEventInfo) -> None:
        self._event = event
        self.info = info

    @cached_property
    def history(self) -> list[RealtimeItem]:  # type: ignore[override]  # a field there
        """The whole conversation."""
        return history_from(self._event.history)


Info = theirs.RealtimeEventInfo
Told = list[theirs.RealtimeSessionEvent]


def session_events_from(event: Any, info: Info) -> Told:
    """Return what `openai-agents` would tell: nothing, one event, or one after what the model told.

    Args:
        event: of a session of `vivavoce`.
        info: of that session.
    """
    if isinstance(event, ConnectionStatus):
        return _raw(model_events_from(event), info)
    told = _TOLD.get(event.type)
    return [] if told is None else told(event, info)


def _raw(events: list[model.RealtimeModelEvent], info: Info) -> Told:
    return [theirs.RealtimeRawModelEvent(event, info) for event in events]


def _added(event: Any, info: Info) -> Told:
    item = item_from(event.item)
    return [] if item is None else [theirs.RealtimeHistoryAdded(item, info)]


def _audio(event: Any, info: Info) -> Told:
    chunk = event.audio
    audio = model.RealtimeModelAudioEvent(chunk.data, chunk.response_id, event.item_id, event.content_index)
    return [*_raw([audio], info), theirs.RealtimeAudio(audio, event.item_id, event.content_index, info)]


def _interrupted(event: Any, info: Info) -> Told:
    raw = model.RealtimeModelAudioInterruptedEvent(event.item_id, event.content_index)
    return [
        *_raw([raw], info),
        theirs.RealtimeAudioInterrupted(info, event.item_id, event.content_index),
    ]


_TOLD: Mapping[str, Callable[[Any, Info], Told]] = {
    "agent_start": lambda event, info: [theirs.RealtimeAgentStartEvent(event.agent, info)],
    "agent_end": lambda event, info: [theirs.RealtimeAgentEndEvent(event.agent, info)],
    "handoff": lambda event, info: [theirs.RealtimeHandoffEvent(event.from_agent, event.to_agent, info)],
    "tool_start": lambda event, info: [
        theirs.RealtimeToolStart(event.agent, event.tool, event.arguments, info)
    ],
    "tool_end": lambda event, info: [
        theirs.RealtimeToolEnd(event.agent, event.tool, event.arguments, event.output, info)
    ],
    "tool_approval_required": lambda event, info: [
        theirs.RealtimeToolApprovalRequired(event.agent, event.tool, event.call_id, event.arguments, info)
    ],
    "audio": _audio,
    "audio_end": lambda event, info: [theirs.RealtimeAudioEnd(info, event.item_id, event.content_index)],
    "audio_interrupted": _interrupted,
    "error": lambda event, info: [theirs.RealtimeError(event.error, info)],
    "history_added": _added,
    "history_updated": lambda event, info: [HistoryUpdated(event, info)],
    "guardrail_tripped": lambda event, info: [
        theirs.RealtimeGuardrailTripped(list(event.guardrail_results), event.message, info)
    ],
    "raw_model_event": lambda event, info: _raw(model_events_from(event.data), info),
    "input_audio_timeout_triggered": lambda _event, info: [theirs.RealtimeInputAudioTimeoutTriggered(info)],
}
