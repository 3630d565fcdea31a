"""Which sessions are recorded, and what a recording made by a server holds."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from typing import Any

import pytest

from vivavoce.audio.wav import read_wav
from vivavoce.errors import ConfigurationError
from vivavoce.observe.base import SessionObserver
from vivavoce.observe.recording import read_recording
from vivavoce.protocol.codec import client_event_from, server_event_from
from vivavoce.server.recording import RECORD_HEADER, RecordingPolicy, Recordings
from vivavoce.testing import run

PCM = base64.b64encode(b"\x05\x00" * 24000).decode()  # a second
ASKED = {RECORD_HEADER: "1"}


@pytest.mark.parametrize(
    ("sessions", "keys", "key", "headers", "wanted"),
    [
        ("asked", (), None, {}, False),
        ("asked", (), None, ASKED, True),
        ("asked", (), None, {RECORD_HEADER: "0"}, False),
        ("asked", ("shop",), "shop", {}, True),
        ("asked", ("shop",), "desk", {}, False),
        ("all", (), None, {}, True),
    ],
)
def test_who_is_recorded(
    tmp_path: Path,
    sessions: Any,
    keys: tuple[str, ...],
    key: str | None,
    headers: dict[str, str],
    wanted: bool,
) -> None:
    policy = RecordingPolicy(tmp_path, sessions, keys)
    assert policy.wants(key, headers) is wanted
    recordings = Recordings(policy)
    assert (recordings.observer("sess_1", key, headers) is not None) is wanted
    run(recordings.aclose())


@pytest.mark.parametrize("change", [{"sessions": "some"}, {"max_bytes": 0}])
def test_a_policy_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(change))):
        RecordingPolicy(tmp_path, **change)


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Recordings(RecordingPolicy(tmp_path / "file"))


def a_call(observer: SessionObserver) -> None:
    def server(kind: str, at: float, **fields: object) -> None:
        observer.on_server_event(server_event_from({"type": kind, "event_id": "e", **fields}), at)

    def delta(response: str, at: float) -> None:
        where = {"response_id": response, "item_id": "i", "output_index": 0, "content_index": 0}
        server("response.output_audio.delta", at, delta=PCM, **where)

    def response(kind: str, name: str, at: float, conversation: str | None, status: str) -> None:
        about = {"object": "realtime.response", "id": name, "status": status, "conversation_id": conversation}
        server(kind, at, response=about)

    server("session.created", 10.0, session={"type": "realtime", "audio": {"input": {}, "output": {}}})
    append = {"type": "input_audio_buffer.append", "audio": PCM}
    observer.on_client_event(client_event_from(append), 11.0)
    response("response.created", "resp_1", 11.0, "conv_1", "in_progress")
    response("response.created", "resp_2", 11.0, None, "in_progress")
    delta("resp_1", 11.0)
    delta("resp_2", 11.2)
    server("input_audio_buffer.speech_started", 11.5, audio_start_ms=0, item_id="i")
    response("response.done", "resp_2", 11.6, None, "completed")
    response("response.done", "resp_1", 11.6, "conv_1", "cancelled")
    observer.close(13.0)


def test_a_recording_holds_both_sides_as_they_were_heard(tmp_path: Path) -> None:
    async def main() -> None:
        recordings = Recordings(RecordingPolicy(tmp_path / "new", "all"))
        observer = recordings.observer("sess_1", None, {})
        assert observer is not None
        a_call(observer)
        await recordings.aclose()
        await recordings.aclose()
        assert observer.finished  # type: ignore[attr-defined]

    run(main())
    [wav_path] = (tmp_path / "new").rglob("*.wav")
    [events_path] = (tmp_path / "new").rglob("*.jsonl")
    assert wav_path.stem == events_path.stem == "sess_1"
    modes = [
        path.stat().st_mode & 0o777 for path in (tmp_path / "new", wav_path.parent, wav_path, events_path)
    ]
    assert modes == [0o700, 0o700, 0o600, 0o600]
    wav = read_wav(wav_path)
    assert wav.duration_ms == 3000
    assert wav.channel(0).count(b"\x05\x00") == 24000, "all that the person said"
    assert wav.channel(1).count(b"\x05\x00") == 12000, "of the agent what was heard, nothing out of band"
    events = read_recording(events_path).events
    assert [event.type for event in events if event.sender == "session"] == ["audio_interrupted"]
    assert events[-1].type == "response.done"


def test_recordings_have_a_bound_and_keep_what_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        recordings = Recordings(RecordingPolicy(tmp_path, "all", max_bytes=200))
        first = recordings.observer("sess_1", None, {})
        assert first is not None
        a_call(first)
        await recordings.aclose()

    run(main())
    kept = sorted(path.name for path in tmp_path.rglob("sess_*"))
    assert kept == ["sess_1.jsonl", "sess_1.wav"]
    again = Recordings(RecordingPolicy(tmp_path, "all", max_bytes=200))
    caplog.clear()  # the first one may have ended early, if the disk was quick
    with caplog.at_level(logging.WARNING):
        assert again.observer("sess_2", None, {}) is None
    assert caplog.messages == ["a session is not recorded: recordings take all they may"]
    assert sorted(path.name for path in tmp_path.rglob("sess_*")) == kept


def test_a_session_that_fills_the_disk_is_recorded_no_further(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        recordings = Recordings(RecordingPolicy(tmp_path, "all", max_bytes=200_000))
        observer = recordings.observer("sess_1", None, {})
        assert observer is not None
        observer.on_client_event(client_event_from({"type": "response.create"}), 10.0)
        fill()
        observer.on_client_event(client_event_from({"type": "input_audio_buffer.clear"}), 12.0)
        assert caplog.messages == ["a recording ends early: recordings take all they may"]
        observer.on_client_event(client_event_from({"type": "input_audio_buffer.commit"}), 14.0)
        observer.close(15.0)
        assert recordings.observer("sess_2", None, {}) is None
        await recordings.aclose()

    def fill() -> None:
        with next(tmp_path.rglob("sess_1.wav")).open("ab") as file:
            file.write(bytes(200_000))

    run(main())
    lines = next(tmp_path.rglob("sess_1.jsonl")).read_text()
    assert "response.create" in lines
    assert "input_audio_buffer" not in lines


def test_a_disk_that_refuses_does_not_refuse_the_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recordings = Recordings(RecordingPolicy(tmp_path / "folder", "all"))
    (tmp_path / "folder").rmdir()
    (tmp_path / "folder").write_text("in the way")
    assert recordings.observer("sess_1", None, {}) is None
    assert caplog.messages == ["a session is not recorded"]
