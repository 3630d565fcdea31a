from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console

from vivavoce.cli.demo.timeline import Timeline
from vivavoce.cli.demo.verdict import check_call
from vivavoce.cli.demo.view import CallView, show_result, show_stages
from vivavoce.protocol import (
    ErrorDetail,
    InputAudio,
    InputAudioBufferSpeechStarted,
    Item,
    MessageItem,
    OutputAudio,
)
from vivavoce.session.events import RealtimeAudioInterrupted, RealtimeError, RealtimeHistoryUpdated
from vivavoce.testing import run


def message(item_id: str, role: str, text: str) -> Item:
    part: Any = InputAudio(transcript=text) if role == "user" else OutputAudio(transcript=text)
    return MessageItem(id=item_id, role=cast(Any, role), content=[part])


QUESTION = message("u1", "user", "which trains")
ANSWER = message("a1", "assistant", "There are four")


class Session:
    """Tells what is on its list, a second apart, and then nothing more."""

    def __init__(self, *events: object, history: Sequence[Item] = ()) -> None:
        self._events = events
        self.history = list(history)

    async def events(self, *types: str) -> AsyncIterator[Any]:
        for event in self._events:
            await asyncio.sleep(1)
            assert getattr(event, "type", None) in types
            yield event
        await asyncio.Event().wait()


def updated(*history: Item) -> RealtimeHistoryUpdated:
    return RealtimeHistoryUpdated(lambda: list(history))


STORY = (
    InputAudioBufferSpeechStarted(event_id="e", audio_start_ms=500, item_id="u1"),
    updated(QUESTION),
    updated(QUESTION, ANSWER),
    RealtimeAudioInterrupted("a1", 0, 1900),
    RealtimeError(ErrorDetail(type="server_error", message="the model is away")),
    RealtimeError(ValueError("odd")),
)


def watched(console: Console) -> None:
    async def main() -> None:
        session: Any = Session(*STORY, history=[QUESTION, ANSWER])
        caller: Any = SimpleNamespace(started=0.0)
        async with asyncio.timeout(10):
            await CallView(console).watch(session, caller)

    try:
        run(main())
    except TimeoutError:
        return
    raise AssertionError("watching ended by itself")


def test_a_file_gets_each_line_once_when_it_is_complete() -> None:
    out = io.StringIO()
    watched(Console(file=out, width=100))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines == [
        "  5.0 s  error: the model is away",
        "  6.0 s  error: odd",
        "   1.0 s caller which trains",
        "   3.0 s agent  There are four  ✂ interrupted after 1.9 s",
    ]


def test_a_terminal_sees_the_words_appear() -> None:
    out = io.StringIO()
    watched(Console(file=out, width=100, force_terminal=True))
    text = out.getvalue()
    assert text.count("which trains") > 1
    assert "There are four" in text


def test_the_end_shows_stages_checks_files_and_the_verdict(timeline: Timeline) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100)
    show_stages(console, timeline)
    show_result(console, check_call(timeline, 3), [])
    text = out.getvalue()
    assert "transcript" in text
    row = next(line for line in text.splitlines() if "1 which trains" in line)
    assert row.split()[3:] == ["520", "140", "–", "–", "4", "1000"]
    assert " ✗ the caller said everything: 2 of 3 utterances" in text
    assert " ✓ the agent fell silent when interrupted: 130 ms" in text
    assert text.rstrip().endswith("The call failed: the caller said everything: 2 of 3 utterances.")
