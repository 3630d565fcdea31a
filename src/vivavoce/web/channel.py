"""What is said over a call's data channel: what the browser is shown of a session, what it may ask for.

The agent, its tools and its instructions are the program's; the browser is where a person hears and types.
So whatever would ask a client to act is kept from it, and what would change the agent is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vivavoce import protocol as wire
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import UNSET, present, replace
from vivavoce.protocol.codec import client_event_from, parse_json

if TYPE_CHECKING:
    from vivavoce.conversation.ids import IdSource

_OF_THE_AGENT = ("instructions", "tools", "prompt", "tool_choice")
_WITH_ITEM = (wire.ConversationItemCreated, wire.ConversationItemAdded, wire.ConversationItemDone)
_PASSED = (
    wire.ResponseCancel,
    wire.OutputAudioBufferClear,
    wire.InputAudioBufferCommit,
    wire.InputAudioBufferClear,
)
_OFFERED = (
    "conversation.item.create of user messages, conversation.item.retrieve, response.create, "
    "response.cancel, output_audio_buffer.clear, input_audio_buffer.commit and .clear"
)


class Channel:
    """One call's data channel, apart from its transport.

    Args:
        ids: for events that are made here.
        history: returns the conversation so far.
        show_agent: show the browser instructions, prompt and tools of the session, and system messages.
        allow_settings: settings that the browser may change by `session.update`, as paths below ``session``:
            ``"audio.output.speed"``.
    """

    def __init__(
        self,
        ids: IdSource,
        history: Callable[[], Sequence[wire.Item]],
        *,
        show_agent: bool = False,
        allow_settings: Sequence[str] = (),
    ) -> None:
        self._ids = ids
        self._history = history
        self._show_agent = show_agent
        self._allowed = [tuple(path.split(".")) for path in allow_settings]
        self._session: wire.RealtimeSession | None = None
        self._last_error: wire.ErrorDetail | None = None

    # --- what the browser is shown ------------------------------------------------------------------------

    def shown(self, event: wire.ServerEvent | wire.Unknown) -> wire.ServerEvent | wire.Unknown | None:
        """Return an event of the model as the browser is shown it, or ``None`` where it is not."""
        if isinstance(event, wire.SessionCreated | wire.SessionUpdated):
            return self._session_shown(event)
        if isinstance(event, wire.ErrorEvent):
            self._last_error = event.error  # shown when it proves to be nobody else's: `failed`
            return None
        if _is_for_the_program(event):
            return None
        if isinstance(event, _WITH_ITEM) and (item := self._item_shown(event.item)) is not event.item:
            return replace(event, item=item)
        return event

    def _item_shown(self, item: wire.Item) -> wire.Item:
        """Return an item; of what the program tells the agent in the conversation only that it does so."""
        if isinstance(item, wire.MessageItem) and item.role == "system" and not self._show_agent:
            return replace(item, content=())
        return item

    def failed(self, error: Any) -> wire.ErrorEvent | None:
        """Return an `error` event of the session as the browser is shown it: what the model said of it.

        Errors of the program itself are not shown.
        """
        if not isinstance(error, wire.ErrorDetail):
            return None
        if error.event_id is None and error is not self._last_error:
            return None
        return wire.ErrorEvent(event_id=self._ids.new("event"), error=error)

    def _session_shown(self, event: wire.SessionCreated | wire.SessionUpdated) -> wire.ServerEvent | None:
        if not isinstance(event.session, wire.RealtimeSession):
            return None
        known, self._session = self._session, self._seen(event.session)
        if isinstance(event, wire.SessionCreated) and known is not None:
            return None  # the session goes on, on another connection
        return replace(event, session=self._session)

    def refused(self, error: RemoteProtocolError) -> wire.ErrorEvent:
        """Return what the browser is told about an event of its own that was not accepted."""
        detail = wire.ErrorDetail(
            type=error.kind,
            code=error.code,
            message=error.message,
            param=error.param,
            event_id=error.event_id,
        )
        return wire.ErrorEvent(event_id=self._ids.new("event"), error=detail)

    def _seen(self, session: wire.RealtimeSession) -> wire.RealtimeSession:
        if not self._show_agent:
            return replace(session, **dict.fromkeys(_OF_THE_AGENT, UNSET))
        tools = [
            replace(tool, authorization=UNSET, headers=UNSET) if isinstance(tool, wire.McpTool) else tool
            for tool in present(session.tools, ())
        ]
        return session if session.tools is UNSET else replace(session, tools=tools)

    # --- what the browser asks for ------------------------------------------------------------------------

    def asked(self, text: str) -> wire.ClientEvent | wire.ServerEvent:
        """Read a message of the browser.

        Returns:
            What the session is to be told, or what the browser is to be answered.

        Raises:
            RemoteProtocolError: it is no event, or not for a browser to send; says what is.
        """
        raw = parse_json(text)
        if isinstance(raw, Mapping) and raw.get("type") == "session.update":
            return self._update(raw)
        event = client_event_from(raw)
        try:
            return self._checked(event)
        except RemoteProtocolError as error:
            error.event_id = present(event.event_id, None)
            raise

    def _checked(self, event: wire.ClientEvent) -> wire.ClientEvent | wire.ServerEvent:
        if isinstance(event, _PASSED):
            return event
        match event:
            case wire.ConversationItemRetrieve(item_id=item_id):
                return self._retrieved(item_id)
            case wire.ConversationItemCreate(item=wire.MessageItem(role="user") as item):
                if any(isinstance(part, wire.InputAudio) for part in item.content):
                    message = "Speech comes over the call's audio, not in messages."
                    raise RemoteProtocolError(message, code="not_allowed", param="item.content")
                return event
            case wire.ConversationItemCreate():
                message = "A browser may create messages of the user only; the rest is the program's."
                raise RemoteProtocolError(message, code="not_allowed", param="item")
            case wire.ResponseCreate(response=response):
                if response is not UNSET and response != wire.ResponseCreateParams():
                    message = "How the agent answers is the program's to say: send `response.create` alone."
                    raise RemoteProtocolError(message, code="not_allowed", param="response")
                return replace(event, response=UNSET)
        message = f"'{event.type}' is not for a browser to send in this call. There are {_OFFERED}."
        raise RemoteProtocolError(message, code="not_allowed", param="type")

    def _retrieved(self, item_id: str) -> wire.ServerEvent:
        for item in self._history():
            if present(getattr(item, "id", UNSET), None) == item_id:
                return wire.ConversationItemRetrieved(
                    event_id=self._ids.new("event"), item=self._item_shown(_without_audio(item))
                )
        message = f"There is no item {item_id[:64]!r} in this conversation."
        raise RemoteProtocolError(message, code="item_not_found", param="item_id")

    def _update(self, raw: Mapping[str, Any]) -> wire.ClientEvent | wire.ServerEvent:
        """Take what is allowed of a `session.update`; without any of it, answer with the session as it is."""
        wished = raw.get("session")
        allowed = _picked(wished, self._allowed) if isinstance(wished, Mapping) else {}
        if allowed or self._session is None:
            form = {"type": "session.update", "session": {"type": "realtime", **allowed}}
            event_id = raw.get("event_id")
            return client_event_from(form if event_id is None else {**form, "event_id": event_id})
        return wire.SessionUpdated(event_id=self._ids.new("event"), session=self._session)


def _is_for_the_program(event: wire.ServerEvent | wire.Unknown) -> bool:
    """Return whether an event answers the program, or asks who gets it to act."""
    match event:
        case wire.ConversationItemRetrieved():
            return True
        case wire.ResponseOutputItemDone(item=wire.FunctionCallItem()):
            return True  # run the tool
        case wire.ConversationItemDone(item=wire.McpCallItem() | wire.McpApprovalRequestItem()):
            return True  # ask for the answer; approve
        case wire.Unknown(type=kind):
            return kind.startswith("session.")  # nobody knows what of the agent is in it
    return False


def _picked(form: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return those settings of a JSON form that have one of these paths."""
    picked: dict[str, Any] = {}
    for first in {path[0] for path in paths} & form.keys():
        below = [path[1:] for path in paths if path[0] == first]
        value = form[first]
        if [] in map(list, below):
            picked[first] = value
        elif isinstance(value, Mapping) and (inner := _picked(value, below)):
            picked[first] = inner
    return picked


def _without_audio(item: wire.Item) -> wire.Item:
    if not isinstance(item, wire.MessageItem):
        return item
    content = [
        replace(part, audio=UNSET) if isinstance(part, wire.InputAudio | wire.OutputAudio) else part
        for part in item.content
    ]
    return replace(item, content=content)
