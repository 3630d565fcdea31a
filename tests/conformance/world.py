"""A session in which everything that a client may ask for can be seen: what it hears, thinks, says and calls.

The engines are scripted, follow every wish that an engine can follow, and note what they were asked. A
`Program` is played twice, with and without a field, at the same virtual times; what differs is what it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.prompts import StoredPrompt
from vivavoce.engines.base import (
    Engines,
    FunctionCallDelta,
    ModelRequest,
    SpeechOptions,
    Transcript,
    TranscriptionOptions,
)
from vivavoce.engines.scripted import LoudnessVad, ScriptedModel, ScriptedSynthesizer, ScriptedTranscriber
from vivavoce.errors import ConnectionLostError, RemoteProtocolError
from vivavoce.pipeline import LocalSession, mcp_link
from vivavoce.protocol import LogProb, ServerEvent, SessionUpdate, to_builtins
from vivavoce.protocol.codec import decode_client_event
from vivavoce.testing import run
from vivavoce.testing.tones import tone

FRAME_MS = 20
LONG = "one two three four five six seven eight nine ten. " * 2

Event = dict[str, Any]
Note = tuple[str, str]


@dataclass
class Diary:
    """What happened, in order: who, and what in one line."""

    notes: list[Note] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    writable = True

    def note(self, who: str, what: Any) -> None:
        self.notes.append((who, what if isinstance(what, str) else json.dumps(what, default=repr)))

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take what the session says, without what it merely repeats of the client's wishes."""
        for each in events:
            event = to_builtins(each)
            self.events.append(event)
            told = {key: value for key, value in event.items() if key not in {"event_id", "session"}}
            if "response" in told:
                repeated = {"audio", "output_modalities", "max_output_tokens"}
                told["response"] = {k: v for k, v in told["response"].items() if k not in repeated}
            self.note(str(event["type"]), told)

    def errors(self) -> list[Event]:
        return [event["error"] for event in self.events if event["type"] == "error"]


class Unsure(LoudnessVad):
    """Takes what is loud for speech, and is never quite sure."""

    def probabilities(self, slots: Sequence[int], chunks: Any) -> Any:
        return super().probabilities(slots, chunks) * 0.8


class Ears(ScriptedTranscriber):
    honours = frozenset({"language", "languages", "keywords", "prompt", "delay", "logprobs"})

    def __init__(self, diary: Diary, hears: Sequence[Any]) -> None:
        super().__init__(itertools.cycle(hears), 0.2)
        self._diary = diary

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Any:
        self._diary.note("transcriber", repr(options))
        stream = super().open(options, on_partial)
        finish = stream.finish

        async def finish_surely() -> Transcript:
            sure = (LogProb(token="hello", logprob=-0.1, bytes=[1]),) if options.logprobs else ()
            return replace(await finish(), logprobs=sure, language="en")

        return SimpleNamespace(feed=stream.feed, finish=finish_surely, aclose=stream.aclose)


class Mind(ScriptedModel):
    honours = frozenset({"reasoning"})

    def __init__(self, diary: Diary, answers: Sequence[Any]) -> None:
        super().__init__(itertools.cycle(answers))
        self._diary = diary

    def respond(self, request: ModelRequest) -> Any:
        self._diary.note("language model", repr(request))
        return super().respond(request)


class Mouth(ScriptedSynthesizer):
    def __init__(self, diary: Diary) -> None:
        super().__init__(word_ms=150)
        self._diary = diary

    def synthesize(self, text: str, options: SpeechOptions) -> Any:
        self._diary.note("synthesizer", f"{text} {options}")
        return super().synthesize(text, options)


@dataclass
class Quiet:
    """Reduces noise by writing down that it was asked to."""

    diary: Diary

    def open(self, kind: str, strength: float, sample_rate: int) -> Any:
        self.diary.note("noise reducer", f"{kind} {strength} {sample_rate}")
        return SimpleNamespace(process=lambda pcm: pcm, close=lambda: None)


