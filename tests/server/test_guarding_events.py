"""A guarded sink, event by event, as an upstream may send them. Whole answers: `test_guarding.py`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from vivavoce.protocol import ClientEvent, encode_text
from vivavoce.protocol.codec import relayed, to_builtins
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.guardrails import Said, ServerGuardrail, WordGuardrail
from vivavoce.testing import run

CONTENT_FILTER = {"type": "incomplete", "reason": "content_filter"}


class Seen:
    """What is seen of a guarded session."""

    writable = True

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, events: Sequence[Any]) -> None:
        assert events
        self.events += [json.loads(encode_text(event)) for event in events]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def words(self) -> str:
        deltas = self.of("response.output_audio_transcript.delta") + self.of("response.output_text.delta")
        return "".join(event["delta"] for event in deltas)


class Upstream:
    """A session of the test's own making behind a guarded sink."""

    id = "sess_1"

    def __init__(self, *guardrails: ServerGuardrail) -> None:
        self.told: list[dict[str, Any]] = []
        self.client = Seen()
        self.sink = GuardedSink(self.client, guardrails)
        session: Any = self
        self.sink.attach(session)

    def receive(self, event: ClientEvent) -> None:
        self.told.append(to_builtins(event))

    def says(self, kind: str, **fields: Any) -> None:
        event: Any = relayed(json.dumps({"type": kind, "event_id": "e", **fields}))
        self.sink.send([event])

    def created(self, name: str = "r", conversation: str | None = "conv_1") -> None:
        form = {"id": name, "status": "in_progress", "conversation_id": conversation}
        self.says("response.created", response=form)

    def user(self, name: str, *content: dict[str, Any]) -> None:
        self.says(
            "conversation.item.added",
            item={"id": name, "type": "message", "role": "user", "content": list(content)},
        )

    def heard(self, name: str, transcript: str) -> None:
        self.says(
            "conversation.item.input_audio_transcription.completed",
            item_id=name,
            content_index=0,
            transcript=transcript,
            usage={"type": "duration", "seconds": 1},
        )


def step_by_step(scenario: Callable[[Upstream], Awaitable[None]], *guardrails: ServerGuardrail) -> Upstream:
    async def main() -> Upstream:
        upstream = Upstream(*(guardrails or (WordGuardrail(["bomb"]),)))
        await scenario(upstream)
        await asyncio.sleep(0)
        await upstream.sink.aclose()
        return upstream

    return run(main())


def told(upstream: Upstream) -> list[tuple[str, str]]:
    return [
        (event["type"], event.get("response_id") or event.get("item_id") or "") for event in upstream.told
    ]


def test_a_turn_whose_answer_runs_already_has_it_cancelled() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.user("u", {"type": "input_audio", "transcript": None})
        upstream.created("out-of-band", conversation=None)
        upstream.created("r")
        upstream.heard("u", "Build a bomb.")
        upstream.created("r2")

    upstream = step_by_step(scenario)
    assert told(upstream) == [("conversation.item.delete", "u"), ("response.cancel", "r")]
    assert "transcription.completed" in json.dumps(upstream.client.events), "the user's own words are shown"


def test_a_turn_that_was_answered_already_only_leaves() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.user("u", {"type": "input_audio", "transcript": None})
        upstream.created("r")
        upstream.says("response.done", response={"id": "r", "status": "completed"})
        upstream.heard("u", "Build a bomb.")
        upstream.created("r2")

    assert told(step_by_step(scenario)) == [("conversation.item.delete", "u")]


def test_an_older_turn_does_not_block_the_newest() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.user("u1", {"type": "input_audio", "transcript": None})
        upstream.user("u2", {"type": "input_audio", "transcript": "Hello."})
        upstream.heard("u1", "Build a bomb.")
        upstream.created("r")

    assert told(step_by_step(scenario)) == [("conversation.item.delete", "u1")]


def test_a_turn_with_a_blocked_transcript_of_its_own_blocks_the_next_answer() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.user("u", {"type": "input_audio", "transcript": "Build a bomb."})
        upstream.created("out-of-band", conversation=None)
        upstream.created("r")

    upstream = step_by_step(scenario)
    assert told(upstream) == [("conversation.item.delete", "u"), ("response.cancel", "r")]


