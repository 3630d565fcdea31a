"""What must hold whatever clients, engines and time do to a session."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivavoce.conversation.effects import BeginUtterance, CancelResponse, StartResponse, TranscribeItem
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import encode, to_builtins
from vivavoce.protocol.codec import client_event_from

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

# A session is a list of steps; a step is a tuple that the same session replays in the same way.
Step = tuple[Any, ...]

IDS = st.sampled_from(["mine", "yours", "root", *(f"item_{n}" for n in range(1, 9))])
RESPONSES = st.sampled_from([f"resp_{n}" for n in range(1, 6)])
TEXT: dict[str, Any] = {"type": "input_text", "text": "Hi"}
ITEM = st.one_of(
    st.builds(
        lambda role, part, more: {"type": "message", "role": role, "content": [part], **more},
        st.sampled_from(["user", "assistant", "system"]),
        st.sampled_from(
            [
                TEXT,
                {"type": "output_text", "text": "Ho"},
                {"type": "input_audio", "audio": "AAAA" * 100},
                {"type": "input_audio", "transcript": "Hi"},
                {"type": "output_audio", "transcript": "Ho"},
                {"type": "input_image", "image_url": "data:image/png;base64,aa"},
            ]
        ),
        st.sampled_from([{}, {}, {"id": "mine"}, {"id": "yours", "status": "incomplete"}]),
    ),
    st.just({"type": "function_call_output", "call_id": "c", "output": "1"}),
    st.just({"type": "function_call", "name": "look", "arguments": "{}"}),
)
DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
            "idle_timeout_ms": st.sampled_from([None, 5000]),
            "silence_duration_ms": st.sampled_from([0, 100, 500]),
            "prefix_padding_ms": st.sampled_from([0, 300, 5000]),
        },
    ),
    st.fixed_dictionaries({"type": st.just("semantic_vad")}, optional={"create_response": st.booleans()}),
)
SESSION = st.fixed_dictionaries(
    {"type": st.sampled_from(["realtime", "realtime", "realtime", "transcription"])},
    optional={
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {},
                    optional={
                        "turn_detection": DETECTION,
                        "format": st.sampled_from(
                            [{"type": "audio/pcmu"}, {"type": "audio/pcm", "rate": 24000}]
                        ),
                        "transcription": st.sampled_from([None, {"model": "w"}]),
                    },
                ),
                "output": st.fixed_dictionaries(
                    {},
                    optional={
                        "voice": st.sampled_from(["alloy", "ash"]),
                        "format": st.sampled_from(
                            [{"type": "audio/pcma"}, {"type": "audio/pcm", "rate": 24000}]
                        ),
                        "speed": st.sampled_from([1.0, 1.5]),
                    },
                ),
            },
        ),
        "truncation": st.sampled_from(
            ["auto", "disabled", {"type": "retention_ratio", "retention_ratio": 0.5}]
        ),
        "tools": st.sampled_from([[], [{"type": "function", "name": "look"}] * 2]),
        "model": st.just("other"),
    },
).filter(lambda session: session["type"] == "realtime" or set(session) == {"type"})
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none", "none"]),
        "output_modalities": st.sampled_from([["text"], ["audio"]]),
        "input": st.sampled_from(
            [
                [],
                [{"type": "item_reference", "id": "item_1"}],
                [{"type": "message", "role": "user", "content": [TEXT]}],
            ]
        ),
        "metadata": st.just({"topic": "x"}),
        "audio": st.just({"output": {"voice": "ash"}}),
    },
)


def client(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries(fields).map(lambda drawn: ("send", kind, drawn))


CLIENT = st.one_of(
    client("session.update", session=SESSION),
    st.sampled_from([0, 1, 20, 99, 500, 3000]).map(lambda ms: ("append", ms)),
    client("input_audio_buffer.commit"),
    client("input_audio_buffer.clear"),
    client("output_audio_buffer.clear"),
    client("conversation.item.create", item=ITEM),
    client("conversation.item.create", item=ITEM, previous_item_id=IDS),
    client("conversation.item.retrieve", item_id=IDS),
    client("conversation.item.delete", item_id=IDS),
    client(
        "conversation.item.truncate",
        item_id=IDS,
        content_index=st.sampled_from([0, 0, 0, 1]),
        audio_end_ms=st.integers(-1, 900),
    ),
    client("response.create", response=PARAMS),
    client("response.create"),
    client("response.cancel"),
    client("response.cancel", response_id=RESPONSES),
    st.just(("broken",)),
)
WORLD = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from([0.0, 0.4, 1.0, 1.0]), st.sampled_from([32, 128, 640])),
    st.tuples(st.just("tick"), st.sampled_from([0.0, 0.01, 0.3, 2.0, 8.0])),
    st.tuples(st.just("transcript"), st.sampled_from(["Hi there", ""])),
    st.just(("deaf",)),
    st.tuples(st.just("guess"), st.sampled_from(["Hi", "Hi there", "Oh"])),
    st.sampled_from([("pause",), ("resume",)]),
)
ENGINE = st.tuples(
    st.just("engine"),
    st.integers(0, 3),
    st.one_of(
        st.tuples(st.just("token")),
        st.tuples(st.just("text"), st.sampled_from(["Hi", " there", ""])),
        st.tuples(st.just("clause"), st.sampled_from(["One two. ", "", "Hi"])),
        st.tuples(st.just("speech"), st.sampled_from([0, 1, 40, 333, 4000]), st.booleans()),
        st.tuples(st.just("clause_end")),
        st.tuples(st.just("call"), st.integers(0, 2), st.sampled_from(["", '{"a":1}'])),
        st.tuples(
            st.just("finish"),
            st.sampled_from(["stop", "stop", "max_output_tokens"]),
            st.sampled_from([None, CountedTokens(5, 7, 3)]),
        ),
        st.tuples(st.just("fail")),
    ),
)
ASK: Step = ("send", "response.create", {})
STARTS: list[list[Step]] = [
    [],
    [ASK],
    [ASK, ("engine", 0, ("clause", "One two. ")), ("engine", 0, ("speech", 4000, True))],
    [("hear", 1.0, 320), ("hear", 0.0, 640), ("transcript", "Hi there")],
    [
        (
            "send",
            "session.update",
            {"session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}},
        )
    ],
]


def steps_of(*kinds: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Sessions of these kinds of steps, each as likely as the next however many variants it has."""
    step = st.sampled_from(kinds).flatmap(lambda kind: kind)
    return st.builds(
        lambda start, rest: [*start, *rest], st.sampled_from(STARTS), st.lists(step, min_size=10, max_size=50)
    )


