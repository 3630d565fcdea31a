"""From what the conversation notices to what the application is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from vivavoce.agents import RealtimeAgent, Usage
from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.client_history import text_of
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    Failed,
    ItemAdded,
    ItemChanged,
    PlaybackEnded,
    PlaybackInterrupted,
    ResponseBegan,
    ResponseEnded,
    ToolCalled,
)
from vivavoce.conversation.held_audio import Withheld
from vivavoce.protocol import (
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferTimeoutTriggered,
    Item,
    MessageItem,
    Response,
    ResponseOutputAudioDelta,
    ServerEvent,
    Unknown,
    present,
)
from vivavoce.session.events import (
    AudioChunk,
    RealtimeAgentEnd,
    RealtimeAgentStart,
    RealtimeAudio,
    RealtimeAudioEnd,
    RealtimeAudioInterrupted,
    RealtimeError,
    RealtimeHistoryAdded,
    RealtimeHistoryUpdated,
    RealtimeInputAudioTimeoutTriggered,
    RealtimePlaybackEnded,
    RealtimeRawModelEvent,
    RealtimeSessionEvent,
)
from vivavoce.session.wire_events import BETA_NAMES, BetaEvent

if TYPE_CHECKING:
    from vivavoce.session.wire_events import WireEvent


class Reporter:
    """Publishes the events of one session.

    Args:
        conversation: what notices.
        publish: takes the events.
        usage: is kept up to date.
    """

    def __init__(
        self,
        conversation: ClientConversation,
        publish: Callable[[RealtimeSessionEvent], None],
        usage: Usage,
    ) -> None:
        self._conversation = conversation
        self._publish = publish
        self._usage = usage

    def report_wire(self, event: ServerEvent | Unknown) -> None:
        """Publish an event of the server: raw, under its name, and under the name it had in the beta."""
        if isinstance(event, ResponseOutputAudioDelta):
            return
        self._publish(RealtimeRawModelEvent(event))
        if isinstance(event, ErrorEvent):
            return  # an unexpected one comes as a notice
        self._publish(cast("WireEvent", event))
        if event.type in BETA_NAMES and not isinstance(event, Unknown):
            self._publish(BetaEvent(BETA_NAMES[str(event.type)], event))
        if isinstance(event, InputAudioBufferTimeoutTriggered):
            self._publish(
                RealtimeInputAudioTimeoutTriggered(event.item_id, event.audio_start_ms, event.audio_end_ms)
            )

    def report_notices(
        self, agent_of: Callable[[str], RealtimeAgent[Any]]
    ) -> Sequence[ToolCalled | Withheld]:
        """Publish what the conversation noticed.

        Args:
            agent_of: returns who gives a response, by its id.

        Returns:
            What the caller is to act upon: calls of tools, and speech that is not played.
        """
        left: list[ToolCalled | Withheld] = []
        for notice in self._conversation.notices():
            match notice:
                case AudioReceived():
                    chunk = AudioChunk(notice.data, notice.response_id, notice.item_id, notice.content_index)
                    self._publish(RealtimeAudio(chunk, notice.item_id, notice.content_index))
                case ToolCalled() | Withheld():
                    left.append(notice)
                case AudioFinished(item_id, index):
                    self._publish(RealtimeAudioEnd(item_id, index))
                case PlaybackInterrupted(item_id, index, heard_ms):
                    self._publish(RealtimeAudioInterrupted(item_id, index, heard_ms))
                case PlaybackEnded(item_id, index):
                    self._publish(RealtimePlaybackEnded(item_id, index))
                case ItemAdded(item_id):
                    self._added(item_id)
                case ItemChanged():
                    self._publish(RealtimeHistoryUpdated(self._history))
                case ResponseBegan(response):
                    self._publish(RealtimeAgentStart(agent_of(response.id), response.id))
                case ResponseEnded(response):
                    self._ended(agent_of(response.id), response)
                case Failed(error):
                    self._publish(RealtimeError(error))
        return left

    def _history(self) -> list[Item]:
        return self._conversation.history.items

    def _added(self, item_id: str) -> None:
        item = self._conversation.history.get(item_id)
        if item is not None:
            self._publish(RealtimeHistoryAdded(item))

    def _ended(self, agent: RealtimeAgent[Any], response: Response) -> None:
        if response.usage is not None:
            self._usage.add(response.usage)
        self._publish(RealtimeAgentEnd(agent, response.id, response.status, words_of(response)))
        if response.status == "failed":
            self._publish(RealtimeError(_failure(response)))


def words_of(response: Response) -> str:
    """Return what a response said or wrote."""
    return " ".join(
        text
        for item in response.output
        if isinstance(item, MessageItem)
        for part in item.content
        if (text := text_of(part))
    )


def _failure(response: Response) -> ErrorDetail:
    details = response.status_details
    error = present(details.error, None) if details is not None else None
    return ErrorDetail(
        type=(present(error.type, None) if error else None) or "server_error",
        code=present(error.code, None) if error else None,
        message=(present(error.message, None) if error else None) or "The response failed.",
    )
