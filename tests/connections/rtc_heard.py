"""A call as its client hears it, without a network: messages and sound in, a session's events out."""

from __future__ import annotations

from typing import Any

import numpy as np

from vivavoce.connections.webrtc_speech import IncomingSpeech
from vivavoce.protocol.codec import server_event_from

FRAME = bytes(960)


def loud(ms: float = 20, level: int = 5000) -> bytes:
    return np.full(round(ms * 24), level, "<i2").tobytes()


class Call:
    """A call, and what the session has heard of it: short names of events, and sound in milliseconds."""

    def __init__(self, **session: Any) -> None:
        self.speech = IncomingSpeech()
        self.now = 0.0
        self.events: list[Any] = []
        self.get("session.created", session={"type": "realtime", **session})
        self.events.clear()

    def take(self, events: Any) -> None:
        self.events += events

    def get(self, kind: str, **fields: Any) -> None:
        event = server_event_from({"type": kind, "event_id": "e", **fields})
        self.take(self.speech.receive(event, self.now))

    def begin(self, response: str = "r", *items: str) -> None:
        self.get("response.created", response=made(response, "in_progress"))
        for item in items or (response + "_item",):
            self.part("content_part.added", response, item, part={"type": "audio"})

    def part(self, kind: str, response: str = "r", item: str = "", **fields: Any) -> None:
        place = {"response_id": response, "item_id": item or response + "_item"}
        self.get(f"response.{kind}", output_index=0, content_index=0, **place, **fields)

    def done(self, response: str = "r", status: str = "completed") -> None:
        self.part("output_audio.done", response)
        self.get("response.done", response=made(response, status))

    def buffer(self, what: str, response: str = "r") -> None:
        self.get(f"output_audio_buffer.{what}", response_id=response)

    def hear(self, *pieces: bytes) -> None:
        for piece in pieces:
            for start in range(0, len(piece), 960):
                self.now += 0.02
                self.take(self.speech.hear(piece[start : start + 960], self.now))

    def send(self, event: Any) -> list[Any]:
        sent, heard = self.speech.send(event, self.now)
        self.take(heard)
        return list(sent)

    def wait(self) -> None:
        deadline = self.speech.next_deadline()
        assert deadline is not None
        assert list(self.speech.handle_deadline(deadline - 0.01)) == []
        self.now = deadline
        self.take(self.speech.handle_deadline(deadline))

    def told(self) -> list[str]:
        """What was heard since the last time; sound as ``sound/item 120``, added up."""
        told: list[str] = []
        sound: dict[str, float] = {}
        for event in self.events:
            if event.type == "response.output_audio.delta":
                if told and told[-1].startswith(f"sound/{event.item_id} "):
                    told.pop()
                else:
                    sound[event.item_id] = 0
                sound[event.item_id] += len(event.delta) / 48
                told.append(f"sound/{event.item_id} {sound[event.item_id]:g}")
            else:
                told.append(short(event))
        self.events.clear()
        return told


def made(response: str, status: str) -> dict[str, Any]:
    return {
        "id": response,
        "object": "realtime.response",
        "status": status,
        "output": [],
        "conversation_id": "c",
    }


def short(event: Any) -> str:
    name = event.type.removeprefix("response.").removeprefix("output_audio_buffer.")
    response = getattr(event, "response_id", None) or getattr(getattr(event, "response", None), "id", "")
    return f"{name}/{response}".rstrip("/")


BEGUN = ["created/r", "content_part.added/r"]
ENDED = ["output_audio.done/r", "stopped/r"]
