"""`/v1/realtime` as its ASGI server calls it, on the clock of the test: callers, watchers, endings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.server.visits import Handshake, endpoint_for

from vivavoce.engines.base import EngineCost
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import (
    ClientEvent,
    RealtimeSession,
    SessionCreated,
    ToolChoiceFunction,
    TranscriptionSession,
)
from vivavoce.server import Limits, ServerConfig
from vivavoce.server.auth import Caller
from vivavoce.server.guardrails import WordGuardrail
from vivavoce.server.hub import SessionStart
from vivavoce.testing import run


def test_a_session_begins_with_what_its_secret_says() -> None:
    async def scenario() -> None:
        settings = RealtimeSession(model="house-model", output_modalities=["text"], instructions="Be brief.")
        endpoint = endpoint_for(Caller("lab", settings, secret=True))
        peer = Handshake("model=gpt-realtime")
        peer.leave()
        await peer.visit(endpoint)
        session = peer.events[0]["session"]
        assert (session["model"], session["instructions"]) == ("house-model", "Be brief.")
        assert session["output_modalities"] == ["text"]

    run(scenario())


def test_a_secret_may_be_for_a_transcription_session() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for(Caller("lab", TranscriptionSession(), secret=True))
        peer = Handshake("model=gpt-realtime")
        peer.leave()
        await peer.visit(endpoint)
        assert peer.events[0]["session"]["type"] == "transcription"

    run(scenario())


def test_settings_that_cannot_be_met_are_refused_with_their_error() -> None:
    async def scenario() -> None:
        settings = RealtimeSession(tool_choice=ToolChoiceFunction(name="nothing"))
        endpoint = endpoint_for(Caller("lab", settings, secret=True))
        peer = Handshake()
        await peer.visit(endpoint)
        assert [event["type"] for event in peer.events] == ["error"]
        assert peer.events[0]["error"]["param"] == "session.tool_choice"
        assert peer.close == (4000, "invalid_request_error.invalid_value")
        assert endpoint.sessions.admission.sessions == 0

    run(scenario())


def test_a_model_that_has_no_session_now_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    class Busy:
        cost = EngineCost()

        def open(self, sink: Any, options: Any, settings: Any = None) -> Any:
            raise EngineError("The upstream is away.")

    async def scenario() -> None:
        endpoint = endpoint_for(engines=Busy())
        peer = Handshake()
        await peer.visit(endpoint)
        assert peer.close == (1011, "The session could not be started on the server's side.")
        assert endpoint.sessions.admission.sessions == 0

    run(scenario())
    assert "session could not begin" in [record.message for record in caplog.records]


class Speaker:
    """A model that hears and speaks itself: one session, which ends when it is told something."""

    cost = EngineCost()

    def __init__(self, close_code: int | None) -> None:
        self.close_code = close_code
        self.id = "sess_1"
        self.on_end: Callable[[str], None] | None = None
        self.ended = 0

    def open(self, sink: Any, options: Any, settings: Any = None) -> Any:
        self._sink = sink
        return self

    def start(self) -> None:
        self._sink.send([SessionCreated(event_id="event_1", session=RealtimeSession(id=self.id))])

    def receive(self, event: ClientEvent) -> None:
        assert self.on_end is not None
        self.on_end("The upstream has gone.")

    def receive_error(self, error: RemoteProtocolError) -> None:
        raise AssertionError(error)

    def resume(self) -> None:
        """Nothing is paced here."""

    async def aclose(self) -> None:
        self.ended += 1


@pytest.mark.parametrize(("close_code", "expected"), [(None, 1001), (1011, 1011)])
def test_a_model_that_speaks_itself_says_how_its_session_ended(close_code: int | None, expected: int) -> None:
    async def scenario() -> None:
        speaker = Speaker(close_code)
        endpoint = endpoint_for(engines=speaker)
        peer = Handshake()
        peer.say_event({"type": "input_audio_buffer.clear"})
        await peer.visit(endpoint)
        assert peer.events[0]["type"] == "session.created"
        assert peer.close == (expected, "The upstream has gone.")
        assert speaker.ended == 1

    run(scenario())


class Watcher(SessionObserver):
    """Counts what it sees."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.closed = False

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        self.types.append(str(event.type))

    def on_server_event(self, event: Any, now: float) -> None:
        self.types.append(str(event.type))

    def close(self, now: float) -> None:
        self.closed = True


