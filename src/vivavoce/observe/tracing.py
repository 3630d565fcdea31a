"""`SessionTracer`: a session as OpenTelemetry spans.

===================  ======================================  ================================================
span                 from … to                               attributes
===================  ======================================  ================================================
``session``          the first event … close                 `gen_ai.conversation.id`, `gen_ai.request.model`,
                                                             `vivavoce.voice`, `gen_ai.usage.*` (total),
                                                             `vivavoce.turns`, the client's `session.tracing`
``turn``             speech or a message of the person …     `vivavoce.turn.index`,
                     the end of the answer                   `vivavoce.turn.answer_delay_ms` (end of speech …
                                                             first audio); events `speech_started`,
                                                             `speech_stopped`, `audio_interrupted`, `error`
``response``         `response.created` … `response.done`    `gen_ai.response.id`, `gen_ai.request.model`,
                                                             `gen_ai.agent.name`, `vivavoce.voice`,
                                                             `vivavoce.response.status`, `….reason`,
                                                             `….first_audio_ms`, `gen_ai.usage.input_tokens`,
                                                             `gen_ai.usage.output_tokens`,
                                                             `vivavoce.usage.*` (kinds of tokens),
                                                             `vivavoce.stage.<name>_ms`
``execute_tool X``   `tool_start` … `tool_end`; of an MCP     `gen_ai.tool.name`, `gen_ai.tool.call.id`,
                     tool of the server its beginning … end  `gen_ai.agent.name`, `error.type`; of an MCP
                                                             tool `vivavoce.mcp.server`
``mcp.list_tools X`` an MCP server is asked … answers         `vivavoce.mcp.server`, `vivavoce.mcp.tools`
``handoff``          the moment of it                        `vivavoce.handoff.from`, `vivavoce.handoff.to`
``guardrail``        the moment of its trip                  `vivavoce.guardrail.kind`, `….names`
===================  ======================================  ================================================

Turns are children of the session; the rest are children of the turn in which they happen. Names that begin
with ``gen_ai`` are those of OpenTelemetry's conventions for generative AI. What people say, what tools are
given and return, and the texts of errors are left out unless `capture_content` is set; then they are in
`vivavoce.transcript`, `gen_ai.tool.call.arguments`, `gen_ai.tool.call.result` and `exception.message`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from vivavoce.observe.base import SessionObserver
from vivavoce.observe.mcp_spans import McpSpans
from vivavoce.observe.reading import (
    asked_by_person,
    calls_functions,
    failure_of,
    guardrail_name,
    in_ms,
    labels_of,
    name_of,
    usage_attributes,
    voice_of,
    words_of,
)
from vivavoce.observe.spans import ResponseSpan, Spans, TurnSpan, present_only
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemInputAudioTranscriptionCompleted,
    ErrorEvent,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    RealtimeSession,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    Unknown,
    Usage,
    present,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

Handler: TypeAlias = "Callable[[SessionTracer, Any, float], None]"
H = TypeVar("H", bound="Callable[..., None]")
_HANDLERS: dict[type | str, Handler] = {}


def _hears(*kinds: type | str) -> Callable[[H], H]:
    """Mark the method that takes events of these types: structs of the server, names of the session's own."""

    def register(method: H) -> H:
        _HANDLERS.update(dict.fromkeys(kinds, method))
        return method

    return register


