from __future__ import annotations

import asyncio
import json

import pytest

from vivavoce.cli.demo.wiretap import LogEntry, TappedModel, json_lines
from vivavoce.connections import (
    ConnectionFailed,
    ConnectionStatus,
    ModelEvent,
    RealtimeModel,
    RealtimeModelConfig,
)
from vivavoce.errors import ConnectionLostError
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemRetrieved,
    InputAudioBufferAppend,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    MessageItem,
    OutputAudio,
    ResponseCreate,
    ResponseOutputAudioDelta,
    ServerEvent,
    Unknown,
)
from vivavoce.testing import run

CLEARED = InputAudioBufferCleared(event_id="event_1")


class Inner(RealtimeModel):
    """A model that answers a commit."""

    def __init__(self) -> None:
        super().__init__()
        self.did: list[object] = []

    async def connect(self, config: RealtimeModelConfig) -> None:
        self.did.append(config)
        self.emit(ConnectionStatus("connected"))

    async def send_event(self, event: ClientEvent) -> None:
        self.did.append(event)
        self.emit(CLEARED)

    async def close(self) -> None:
        self.did.append("closed")
        self.emit(ConnectionFailed(ConnectionLostError("bye")))


def test_what_passes_is_noted_and_passed_on() -> None:
    inner, heard = Inner(), list[ModelEvent]()

    async def main() -> TappedModel:
        model = TappedModel(inner)
        model.add_listener(heard.append)
        await model.connect({"url": "ws://x"})
        await asyncio.sleep(1.5)
        await model.send_event(InputAudioBufferCommit())
        await model.close()
        return model

    model = run(main())
    assert inner.did == [{"url": "ws://x"}, InputAudioBufferCommit(), "closed"]
    assert [type(event).__name__ for event in heard] == [
        "ConnectionStatus",
        "InputAudioBufferCleared",
        "ConnectionFailed",
    ]
    assert model.log == [
        LogEntry(1.5, "client", InputAudioBufferCommit()),
        LogEntry(1.5, "server", CLEARED),
    ]


@pytest.mark.parametrize(
    ("event", "path", "shown"),
    [
        (InputAudioBufferAppend(audio=bytes(960)), ("audio",), "960 bytes"),
        (
            ResponseOutputAudioDelta(
                event_id="e",
                response_id="r",
                item_id="i",
                output_index=0,
                content_index=0,
                delta=bytes(4801),
            ),
            ("delta",),
            "4801 bytes",
        ),
        (
            ConversationItemRetrieved(
                event_id="e",
                item=MessageItem(
                    id="i", role="assistant", content=[OutputAudio(audio=bytes(100), transcript="Hello")]
                ),
            ),
            ("item", "content", 0, "audio"),
            "100 bytes",
        ),
        (
            ConversationItemRetrieved(
                event_id="e",
                item=MessageItem(
                    id="i", role="assistant", content=[OutputAudio(audio=bytes(100), transcript="Hello")]
                ),
            ),
            ("item", "content", 0, "transcript"),
            "Hello",
        ),
        (
            Unknown(type="new.event", raw={"type": "new.event", "audio": "AAAA", "said": "yes"}),
            ("said",),
            "yes",
        ),
    ],
)
def test_audio_is_replaced_by_its_length(
    event: ClientEvent | ServerEvent | Unknown, path: tuple[str | int, ...], shown: str
) -> None:
    line = json.loads(json_lines([LogEntry(12.34567, "server", event)], start=10.0))
    assert (line["t"], line["from"], line["event"]["type"]) == (2.3457, "server", event.type)
    value = line["event"]
    for step in path:
        value = value[step]
    assert value == shown


def test_there_is_one_line_for_each_event() -> None:
    log = [LogEntry(1.0, "client", ResponseCreate()), LogEntry(2.0, "server", CLEARED)]
    lines = json_lines(log, start=1.0).splitlines()
    assert [json.loads(line)["event"]["type"] for line in lines] == [
        "response.create",
        "input_audio_buffer.cleared",
    ]
    assert json_lines([], start=0.0) == ""
