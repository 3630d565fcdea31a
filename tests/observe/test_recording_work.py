from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.audio.g711 import encode_alaw, encode_ulaw
from vivavoce.audio.wav import Wav, read_wav
from vivavoce.observe.recording_work import RecordingWork, Voice
from vivavoce.protocol import InputAudioBufferAppend, PcmaFormat, PcmFormat, PcmuFormat
from vivavoce.protocol.base import UNSET
from vivavoce.protocol.codec import server_event_from


def begin(folder: Path, **options: Any) -> RecordingWork:
    options = {"keep_audio": False, "keep_unheard": False, **options}
    return RecordingWork(folder / "call.wav", folder / "call.jsonl", started="now", **options)


def tone(ms: int, rate: int = 24000, level: int = 8000) -> bytes:
    samples = np.sin(2 * np.pi * 400 * np.arange(rate * ms // 1000) / rate) * level
    return samples.astype("<i2").tobytes()


def session(**audio: Any) -> Any:
    return server_event_from(
        {"type": "session.updated", "event_id": "e", "session": {"type": "realtime", "audio": audio}}
    )


def loud_ms(wav: Wav, channel: int) -> tuple[int, int]:
    """Return where the sound on a channel begins and ends, in ms."""
    (where,) = np.nonzero(np.abs(np.frombuffer(wav.channel(channel), "<i2").astype(int)) > 500)
    return int(where[0]) * 1000 // wav.rate, int(where[-1]) * 1000 // wav.rate


def test_both_sides_stand_where_they_were_heard(tmp_path: Path) -> None:
    work = begin(tmp_path)
    entries: list[tuple[Any, ...]] = [
        ("client", InputAudioBufferAppend(audio=tone(20)), 0.02 * frame) for frame in range(51, 101)
    ]
    entries += [
        ("audio", tone(3000), 2.5),
        ("session", {"type": "audio_interrupted"}, 4.0),
        ("end", None, 5.0),
    ]
    for entry in entries:
        work.do([entry])
    work.finish()
    wav = read_wav(tmp_path / "call.wav")
    assert (wav.rate, wav.channels, wav.duration_ms) == (24000, 2, 5000)
    assert loud_ms(wav, 0) == (1000, 1999)
    assert loud_ms(wav, 1) == (2500, 3999)


@pytest.mark.parametrize("keep", [False, True])
def test_what_was_not_heard_at_the_end_is_kept_when_wanted(tmp_path: Path, keep: bool) -> None:
    work = begin(tmp_path, keep_unheard=keep)
    work.do([("audio", tone(3000), 0.0), ("end", None, 1.0)])
    work.finish()
    assert read_wav(tmp_path / "call.wav").duration_ms == (3000 if keep else 1000)


@pytest.mark.parametrize(("name", "encode"), [("audio/pcmu", encode_ulaw), ("audio/pcma", encode_alaw)])
def test_a_phone_call_keeps_its_rate(tmp_path: Path, name: str, encode: Any) -> None:
    work = begin(tmp_path)
    form = {"format": {"type": name}}
    work.do([("server", session(input=form, output=form), 0.0)])
    work.do([("client", InputAudioBufferAppend(audio=encode(tone(1000, 8000))), 1.0)])
    work.do([("audio", encode(tone(1000, 8000)), 1.0), ("end", None, 2.0)])
    work.finish()
    wav = read_wav(tmp_path / "call.wav")
    assert (wav.rate, wav.duration_ms) == (8000, 2000)
    assert loud_ms(wav, 0)[1] <= 1000 <= loud_ms(wav, 1)[0]
    original = np.frombuffer(tone(1000, 8000), "<i2").astype(int)
    recorded = np.frombuffer(wav.channel(0), "<i2").astype(int)[:8000]
    assert np.abs(original - recorded).max() < 300


def test_sides_with_different_formats_meet_at_the_higher_rate(tmp_path: Path) -> None:
    work = begin(tmp_path)
    work.do([("server", session(input={"format": {"type": "audio/pcmu"}}, output={}), 0.0)])
    work.do([("client", InputAudioBufferAppend(audio=encode_ulaw(tone(1000, 8000))), 1.0)])
    work.do([("audio", tone(500), 1.0), ("end", None, 2.0)])
    work.finish()
    wav = read_wav(tmp_path / "call.wav")
    assert wav.rate == 24000
    assert loud_ms(wav, 0)[1] == pytest.approx(998, abs=3)
    assert loud_ms(wav, 1)[0] == 1000


def test_events_are_written_with_their_times(tmp_path: Path) -> None:
    work = begin(tmp_path)
    work.do([("client", InputAudioBufferAppend(audio=bytes(960)), 0.25)])
    work.do([("session", {"type": "handoff", "to_agent": "Bob"}, 0.5)])
    work.do([("server", server_event_from({"type": "x.y", "z": 1}), 0.75)])
    lines = [json.loads(line) for line in (tmp_path / "call.jsonl").read_text().splitlines()]
    assert lines == [  # before the end: what is written can be read
        {"recording": 1, "started": "now", "wav": "call.wav"},
        {"t": 0.25, "from": "client", "event": {"type": "input_audio_buffer.append", "audio": "960 bytes"}},
        {"t": 0.5, "from": "session", "event": {"type": "handoff", "to_agent": "Bob"}},
        {"t": 0.75, "from": "server", "event": {"type": "x.y", "z": 1}},
    ]
    work.finish()


def test_audio_stays_in_the_events_when_wanted(tmp_path: Path) -> None:
    work = begin(tmp_path, keep_audio=True)
    work.do([("client", InputAudioBufferAppend(audio=b"\x00\x01"), 0.0)])
    work.finish()
    assert '"audio": "AAE="' in (tmp_path / "call.jsonl").read_text()


def test_a_file_whose_writer_died_can_be_read(tmp_path: Path) -> None:
    work = begin(tmp_path)
    assert read_wav(tmp_path / "call.wav").pcm == b""
    for frame in range(1, 101):
        work.do([("client", InputAudioBufferAppend(audio=tone(20)), 0.02 * frame)])
    assert read_wav(tmp_path / "call.wav").duration_ms >= 1200
    work.finish()


def test_a_call_without_sound_leaves_an_empty_wav(tmp_path: Path) -> None:
    work = begin(tmp_path)
    work.do([("session", {"type": "audio_interrupted"}, 0.0), ("end", None, 1.0)])
    work.finish()
    assert read_wav(tmp_path / "call.wav").pcm == b""


def test_an_hour_of_silence_is_written_piece_by_piece(tmp_path: Path) -> None:
    work = begin(tmp_path)
    form = {"format": {"type": "audio/pcmu"}}
    work.do([("server", session(input=form, output=form), 0.0)])
    work.do([("audio", encode_ulaw(tone(100, 8000)), 0.0), ("audio", encode_ulaw(tone(100, 8000)), 600.0)])
    work.finish()
    assert read_wav(tmp_path / "call.wav").duration_ms == 600_000


def test_audio_for_which_there_is_no_room_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vivavoce.observe import wav_file as module_wav_file

    monkeypatch.setattr(module_wav_file, "MOST_BYTES", 1000)
    work = begin(tmp_path)
    work.do([("audio", tone(1000), 0.0), ("audio", tone(1_900_000, level=0), 0.0), ("end", None, 0.4)])
    assert work.dropped_audio == 1
    work.finish()
    assert work.dropped_audio > 1
    assert len(read_wav(tmp_path / "call.wav").pcm) == 1000


def test_a_voice_waits_for_the_other_half_of_a_sample() -> None:
    voice = Voice()
    voice.begin_anew()
    assert voice.process(b"\x01\x00\x02", 24000) == b"\x01\x00"
    voice.set_format(PcmFormat())
    voice.set_format(UNSET)
    voice.set_format(None)
    assert voice.process(b"\x00", 24000) == b"\x02\x00"
    voice.process(b"\x07", 24000)
    voice.begin_anew()
    assert voice.process(b"\x03\x00", 24000) == b"\x03\x00"
    for form in (PcmuFormat(), PcmaFormat()):
        voice.set_format(form)
        assert (voice.rate, len(voice.process(bytes(80), 8000))) == (8000, 160)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        begin(tmp_path / "none")
    (tmp_path / "call.jsonl").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        begin(tmp_path)