class SessionTracer(SessionObserver):
    """Traces one session. Its span begins when it connects, as a child of the span that is current then.

    A server of vivavoce that traces, too, makes its spans part of the same trace.
    Costs nothing where OpenTelemetry is not installed, no SDK is configured, or the trace is not sampled.

    Args:
        tracer_provider: where spans go; ``None`` is OpenTelemetry's global provider.
        capture_content: put what is said, and what tools are given and return, into the spans.
        carrier: for a server: headers of the request that led to the session, whose trace it then belongs to.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        capture_content: bool = False,
        carrier: Mapping[str, str] | None = None,
    ) -> None:
        self._content = capture_content
        self._turn: TurnSpan | None = None
        self._turns = 0
        self._responses: dict[str, ResponseSpan] = {}
        self._tools: dict[str, tuple[Span, TurnSpan | None]] = {}
        self._model = ""
        self._voice = ""
        self._agent = ""
        self._used: dict[str, int] = {}
        self._spans = Spans(tracer_provider, carrier)
        self._mcp = McpSpans(self._spans, self._parent, capture_content=capture_content)
        self._open: bool | None = None

    # --- what happens ---------------------------------------------------------------------------------------

    def connection_headers(self, now: float) -> Mapping[str, str]:
        """Return what lets a server take part in the trace: `traceparent` and its like."""
        return self._spans.headers() if self._is_open(now) else {}

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Begin a turn when the person writes."""
        if self._is_open(now) and asked_by_person(event):
            self._begin_turn(now, anew=True)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Follow turns and responses."""
        if not self._is_open(now):
            return
        if (handle := _HANDLERS.get(type(event))) is not None:
            handle(self, event, now)
        self._mcp.on_server_event(event, now)

    def on_session_event(self, event: Any, now: float) -> None:
        """Follow tools, handoffs and guardrails."""
        handle = _HANDLERS.get(str(event.type)) if self._is_open(now) else None
        if handle is not None:
            handle(self, event, now)

    def close(self, now: float) -> None:
        """End every span."""
        was_open, self._open = self._open, False
        if not was_open:
            return
        self._mcp.close(now)
        running = list(self._responses.values())
        turns = {response.turn for response in running} | {turn for _, turn in self._tools.values() if turn}
        turns |= {self._turn} if self._turn is not None else set()
        spans = [span for span, _ in self._tools.values()]
        spans += [response.span for response in running] + [turn.span for turn in turns]
        self._spans.session.set_attributes({**self._used, "vivavoce.turns": self._turns})
        for span in [*spans, self._spans.session]:
            span.end(self._spans.at(now))

    # --- spans ----------------------------------------------------------------------------------------------

    def _is_open(self, now: float) -> bool:
        """Return whether there is something to trace; begins with the first event."""
        if self._open is None:
            self._open = self._spans.begin(now)
        return self._open

    def _begin_turn(self, now: float, *, anew: bool) -> TurnSpan:
        """Return the running turn, or a new one where that is answered or the person begins `anew`."""
        turn = self._turn
        if turn is not None and not turn.complete and not (anew and turn.answered):
            return turn
        if turn is not None:
            turn.complete = True
            self._settle(turn, now)
        self._turns += 1
        span = self._spans.start("turn", self._spans.session, now, {"vivavoce.turn.index": self._turns})
        self._turn = turn = TurnSpan(span)
        return turn

    def _fail(self, span: Span, kind: str, message: str) -> None:
        self._spans.fail(span, kind, message if self._content else "")

    def _settle(self, turn: TurnSpan, now: float) -> None:
        """End a turn of which nothing is left to come."""
        if turn.complete and not turn.responses and not turn.tools:
            turn.span.end(self._spans.at(now))
            if turn is self._turn:
                self._turn = None

    def _parent(self) -> Span:
        return self._turn.span if self._turn is not None else self._spans.session

    # --- events of the server -------------------------------------------------------------------------------

    @_hears(SessionCreated, SessionUpdated)
    def _session_known(self, event: SessionCreated | SessionUpdated, _now: float) -> None:
        session = event.session
        if not isinstance(session, RealtimeSession):
            self._spans.session.set_attributes(
                present_only({"gen_ai.conversation.id": present(session.id, "")})
            )
            return
        self._model = present(session.model, self._model)
        self._voice = voice_of(session) or self._voice
        self._spans.session.set_attributes(
            present_only(
                {
                    "gen_ai.conversation.id": present(session.id, ""),
                    "gen_ai.request.model": self._model,
                    "vivavoce.voice": self._voice,
                    **labels_of(session),
                }
            )
        )

    @_hears(InputAudioBufferSpeechStarted)
    def _speech_started(self, _event: InputAudioBufferSpeechStarted, now: float) -> None:
        turn = self._begin_turn(now, anew=True)
        turn.span.add_event("speech_started", timestamp=self._spans.at(now))

    @_hears(InputAudioBufferSpeechStopped)
    def _speech_stopped(self, _event: InputAudioBufferSpeechStopped, now: float) -> None:
        turn = self._begin_turn(now, anew=False)
        turn.speech_ended = now
        turn.span.add_event("speech_stopped", timestamp=self._spans.at(now))

    @_hears(ConversationItemInputAudioTranscriptionCompleted)
    def _understood(self, event: ConversationItemInputAudioTranscriptionCompleted, _now: float) -> None:
        if self._content and self._turn is not None:
            self._turn.span.set_attribute("vivavoce.transcript", event.transcript)

    @_hears(ResponseCreated)
    def _response_created(self, event: ResponseCreated, now: float) -> None:
        turn = self._begin_turn(now, anew=False)
        turn.answered = True
        turn.responses.add(event.response.id)
        span = self._spans.start(
            "response",
            turn.span,
            now,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.response.id": event.response.id,
                "gen_ai.request.model": self._model,
                "gen_ai.agent.name": self._agent,
                "vivavoce.voice": self._voice,
            },
        )
        self._responses[event.response.id] = ResponseSpan(span, turn, now)

    @_hears(ResponseOutputAudioDelta)
    def _sounded(self, event: ResponseOutputAudioDelta, now: float) -> None:
        response = self._responses.get(event.response_id)
        if response is None or response.sounded:
            return
        response.sounded = True
        response.span.add_event("first_audio", timestamp=self._spans.at(now))
        response.span.set_attribute("vivavoce.response.first_audio_ms", in_ms(now - response.began))
        turn = response.turn
        if not turn.sounded and turn.speech_ended is not None:
            turn.span.set_attribute("vivavoce.turn.answer_delay_ms", in_ms(now - turn.speech_ended))
        turn.sounded = True

    @_hears(ResponseDone)
    def _response_done(self, event: ResponseDone, now: float) -> None:
        response = self._responses.pop(event.response.id, None)
        if response is None:
            return
        self._describe(response.span, event.response)
        stages = present(event.stage_times, None) or {}
        response.span.set_attributes({f"vivavoce.stage.{name}_ms": ms for name, ms in stages.items()})
        response.span.end(self._spans.at(now))
        turn = response.turn
        turn.responses.discard(event.response.id)
        # A response that calls functions is followed by another one in the same turn.
        if not calls_functions(event.response):
            turn.complete = True
        self._settle(turn, now)

    def _describe(self, span: Span, response: Response) -> None:
        details = response.status_details
        reason = present(details.reason, None) if details is not None else None
        span.set_attributes(
            present_only({"vivavoce.response.status": response.status, "vivavoce.response.reason": reason})
        )
        if response.usage is not None:
            self._count(span, response.usage)
        if self._content and (words := words_of(response)):
            span.set_attribute("vivavoce.transcript", words)
        if response.status == "failed":
            self._fail(span, *failure_of(response))

    def _count(self, span: Span, usage: Usage) -> None:
        attributes = usage_attributes(usage)
        span.set_attributes(attributes)
        for name, amount in attributes.items():
            self._used[name] = self._used.get(name, 0) + amount

    @_hears(ErrorEvent)
    def _error(self, event: ErrorEvent, now: float) -> None:
        attributes = {"error.type": event.error.code or event.error.type}
        if self._content:
            attributes["exception.message"] = event.error.message
        self._parent().add_event("error", attributes, timestamp=self._spans.at(now))

    # --- events of the session ------------------------------------------------------------------------------

    @_hears("agent_start")
    def _agent_started(self, event: Any, _now: float) -> None:
        self._agent = name_of(event.agent)
        response = self._responses.get(getattr(event, "response_id", ""))
        if response is not None:
            response.span.set_attribute("gen_ai.agent.name", self._agent)

    @_hears("audio_interrupted")
    def _interrupted(self, event: Any, now: float) -> None:
        self._parent().add_event(
            "audio_interrupted",
            present_only({"heard_ms": getattr(event, "heard_ms", None)}),
            self._spans.at(now),
        )

    @_hears("tool_start")
    def _tool_started(self, event: Any, now: float) -> None:
        name = name_of(event.tool)
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": event.call_id,
            "gen_ai.agent.name": name_of(event.agent),
        }
        if self._content:
            attributes["gen_ai.tool.call.arguments"] = event.arguments
        turn = self._turn
        if turn is not None:
            turn.tools.add(event.call_id)
        span = self._spans.start(f"execute_tool {name}", self._parent(), now, attributes)
        self._tools[event.call_id] = (span, turn)

    @_hears("tool_end")
    def _tool_ended(self, event: Any, now: float) -> None:
        span, turn = self._tools.pop(event.call_id, (None, None))
        if span is None:
            return
        error = getattr(event, "error", None)
        if error is not None:
            self._fail(span, type(error.__cause__ or error).__name__, str(error))
        if self._content:
            span.set_attribute("gen_ai.tool.call.result", str(event.output))
        span.end(self._spans.at(now))
        if turn is not None:
            turn.tools.discard(event.call_id)
            self._settle(turn, now)

    @_hears("error")
    def _failed(self, event: Any, _now: float) -> None:
        """Note the failure of a tool whose end does not tell of it."""
        call_id = getattr(event.error, "call_id", "")
        if isinstance(event.error, Exception) and call_id in self._tools:
            cause = event.error.__cause__ or event.error
            self._fail(self._tools[call_id][0], type(cause).__name__, str(event.error))

    @_hears("handoff")
    def _handed_off(self, event: Any, now: float) -> None:
        self._agent = name_of(event.to_agent)
        attributes = {
            "vivavoce.handoff.from": name_of(event.from_agent),
            "vivavoce.handoff.to": self._agent,
        }
        self._spans.start("handoff", self._parent(), now, attributes).end(self._spans.at(now))

    @_hears("guardrail_tripped", "input_guardrail_tripped")
    def _tripped(self, event: Any, now: float) -> None:
        results = getattr(event, "guardrail_results", ())
        kind = "input" if str(event.type).startswith("input") else "output"
        attributes: dict[str, Any] = {
            "vivavoce.guardrail.kind": kind,
            "vivavoce.guardrail.names": [guardrail_name(result) for result in results],
            "gen_ai.response.id": getattr(event, "response_id", None),
        }
        if self._content:
            attributes["vivavoce.transcript"] = getattr(event, "message", None)
        self._spans.start("guardrail", self._parent(), now, attributes).end(self._spans.at(now))
