"""Programs that nobody thought of: what the server says keeps its order, and no frame ends a session."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.conversation.sessions import ASK, CLIENT, OPTIONS, Step
from tests.protocol.test_fuzz import JSON, SEEDS, places, planted
from tests.server.order import check_order

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines, FunctionCallDelta, ModelDone
from vivavoce.engines.scripted import Pause, scripted_engines
from vivavoce.errors import EngineError, RemoteProtocolError
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import ServerEvent, to_builtins
from vivavoce.protocol.codec import client_event_from, decode_client_event
from vivavoce.testing import run
from vivavoce.testing.tones import tone

FRAME_MS = 100
LAST_S = 100.0
"""Long enough for all that has begun to end."""

SPEECH: Step = ("speak", 600)
ANSWERS = st.lists(
    st.lists(
        st.sampled_from(
            [
                "Hi. ",
                "One two three. Four five six. ",
                Pause(0.3),
                Pause(3.0),
                FunctionCallDelta(0, "look", '{"a":', "call_1"),
                FunctionCallDelta(0, arguments="1}"),
                FunctionCallDelta(1, "look", "{}", "call_2"),
                ModelDone("max_output_tokens"),
                EngineError("The model broke."),
            ]
        ),
        max_size=4,
    ),
    min_size=1,
    max_size=4,
)
HEARS = st.lists(st.sampled_from(["Hello there", "", EngineError("deaf")]), min_size=1, max_size=3)
STEPS = st.lists(
    st.one_of(
        CLIENT,
        CLIENT,
        st.just(ASK),
        st.sampled_from([SPEECH, SPEECH, ("speak", 100), ("quiet", 200), ("quiet", 900)]),
        st.sampled_from([("wait", 0.0), ("wait", 0.05), ("wait", 0.4), ("wait", 3.0)]),
    ),
    min_size=3,
    max_size=25,
)
USUAL = settings(
    max_examples=200,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Listener:
    """Whoever is at the other end: it writes down what is said."""

    writable = True

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.said += [to_builtins(event) for event in events]


def engines_for(answers: list[list[Any]], hears: list[Any]) -> Engines:
    """Engines that never run out of what to say and hear."""
    return scripted_engines(
        hears=itertools.cycle(hears), answers=itertools.cycle(answers), word_ms=150, hearing_delay=0.2
    )


async def take(session: LocalSession, step: Step) -> None:
    match step:
        case ("send", kind, fields):
            session.receive(client_event_from({"type": kind, **fields}))
        case ("append", ms):
            append(session, bytes(int(ms) * 48))
        case ("broken",):
            session.receive_error(RemoteProtocolError("Bad.", code="invalid_json"))
        case ("speak" | "quiet" as how, ms):
            for _ in range(int(ms) // FRAME_MS):
                append(session, tone(FRAME_MS) if how == "speak" else bytes(FRAME_MS * 48))
                await asyncio.sleep(FRAME_MS / 1000)
        case ("wait", seconds):
            await asyncio.sleep(float(seconds))


def append(session: LocalSession, audio: bytes) -> None:
    from vivavoce.protocol import InputAudioBufferAppend

    session.receive(InputAudioBufferAppend(audio=audio))


async def end(session: LocalSession) -> None:
    """Stop listening, so that nothing begins any more, and let all that has begun end."""
    off = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    session.receive(client_event_from({"type": "session.update", "session": off}))
    session.receive(client_event_from({"type": "input_audio_buffer.clear"}))
    await asyncio.sleep(LAST_S)


async def perform(options: dict[str, Any], engines: Engines, steps: list[Step]) -> list[dict[str, Any]]:
    listener = Listener()
    options = {"max_session_s": 3600.0, **{k: v for k, v in options.items() if k != "max_session_s"}}
    session = LocalSession(engines, listener, SessionOptions(**options), ids=CountingIds())
    session.start()
    for step in steps:
        await take(session, step)
    await end(session)
    await session.aclose()
    return listener.said


@USUAL
@given(OPTIONS, ANSWERS, HEARS, STEPS)
def test_whatever_a_client_does_the_order_is_kept(
    options: dict[str, Any], answers: list[list[Any]], hears: list[Any], steps: list[Step]
) -> None:
    check_order(run(perform(options, engines_for(answers, hears), steps)))


DAMAGED = st.sampled_from(SEEDS).flatmap(
    lambda seed: st.builds(planted, st.just(seed), st.sampled_from(places(seed)), JSON)
)


@USUAL
@given(st.lists(st.one_of(DAMAGED.map(json.dumps), st.text(max_size=20), st.just('{"type":')), max_size=12))
def test_no_frame_ends_a_session_and_each_bad_one_is_told(frames: list[str]) -> None:
    async def scenario() -> None:
        listener = Listener()
        session = LocalSession(engines_for([["Hi."]], [""]), listener, ids=CountingIds())
        session.start()
        for frame in frames:
            errors = complaints(listener)
            try:
                event = decode_client_event(frame)
            except RemoteProtocolError as error:
                session.receive_error(error)
                assert complaints(listener) == errors + 1
            else:
                session.receive(event)
                assert complaints(listener) <= errors + 1
        await end(session)
        listener.said.clear()
        session.receive(client_event_from({"type": "input_audio_buffer.clear"}))
        assert [event["type"] for event in listener.said] == ["input_audio_buffer.cleared"]
        await session.aclose()

    run(scenario())


def complaints(listener: Listener) -> int:
    return sum(event["type"] == "error" for event in listener.said)
