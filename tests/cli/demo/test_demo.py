from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.audio.levels import voiced_spans
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import Wav, read_wav
from vivavoce.cli import EXIT_FAILED, EXIT_INTERRUPTED, main
from vivavoce.cli.demo.call import DemoCall
from vivavoce.errors import CallerTimeoutError
from vivavoce.testing.words import word_error_rate, words_of

VOICED_DBFS = -45.0


@dataclass
class Outcome:
    """What a run of the demo printed and left."""

    code: int
    text: str
    folder: Path

    @property
    def wav(self) -> Wav:
        return read_wav(self.folder / "call.wav")

    @property
    def turns(self) -> list[dict[str, Any]]:
        turns = json.loads((self.folder / "timeline.json").read_text())["turns"]
        assert isinstance(turns, list)
        return turns

    @property
    def transcript(self) -> list[tuple[str, str]]:
        lines = (self.folder / "transcript.txt").read_text().splitlines()
        return [(line[9:15].strip(), line[17:]) for line in lines]

    def said_by(self, who: str) -> str:
        return " ".join(text for speaker, text in self.transcript if speaker == who)


@pytest.fixture(scope="module", params=["memory", "websocket"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A whole run, in real time: about 30 seconds, once for each transport."""
    folder = tmp_path_factory.mktemp("demo")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(["demo", "--transport", request.param, "--out", str(folder)])
    return Outcome(code, out.getvalue(), folder)


@pytest.mark.local
@pytest.mark.timeout(120)
class TestAWholeRun:
    """The demo as a user runs it, and what it leaves."""

    def test_it_ends_well_and_says_so(self, demo: Outcome) -> None:
        assert demo.code == 0, demo.text
        assert demo.text.rstrip().splitlines()[-1] == "The call went well: every check passed."
        words = " ".join(demo.text.split())
        assert "✂ interrupted after" in words
        assert "From the caller's last sound to the agent's first" in words

    def test_it_leaves_its_files(self, demo: Outcome) -> None:
        assert {path.name for path in demo.folder.iterdir()} == {
            "call.wav",
            "transcript.txt",
            "events.jsonl",
            "timeline.json",
            "timeline.png",
        }
        assert (demo.wav.channels, demo.wav.rate) == (2, 24_000)
        assert 20_000 < demo.wav.duration_ms < 45_000
        assert (demo.folder / "timeline.png").read_bytes().startswith(b"\x89PNG")

    def test_the_callers_channel_holds_what_the_transcript_says(self, demo: Outcome) -> None:
        heard = transcribe(demo.wav.channel(0), demo.wav.rate)
        assert word_error_rate(demo.said_by("Caller"), heard) <= 0.2

    def test_the_agents_channel_is_speech_exactly_where_the_timeline_says(self, demo: Outcome) -> None:
        answers = [answer["voiced"] for turn in demo.turns for answer in turn["answers"]]
        spans = voiced_spans(demo.wav.channel(1), 24_000, VOICED_DBFS, frame_ms=10, join_ms=650)
        assert len(spans) == len(answers) == 4
        for (start, end), answer in zip(spans, answers, strict=True):
            assert start == pytest.approx(answer["start"] * 1000, abs=20)
            assert end == pytest.approx(answer["end"] * 1000, abs=20)

    def test_the_agent_is_silent_soon_after_the_interruption_begins(self, demo: Outcome) -> None:
        [turn] = [turn for turn in demo.turns if turn["interrupts"]]
        rate, start, end = demo.wav.rate, turn["voiced"]["start"], turn["voiced"]["end"]
        agent = np.frombuffer(demo.wav.channel(1), "<i2")
        before = agent[int((start - 0.5) * rate) : int(start * rate)]
        after = agent[int((start + 0.25) * rate) : int(end * rate)]
        assert np.abs(before.astype(int)).max() > 1000
        assert np.abs(after.astype(int)).max() == 0

    def test_the_history_keeps_only_words_that_were_heard(self, demo: Outcome) -> None:
        [turn] = [turn for turn in demo.turns if turn["interrupts"]]
        kept = words_of(turn["interrupts"]["text"])
        whole = next(text for who, text in demo.transcript if who == "Tool" and "find_trains" in text)
        full = words_of(whole.partition(" -> ")[2])
        assert kept == full[: len(kept)]
        heard_s = turn["interrupts"]["cut"] - turn["interrupts"]["voiced"]["start"]
        # The voice says two to four words in a second.
        assert heard_s * 2 < len(kept) < heard_s * 4.5
        assert len(kept) < len(full) / 2

    def test_every_turn_is_answered_and_timed(self, demo: Outcome) -> None:
        for turn in demo.turns:
            assert turn["answers"]
            assert {"end_of_turn", "transcript", "first_token", "first_audio"} <= set(turn["stages"])
            took = sum(turn["stages"].values())
            # What the server measured lies within what was heard, but for the silence before the first word.
            assert took - 60 < turn["gap_ms"] < took + 400
        assert [len(turn["tools"]) for turn in demo.turns] == [1, 1, 1, 0]

    def test_the_events_are_all_there_without_their_audio(self, demo: Outcome) -> None:
        lines = [json.loads(line) for line in (demo.folder / "events.jsonl").read_text().splitlines()]
        types = [(line["from"], line["event"]["type"]) for line in lines]
        for expected in (
            ("client", "session.update"),
            ("client", "conversation.item.truncate"),
            ("server", "conversation.item.truncated"),
            ("server", "response.done"),
        ):
            assert expected in types
        assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
        appended = [line["event"] for line in lines if line["event"]["type"] == "input_audio_buffer.append"]
        assert {event["audio"] for event in appended} == {"960 bytes"}
        assert len(appended) == pytest.approx(demo.wav.duration_ms / 20, abs=2)


def transcribe(pcm: bytes, rate: int) -> str:
    """Write down a whole track, by nothing that the demo itself uses."""
    from vivavoce.engines.base import TranscriptionOptions
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber

    async def listen() -> str:
        transcriber = PocketsphinxTranscriber()
        texts = []
        for start, end in voiced_spans(pcm, rate, VOICED_DBFS, join_ms=900):
            piece = pcm[max(0, start - 300) * rate // 500 : (end + 300) * rate // 500]
            resampler = Resampler(rate, transcriber.sample_rate)
            stream = transcriber.open(TranscriptionOptions(), lambda _: None)
            stream.feed(resampler.process(piece) + resampler.flush())
            texts.append((await stream.finish()).text)
        await transcriber.aclose()
        return " ".join(texts)

    return asyncio.run(listen())


@pytest.mark.local
def test_ctrl_c_ends_it_and_leaves_what_was_recorded(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vivavoce", "demo", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        # The introduction is printed just before the call is made; the first words follow seconds later.
        assert "in real time" in process.stdout.readline()
        for line in process.stdout:
            if "caller" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == EXIT_INTERRUPTED
    assert "Stopped by Ctrl-C." in rest
    assert read_wav(tmp_path / "call.wav").duration_ms > 1000
    assert "weather" in (tmp_path / "transcript.txt").read_text()
    assert (tmp_path / "events.jsonl").read_text().count("\n") > 50


def test_a_call_that_breaks_off_says_why_and_leaves_what_was_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def break_off(self: DemoCall, _: object) -> None:
        self.caller.tape.record(human=bytes(48_000))
        raise CallerTimeoutError("The caller waited 15 s for the agent to answer.")

    monkeypatch.setattr(DemoCall, "run", break_off)
    assert main(["demo", "--out", str(tmp_path)]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert "The call broke off." in printed.out
    assert "The caller waited 15 s" in printed.err
    assert read_wav(tmp_path / "call.wav").duration_ms == 1000


def test_a_call_that_went_wrong_has_an_exit_code_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def say_nothing(self: DemoCall, _: object) -> None:
        self.caller.tape.record(human=bytes(48_000))

    monkeypatch.setattr(DemoCall, "run", say_nothing)
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert "The call failed: the caller said everything: 0 of 4 utterances" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("package", "arguments", "extra"),
    [
        ("pocketsphinx", [], "local"),
        ("rich", [], "cli"),
        ("matplotlib", [], "cli"),
        ("uvicorn", ["--transport", "websocket"], "server"),
    ],
)
def test_a_missing_extra_is_named_before_anything_is_done(
    package: str,
    arguments: list[str],
    extra: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("vivavoce.cli.demo.find_spec", lambda name: None if name == package else found(name))
    assert main(["demo", "--out", str(tmp_path / "new"), *arguments]) == EXIT_FAILED
    assert f"pip install 'vivavoce[{extra}]'" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_models_name_needs_its_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path), "--llm-model", "tiny"]) == EXIT_FAILED
    assert "need --llm" in capsys.readouterr().err


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["demo", "--help"])
    assert end.value.code == 0
    assert "vivavoce demo --transport websocket" in capsys.readouterr().out
