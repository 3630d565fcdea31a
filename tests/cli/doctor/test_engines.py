from __future__ import annotations

import asyncio

import pytest

from vivavoce.cli.demo import clips
from vivavoce.cli.doctor import engines
from vivavoce.cli.doctor.engines import TRIALS, Trial, attempt, try_engines
from vivavoce.errors import MissingExtraError
from vivavoce.testing import run


@pytest.mark.local
def test_every_built_in_engine_works() -> None:
    trials = asyncio.run(try_engines())
    assert [(trial.part, trial.engine) for trial in trials] == list(TRIALS)
    assert all(trial.works for trial in trials), trials
    assert "london" in trials[1].detail
    assert 'get_weather(city="London")' in trials[2].detail
    assert all(trial.seconds > 0 for trial in trials)


async def fine() -> str:
    return "did it"


async def missing() -> str:
    raise MissingExtraError("local", "the Silero voice activity detector")


async def broken() -> str:
    raise OSError("libespeak-ng.so: cannot open shared object file")


async def wordless() -> str:
    raise RuntimeError


async def hanging() -> str:
    await asyncio.Event().wait()
    return "never"


@pytest.mark.parametrize(
    ("trial", "works", "detail"),
    [
        (fine, True, "did it"),
        (missing, False, "the Silero voice activity detector needs an extra: pip install 'vivavoce[local]'"),
        (broken, False, "libespeak-ng.so: cannot open shared object file"),
        (wordless, False, "RuntimeError"),
        (hanging, False, f"gave no answer within {engines.TIMEOUT_S:g} s"),
    ],
)
def test_whatever_goes_wrong_is_reported(trial: engines.Tryout, works: bool, detail: str) -> None:
    result = run(attempt("part", "engine", trial))
    assert result == Trial("part", "engine", works, result.seconds, detail)


@pytest.mark.local
def test_an_engine_that_hears_nothing_is_no_working_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = clips.load("weather")
    mute = type(silence)(silence.name, bytes(len(silence.pcm)), silence.sample_rate, silence.text)
    monkeypatch.setattr(clips, "load", lambda _: mute)
    hearing = asyncio.run(attempt("voice activity", "silero", engines.hear))
    writing = asyncio.run(attempt("speech to text", "pocketsphinx", engines.write_down))
    assert (hearing.works, writing.works) == (False, False)
    assert "found 0.0 s of speech" in hearing.detail
    assert "was said" in writing.detail