STEPS = steps_of(CLIENT, CLIENT, WORLD, ENGINE, ENGINE, ENGINE, st.just(ASK))


def engine(talk: Talk, which: int, result: tuple[Any, ...]) -> None:
    started = talk.of(StartResponse)
    if not started:
        return
    start = started[-1 - which % len(started)]  # perhaps one that has long ended
    server, response, now = talk.server, start.response_id, talk.now
    match result:
        case ("token",):
            server.receive_first_token(response, now)
        case ("text", delta):
            server.receive_text(response, delta)
        case ("clause", text):
            server.receive_clause(response, text, now)
        case ("speech", ms, timed):
            audio = b"\1" * start.fmt.bytes_of(ms)
            server.receive_speech(response, audio, [(4, ms)] if timed else [], now)
        case ("clause_end",):
            server.receive_clause_end(response, now)
        case ("call", index, arguments):
            server.receive_function_call(response, index, "look", arguments, None, now)
        case ("finish", reason, counted):
            server.receive_finish(response, reason, counted, now)
        case _:
            server.receive_failure(response, "engine_failed", "boom", now)


def take_step(talk: Talk, step: Step) -> None:
    utterances = [each for each in talk.effects if isinstance(each, BeginUtterance | TranscribeItem)]
    newest = utterances[-1].item_id if utterances else "nobody"
    match step:
        case ("send", kind, fields):
            talk.send(kind, **fields)
        case ("append", ms):
            talk.append(ms)
        case ("broken",):
            talk.server.receive_error(RemoteProtocolError("Bad.", code="invalid_json"))
        case ("hear", probability, ms):
            talk.hear(probability, ms)
        case ("tick", seconds):
            talk.tick(seconds)
        case ("transcript", text):
            talk.transcript(newest, text)
        case ("deaf",):
            talk.server.receive_transcript_failure(newest, "No ears.", talk.now)
        case ("guess", text):
            talk.server.receive_partial_transcript(newest, text)
        case ("pause",):
            talk.server.pause_output()
        case ("resume",):
            talk.server.resume_output()
        case ("engine", which, result):
            engine(talk, which, result)
    talk.take()


def end_everything(talk: Talk) -> None:
    """Cancel what is still running; an answer that was owed begins then, and is cancelled too."""
    talk.server.resume_output()
    for _ in range(2):
        for response in list(talk.server._responder):
            if talk.server._responder.get(response.id) is not None:
                talk.send("response.cancel", response_id=response.id)


def events(talk: Talk) -> Iterator[dict[str, Any]]:
    return (to_builtins(event) for event in talk.events)


def check_ids(talk: Talk) -> None:
    ids = [event["event_id"] for event in events(talk)]
    assert len(set(ids)) == len(ids)
    live: set[str] = set()
    for event in events(talk):
        if event["type"] == "conversation.item.added":
            assert event["item"]["id"] not in live
            live.add(event["item"]["id"])
        elif event["type"] == "conversation.item.deleted":
            live.remove(event["item_id"])


