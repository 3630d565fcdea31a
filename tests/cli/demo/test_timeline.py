from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from vivavoce.cli.demo.timeline import Answer, Span, Timeline, ToolCall, read_timeline, stages_of, voiced
from vivavoce.cli.demo.wiretap import LogEntry
from vivavoce.lines import PlayedPiece, Tape
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemTruncate,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    Item,
    MessageItem,
    OutputAudio,
    Response,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemAdded,
    ServerEvent,
    TranscriptionDurationUsage,
)
from vivavoce.testing import Clip, Said

RATE = 1000
"""One sample is one millisecond."""
STARTED = 50.0


def sound(ms: int, value: int = 8000) -> bytes:
    return value.to_bytes(2, "little") * ms


def quiet(ms: int) -> bytes:
    return bytes(2 * ms)


class Log:
    """Events with times in seconds of the call."""

    def __init__(self) -> None:
        self.entries: list[LogEntry] = []

    def server(self, at: float, event: ServerEvent) -> None:
        self.entries.append(LogEntry(STARTED + at, "server", event))

    def client(self, at: float, event: ClientEvent) -> None:
        self.entries.append(LogEntry(STARTED + at, "client", event))

    def speech(self, item_id: str, start: float, end: float, text: str) -> None:
        at: dict[str, Any] = {"event_id": "e", "item_id": item_id}
        self.server(start, InputAudioBufferSpeechStarted(**at, audio_start_ms=round(start * 1000)))
        self.server(end, InputAudioBufferSpeechStopped(**at, audio_end_ms=round(end * 1000)))
        heard: dict[str, Any] = {
            "content_index": 0,
            "transcript": text,
            "usage": TranscriptionDurationUsage(seconds=1.0),
        }
        self.server(end + 0.1, ConversationItemInputAudioTranscriptionCompleted(**at, **heard))

    def response(self, response_id: str, at: float, done: float, item_id: str, **stages: float) -> None:
        response = Response(id=response_id, status="in_progress", output=[])
        self.server(at, ResponseCreated(event_id="e", response=response))
        item = MessageItem(id=item_id, role="assistant", content=[])
        self.server(
            at, ResponseOutputItemAdded(event_id="e", response_id=response_id, output_index=0, item=item)
        )
        self.server(done, ResponseDone(event_id="e", response=response, stage_times=stages))

    def words(self, response_id: str, item_id: str, text: str, audio_ms: int) -> None:
        where: dict[str, Any] = {
            "event_id": "e",
            "response_id": response_id,
            "item_id": item_id,
            "output_index": 0,
            "content_index": 0,
        }
        self.server(0.0, ResponseOutputAudioTranscriptDelta(**where, delta=text))
        self.server(0.0, ResponseOutputAudioDelta(**where, delta=quiet(audio_ms)))


def said(text: str, start: int, samples: int) -> Said:
    return Said(Clip(text, b"", RATE, text), start, samples)


def spoken(item_id: str, text: str) -> MessageItem:
    return MessageItem(id=item_id, role="assistant", content=[OutputAudio(transcript=text)])


def two_turns() -> Timeline:
    """A question that needs a tool; its answer is cut after 400 ms, before its last words begin at 450."""
    tape = Tape(RATE)
    tape.record(human=quiet(100) + sound(400) + quiet(600) + sound(300) + quiet(600))
    tape.record(agent=quiet(800) + sound(400) + quiet(500) + sound(200) + quiet(100))
    log = Log()
    log.speech("user1", 0.1, 0.5, "what is it")
    log.response("r1", 0.6, 0.65, "call1", end_of_speech=0, end_of_turn=100, transcript=130, first_token=132)
    where: dict[str, Any] = {"event_id": "e", "response_id": "r1", "item_id": "call1", "output_index": 0}
    log.server(
        0.64,
        ResponseFunctionCallArgumentsDone(**where, call_id="c1", name="look", arguments='{"at": "it"}'),
    )
    output = FunctionCallOutputItem(call_id="c1", output="It is a thing of five words.")
    log.client(0.7, ConversationItemCreate(item=output))
    log.response("r2", 0.72, 1.2, "agent1", asked=0, first_token=5, first_audio=9)
    log.words("r2", "agent1", "It is a ", 200)
    log.words("r2", "agent1", "thing ", 250)
    log.words("r2", "agent1", "of five words.", 150)
    log.client(1.2, ConversationItemTruncate(item_id="agent1", content_index=0, audio_end_ms=400))
    log.speech("user2", 1.05, 1.4, "stop")
    log.response("r3", 1.5, 2.0, "agent2", end_of_speech=0, end_of_turn=90, first_token=95, first_audio=99)
    log.words("r3", "agent2", "Fine.", 200)
    history: Sequence[Item] = [
        FunctionCallItem(id="call1", call_id="c1", name="look", arguments="{}"),
        spoken("agent1", "It is a thing"),
        spoken("agent2", "Fine."),
    ]
    played = [PlayedPiece("agent1", 0, 800, 400), PlayedPiece("agent2", 0, 1700, 200)]
    utterances = [said("What is it?", 100, 400), said("Stop.", 1100, 300)]
    return read_timeline(tape, utterances, played, log.entries, history, started=STARTED)


