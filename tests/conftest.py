"""What all tests share: recorded and synthetic speech, hypothesis profiles, and the rule about skips.

A test that needs something the machine lacks skips with a reason. With ``VIVAVOCE_REQUIRE_ALL=1`` (set by
``.ci/run``) a skip is a failure, so that a green run has run everything.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest
import soxr

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pluggy import Result

REQUIRE_ALL = os.environ.get("VIVAVOCE_REQUIRE_ALL", "") not in {"", "0"}
SPEECH_FIXTURES = {"speech_clip", "recorded_prompt"}
RATE = 24_000
PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")

# Machines differ in speed, so no deadline; a run that must be repeatable draws the same examples every time.
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if REQUIRE_ALL or os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses recorded or synthetic speech is marked `speech`."""
    for item in items:
        if SPEECH_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("speech")


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure that says what was missing. An expected failure stays what it is."""
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: a skip is a failure under VIVAVOCE_REQUIRE_ALL=1: {reason}"


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, Result[pytest.TestReport]]:
    """Apply the rule about skips to a test."""
    outcome = yield
    refuse_skip(outcome.get_result())


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, Result[pytest.CollectReport]]:
    """Apply the rule about skips to a whole module."""
    outcome = yield
    refuse_skip(outcome.get_result())


def copy_at_24_khz(source: Path, target: Path) -> Path:
    """Write a mono PCM16 WAV file of any rate again as the protocol's audio: PCM16, mono, 24 kHz."""
    with wave.open(str(source)) as recording:
        assert (recording.getnchannels(), recording.getsampwidth()) == (1, 2), source
        rate = recording.getframerate()
        samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2")
    with wave.open(str(target), "wb") as copy:
        copy.setnchannels(1)
        copy.setsampwidth(2)
        copy.setframerate(RATE)
        copy.writeframes(soxr.resample(samples, rate, RATE).astype("<i2").tobytes())
    return target


@pytest.fixture(scope="session")
def speech_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Speak a text: ``speech_clip(text, voice="slt")`` returns a WAV file, PCM16 mono at 24 kHz.

    Voices are flite's: ``slt`` (a woman's), ``rms``, ``awb`` and ``kal16`` (men's). What was spoken once is
    not spoken again. Skips where flite is not installed.
    """
    flite = shutil.which("flite")
    if flite is None:
        pytest.skip("needs flite: apt install flite")
    folder = tmp_path_factory.mktemp("speech")
    spoken: dict[tuple[str, str], Path] = {}

    def speak(text: str, voice: str = "slt") -> Path:
        if (text, voice) not in spoken:
            raw = folder / f"{len(spoken)}-flite.wav"
            subprocess.run([flite, "-voice", voice, "-t", text, "-o", str(raw)], check=True, timeout=30)
            spoken[text, voice] = copy_at_24_khz(raw, folder / f"{len(spoken)}-{voice}.wav")
        return spoken[text, voice]

    return speak


@pytest.fixture(scope="session")
def recorded_prompt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, str]]:
    """Find a recorded human voice: ``recorded_prompt("vm-goodbye")`` returns a WAV file and its words.

    The files are Asterisk's English prompts: telephone quality, here PCM16 mono at 24 kHz. Skips where they
    are not installed; a name that does not exist is a `KeyError`.
    """
    if not (PROMPTS.is_dir() and TRANSCRIPTS.is_file()):
        pytest.skip("needs recorded prompts and their words: apt install asterisk-core-sounds-en-wav")
    lines = gzip.decompress(TRANSCRIPTS.read_bytes()).decode().splitlines()
    words = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(";"))
    folder = tmp_path_factory.mktemp("prompts")

    def find(name: str) -> tuple[Path, str]:
        transcript = words[name]
        return copy_at_24_khz(PROMPTS / f"{name}.wav", folder / f"{name.replace('/', '-')}.wav"), transcript

    return find
