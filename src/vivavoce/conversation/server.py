"""`ServerConversation`: one session as the server of a Realtime API sees it. Decides everything, waits never.

Feed it with the `receive…` methods, then drain `events_to_send()` and carry out `effects()`; call
`handle_deadline` when `next_deadline()` has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vivavoce.conversation.answering import Responder
from vivavoce.conversation.editing import Editor
from vivavoce.conversation.effects import Effect, EndSession
from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.items import Items
from vivavoce.conversation.listening import Listener
from vivavoce.conversation.mcp import McpTools
from vivavoce.conversation.mcp_rules import without_secrets
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.refusal import refuse
from vivavoce.conversation.results import EngineResults
from vivavoce.conversation.settings import Settings, initial_session
from vivavoce.conversation.transcripts import NO_DETAILS, TranscriptDetails, Transcripts
from vivavoce.conversation.turn_taking import TurnTaking
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    OutputAudioBufferClear,
    RealtimeSession,
    ResponseCancel,
    ResponseCreate,
    ResponseCreateParams,
    ServerEvent,
    Session,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    Transcription,
    TranscriptionSession,
    present,
)

BACKLOG_LIMIT_MS = 30_000
"""Whoever speaks should wait while so much audio of a response has not been sent."""


class ServerConversation(EngineResults):
    """One realtime session, from `session.created` to its end.

    Stages of a turn (`response.done.stage_times`, ms from the first): `end_of_speech` (the last voiced
    audio arrived), `end_of_turn` (the turn was taken to be over), `transcript`, `first_token`, `first_audio`.

    Args:
        options: what the operator of the server decided.
        ids: where ids come from.
        now: the time, in seconds on any steady clock.
        settings: what the session begins with, as in a `session.update`; `session.created` shows it.

    Attributes:
        mcp: takes what MCP servers say.

    Raises:
        RemoteProtocolError: `settings` cannot be met.
    """

    def __init__(
        self, options: SessionOptions, ids: IdSource, now: float, settings: Session | None = None
    ) -> None:
        self.id = ids.new("sess")
        self._options = options
        self._outbox = Outbox(ids, obfuscate=options.obfuscation)
        self._settings = Settings(initial_session(self.id, options), options)
        if settings is not None:
            self._settings.update(settings, voice_locked=False, responding=False)
        self._items = Items(options.retained_audio_bytes)
        live = options.live_transcripts or isinstance(self._settings.session, TranscriptionSession)
        self._transcripts = Transcripts(self._outbox, early=live or not options.transcription_revised)
        self._outbox.emit(SessionCreated, session=without_secrets(self._settings.session))
        self._listener = Listener(
            self._outbox,
            self._items,
            self._settings,
            self._transcripts,
            int(options.max_input_buffer_s * 1000),
        )
        self.mcp = McpTools(self._outbox, self._items, options, self)
        responder = Responder(
            self._outbox, self._items, self._settings, self._transcripts, options, ids.new("conv"), self.mcp
        )
        super().__init__(responder)
        self._editor = Editor(self._outbox, self._items, self._settings, self._transcripts)
        self._expires = now + options.max_session_s
        warned = 0 < options.session_warning_s < options.max_session_s
        self._warns: float | None = self._expires - options.session_warning_s if warned else None
        self._turns = TurnTaking(self._listener, self._responder, self._settings, self)
        self.ended = False
        self._handlers: dict[type[ClientEvent], Callable[[Any, float], None]] = {
            SessionUpdate: self._session_update,
            InputAudioBufferAppend: self._append,
            InputAudioBufferCommit: self._commit,
            InputAudioBufferClear: self._clear,
            OutputAudioBufferClear: self._output_clear,
            ConversationItemCreate: self._item_create,
            ConversationItemRetrieve: self._item_retrieve,
            ConversationItemDelete: self._item_delete,
            ConversationItemTruncate: self._item_truncate,
            ResponseCreate: self._response_create,
            ResponseCancel: self._response_cancel,
        }
        if settings is not None:
            self.mcp.configure(settings)

    # --- what comes out -----------------------------------------------------------------------------------

    @property
    def has_output(self) -> bool:
        """Whether there are events or effects to take; cheap, for the path of every audio frame."""
        return self._outbox.waiting

    @property
    def transcription(self) -> Transcription | None:
        """What the client wishes of the transcriber (`session.audio.input.transcription`)."""
        return self._settings.transcription

    @property
    def wants_logprobs(self) -> bool:
        """Whether the client wants to know how sure the transcriber is (`session.include`)."""
        return bool(present(self._settings.session.include, None))

    def events_to_send(self) -> list[ServerEvent]:
        """Return the events for the client, in order; they are forgotten here."""
        return self._outbox.take_events()

    def effects(self) -> list[Effect]:
        """Return what the driver must carry out, in order; it is forgotten here."""
        return self._outbox.take_effects()

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` has something to do, or `None` once the session is over."""
        if self.ended:
            return None
        times = [self._expires, self._warns, self._responder.next_deadline(), self._turns.next_deadline()]
        return min(time for time in times if time is not None)

    @property
    def takes_audio(self) -> bool:
        """Whether the last appended audio was taken; if not, nobody may hear it."""
        return not self.ended and not self._listener.full

    def backlog_ms(self, response_id: str) -> int:
        """Return how much audio of a response waits to be sent, to hold synthesis back."""
        response = self._responder.get(response_id)
        return response.backlog_ms if response is not None else 0

    # --- what comes in: the client ------------------------------------------------------------------------

    def receive(self, event: ClientEvent, now: float) -> None:
        """Take a client event. What is wrong with it is answered with an `error` event."""
        if self.ended:
            return
        try:
            self._handlers[type(event)](event, now)
        except RemoteProtocolError as error:
            event_id = present(event.event_id, None)
            self._refuse(error, event_id)

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: answered with an `error` event, the session goes on."""
        if self.ended:
            return
        self._refuse(error, error.event_id)

    def _refuse(self, error: RemoteProtocolError, event_id: str | None) -> None:
        self._outbox.error(
            error.message, code=error.code, param=error.param, event_id=event_id, kind=error.kind
        )

    def _session_update(self, event: SessionUpdate, _now: float) -> None:
        patch = self.mcp.completed(event.session)
        self._settings.update(
            patch,
            voice_locked=self._items.voice_locked,
            responding=self._responder.active is not None,
        )
        self._outbox.emit(SessionUpdated, session=without_secrets(self._settings.session))
        self._listener.configure()
        self.mcp.configure(patch)

    def _append(self, event: InputAudioBufferAppend, now: float) -> None:
        self._turns.append(event.audio, now)

    def _commit(self, _event: InputAudioBufferCommit, now: float) -> None:
        self._listener.commit()
        self._turns.stirred()
        self.make_room(now)

    def _clear(self, _event: InputAudioBufferClear, _now: float) -> None:
        self._listener.clear()

    def _output_clear(self, _event: OutputAudioBufferClear, _now: float) -> None:
        raise refuse(
            "output_audio_buffer.clear is only for WebRTC and SIP, where the server plays; "
            "on this connection stop your own playback and send conversation.item.truncate.",
            "type",
        )

    def _item_create(self, event: ConversationItemCreate, now: float) -> None:
        self.mcp.check_item(event.item)
        self._editor.create(event)
        self._turns.stirred()
        self.mcp.item_created(event.item, now)
        self.make_room(now)

    def _item_retrieve(self, event: ConversationItemRetrieve, _now: float) -> None:
        self._editor.retrieve(event)

    def _item_delete(self, event: ConversationItemDelete, now: float) -> None:
        self.mcp.item_gone(event.item_id)
        if self._editor.delete(event):
            self._transcript_settled(event.item_id, now)

    def _item_truncate(self, event: ConversationItemTruncate, _now: float) -> None:
        self._editor.truncate(event)

    def _response_create(self, event: ResponseCreate, now: float) -> None:
        self.respond(present(event.response, ResponseCreateParams()), now, {"asked": now})

    def _response_cancel(self, event: ResponseCancel, now: float) -> None:
        self._responder.cancel_asked(present(event.response_id, None), now)
        self.response_over(now)

    # --- what comes in: the ears --------------------------------------------------------------------------

    def doubts_speech(self, now: float) -> bool:
        """Return whether `receive_voice` wants to know the clarity of what it is told of."""
        return self._turns.doubts(now)

    def receive_voice(
        self, probability: float, start_ms: int, end_ms: int, now: float, clarity: float | None = None
    ) -> None:
        """Take the speech probability of the audio between two positions of the input, and its clarity."""
        if self.ended:
            return
        self._turns.receive_voice(probability, start_ms, end_ms, now, clarity)

    def receive_turn_end(self, item_id: str, since_ms: int, completeness: float) -> None:
        """Take how likely somebody has finished who paused at `since_ms`, see `JudgePause`."""
        if not self.ended:
            self._listener.turn_judged(item_id, since_ms, completeness)

    def receive_partial_transcript(self, item_id: str, text: str) -> None:
        """Take a transcriber's guess at everything said so far in an utterance."""
        if not self.ended:
            self._listener.partial_transcript(item_id, text)

    def receive_transcript(
        self, item_id: str, text: str, seconds: float, now: float, details: TranscriptDetails = NO_DETAILS
    ) -> None:
        """Take the transcript of an utterance of `seconds` of audio."""
        if not self.ended and self._transcripts.complete(item_id, text, seconds, details):
            self._transcript_settled(item_id, now)

    def receive_transcript_failure(self, item_id: str, message: str, now: float) -> None:
        """Take the news that an utterance could not be transcribed; the turn goes on."""
        if not self.ended and self._transcripts.fail(item_id, message):
            self._transcript_settled(item_id, now)

    def _transcript_settled(self, item_id: str, now: float) -> None:
        self._items.transcribed(item_id)
        self._responder.transcript_settled(item_id, now)
        self.response_over(now)

    # --- what comes in: the line ----------------------------------------------------------------------------

    def pause_output(self) -> None:
        """Hold paced audio back: the client reads too slowly."""
        self._outbox.paused = True

    def resume_output(self) -> None:
        """Send paced audio again."""
        self._outbox.paused = False

    # --- time ---------------------------------------------------------------------------------------------

    def handle_deadline(self, now: float) -> None:
        """Do what is due."""
        if self.ended:
            return
        if now >= self._expires:
            self._expire(now)
            return
        if self._warns is not None and now >= self._warns:
            self._warn(now)
        self._responder.handle_deadline(now)
        self.response_over(now)
        self._turns.handle_deadline(now)

    def respond(self, params: ResponseCreateParams, now: float, stages: dict[str, float]) -> None:
        """Begin a response.

        Raises:
            RemoteProtocolError: it cannot begin.
        """
        if not isinstance(self._settings.session, RealtimeSession):
            raise refuse("A transcription session gives no responses.", "type", "invalid_event")
        self._responder.create(params, now, stages)
        if self._responder.active is not None:
            self._turns.stirred()
        self.response_over(now)

    def response_over(self, now: float) -> None:
        """Do what follows when no response of the conversation is active any more."""
        if self._responder.active is not None:
            return
        self.make_room(now)
        self._turns.response_over(now)
        self.mcp.follow_up(now)

    @property
    def busy(self) -> bool:
        """Whether somebody speaks: the person, or the model in a response of the conversation."""
        return self._listener.speaking or self._responder.active is not None

    def tools_listed(self, item_id: str, now: float) -> None:
        """Begin the responses that have waited for this list of MCP tools."""
        self._responder.tools_listed(item_id, now)
        self.response_over(now)

    def make_room(self, now: float) -> None:
        """Let go of the oldest items beyond the bound, and say so."""
        options = self._options
        while len(self._items) > options.max_items or (
            self._items.size > options.max_items_chars and len(self._items) > 1
        ):
            oldest = self._items.oldest_id
            self.mcp.item_gone(oldest)
            if self._editor.remove(oldest):
                self._transcript_settled(oldest, now)

    def _warn(self, now: float) -> None:
        """Tell the client that the session will end soon.

        The API has no event for that, clients that check events against its types would trip over a new one,
        and an `error` ends programs that do not listen for errors. A `session.updated` is understood by all,
        changes nothing for those who take it at its word, and holds what it is about: `expires_at`.
        """
        self._warns = None
        self._outbox.emit(
            SessionUpdated,
            session=without_secrets(self._settings.session),
            expires_in_s=round(self._expires - now, 3),
        )

    def _expire(self, now: float) -> None:
        minutes = round(self._options.max_session_s / 60)
        for response in self._responder:
            self._responder.cancel(response, "client_cancelled", now)
        self.mcp.end()
        message = f"Your session hit the maximum duration of {minutes} minutes."
        self._outbox.error(message, code="session_expired")
        self._outbox.effect(EndSession(message))
        self.ended = True