def test_who_wants_to_watch_is_told_of_each_session_and_its_trace() -> None:
    starts: list[SessionStart] = []
    watcher = Watcher()

    def watch(start: SessionStart) -> SessionObserver | None:
        starts.append(start)
        return watcher if start.kind == "realtime" else None

    def broken(start: SessionStart) -> SessionObserver | None:
        raise KeyError(start.session_id)

    async def scenario() -> None:
        caller = Caller("lab")
        endpoint = endpoint_for(caller, observe=[broken, watch])
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        peer = Handshake("model=m", traceparent=trace, tracestate="a=1", cookie="secret")
        peer.say_event({"type": "input_audio_buffer.clear"})
        peer.leave()
        await peer.visit(endpoint)
        scribe = Handshake("intent=transcription")
        scribe.leave()
        await scribe.visit(endpoint)
        created = peer.events[0]["session"]["id"]
        assert starts == [
            SessionStart(
                session_id=created,
                caller=caller,
                model="m",
                kind="realtime",
                headers={"traceparent": trace, "tracestate": "a=1"},
            ),
            SessionStart(
                session_id=scribe.events[0]["session"]["id"],
                caller=caller,
                model=ServerConfig().session.model,
                kind="transcription",
            ),
        ]
        assert starts[0].trace_context == {"traceparent": trace, "tracestate": "a=1"}
        assert starts[1].trace_context == {}
        assert watcher.types == [
            "session.created",
            "input_audio_buffer.clear",
            "input_audio_buffer.cleared",
        ]
        assert watcher.closed

    run(scenario())


def test_a_key_that_used_its_minutes_ends_its_session_and_opens_no_other() -> None:
    async def scenario() -> None:
        config = ServerConfig(limits=Limits(max_minutes_per_key=10))
        endpoint = endpoint_for(Caller("lab"), config=config)
        peer = Handshake()
        await peer.visit(endpoint)
        assert asyncio.get_running_loop().time() == pytest.approx(600, abs=1)
        error = peer.events[-1]["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "key_minutes_reached")
        assert peer.close[0] == 1008
        later = Handshake()
        await later.visit(endpoint)
        assert later.status == 429
        assert endpoint.sessions.admission.sessions == 0

    run(scenario())


def test_a_key_that_sends_too_much_audio_is_told_and_goes_on() -> None:
    async def scenario() -> None:
        config = ServerConfig(limits=Limits(max_audio_s_per_key=1))
        peer = Handshake()
        second = {"type": "input_audio_buffer.append", "audio": "AAAA" * 16000}
        for event in (second, {**second, "event_id": "mine"}, {"type": "input_audio_buffer.clear"}):
            peer.say_event(event)
        endpoint = endpoint_for(Caller("lab"), config=config)
        side = Handshake()
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            side.scope["query_string"] = b"call_id=" + peer.events[0]["session"]["id"].encode()
            visits.create_task(side.visit(endpoint))
            side.say_event(second)
            await asyncio.sleep(1)
            peer.leave()
        assert [event["error"]["code"] for event in side.events] == ["rate_limit_exceeded"]
        assert [event["error"]["type"] for event in (*side.events, peer.events[1])] == [
            "rate_limit_error"
        ] * 2
        created, error, cleared = peer.events
        assert created["type"] == "session.created"
        assert (error["error"]["code"], error["error"]["event_id"]) == ("rate_limit_exceeded", "mine")
        assert cleared["type"] == "input_audio_buffer.cleared"

    run(scenario())


def test_guardrails_stand_between_a_session_and_everybody_else() -> None:
    async def scenario() -> None:
        engines = scripted_engines(answers=[["The secret word is swordfish, and that is all."]])
        endpoint = endpoint_for(engines=engines, guardrails=[WordGuardrail(["swordfish"])])
        peer = Handshake()
        for event in (
            {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}},
            {"type": "response.create"},
        ):
            peer.say_event(event)
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            peer.leave()
        done = peer.events[-1]
        assert done["type"] == "response.done"
        assert done["response"]["status_details"] == {"type": "incomplete", "reason": "content_filter"}
        assert "swordfish" not in json.dumps(peer.events)

    run(scenario())


def test_who_counts_is_told_of_refusals_and_ends() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for(Caller("lab"), config=ServerConfig(limits=Limits(max_sessions=1)))
        refused: list[str | None] = []
        ended: list[tuple[str, int | None, Any]] = []
        endpoint.sessions.on_refused = refused.append
        endpoint.sessions.on_ended = lambda start, code, summary: ended.append(
            (start.session_id, code, summary)
        )
        inside = Handshake()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inside.visit(endpoint))
            await asyncio.sleep(1.0)
            await Handshake().visit(endpoint)
            await Handshake("call_id=sess_nobody").visit(endpoint)
            inside.leave()
        assert refused == ["session_limit_reached", "call_id_not_found"]
        [(session_id, code, summary)] = ended
        assert session_id == inside.events[0]["session"]["id"]
        assert code == 1000
        assert (summary["seconds"], summary["responses"]) == (1.0, 0)

    run(scenario())