def test_what_was_said_and_what_was_understood() -> None:
    first, second = two_turns().turns
    assert (first.said, first.heard) == ("What is it?", "what is it")
    assert (second.said, second.heard) == ("Stop.", "stop")
    assert (first.voiced, second.voiced) == (Span(0.1, 0.5), Span(1.1, 1.4))


def test_gaps_are_measured_on_the_tape() -> None:
    first, second = two_turns().turns
    assert first.gap_ms == pytest.approx(300)
    assert second.gap_ms == pytest.approx(300)


def test_a_tool_belongs_to_the_turn_in_which_it_was_called() -> None:
    first, second = two_turns().turns
    [tool] = first.tools
    assert (tool.name, tool.arguments, tool.output) == (
        "look",
        '{"at": "it"}',
        "It is a thing of five words.",
    )
    assert tool.span.start == pytest.approx(0.64)
    assert tool.span.end == pytest.approx(0.7)
    assert second.tools == ()


def test_an_interruption_names_its_victim_and_how_long_it_went_on() -> None:
    first, second = two_turns().turns
    assert first.interrupts is None
    assert second.interrupts == first.answers[0]
    assert second.silenced_ms == pytest.approx(100)


def test_words_that_began_before_the_cut_are_told_from_the_others() -> None:
    first, second = two_turns().turns
    assert first.answers == (Answer("It is a thing", "It is a thing ", Span(0.8, 1.2), 1.2),)
    assert second.answers == (Answer("Fine.", "Fine.", Span(1.7, 1.9), None),)


def test_stages_are_what_the_server_says_and_the_tools_between() -> None:
    first, second = two_turns().turns
    assert first.stages == {
        "end_of_turn": 100,
        "transcript": 30,
        "first_token": 2,
        "tools": 60,
        "first_audio": 9,
    }
    assert second.stages == {"end_of_turn": 90, "first_token": 5, "first_audio": 4}


def test_a_server_without_stage_times_leaves_them_out() -> None:
    assert stages_of([], []) == {}
    assert stages_of([{}], []) == {}
    assert stages_of([{}], [ToolCall("look", "{}", "", Span(1.0, 1.5))]) == {"tools": 500}


def test_a_call_that_broke_off_has_what_there_was() -> None:
    tape = Tape(RATE)
    tape.record(human=quiet(100) + sound(200))
    timeline = read_timeline(tape, [said("Hello?", 100, 200)], [], [], [], started=0.0)
    [turn] = timeline.turns
    assert (turn.heard, turn.answers, turn.gap_ms, turn.silenced_ms) == ("", (), None, None)
    assert timeline.seconds == 0.3


def test_a_call_in_which_nothing_was_said_has_no_turns() -> None:
    tape = Tape(RATE)
    tape.record(human=quiet(500))
    assert read_timeline(tape, [said("Hello?", 400, 0)], [], [], [], started=0.0).turns == ()


def test_audible_is_what_is_louder_than_the_threshold() -> None:
    track = quiet(100) + sound(50) + quiet(100) + sound(30, 20) + quiet(20)
    assert voiced(track, RATE, 0, 300) == Span(0.1, 0.15)
    assert voiced(track, RATE, 150, 150) is None
    assert voiced(track, RATE, 120, 20) == Span(0.12, 0.14)
