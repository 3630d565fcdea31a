from __future__ import annotations

import json
from pathlib import Path

import pytest

from vivavoce.audio.wav import read_wav
from vivavoce.cli.demo.call import CallOptions, DemoCall, make_caller
from vivavoce.cli.demo.keeping import keep, keep_picture, open_folder, timeline_of
from vivavoce.cli.demo.timeline import Timeline
from vivavoce.cli.demo.verdict import check_call
from vivavoce.errors import ConfigurationError


def call() -> DemoCall:
    made = DemoCall(CallOptions(), make_caller())
    made.caller.tape.record(human=bytes(48_000), agent=bytes(24_000))
    return made


def test_everything_is_kept_under_its_name(tmp_path: Path, timeline: Timeline) -> None:
    (tmp_path / "timeline.png").write_text("of an earlier call")
    files = keep(call(), timeline, tmp_path)
    assert [path.name for path in files] == ["call.wav", "transcript.txt", "events.jsonl", "timeline.json"]
    wav = read_wav(tmp_path / "call.wav")
    assert (wav.channels, wav.rate, wav.duration_ms) == (2, 24_000, 1000)
    assert "which trains" in (tmp_path / "transcript.txt").read_text()
    assert json.loads((tmp_path / "timeline.json").read_text())["turns"][1]["silenced_ms"] == 130.0
    assert not (tmp_path / "timeline.png").exists()


def test_the_picture_comes_last(tmp_path: Path, timeline: Timeline) -> None:
    path = keep_picture(call(), timeline, check_call(timeline, 2), tmp_path, subtitle="in one process")
    assert path == tmp_path / "timeline.png"
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_call_that_never_began_has_an_empty_timeline(tmp_path: Path) -> None:
    made = DemoCall(CallOptions(), make_caller())
    timeline = timeline_of(made)
    assert timeline == Timeline(0.0, ())
    assert all(path.is_file() for path in keep(made, timeline, tmp_path))


def test_the_folder_is_made(tmp_path: Path) -> None:
    assert open_folder(tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused_before_the_call(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot write to .*file/demo: .*; choose another --out"):
        open_folder(tmp_path / "file" / "demo")
