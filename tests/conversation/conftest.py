"""A client on a desk: fed with events in their JSON form, everything it says written down."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import pydantic
import pytest

from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.client_history import text_of
from vivavoce.conversation.client_notices import (
    Notice,
)
from vivavoce.conversation.effects import Effect, StartResponse
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.response import FinishReason
from vivavoce.conversation.server import ServerConversation
from vivavoce.conversation.tokens import CountedTokens
from vivavoce.protocol import MessageItem, ServerEvent
from vivavoce.protocol.codec import client_event_from, server_event_from, to_builtins

F = TypeVar("F", bound=Effect)
E = TypeVar("E", bound=ServerEvent)
CHUNK_MS = 32
PCM_BYTES_PER_MS = 48


@cache
def oracle() -> pydantic.TypeAdapter[Any] | None:
    """The official package's type of every server event; `None` where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what another package warns of on import is not ours to fix
        try:
            from openai.types.realtime import RealtimeServerEvent
        except ImportError:
            return None
    return pydantic.TypeAdapter(RealtimeServerEvent)


class Talk:
    """A server's conversation, its client, its engines and its clock.

    Whatever makes the server speak returns the wire names of what it said, in order. Every event that it
    ever says is checked against the official types.
    """

    ITEM = ("conversation.item.added", "conversation.item.done")
    COMMIT = ("input_audio_buffer.committed", *ITEM)
    ITEM_OPEN = ("response.output_item.added", "conversation.item.added")
    ITEM_DONE = ("conversation.item.done", "response.output_item.done")
    PART_OPEN = (*ITEM_OPEN, "response.content_part.added")
    PART_DONE = ("response.content_part.done", *ITEM_DONE)
    TEXT = "response.output_text.delta"
    TEXT_DONE = ("response.output_text.done", *PART_DONE)
    WORDS, SOUND = "response.output_audio_transcript.delta", "response.output_audio.delta"
    SPOKEN = ("response.output_audio.done", "response.output_audio_transcript.done", *PART_DONE)
    ARGUMENTS = "response.function_call_arguments.delta"
    CALLED = ("response.function_call_arguments.done", *ITEM_DONE)

    def __init__(self, **options: Any) -> None:
        self.now = 0.0
        self.heard_ms = 0
        self.message = 0
        self.events: list[ServerEvent] = []
        self.effects: list[Effect] = []
        self.server = ServerConversation(SessionOptions(**options), CountingIds(), self.now)
        self.greeting = self.take()

    def take(self) -> list[str]:
        """Drain the server and return the wire names of what it said."""
        events = self.server.events_to_send()
        self.effects += self.server.effects()
        assert not self.server.has_output
        adapter = oracle()
        if adapter is not None:
            for event in events:
                adapter.validate_python(to_builtins(event))
        self.events += events
        return [str(event.type) for event in events]

    # the client

    def send(self, kind: str, **fields: Any) -> list[str]:
        self.server.receive(client_event_from({"type": kind, **fields}), self.now)
        return self.take()

    def update(self, **session: Any) -> list[str]:
        return self.send("session.update", session={"type": "realtime", **session})

    def listen_with(self, **audio_input: Any) -> list[str]:
        return self.update(audio={"input": audio_input})

    def write(self, text: str = "Hello", **fields: Any) -> list[str]:
        content = [{"type": "input_text", "text": text}]
        return self.send("conversation.item.create", item=user(content), **fields)

    def ask(self, **response: Any) -> list[str]:
        return self.send("response.create", **({"response": response} if response else {}))

    def append(self, ms: int = 100, byte: bytes = b"\0") -> list[str]:
        self.heard_ms += ms
        return self.send("input_audio_buffer.append", audio=byte * (ms * PCM_BYTES_PER_MS))

    # the ears

    def hear(self, probability: float, ms: int, clarity: float | None = None) -> list[str]:
        """Speech (1.0) or silence (0.0) comes in, with its probabilities, at the speed of time."""
        said: list[str] = []
        for _ in range(ms // CHUNK_MS):
            start = self.heard_ms
            said += self.append(CHUNK_MS)
            said += self.tick(CHUNK_MS / 1000)
            asked = clarity if self.server.doubts_speech(self.now) else None
            self.server.receive_voice(probability, start, self.heard_ms, self.now, asked)
            said += self.take()
        return said

    def speak(self, ms: int = 320, pause_ms: int = 640) -> list[str]:
        """One turn of the person."""
        return self.hear(1.0, ms) + self.hear(0.0, pause_ms)

    def transcript(self, item_id: str, text: str = "Hi there") -> list[str]:
        self.server.receive_transcript(item_id, text, 1.0, self.now)
        return self.take()

    # the mind and the mouth

    @property
    def started(self) -> StartResponse:
        """The newest response that the engines were asked for."""
        return self.of(StartResponse)[-1]

    def text(self, delta: str, response: str | None = None) -> list[str]:
        self.server.receive_text(response or self.started.response_id, delta, self.now)
        return self.take()

    def clause(
        self, text: str, ms: int, words: Sequence[tuple[int, int]] = (), response: str | None = None
    ) -> list[str]:
        """A whole clause, synthesised at once."""
        response = response or self.started.response_id
        self.server.receive_first_token(response, self.now)
        self.server.receive_clause(response, text, self.now, self.message)
        self.server.receive_speech(response, b"\1" * self.started.fmt.bytes_of(ms), words, self.now)
        self.server.receive_clause_end(response, self.now)
        return self.take()

    def call(self, name: str = "look", arguments: str = "{}", index: int = 0, **more: Any) -> list[str]:
        """A function call after all that was said; `beside` speech that is still being made."""
        response = more.get("response") or self.started.response_id
        if not more.get("beside"):
            self.server.receive_message_end(response, self.message, self.now)
        self.server.receive_function_call(
            response, index, name, arguments, more.get("call_id", f"call_{name}"), self.now
        )
        return self.take()

    def finish(
        self,
        reason: FinishReason = "stop",
        response: str | None = None,
        counted: CountedTokens | None = None,
    ) -> list[str]:
        self.server.receive_finish(response or self.started.response_id, reason, counted, self.now)
        return self.take()

    def fail(self, message: str = "boom", response: str | None = None) -> list[str]:
        self.server.receive_failure(response or self.started.response_id, "engine_failed", message, self.now)
        return self.take()

    # time

    def tick(self, seconds: float) -> list[str]:
        """Let time pass, stopping at each deadline as a driver does."""
        end = self.now + seconds
        while (due := self.server.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.server.handle_deadline(self.now)
            left = self.server.next_deadline()
            assert left is None or left > self.now, "a deadline that stays makes a busy loop"
        self.now = end
        return self.take()

    # what was said

    def of(self, effect: type[F]) -> list[F]:
        return [each for each in self.effects if isinstance(each, effect)]

    def all(self, event: type[E]) -> list[E]:
        return [each for each in self.events if isinstance(each, event)]

    def last(self, event: type[E]) -> E:
        return self.all(event)[-1]

    @property
    def json(self) -> dict[str, Any]:
        """The last event as it goes over the wire."""
        return to_builtins(self.events[-1])

    @property
    def complaint(self) -> tuple[str | None, str | None, str]:
        """Code, param and message of the last event, which must be an `error`."""
        error = self.json["error"]
        return error["code"], error["param"], error["message"]


def user(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": content}


class Desk:
    """A client's conversation and a clock, fed with events in their JSON form."""

    def __init__(self) -> None:
        self.client = ClientConversation()
        self.now = 0.0
        self.sent: list[dict[str, Any]] = []
        self.notices: list[Notice] = []

    def hear(self, kind: str, **fields: Any) -> None:
        data = fields.pop("audio", None)
        event = server_event_from({"type": kind, "event_id": "e", **fields})
        if data is not None:
            from vivavoce.protocol import replace

            event = replace(event, delta=data)
        self.client.receive(event, self.now)
        self.drain()

    def drain(self) -> None:
        self.sent += [to_builtins(event) for event in self.client.events_to_send()]
        self.notices += self.client.notices()

    def take(self) -> list[str]:
        """Return the types of what was sent, and forget it."""
        sent, self.sent = self.sent, []
        return [event["type"] for event in sent]

    def of(self, kind: type) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    def answer(self, response: str = "r", item: str = "a", audio: bytes = b"", words: str = "") -> None:
        """A response begins and says something."""
        self.hear("response.created", response=self.response(response))
        self.message(response, item)
        if words:
            self.hear("response.output_audio_transcript.delta", **self.part(response, item), delta=words)
        if audio:
            self.hear("response.output_audio.delta", **self.part(response, item), delta="", audio=audio)

    def message(self, response: str, item: str) -> None:
        raw = {"type": "message", "id": item, "role": "assistant", "status": "in_progress", "content": []}
        self.hear("response.output_item.added", response_id=response, output_index=0, item=raw)
        self.hear("conversation.item.added", item=raw)

    def part(self, response: str, item: str) -> dict[str, Any]:
        return {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}

    def response(self, response: str, status: str = "in_progress", **fields: Any) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": response,
            "status": status,
            "conversation_id": "conv",
            "output": [],
            **fields,
        }

    def end(self, response: str = "r", status: str = "completed", **fields: Any) -> None:
        self.hear("response.done", response=self.response(response, status, **fields))

    def speech(self) -> None:
        self.hear("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")

    def words(self, item_id: str) -> str:
        item = self.client.history.get(item_id)
        assert isinstance(item, MessageItem)
        return " ".join(text_of(part) for part in item.content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture(scope="session")
def talk_with() -> type[Talk]:
    """Begins conversations with the options of an operator."""
    return Talk


@pytest.fixture
def talk() -> Talk:
    """A conversation with turn detection, as the defaults are."""
    return Talk()


@pytest.fixture
def button_talk() -> Talk:
    """A conversation in which the client says when a turn ends: push-to-talk."""
    talk = Talk()
    assert talk.listen_with(turn_detection=None) == ["session.updated"]
    return talk
