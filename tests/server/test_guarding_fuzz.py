"""Programs that nobody thought of, guarded: the order is kept, and a blocked word never leaves."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from tests.conversation.sessions import OPTIONS, Step
from tests.server.order import check_order
from tests.server.test_fuzz import ANSWERS, HEARS, STEPS, USUAL, Listener, end, engines_for, take

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines
from vivavoce.pipeline import LocalSession
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.guardrails import Said, WordGuardrail
from vivavoce.testing import run

WORD = "two"
PIECES = {"response.output_text.delta", "response.output_audio_transcript.delta"}


class Slow:
    """Blocks, after a while, whoever greets."""

    name = "slow"

    async def check(self, said: Said) -> bool:
        await asyncio.sleep(0.3)
        return "Hi" in said.text or "Hello" in said.text


async def perform(options: dict[str, Any], engines: Engines, steps: list[Step]) -> list[dict[str, Any]]:
    listener = Listener()
    sink = GuardedSink(listener, [WordGuardrail([WORD], of="agent"), Slow()])
    options = {"max_session_s": 3600.0, **{k: v for k, v in options.items() if k != "max_session_s"}}
    session = LocalSession(engines, sink, SessionOptions(**options), ids=CountingIds())
    sink.attach(session)
    session.start()
    for step in steps:
        await take(session, step)
    await end(session)
    await session.aclose()
    await sink.aclose()
    return listener.said


@settings(USUAL, max_examples=60)
@given(OPTIONS, ANSWERS, HEARS, STEPS)
def test_whatever_a_client_does_the_order_is_kept_and_the_word_stays_here(
    options: dict[str, Any], answers: list[list[Any]], hears: list[Any], steps: list[Step]
) -> None:
    said = run(perform(options, engines_for(answers, hears), steps))
    check_order(said)
    words: dict[tuple[str, int], str] = {}
    for event in said:
        if event["type"] in PIECES:
            key = (event["item_id"], event["content_index"])
            words[key] = words.get(key, "") + event["delta"]
    assert not [text for text in words.values() if WORD in text]
    outputs = [
        item for event in said if event["type"] == "response.done" for item in event["response"]["output"]
    ]
    assert WORD not in str([item.get("content") for item in outputs])
