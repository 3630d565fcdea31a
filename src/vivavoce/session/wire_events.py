"""The server's own events, as an application receives them: under their wire names, and those of the beta."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vivavoce.protocol import ServerEvent, Unknown

if TYPE_CHECKING:
    from typing import ClassVar

    from vivavoce.protocol.base import Tagged, WireName

WireEventName: TypeAlias = Literal[
    "conversation.created",
    "conversation.item.added",
    "conversation.item.created",
    "conversation.item.deleted",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.segment",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "mcp_list_tools.in_progress",
    "output_audio_buffer.cleared",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "rate_limits.updated",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "session.created",
    "session.updated",
]
"""Wire name of an event of the server that a session passes on."""

BetaName: TypeAlias = Literal[
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "response.audio.done",
    "response.text.delta",
    "response.text.done",
]
"""Name that an event of the server had in the beta."""


class BetaEvent:
    """An event of the server under its name in the beta; every other attribute is the event's own."""

    __slots__ = ("event", "type")

    def __init__(self, name: BetaName, event: ServerEvent) -> None:
        self.type: BetaName = name
        self.event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self.event, name)

    def __repr__(self) -> str:
        return f"BetaEvent({self.type!r}, {self.event!r})"


if TYPE_CHECKING:

    class _AnyName(WireName):
        def __get__(self, instance: object, owner: Any) -> WireEventName: ...

    class WireEvent(Tagged, frozen=True, kw_only=True):
        """An event of the server, to type checkers.

        In fact it is a struct of `vivavoce.protocol`, or an `Unknown`. A struct's own `type` is a text to
        them, which tells no event from another. This one's is a choice of literals:
        ``event.type == "response.done"`` tells it from the session's own events, and `isinstance` says which
        struct it is. Compare the name of an event that the protocol does not know with ``str(event.type)``.
        """

        type: ClassVar[_AnyName]

        def __getattr__(self, name: str) -> Any: ...

else:
    WireEvent = ServerEvent | Unknown

BETA_NAMES: Mapping[str, BetaName] = MappingProxyType(
    {
        "response.output_audio_transcript.delta": "response.audio_transcript.delta",
        "response.output_audio_transcript.done": "response.audio_transcript.done",
        "response.output_audio.done": "response.audio.done",
        "response.output_text.delta": "response.text.delta",
        "response.output_text.done": "response.text.done",
    }
)
"""Wire name of today -> name in the beta."""