@dataclass
class Prompts:
    """One stored prompt in two versions."""

    diary: Diary

    def get(self, prompt_id: str, version: str | None) -> StoredPrompt | None:
        texts = {"1": "Old, {{who}}.", "2": "New, {{who}}."}
        if prompt_id != "greeting" or (version or "2") not in texts:
            return None
        return StoredPrompt(prompt_id, version or "2", texts[version or "2"])


@dataclass
class FarServer:
    """An MCP server at the other end of an HTTP connection that is not made."""

    diary: Diary
    params: dict[str, Any]

    async def connect(self) -> None:
        place = {key: self.params[key] for key in ("url", "headers")}
        self.diary.note("connection to the MCP server", place)
        if "down" in self.params["url"]:
            raise ConnectionLostError("The server is down.")

    async def list_tools(self) -> list[Any]:
        hints = (SimpleNamespace(model_dump=lambda **_: {"readOnlyHint": True}), None)
        schema = {"type": "object"}
        return [
            SimpleNamespace(name=name, description=name.title(), input_schema=schema, annotations=hint)
            for name, hint in zip(("seek", "erase"), hints, strict=True)
        ]

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
        from mcp.types import CallToolResult, TextContent

        self.diary.note("tool of the MCP server", f"{name} {arguments}")
        return CallToolResult(content=[TextContent(type="text", text="seen")], is_error=name == "erase")

    async def cleanup(self) -> None:
        pass


@dataclass(frozen=True)
class Program:
    """What a client does.

    Attributes:
        steps: events; ``("speak", ms)``, ``("quiet", ms)`` or ``("wait", seconds)``.
        answers: what the model says, over and over.
        hears: what the ears make of each utterance, over and over.
        options: the operator's.
        settings: what the session begins with, as the JSON of a session.
    """

    steps: tuple[Any, ...]
    answers: tuple[Any, ...] = (("Good day to you. " + LONG,),)
    options: tuple[tuple[str, Any], ...] = ()
    hears: tuple[Any, ...] = ("hello there my friend",)
    settings: str = ""


CALLS = ((FunctionCallDelta(0, "look", '{"a": 1}', "call_a"),), ("I have looked. " + LONG,))


@contextlib.contextmanager
def _far_servers(diary: Diary) -> Iterator[None]:
    def make(params: dict[str, Any], **_: Any) -> FarServer:
        return FarServer(diary, params)

    with mock.patch.object(mcp_link, "_KINDS", {"http": make, "sse": make}):
        yield


def play(program: Program) -> Diary:
    """Play a program and return what happened."""
    diary = Diary()
    with _far_servers(diary):
        run(_perform(program, diary))
    return diary


async def _perform(program: Program, diary: Diary) -> None:
    engines = Engines(
        vad=Unsure(),
        transcriber=Ears(diary, program.hears),
        llm=Mind(diary, program.answers),
        synthesizer=Mouth(diary),
        noise=Quiet(diary),
        prompts=Prompts(diary),
    )
    options = SessionOptions(**{"created_at": 1, "obfuscation": False, **dict(program.options)})
    begin = None
    if program.settings:
        update = decode_client_event(f'{{"type": "session.update", "session": {program.settings}}}')
        assert isinstance(update, SessionUpdate)
        begin = update.session
    session = LocalSession(engines, diary, options, begin, ids=CountingIds())
    session.start()
    for step in program.steps:
        await _take(session, step)
    await session.aclose()


async def _take(session: LocalSession, step: Any) -> None:
    match step:
        case ("speak" | "quiet" as how, ms):
            frame = tone(FRAME_MS) if how == "speak" else bytes(FRAME_MS * 48)
            for _ in range(ms // FRAME_MS):
                _receive(session, {"type": "input_audio_buffer.append", "audio": _base64(frame)})
                await asyncio.sleep(FRAME_MS / 1000)
        case ("wait", seconds):
            await asyncio.sleep(seconds)
        case _:
            _receive(session, step)


def _receive(session: LocalSession, event: Event) -> None:
    try:
        decoded = decode_client_event(json.dumps(event))
    except RemoteProtocolError as error:
        session.receive_error(error)
    else:
        session.receive(decoded)


def _base64(audio: bytes) -> str:
    import base64

    return base64.b64encode(audio).decode()
