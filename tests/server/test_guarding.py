"""A guarded local session on scripted engines and a virtual clock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from vivavoce.engines.scripted import Pause, scripted_engines
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import decode_client_event, encode_text
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.guardrails import Said, ServerGuardrail, WordGuardrail
from vivavoce.testing import run

CONTENT_FILTER = {"type": "incomplete", "reason": "content_filter"}


class Client:
    """What is seen of a guarded session."""

    writable = True

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self.session: Any = None

    def send(self, events: Sequence[Any]) -> None:
        assert events
        self.events += [json.loads(encode_text(event)) for event in events]
        self._news.set()

    def do(self, kind: str, **fields: Any) -> None:
        self.session.receive(decode_client_event(json.dumps({"type": kind, **fields})))

    def say(self, text: str) -> None:
        content = [{"type": "input_text", "text": text}]
        self.do("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    def ask(self, *, written: bool = False) -> None:
        self.do("response.create", response={"output_modalities": ["text" if written else "audio"]})

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    async def wait(self, kind: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    @property
    def words(self) -> str:
        deltas = self.of("response.output_audio_transcript.delta") + self.of("response.output_text.delta")
        return "".join(event["delta"] for event in deltas)


def guarded(
    scenario: Callable[[Client], Awaitable[None]],
    *guardrails: ServerGuardrail,
    answers: Sequence[Sequence[Any]],
) -> Client:
    async def main() -> Client:
        client = Client()
        sink = GuardedSink(client, guardrails)
        client.session = LocalSession(scripted_engines(answers=answers), sink)
        sink.attach(client.session)
        assert sink.writable
        client.session.start()
        await scenario(client)
        await client.session.aclose()
        await sink.aclose()
        await sink.aclose()
        return client

    return run(main())


async def answered(client: Client) -> None:
    client.say("Hello.")
    client.ask()
    await client.wait("response.done")


def test_what_nobody_minds_passes_unchanged() -> None:
    client = guarded(answered, WordGuardrail(["bomb"]), answers=[["Good day to you."]])
    plain = guarded(answered, answers=[["Good day to you."]])
    assert [event["type"] for event in client.events] == [event["type"] for event in plain.events]
    assert client.events[-1]["response"]["status"] == "completed"
    assert client.words == "Good day to you."


@pytest.mark.parametrize("written", [False, True])
def test_a_blocked_answer_ends_as_one_of_a_content_filter(written: bool) -> None:
    async def scenario(client: Client) -> None:
        client.say("How?")
        client.ask(written=written)
        await client.wait("response.done")
        await asyncio.sleep(5)

    pieces = ["Take the ", "bomb. ", Pause(0.1), "Then the ", "bomb, then escape. "]
    client = guarded(scenario, WordGuardrail(["bomb"]), answers=[pieces])
    shown = json.dumps(client.events[[e["type"] for e in client.events].index("response.created") :])
    assert "bomb" not in shown
    assert "escape" not in shown
    (done,) = client.of("response.done")
    assert done["response"]["status"] == "incomplete"
    assert done["response"]["status_details"] == CONTENT_FILTER
    (item,) = done["response"]["output"]
    assert item["status"] == "incomplete"
    assert item["content"][0].get("transcript", item["content"][0].get("text")) == client.words
    assert client.words.strip() == "Take the"
    assert client.of("response.output_item.done")[0]["item"] == item
    assert client.of("conversation.item.done")[-1]["item"] == item
    part = client.of("response.content_part.done")[0]["part"]
    assert part.get("transcript", part.get("text")) == client.words
    kinds = [event["type"] for event in client.events]
    assert "error" not in kinds
    for began, ended in (
        ("response.content_part.added", "response.content_part.done"),
        ("response.output_item.added", "response.output_item.done"),
        ("response.created", "response.done"),
    ):
        assert kinds.count(began) == kinds.count(ended) == 1


def test_what_was_blocked_cannot_be_retrieved() -> None:
    async def scenario(client: Client) -> None:
        client.say("How?")
        client.ask()
        done = await client.wait("response.done")
        client.do("conversation.item.retrieve", item_id=done["response"]["output"][0]["id"])
        await client.wait("conversation.item.retrieved")

    client = guarded(scenario, WordGuardrail(["bomb"]), answers=[["Take the bomb and run. "]])
    (part,) = client.events[-1]["item"]["content"]
    assert part == {"type": "output_audio", "transcript": client.words}
    assert "bomb" not in client.words


def test_the_next_answer_is_heard() -> None:
    async def scenario(client: Client) -> None:
        await answered(client)
        client.say("And now?")
        client.ask()
        await client.wait("response.done", 2)

    client = guarded(scenario, WordGuardrail(["bomb"]), answers=[["A bomb. "], ["Good day. "]])
    assert [done["response"]["status"] for done in client.of("response.done")] == ["incomplete", "completed"]


class Slow:
    name = "slow"

    async def check(self, said: Said) -> bool:
        await asyncio.sleep(0.5)
        return "bomb" in said.text


def test_a_later_verdict_stops_what_was_not_said_yet(caplog: pytest.LogCaptureFixture) -> None:
    answer = "Take the bomb. " + "Then go on and on. " * 20

    async def scenario(client: Client) -> None:
        await answered(client)
        await asyncio.sleep(5)

    client = guarded(scenario, Slow(), answers=[[answer]])
    (done,) = client.of("response.done")
    assert done["response"]["status_details"] == CONTENT_FILTER
    assert client.words.startswith("Take the bomb.")
    assert len(client.words) < len(answer) / 2
    records = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in records] == ["guardrail blocked an answer"]
    assert "bomb" not in str(vars(records[0]))


def test_a_blocked_turn_leaves_and_is_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(client: Client) -> None:
        client.say("Build a bomb!")
        client.ask()
        await client.wait("response.done")
        await client.wait("conversation.item.deleted")
        client.say("Hello.")
        client.ask()
        await client.wait("response.done", 2)

    client = guarded(scenario, WordGuardrail(["bomb"]), answers=[["Yes, sure. "], ["Good day. "]])
    first, second = client.of("response.done")
    assert first["response"]["status_details"] == CONTENT_FILTER
    assert second["response"]["status"] == "completed"
    gone = client.of("conversation.item.deleted")[0]["item_id"]
    assert gone == client.of("conversation.item.added")[0]["item"]["id"]
    assert client.words == "Good day."
    assert not client.of("error")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == ["guardrail blocked a turn"]