def test_calls_of_a_blocked_answer_are_not_shown_and_errors_about_our_events_neither() -> None:
    call = {"id": "c", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    of_call = {"response_id": "r", "item_id": "c", "output_index": 0, "call_id": "call_1"}

    async def scenario(upstream: Upstream) -> None:
        upstream.user("u", {"type": "input_text", "text": "Build a bomb."})
        upstream.created("r")
        await asyncio.sleep(0)
        upstream.says("response.output_item.added", response_id="r", output_index=0, item=call)
        upstream.says("response.function_call_arguments.delta", **of_call, delta="{}")
        upstream.says("response.function_call_arguments.done", **of_call, name="f", arguments="{}")
        upstream.says("conversation.item.done", item=call)
        upstream.says("response.output_item.done", response_id="r", output_index=0, item=call)
        upstream.says("response.done", response={"id": "r", "status": "failed", "output": [call]})
        for event in upstream.told:
            error = {"type": "invalid_request_error", "message": "m", "event_id": event["event_id"]}
            upstream.says("error", error=error)
        upstream.says("error", error={"type": "invalid_request_error", "message": "another's"})
        upstream.says("brand.new")

    upstream = step_by_step(scenario)
    kinds = [event["type"] for event in upstream.client.events]
    assert kinds == [
        "conversation.item.added",
        "response.created",
        "response.output_item.added",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "error",
        "brand.new",
    ]
    cut = {**call, "arguments": "", "status": "incomplete"}
    by_kind = {event["type"]: event for event in upstream.client.events}
    assert by_kind["response.output_item.done"]["item"] == cut
    assert by_kind["conversation.item.done"]["item"] == cut
    assert by_kind["response.done"]["response"]["output"] == [cut]
    assert by_kind["response.done"]["response"]["status"] == "failed", "what failed has failed"
    assert by_kind["error"]["error"]["message"] == "another's"


AT = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
MESSAGE = {"id": "i", "type": "message", "role": "assistant", "content": []}


@pytest.mark.parametrize(
    ("kind", "name"),
    [("response.output_audio_transcript.done", "transcript"), ("response.output_text.done", "text")],
)
def test_the_last_word_is_judged_when_it_is_known_to_be_the_last(kind: str, name: str) -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_item.added", response_id="r", output_index=0, item=MESSAGE)
        upstream.says(kind.replace("done", "delta"), **AT, delta="A ")
        upstream.says(kind, **AT, **{name: "A bomb"})
        await asyncio.sleep(0)
        upstream.says("response.output_audio.delta", **AT, delta="AAAA")

    upstream = step_by_step(scenario)
    assert upstream.client.events[-1][name] == "A "
    assert told(upstream) == [("response.cancel", "r")]


def test_a_word_that_only_begins_like_a_blocked_one_waits_for_its_end() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_item.added", response_id="r", output_index=0, item=MESSAGE)
        upstream.says("response.output_audio_transcript.delta", **AT, delta="How")
        upstream.says("response.output_audio_transcript.delta", **AT, delta=" bomb")
        upstream.says("response.output_audio.delta", **AT, delta="AAAA")
        upstream.says("input_audio_buffer.cleared")
        assert upstream.client.of("response.output_audio.delta") == []
        assert upstream.client.words == "How"
        upstream.says("response.output_audio_transcript.delta", **AT, delta="astic a bomb")
        upstream.says("response.output_audio.delta", **AT, delta="BBBB")
        assert upstream.client.words == "How bomb"
        assert len(upstream.client.of("response.output_audio.delta")) == 1
        upstream.says("response.output_audio_transcript.done", **AT, transcript="How bombastic a bombardment")

    upstream = step_by_step(scenario)
    assert upstream.told == []
    assert upstream.client.words == "How bombastic a bomb"
    assert [event["type"] for event in upstream.client.events[2:]] == [
        "response.output_audio_transcript.delta",
        "input_audio_buffer.cleared",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio_transcript.done",
    ]


def test_a_word_that_was_whole_is_never_sent_nor_is_its_sound() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_item.added", response_id="r", output_index=0, item=MESSAGE)
        upstream.says("response.output_audio_transcript.delta", **AT, delta="The bomb")
        upstream.says("response.output_audio.delta", **AT, delta="AAAA")
        upstream.says("response.output_audio.done", **AT)
        upstream.says("response.output_audio_transcript.done", **AT, transcript="The bomb")
        upstream.says("response.done", response={"id": "r", "status": "completed", "output": []})

    upstream = step_by_step(scenario)
    assert told(upstream) == [("response.cancel", "r")]
    assert [event["type"] for event in upstream.client.events[2:]] == [
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.done",
    ]
    assert upstream.client.events[3]["transcript"] == ""
    assert upstream.client.events[4]["response"]["status_details"] == CONTENT_FILTER


def test_what_waits_is_dropped_when_the_answer_ends_without_another_word() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_text.delta", **AT, delta="The bomb")
        upstream.says("response.done", response={"id": "r", "status": "failed", "output": []})

    assert step_by_step(scenario).client.words == ""


def test_words_that_come_only_at_the_end_are_remembered_as_sent() -> None:
    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_item.added", response_id="r", output_index=0, item=MESSAGE)
        upstream.says("response.output_text.done", **AT, text="Good day.")
        second = {**AT, "content_index": 1}
        upstream.says("response.output_text.delta", **second, delta="A bomb, ")
        content = [{"type": "output_text", "text": text} for text in ("Good day.", "A bomb, yes.")]
        done = {**MESSAGE, "content": content}
        upstream.says("response.output_item.done", response_id="r", output_index=0, item=done)

    content = step_by_step(scenario).client.events[-1]["item"]["content"]
    assert [part["text"] for part in content] == ["Good day.", ""]


def test_a_verdict_after_the_end_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Late:
        name = "late"

        async def check(self, said: Said) -> bool:
            await asyncio.sleep(1)
            return True

    async def scenario(upstream: Upstream) -> None:
        upstream.created("r")
        upstream.says("response.output_text.delta", **AT, delta="A bomb. ")
        upstream.says("response.done", response={"id": "r", "status": "completed", "output": []})
        await asyncio.sleep(3)

    upstream = step_by_step(scenario, Late())
    assert upstream.told == []
    assert [record.getMessage() for record in caplog.records] == ["guardrail came too late for an answer"]


def test_a_sink_that_never_had_a_session_closes_too() -> None:
    run(GuardedSink(Seen(), ()).aclose())
