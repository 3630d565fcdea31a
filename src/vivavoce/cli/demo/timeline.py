"""What happened in the call and when: read from the events and measured on the tape. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vivavoce.audio.frames import PCM16_BYTES, duration_ms
from vivavoce.audio.levels import voiced_spans
from vivavoce.cli.demo.wiretap import LogEntry
from vivavoce.lines import PlayedPiece, Tape
from vivavoce.protocol import (
    ConversationItemCreate,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemTruncate,
    FunctionCallOutputItem,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    Item,
    MessageItem,
    OutputAudio,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemAdded,
    UnsetType,
    present,
)
from vivavoce.testing import Said

VOICED_DBFS = -45.0
"""Louder is voice, softer is silence. Both voices of the demo are 25 dB above, and their pauses far below."""
FRAME_MS = 10


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the call.

    Attributes:
        start: in seconds from its beginning.
        end: in seconds.
    """

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the agent used.

    Attributes:
        name: of the tool.
        arguments: JSON.
        output: what the model was told; nothing when it was told nothing.
        span: from the request to the answer.
    """

    name: str
    arguments: str
    output: str
    span: Span


@dataclass(frozen=True, slots=True)
class Answer:
    """A message that the agent spoke.

    Attributes:
        text: its words as the history keeps them.
        begun: the words that began before its audio was cut, by the order in which words and audio came; all
            words when it was not cut.
        voiced: from its first audible frame to its last.
        cut: when it was stopped, or ``None``.
    """

    text: str
    begun: str
    voiced: Span
    cut: float | None


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller says something and the agent answers.

    Attributes:
        said: the words of the clip.
        heard: the words as they were transcribed.
        voiced: from the caller's first voiced frame to the last.
        tools: what the agent looked up.
        answers: what it said.
        interrupts: the answer into which the caller spoke, or ``None``.
        silenced_ms: from the caller's first voiced frame to the last audible frame of that answer.
        stages: how long each stage took, in ms, in order; see `stages_of`.
        gap_ms: from the caller's last voiced frame to the agent's first audible one.
    """

    said: str
    heard: str
    voiced: Span
    tools: tuple[ToolCall, ...] = ()
    answers: tuple[Answer, ...] = ()
    interrupts: Answer | None = None
    silenced_ms: float | None = None
    stages: Mapping[str, float] = field(default_factory=dict)
    gap_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole call.

    Attributes:
        seconds: its length.
        turns: in order.
    """

    seconds: float
    turns: tuple[Turn, ...]


@dataclass(slots=True)
class _Response:
    """What the events say about one response."""

    at: float
    items: list[str] = field(default_factory=list)
    stages: Mapping[str, float] = field(default_factory=dict)


def voiced(pcm: bytes, rate: int, start: int, samples: int) -> Span | None:
    """Return from where to where a stretch of a track is audible, or ``None``.

    Args:
        pcm: the track.
        rate: its samples per second.
        start: first sample of the stretch.
        samples: its length.
    """
    piece = pcm[start * PCM16_BYTES : (start + samples) * PCM16_BYTES]
    spans = voiced_spans(piece, rate, VOICED_DBFS, frame_ms=FRAME_MS)
    if not spans:
        return None
    return Span(round(start / rate + spans[0][0] / 1000, 4), round(start / rate + spans[-1][1] / 1000, 4))


def read_timeline(
    tape: Tape,
    said: Sequence[Said],
    played: Iterable[PlayedPiece],
    log: Sequence[LogEntry],
    history: Sequence[Item],
    *,
    started: float,
) -> Timeline:
    """Put a call together.

    Args:
        tape: both tracks.
        said: what the caller said.
        played: what the caller heard.
        log: the events.
        history: the conversation at its end.
        started: when the call began, on the clock of the events.
    """
    events = _Events(log, started)
    answers = _answers(tape, played, events, _texts(history))
    human = tape.human
    turns: list[Turn] = []
    for index, utterance in enumerate(said):
        span = voiced(human, tape.sample_rate, utterance.start, utterance.samples)
        if span is None:
            continue
        until = said[index + 1].start / tape.sample_rate if index + 1 < len(said) else tape.seconds + 1
        turns.append(_turn(utterance.clip.text, span, until, events, answers))
    return Timeline(tape.seconds, tuple(turns))


def _turn(said: str, span: Span, until: float, events: _Events, answers: Mapping[str, Answer]) -> Turn:
    # What the agent does between the caller's words and the caller's next words belongs to this turn.
    responses = [response for response in events.responses.values() if span.end <= response.at < until]
    spoken = tuple(a for response in responses for item in response.items if (a := answers.get(item)))
    tools = tuple(tool for tool in events.tools() if span.end <= tool.span.start < until)
    victim = next((a for a in answers.values() if a.voiced.start < span.start < a.voiced.end), None)
    return Turn(
        said=said,
        heard=events.heard(span),
        voiced=span,
        tools=tools,
        answers=spoken,
        interrupts=victim,
        silenced_ms=round((victim.voiced.end - span.start) * 1000, 1) if victim else None,
        stages=stages_of([response.stages for response in responses], tools),
        gap_ms=round((spoken[0].voiced.start - span.end) * 1000, 1) if spoken else None,
    )


def stages_of(responses: Sequence[Mapping[str, float]], tools: Sequence[ToolCall]) -> dict[str, float]:
    """Return how long each stage of a turn took, in ms: what the server reported, and the tools between.

    Args:
        responses: `stage_times` of the turn's responses, in order.
        tools: the tools that were called between them.
    """
    took: dict[str, float] = {}
    first = responses[0] if responses else {}
    last = responses[-1] if responses else {}
    for stage, before in (("end_of_turn", "end_of_speech"), ("transcript", "end_of_turn")):
        if stage in first and before in first:
            took[stage] = first[stage] - first[before]
    if "first_token" in first and "end_of_turn" in first:
        took["first_token"] = first["first_token"] - first.get("transcript", first["end_of_turn"])
    if tools:
        took["tools"] = sum(tool.span.end - tool.span.start for tool in tools) * 1000
    if "first_audio" in last and (last is not first or "first_token" in last):
        took["first_audio"] = last["first_audio"] - (last["first_token"] if last is first else 0.0)
    return {stage: round(ms, 1) for stage, ms in took.items()}


class _Events:
    """The log, read once."""

    def __init__(self, log: Iterable[LogEntry], started: float) -> None:
        self.responses: dict[str, _Response] = {}
        self._words: dict[str, list[tuple[str, int]]] = {}  # with the audio that came before, in bytes
        self._audio: dict[str, int] = {}
        self._cuts: dict[str, int] = {}
        self._starts: dict[str, float] = {}
        self._ends: dict[str, float] = {}
        self._transcripts: dict[str, str] = {}
        self._calls: dict[str, tuple[float, str, str]] = {}
        self._outputs: dict[str, tuple[float, str]] = {}
        for entry in log:
            self._take(entry, entry.at - started)

    def _take(self, entry: LogEntry, at: float) -> None:
        match entry.event:
            case ResponseCreated() as event:
                self.responses[event.response.id] = _Response(at)
            case ResponseOutputItemAdded() as event if event.response_id in self.responses:
                self.responses[event.response_id].items.append(present(event.item.id, ""))
            case ResponseDone() as event if event.response.id in self.responses:
                self.responses[event.response.id].stages = present(event.stage_times, {})
            case ResponseOutputAudioTranscriptDelta() as event:
                before = self._audio.get(event.item_id, 0)
                self._words.setdefault(event.item_id, []).append((event.delta, before))
            case ResponseOutputAudioDelta() as event:
                self._audio[event.item_id] = self._audio.get(event.item_id, 0) + len(event.delta)
            case ConversationItemTruncate() as event:
                self._cuts[event.item_id] = event.audio_end_ms
            case InputAudioBufferSpeechStarted() as event:
                self._starts[event.item_id] = event.audio_start_ms / 1000
            case InputAudioBufferSpeechStopped() as event:
                self._ends[event.item_id] = event.audio_end_ms / 1000
            case ConversationItemInputAudioTranscriptionCompleted() as event:
                self._transcripts[event.item_id] = event.transcript
            case ResponseFunctionCallArgumentsDone() as event:
                self._calls[event.call_id] = (at, present(event.name, ""), event.arguments)
            case ConversationItemCreate(item=FunctionCallOutputItem() as item):
                self._outputs[item.call_id] = (at, item.output)

    def begun(self, item_id: str, rate: int) -> str:
        """Return the words of a message that began before it was cut."""
        cut = self._cuts.get(item_id)
        words = self._words.get(item_id, [])
        return "".join(text for text, at in words if cut is None or duration_ms(at, rate) < cut)

    def was_cut(self, item_id: str) -> bool:
        """Say whether a message was cut."""
        return item_id in self._cuts

    def heard(self, span: Span) -> str:
        """Return what was transcribed of a stretch of the caller's speech."""
        return " ".join(
            text
            for item_id, text in self._transcripts.items()
            if self._starts.get(item_id, 0.0) < span.end and self._ends.get(item_id, 0.0) > span.start
        )

    def tools(self) -> list[ToolCall]:
        """Return the tool calls, in order."""
        return [
            ToolCall(name, arguments, output, Span(at, done))
            for call_id, (at, name, arguments) in self._calls.items()
            for done, output in [self._outputs.get(call_id, (at, ""))]
        ]


def _answers(
    tape: Tape, played: Iterable[PlayedPiece], events: _Events, texts: Mapping[str, str]
) -> dict[str, Answer]:
    """Return what was heard of each of the agent's messages."""
    agent, rate = tape.agent, tape.sample_rate
    stretches: dict[str, tuple[int, int]] = {}
    for piece in played:
        start, _ = stretches.get(piece.item_id, (piece.start, 0))
        stretches[piece.item_id] = (start, piece.start + piece.samples)
    answers: dict[str, Answer] = {}
    for item_id, (start, end) in stretches.items():
        span = voiced(agent, rate, start, end - start)
        if span is not None:
            cut = end / rate if events.was_cut(item_id) else None
            answers[item_id] = Answer(texts.get(item_id, ""), events.begun(item_id, rate), span, cut)
    return answers


def _texts(history: Iterable[Item]) -> dict[str, str]:
    """Return the words of the agent's messages as the history keeps them."""
    texts: dict[str, str] = {}
    for item in history:
        if isinstance(item, MessageItem) and item.role == "assistant":
            said = (part.transcript for part in item.content if isinstance(part, OutputAudio))
            texts[present(item.id, "")] = " ".join(
                text for text in said if text is not None and not isinstance(text, UnsetType)
            )
    return texts
