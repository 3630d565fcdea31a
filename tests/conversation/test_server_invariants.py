"""What must hold whatever clients, engines and time do to a session."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from tests.conversation.sessions import CUT_OFF_WHILE_FULL, ENGINE, OPTIONS, STEPS, WORLD, Step, steps_of

from vivavoce.conversation.effects import (
    BeginUtterance,
    CancelResponse,
    JudgePause,
    StartResponse,
    TranscribeItem,
)
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import encode, to_builtins
from vivavoce.protocol.codec import client_event_from

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


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
            server.receive_text(response, delta, now)
        case ("clause", text):
            server.receive_clause(response, text, now)
        case ("speech", ms, timed):
            audio = b"\1" * start.fmt.bytes_of(ms)
            server.receive_speech(response, audio, [(4, ms)] if timed else [], now)
        case ("message", number):
            server.receive_message(response, number)
        case ("message_end", number):
            server.receive_message_end(response, number, now)
        case ("calls_end", _):
            server.receive_calls_end(response)
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
        case ("mumble", ms):
            talk.hear(1.0, ms, clarity=0.1)
        case ("judge", completeness):
            asked = (talk.of(JudgePause) or [JudgePause(newest, 0)])[-1]
            talk.server.receive_turn_end(asked.item_id, asked.since_ms, completeness)
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
    """Cancel what is still running; an answer that was owed begins then, and is cancelled too.

    Then let a deadline come: speech that cuts an answer off makes no room by itself, whatever is next does.
    """
    talk.server.resume_output()
    for _ in range(2):
        for response in list(talk.server._responder):
            if talk.server._responder.get(response.id) is not None:
                talk.send("response.cancel", response_id=response.id)
    talk.server.handle_deadline(talk.now)
    talk.take()


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
        elif event["type"] == "conversation.item.done":
            assert event["item"]["id"] in live
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
    if not talk.server.ended:  # a session that is over makes no more room
        options = talk.server._options
        assert len(items) <= options.max_items
        assert items.size <= options.max_items_chars or len(items) == 1
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
QUICK = settings(
    max_examples=150,
    # Not `explain`: for sessions of fifty steps it takes three times as long as to find and to shrink one.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def play(talk_with: type[Talk], options: dict[str, Any], steps: list[Step]) -> Talk:
    talk = talk_with(**options)
    for step in steps:
        take_step(talk, step)
    end_everything(talk)
    return talk


@QUICK
@given(OPTIONS, STEPS)
@example({"max_items_chars": 0}, CUT_OFF_WHILE_FULL)
@example({"max_items": 1}, CUT_OFF_WHILE_FULL)
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
