from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.audio.wav import encode_wav, read_wav
from vivavoce.observe import wav_file as module_wav_file
from vivavoce.observe.wav_file import GrowingWav


def test_the_file_can_be_read_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with path.open("wb") as file:
        wav = GrowingWav(file, 8000, 2)
        assert read_wav(path).pcm == b""
        for count in range(1, 4):
            assert wav.write(b"\x01\x00\x02\x00" * 10) == 0
            found = read_wav(path)
            assert (found.rate, found.channels) == (8000, 2)
            assert found.pcm == b"\x01\x00\x02\x00" * 10 * count
    assert path.read_bytes() == encode_wav(found.pcm, 8000, 2)


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_wav_file, "MOST_BYTES", 10)
    with (tmp_path / "x.wav").open("wb") as file:
        wav = GrowingWav(file, 8000, 2)
        assert wav.write(bytes(16)) == 8  # whole frames only
        assert wav.write(bytes(4)) == 4
    assert len(read_wav(tmp_path / "x.wav").pcm) == 8