def check_every_added_is_done(talk: Talk) -> None:
    count = Counter(str(event["type"]) for event in events(talk))
    for name in ("conversation.item", "response.output_item", "response.content_part"):
        assert count[f"{name}.added"] == count[f"{name}.done"]
    assert count["response.created"] == count["response.done"]


def check_responses(talk: Talk) -> None:
    running: dict[str, str | None] = {}
    over: set[str] = set()
    for event in events(talk):
        if event["type"] == "response.created":
            response = event["response"]
            assert response["id"] not in running.keys() | over
            assert not response["conversation_id"] or not any(running.values())
            running[response["id"]] = response["conversation_id"]
        elif event["type"] == "response.done":
            del running[event["response"]["id"]]
            over.add(event["response"]["id"])
        elif "response_id" in event:
            assert event["response_id"] in running
    assert not running


def check_deltas(talk: Talk) -> None:
    """What was told in pieces is what was told at the end."""
    pieces: dict[tuple[str, str], str] = defaultdict(str)
    finals = {"text": "text", "audio_transcript": "transcript"}
    for event in events(talk):
        kind = str(event["type"])
        for name, final in finals.items():
            if kind == f"response.output_{name}.delta":
                pieces[event["item_id"], name] += event["delta"]
            elif kind == f"response.output_{name}.done":
                assert event[final] == pieces[event["item_id"], name]
        if kind == "response.function_call_arguments.delta":
            pieces[event["item_id"], "arguments"] += event["delta"]
        elif kind == "response.function_call_arguments.done":
            assert event["arguments"] == pieces[event["item_id"], "arguments"]


def check_items(talk: Talk) -> None:
    items = talk.server._items
    assert items.size == sum(record.size for record in items)
    assert items.size <= talk.server._options.max_items_chars or len(items) == 1
    sent: Counter[str] = Counter()
    for event in talk.events:
        if event.type == "response.output_audio.delta":
            sent[getattr(event, "item_id", "")] += len(getattr(event, "delta", b""))
    for record in items:
        if record.is_assistant_audio and record.fmt is not None:
            sent_ms = sent[str(record.item.id)] // record.fmt.bytes_per_ms
            if record.heard_ms is None:
                assert record.audio_ms == sent_ms
            else:
                assert record.audio_ms == record.heard_ms <= sent_ms


def check_effects(talk: Talk) -> None:
    started = [effect.response_id for effect in talk.of(StartResponse)]
    cancelled = [effect.response_id for effect in talk.of(CancelResponse)]
    assert len(set(started)) == len(started)
    assert len(set(cancelled)) == len(cancelled)
    assert set(cancelled) <= set(started)


CHECKS = [check_ids, check_every_added_is_done, check_responses, check_deltas, check_items, check_effects]
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "max_items": st.sampled_from([1, 3]),
        "max_items_chars": st.sampled_from([0, 5, 40]),
        "context_tokens": st.sampled_from([60, 200]),
        "retained_audio_bytes": st.sampled_from([0, 5000]),
        "max_input_buffer_s": st.just(2.0),
        "max_session_s": st.just(20.0),
        "output_lead_ms": st.sampled_from([0, 100]),
        "transcription_wait_s": st.just(1.0),
    },
)
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def play(talk_with: type[Talk], options: dict[str, Any], steps: list[Step]) -> Talk:
    talk = talk_with(**options)
    for step in steps:
        take_step(talk, step)
    end_everything(talk)
    return talk


@QUICK
@given(OPTIONS, STEPS)
def test_whatever_happens(talk_with: type[Talk], options: dict[str, Any], steps: list[Step]) -> None:
    talk = play(talk_with, options, steps)
    for check in CHECKS:
        check(talk)


@settings(QUICK, max_examples=25)
@given(OPTIONS, STEPS)
def test_the_same_input_gives_the_same_bytes(
    talk_with: type[Talk], options: dict[str, Any], steps: list[Step]
) -> None:
    first, second = (play(talk_with, options, steps) for _ in range(2))
    assert [encode(event) for event in first.events] == [encode(event) for event in second.events]
    assert first.effects == second.effects


@settings(QUICK, max_examples=60)
@given(steps_of(WORLD, ENGINE))
def test_a_conversation_with_voice(talk_with: type[Talk], steps: list[Step]) -> None:
    """As above, with nothing of the client's in between, so that answers come far."""
    talk = play(talk_with, {"transcription_wait_s": 0.1}, steps)
    for check in CHECKS:
        check(talk)


@pytest.mark.parametrize("kind", ["response.cancel", "input_audio_buffer.commit"])
def test_a_client_event_is_never_answered_by_an_exception(talk: Talk, kind: str) -> None:
    talk.server.receive(client_event_from({"type": kind}), talk.now)
    assert talk.take() == ["error"]
