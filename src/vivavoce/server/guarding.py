"""`GuardedSink`: the operator's guardrails, between a session and those who are connected to it.

An answer that is blocked ends as the API ends one that a content filter stopped: no more of it is sent, it is
cancelled, and its `response.done` has the status `incomplete` with the reason `content_filter`. No client
takes harm from that, which an `error` event could do. A turn of the user that is blocked leaves the
conversation (`conversation.item.deleted`), and the answer to it is blocked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from typing import TYPE_CHECKING, Any

from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemDelete,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemRetrieved,
    ErrorEvent,
    InputAudio,
    InputText,
    MessageItem,
    ResponseCancel,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    StatusDetails,
    TextPart,
    replace,
)
from vivavoce.server.verdicts import Verdicts
from vivavoce.server.withheld import Withheld

if TYPE_CHECKING:
    from vivavoce.engines.speech_model import ServedSession, Sink
    from vivavoce.protocol import ClientEvent, ServerEvent
    from vivavoce.server.guardrails import ServerGuardrail

__all__ = ["GuardedSink"]

_log = logging.getLogger(__name__)

_WORDS = (ResponseOutputTextDelta, ResponseOutputAudioTranscriptDelta)
_SAID = (*_WORDS, ResponseOutputAudioDelta)
_DECIDING = (*_WORDS, ResponseOutputTextDone, ResponseOutputAudioTranscriptDone, ResponseDone)
"""What tells whether the last word before it was whole."""

_BLOCKED = StatusDetails(type="incomplete", reason="content_filter")


@dataclass(slots=True)
class _Held:
    """What waits until it is known whether a word that looks like a blocked one is whole.

    Attributes:
        key: the item and the part that it is in.
        text: of that part, with the word.
        events: of the response, from that word on.
    """

    key: tuple[str, int]
    text: str
    events: list[ServerEvent]


def _is_said(event: ServerEvent) -> bool:
    return isinstance(event, _SAID)


def _response_of(event: Any) -> str:
    return event.response.id if isinstance(event, ResponseDone) else getattr(event, "response_id", "")


class GuardedSink:
    """The sink of one session that is guarded.

    What a plain guardrail blocks is not sent any more, down to the word. A coroutine's verdict comes while
    the answer goes on, and stops the rest. A guardrail that raises or takes too long blocks nothing, and is
    logged.

    Args:
        sink: where events go that may be seen.
        guardrails: what is asked.
    """

    def __init__(self, sink: Sink, guardrails: Sequence[ServerGuardrail]) -> None:
        self._sink = sink
        self._guardrails = guardrails
        self._session: ServedSession | None = None
        self._own = "guard_"
        self._sent_events = 0
        self._verdicts: Verdicts | None = None
        self._withheld = Withheld()
        self._held: dict[str, _Held] = {}
        self._running: dict[str, bool] = {}
        """Responses under way, and whether they write to the conversation."""
        self._blocked: set[str] = set()
        self._items: dict[str, str] = {}
        """Items that a response is still making, and which."""
        self._turn: str | None = None
        self._turn_answered = False
        self._block_next = False
        self._handlers: dict[type[Any], Callable[[Any], ServerEvent | None]] = {
            ResponseCreated: self._created,
            ResponseDone: self._done,
            ResponseOutputTextDelta: self._words,
            ResponseOutputAudioTranscriptDelta: self._words,
            ResponseOutputTextDone: self._all_words,
            ResponseOutputAudioTranscriptDone: self._all_words,
            ResponseOutputAudioDelta: self._unless_blocked,
            ResponseFunctionCallArgumentsDelta: self._unless_blocked,
            ResponseFunctionCallArgumentsDone: self._unless_blocked,
            ResponseMcpCallArgumentsDelta: self._unless_blocked,
            ResponseMcpCallArgumentsDone: self._unless_blocked,
            ResponseContentPartDone: self._part_done,
            ResponseOutputItemAdded: self._output_item_added,
            ResponseOutputItemDone: self._item_done,
            ConversationItemAdded: self._item_added,
            ConversationItemDone: self._item_done,
            ConversationItemRetrieved: self._shown_item,
            ConversationItemInputAudioTranscriptionCompleted: self._heard,
            ErrorEvent: self._error,
        }

    def attach(self, session: ServedSession) -> None:
        """Join it to its session, which has not started."""
        self._session = session
        self._own = f"guard_{session.id}_"
        self._verdicts = Verdicts(self._guardrails, session.id)

    async def aclose(self) -> None:
        """Drop verdicts that are awaited; safe to call twice."""
        if self._verdicts is not None:
            await self._verdicts.aclose()

    # --- a sink -------------------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether the peer keeps up."""
        return self._sink.writable

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take the session's events, in order, and pass on what may be seen of them."""
        seen = [shown for event in events for shown in self._seen(event)]
        if seen:
            self._sink.send(seen)

    def _seen(self, event: ServerEvent) -> list[ServerEvent]:
        """Return what may be seen now, of this event and of those that waited for it."""
        name = _response_of(event)
        if name in self._held and not isinstance(event, _DECIDING):
            self._held[name].events.append(event)
            return []
        held = self._held.pop(name, None)
        blocked = name in self._blocked
        shown = self._handled(event)
        if held is None:
            return shown
        released: list[ServerEvent] = held.events
        if blocked or name in self._blocked or isinstance(event, ResponseDone):
            released = list(filterfalse(_is_said, released))
        else:
            self._withheld.raise_to(*held.key, held.text)
        return [one for waiting in released for one in self._handled(waiting, again=True)] + shown

    def _handled(self, event: ServerEvent, *, again: bool = False) -> list[ServerEvent]:
        handler = self._handlers.get(type(event))
        if handler is None or (again and isinstance(event, _WORDS)):
            return [event]
        shown = handler(event)
        return [] if shown is None else [shown]

    # --- the agent's words --------------------------------------------------------------------------------

    def _created(self, event: ResponseCreated) -> ServerEvent:
        response = event.response
        in_conversation = response.conversation_id is not None
        self._running[response.id] = in_conversation
        if in_conversation:
            self._turn_answered = True
            if self._block_next:
                self._block_next = False
                self._block(response.id)
        return event

    def _words(self, event: Any) -> ServerEvent | None:
        if event.response_id in self._blocked:
            return None
        text = self._withheld.heard(event.item_id, event.content_index, event.delta)
        key = (event.item_id, event.content_index)
        if self._judge(text, final=False, key=key, response_id=event.response_id):
            return None
        assert self._verdicts is not None, "attach comes before send"
        if self._verdicts.suspects(text, "agent"):
            # Whether the last word is one that is blocked, or only begins like it, is known with the next.
            self._held[event.response_id] = _Held(key, text, [event])
            return None
        self._withheld.sent(event.item_id, event.content_index, text)
        return event  # type: ignore[no-any-return]

    def _all_words(self, event: Any) -> ServerEvent:
        spoken = isinstance(event, ResponseOutputAudioTranscriptDone)
        if event.response_id not in self._blocked:
            text = event.transcript if spoken else event.text
            key = (event.item_id, event.content_index)
            if not self._judge(text, final=True, key=key, response_id=event.response_id):
                self._withheld.sent(event.item_id, event.content_index, text)
                return event  # type: ignore[no-any-return]
        kept = self._withheld.text(event.item_id, event.content_index)
        return replace(event, **{"transcript" if spoken else "text": kept})  # type: ignore[no-any-return]

    def _judge(self, text: str, *, final: bool, key: tuple[str, int], response_id: str) -> bool:
        """Return whether these words are blocked; who needs longer for a verdict may block them later."""
        assert self._verdicts is not None, "attach comes before send"

        def block(name: str) -> None:
            running = response_id in self._running
            what = "guardrail blocked an answer" if running else "guardrail came too late for an answer"
            _log.warning(what, extra={**self._where, "guardrail": name})
            self._block(response_id)

        return self._verdicts.ask(text, "agent", final=final, key=key, block=block)

    def _unless_blocked(self, event: Any) -> ServerEvent | None:
        return None if self._is_blocked(event) else event

    def _is_blocked(self, event: Any) -> bool:
        return event.response_id in self._blocked

    def _part_done(self, event: ResponseContentPartDone) -> ServerEvent:
        if not self._is_blocked(event):
            return event
        kept = self._withheld.text(event.item_id, event.content_index)
        part = (
            replace(event.part, text=kept)
            if isinstance(event.part, TextPart)
            else replace(event.part, transcript=kept)
        )
        return replace(event, part=part)

    def _output_item_added(self, event: ResponseOutputItemAdded) -> ServerEvent:
        self._items[str(event.item.id)] = event.response_id
        return event

    def _item_done(self, event: ResponseOutputItemDone | ConversationItemDone) -> ServerEvent:
        if self._items.get(str(event.item.id)) in self._blocked:
            self._withheld.hide(event.item)
        if isinstance(event, ResponseOutputItemDone):
            self._items.pop(str(event.item.id), None)
        return self._shown_item(event)

    def _shown_item(self, event: Any) -> ServerEvent:
        """Return an event about an item with what may be seen of it."""
        item = self._withheld.shown(event.item)
        return event if item is event.item else replace(event, item=item)  # type: ignore[no-any-return]

    def _done(self, event: ResponseDone) -> ServerEvent:
        assert self._verdicts is not None, "attach comes before send"
        response = event.response
        self._running.pop(response.id, None)
        for item in response.output:
            self._withheld.forget(item)
            self._verdicts.drop(str(item.id))
        if response.id not in self._blocked:
            return event
        self._blocked.discard(response.id)
        output = [self._withheld.shown(item) for item in response.output]
        response = replace(response, output=output)
        if response.status != "failed":
            response = replace(response, status="incomplete", status_details=_BLOCKED)
        return replace(event, response=response)

    # --- the user's words ---------------------------------------------------------------------------------

    def _item_added(self, event: ConversationItemAdded) -> ServerEvent:
        item = event.item
        if isinstance(item, MessageItem) and item.role == "user" and isinstance(item.id, str):
            self._turn, self._turn_answered, self._block_next = item.id, False, False
            texts = [part.text for part in item.content if isinstance(part, InputText)]
            texts += [
                part.transcript
                for part in item.content
                if isinstance(part, InputAudio) and isinstance(part.transcript, str)
            ]
            if texts:
                self._judge_user(" ".join(texts), item.id)
        return event

    def _heard(self, event: ConversationItemInputAudioTranscriptionCompleted) -> ServerEvent:
        self._judge_user(event.transcript, event.item_id)
        return event

    def _judge_user(self, text: str, item_id: str) -> None:
        assert self._verdicts is not None, "attach comes before send"

        def block(name: str) -> None:
            _log.warning("guardrail blocked a turn", extra={**self._where, "guardrail": name})
            self._block_turn(item_id)

        self._verdicts.ask(text, "user", final=True, key=(item_id, 0), block=block)

    def _block_turn(self, item_id: str) -> None:
        self._tell(ConversationItemDelete(event_id=self._own_id(), item_id=item_id))
        answering = [name for name, in_conversation in self._running.items() if in_conversation]
        for response_id in answering:
            self._block(response_id)
        if item_id == self._turn and not self._turn_answered and not answering:
            self._block_next = True

    # --- what is done about it ----------------------------------------------------------------------------

    def _block(self, response_id: str) -> None:
        if response_id in self._running and response_id not in self._blocked:
            self._blocked.add(response_id)
            self._tell(ResponseCancel(event_id=self._own_id(), response_id=response_id))

    def _tell(self, event: ClientEvent) -> None:
        """Tell the session, once it has sent what it is about to send."""
        assert self._session is not None, "attach comes before send"
        asyncio.get_running_loop().call_soon(self._session.receive, event)

    def _error(self, event: ErrorEvent) -> ServerEvent | None:
        """Keep errors about events of our own to ourselves: the answer may have ended before its cancel."""
        event_id = event.error.event_id
        return None if event_id is not None and event_id.startswith(self._own) else event

    def _own_id(self) -> str:
        self._sent_events += 1
        return f"{self._own}{self._sent_events}"

    @property
    def _where(self) -> dict[str, object]:
        return {"session_id": self._session.id if self._session is not None else None}
