"""Events to show an observer, and sessions that are watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.observe import SessionObserver
from vivavoce.protocol import ClientEvent, ServerEvent, Unknown
from vivavoce.protocol.codec import client_event_from, server_event_from

PART = {"item_id": "item_1", "output_index": 0, "content_index": 0}


class Show:
    """Shows events to an observer, each at a time of its own.

    Attributes:
        now: seconds; move it as you like.
    """

    def __init__(self, observer: SessionObserver) -> None:
        self.observer = observer
        self.now = 0.0

    def server(self, kind: str, **fields: Any) -> None:
        event: ServerEvent | Unknown = server_event_from({"type": kind, "event_id": "e", **fields})
        self.observer.on_server_event(event, self.now)

    def client(self, kind: str, **fields: Any) -> None:
        event: ClientEvent = client_event_from({"type": kind, **fields})
        self.observer.on_client_event(event, self.now)

    def session(self, event: Any) -> None:
        self.observer.on_session_event(event, self.now)

    def told(self, kind: str, **fields: Any) -> None:
        """Show an event of the session that has these fields."""
        self.session(SimpleNamespace(type=kind, **fields))

    def opened(self, **fields: Any) -> None:
        self.server("session.created", session={"type": "realtime", "id": "sess_1", **fields})

    def asked(self, text: str = "hello") -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        self.client("conversation.item.create", item=item)

    def speech_started(self) -> None:
        self.server("input_audio_buffer.speech_started", item_id="item_0", audio_start_ms=0)

    def speech_stopped(self) -> None:
        self.server("input_audio_buffer.speech_stopped", item_id="item_0", audio_end_ms=0)

    def understood(self, transcript: str) -> None:
        self.server(
            "conversation.item.input_audio_transcription.completed",
            item_id="item_0",
            content_index=0,
            transcript=transcript,
            usage={"type": "duration", "seconds": 1},
        )

    def response(self, response_id: str = "resp_1") -> None:
        self.server("response.created", response=_response(response_id, "in_progress"))

    def audio(self, response_id: str = "resp_1", delta: str = "AAAA") -> None:
        self.server("response.output_audio.delta", response_id=response_id, delta=delta, **PART)

    def done(
        self,
        response_id: str = "resp_1",
        status: str = "completed",
        output: Sequence[Any] = (),
        stage_times: Any = None,
        **fields: Any,
    ) -> None:
        more = {} if stage_times is None else {"stage_times": stage_times}
        response = {**_response(response_id, status), "output": list(output), **fields}
        self.server("response.done", response=response, **more)


def _response(response_id: str, status: str) -> dict[str, Any]:
    return {"object": "realtime.response", "id": response_id, "status": status, "output": []}


def usage(**details: int) -> dict[str, Any]:
    """Return the JSON form of a usage; ``text``, ``audio``, ``image``, ``cached``, ``wrote``, ``spoke``."""
    read = {name: details.get(name, 0) for name in ("text", "audio", "image")}
    written = {"text_tokens": details.get("wrote", 0), "audio_tokens": details.get("spoke", 0)}
    inputs, outputs = sum(read.values()), sum(written.values())
    cached = {
        f"{name.removeprefix('cached_')}_tokens": amount
        for name, amount in details.items()
        if name.startswith("cached_")
    }
    return {
        "total_tokens": inputs + outputs,
        "input_tokens": inputs,
        "output_tokens": outputs,
        "input_token_details": {
            **{f"{name}_tokens": amount for name, amount in read.items()},
            "cached_tokens": details.get("cached", sum(cached.values())),
            "cached_tokens_details": cached,
        },
        "output_token_details": written,
    }


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_audio", "transcript": text}]
    return {"type": "message", "id": "item_1", "status": "completed", "role": "assistant", "content": content}


def call(name: str, call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": f"item_{call_id}",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


@pytest.fixture
def forms() -> SimpleNamespace:
    """The JSON forms of what a response holds: ``usage``, ``message``, ``call``."""
    return SimpleNamespace(usage=usage, message=message, call=call)


@pytest.fixture
def show() -> Callable[[SessionObserver], Show]:
    """Return what shows events to an observer."""
    return Show
