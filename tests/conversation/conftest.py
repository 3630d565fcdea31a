"""A client's conversation on a desk: fed with events in their JSON form, everything it says written down."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.client_history import text_of
from vivavoce.conversation.client_notices import (
    Notice,
)
from vivavoce.protocol import MessageItem
from vivavoce.protocol.codec import server_event_from, to_builtins


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
