from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.audio.wav import read_wav
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.observe.recording import read_recording
from vivavoce.testing import run

AGENT = SimpleNamespace(name="Ada")


@pytest.mark.parametrize("name", ["call", "call.wav", "call.jsonl"])
def test_a_recording_is_two_files_beside_each_other(tmp_path: Path, name: str) -> None:
    with SessionRecorder(tmp_path / "today" / name) as recorder:
        assert recorder.wav_path == tmp_path / "today" / "call.wav"
        assert recorder.events_path == tmp_path / "today" / "call.jsonl"
    assert read_wav(recorder.wav_path).pcm == b""


def test_a_name_with_a_dot_is_a_name(tmp_path: Path) -> None:
    with SessionRecorder(tmp_path / "v1.2") as recorder:
        assert recorder.wav_path.name == "v1.2.wav"


def test_both_sides_and_all_events_are_kept(show: Callable[..., Any], tmp_path: Path) -> None:
    with SessionRecorder(tmp_path / "call") as recorder:
        stage = show(recorder)
        stage.now = 100.0  # the recording begins with the first event
        stage.opened()
        stage.now = 101.0
        stage.client("input_audio_buffer.append", audio="AQAB" * 3200)
        stage.told("audio", audio=SimpleNamespace(data=b"\x05\x00" * 24000))
        stage.audio()
        stage.now = 101.5
        stage.told("audio_interrupted", item_id="item_1", content_index=0, heard_ms=500)
        stage.told("history_updated", history=[])
        stage.told("tool_end", agent=AGENT, tool=AGENT, call_id="c", arguments="{}", output={"a": 1})
        stage.told("error", error=ToolError("broke"))
        stage.now = 103.0
        recorder.close(stage.now)
        recorder.close(stage.now)
        stage.opened()  # too late
    assert recorder.error is None
    assert (recorder.dropped_audio, recorder.dropped_events) == (0, 0)
    wav = read_wav(recorder.wav_path)
    assert wav.duration_ms == 3000
    assert wav.channel(0).count(b"\x01") > 100
    assert wav.channel(1).count(b"\x05\x00") == 12000, "half a second was heard"
    events = read_recording(recorder.events_path).events
    assert [(event.at, event.sender, event.type) for event in events] == [
        (0.0, "server", "session.created"),
        (1.0, "client", "input_audio_buffer.append"),
        (1.0, "server", "response.output_audio.delta"),
        (1.5, "session", "audio_interrupted"),
        (1.5, "session", "tool_end"),
        (1.5, "session", "error"),
    ]
    assert events[4].event == {
        "type": "tool_end",
        "agent": "Ada",
        "tool": "Ada",
        "call_id": "c",
        "arguments": "{}",
        "output": "{'a': 1}",
    }
    assert events[5].event["error"] == "broke"


def test_leaving_the_block_ends_a_recording_that_no_session_closed(
    show: Callable[..., Any], tmp_path: Path
) -> None:
    async def main() -> SessionRecorder:
        async with SessionRecorder(tmp_path / "call", audio=True, unheard=True) as recorder:
            stage = show(recorder)
            stage.opened()
            stage.client("input_audio_buffer.append", audio="AAAA")
            stage.told("audio", audio=SimpleNamespace(data=bytes(48000)))
            await asyncio.sleep(1)
        return recorder

    recorder = run(main())
    assert recorder.wait()
    assert read_recording(recorder.events_path).events[1].event["audio"] == "AAAA"
    assert read_wav(recorder.wav_path).duration_ms == 1000


@pytest.mark.parametrize("blocked", ["call", "call.wav"])
def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, blocked: str) -> None:
    if blocked == "call":
        (tmp_path / "folder").write_text("a file")
    else:
        (tmp_path / "folder" / "call.wav").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"cannot record to .*choose another path"):
        SessionRecorder(tmp_path / "folder" / "call")


def test_a_disk_that_fails_ends_the_recording_and_not_the_session(
    show: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = SessionRecorder(tmp_path / "call")
    recorder._work._events_file.close()  # as a disk would: the next write raises
    stage = show(recorder)
    for _ in range(3):
        stage.opened()
    recorder.close(1.0)
    assert not recorder.wait()
    assert isinstance(recorder.error, ValueError)
    assert "Writing failed; the rest is not kept" in caplog.text


def test_one_that_does_not_finish_in_time_is_told_of(
    show: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = SessionRecorder(tmp_path / "call")
    with recorder._thread._change:  # the thread cannot take anything meanwhile
        show(recorder).opened()
        assert not recorder.wait(timeout=0.0)
    assert "A recording was not finished in time" in caplog.text
    assert recorder.wait()


PROGRAM = """
import os, sys, threading
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.protocol import InputAudioBufferAppend

recorder = SessionRecorder(sys.argv[1])
for frame in range(1, 151):
    recorder.on_client_event(InputAudioBufferAppend(audio=b"\\1\\0" * 480), frame * 0.02)
if sys.argv[2] == "dies":
    while recorder.wav_path.stat().st_size < 200_000:
        threading.Event().wait(0.01)
    os._exit(9)
"""


@pytest.mark.parametrize(("how", "code", "least_ms"), [("dies", 9, 2000), ("forgets it", 0, 2980)])
def test_a_program_that_ends_without_closing_leaves_files_that_can_be_read(
    tmp_path: Path, how: str, code: int, least_ms: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "call"), how],
        check=False,
        timeout=30,
    )
    assert done.returncode == code
    assert read_wav(tmp_path / "call.wav").duration_ms >= least_ms
    assert len(read_recording(tmp_path / "call.jsonl").events) >= 100


def test_what_an_event_does_not_say_is_left_out(show: Callable[..., Any], tmp_path: Path) -> None:
    with SessionRecorder(tmp_path / "call") as recorder:
        show(recorder).told("agent_end", agent=AGENT, response_id="r", status="completed")
    (event,) = read_recording(recorder.events_path).events
    assert event.event == {
        "type": "agent_end",
        "agent": "Ada",
        "response_id": "r",
        "status": "completed",
    }
