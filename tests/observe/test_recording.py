from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.observe.recording import (
    RecordedEvent,
    Recording,
    audio_length,
    event_form,
    event_line,
    header_line,
    read_recording,
)
from vivavoce.protocol import InputAudioBufferAppend, ResponseCreate
from vivavoce.protocol.codec import client_event_from, server_event_from

AUDIO = bytes(range(10))
BASE64 = base64.b64encode(AUDIO).decode()
PART = {"item_id": "i", "response_id": "r", "output_index": 0, "content_index": 0}
DELTA = {"type": "response.output_audio.delta", "event_id": "e", "delta": BASE64, **PART}
SPOKEN = {
    "type": "conversation.item.retrieved",
    "event_id": "e",
    "item": {
        "type": "message",
        "id": "i",
        "role": "user",
        "content": [{"type": "input_audio", "audio": BASE64, "transcript": "hi"}],
    },
}


@pytest.mark.parametrize("keep", [False, True])
def test_audio_is_only_its_length_unless_it_is_wanted(keep: bool) -> None:
    wanted = BASE64 if keep else "10 bytes"
    append = event_form(InputAudioBufferAppend(audio=AUDIO), audio=keep)
    assert append == {"type": "input_audio_buffer.append", "audio": wanted}
    assert event_form(server_event_from(DELTA), audio=keep) == {**DELTA, "delta": wanted}
    item = event_form(server_event_from(SPOKEN), audio=keep)["item"]
    assert item["content"] == [{"type": "input_audio", "audio": wanted, "transcript": "hi"}]
    unknown = server_event_from({"type": "new.thing", "audio": BASE64, "parts": [{"audio": {"voice": "x"}}]})
    assert event_form(unknown, audio=keep) == {
        "type": "new.thing",
        "audio": wanted,
        "parts": [{"audio": {"voice": "x"}}],
    }


def test_what_is_no_audio_stays() -> None:
    event = {
        "type": "session.update",
        "session": {"type": "realtime", "audio": {"output": {"voice": "cedar"}}},
    }
    assert event_form(client_event_from(event)) == event


def test_secrets_of_hosted_tools_are_left_out() -> None:
    tool = {
        "type": "mcp",
        "server_label": "shop",
        "server_url": "https://me:pw@example.org/mcp?key=sk-secret",
        "authorization": "Bearer sk-secret",
        "headers": {"X-Key": "sk-secret"},
    }
    update = client_event_from({"type": "session.update", "session": {"type": "realtime", "tools": [tool]}})
    form = event_form(update)
    assert "sk-secret" not in json.dumps(form)
    assert form["session"]["tools"][0]["headers"] == {"X-Key": "hidden"}


@pytest.mark.parametrize(
    ("value", "size"), [("960 bytes", 960), ("0 bytes", 0), (BASE64, None), ("many bytes", None), (7, None)]
)
def test_lengths_are_told_from_audio(value: Any, size: int | None) -> None:
    assert audio_length(value) == size


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text(
        header_line(started="2026-01-31T12:00:00+00:00", wav="call.wav")
        + event_line(0.0, "client", event_form(ResponseCreate()))
        + "\n"
        + event_line(1.23456, "server", {"type": "grüße"})
        + event_line(2, "session", {"type": "handoff"}),
        encoding="utf-8",
    )
    recording = read_recording(path)
    assert [(event.at, event.sender, event.type) for event in recording.events] == [
        (0.0, "client", "response.create"),
        (1.2346, "server", "grüße"),
        (2.0, "session", "handoff"),
    ]
    assert recording.complete
    assert recording.seconds == 2.0
    assert recording.name == str(path)


def test_a_recording_whose_writer_died_lacks_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text(event_line(0.0, "server", {"type": "a"}) + event_line(1.0, "server", {"type": "b"})[:20])
    recording = read_recording(path)
    assert [event.type for event in recording.events] == ["a"]
    assert not recording.complete


def test_an_empty_recording_has_no_length() -> None:
    assert Recording(()).seconds == 0.0
    assert RecordedEvent(0.0, "server", {}).type == ""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "there is no event in it"),
        (b'{"recording": 1}\n', "there is no event in it"),
        (b'{"recording": 2}\n', "line 1: a recording of format 2; this version reads 1"),
        (b"RIFF\xff\n", "it is not UTF-8 text"),
        (b"\n{]\n", "line 2: no JSON"),
        (b"[1]\n", "line 1: no event of a recording"),
        (b'{"t": 0, "from": "client"}\n', "line 1: no event of a recording"),
        (b'{"t": "0", "from": "client", "event": {"type": "x"}}\n', "'t' is '0'"),
        (b'{"t": true, "from": "client", "event": {"type": "x"}}\n', "'t' is True"),
        (b'{"t": 0, "from": "me", "event": {"type": "x"}}\n', "'from' is 'me'"),
        (b'{"t": 0, "from": "client", "event": {}}\n', "the event has no 'type'"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "call.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_recording(path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_recording(tmp_path / "none.jsonl")
