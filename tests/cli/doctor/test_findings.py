from __future__ import annotations

from importlib import metadata

import pytest

from vivavoce.cli.doctor.engines import Trial
from vivavoce.cli.doctor.findings import (
    KEYS,
    PURPOSES,
    Extra,
    Key,
    advise,
    examine,
    read_requirements,
    versions,
)

WELL = Trial("thinking", "built-in brain", works=True, seconds=0.1, detail="thought")
ILL = Trial("text to speech", "espeak-ng", works=False, seconds=0.1, detail="no sound")


def extra(name: str, *, installed: bool = True) -> Extra:
    return Extra(name, f"use {name}", {"package": "1.0" if installed else None})


def test_requirements_are_sorted_by_their_extra() -> None:
    assert read_requirements(
        [
            "soxr>=1.0",
            "httpx",
            "rich>=14.0; extra == 'cli'",
            'uvloop>=0.21; sys_platform != "win32" and extra == "server"',
            "vivavoce[local,cli]; extra == 'all'",
        ]
    ) == {"": ["soxr", "httpx"], "cli": ["rich"], "server": ["uvloop"]}


def test_every_extra_that_is_explained_exists() -> None:
    declared = read_requirements(metadata.requires("vivavoce") or ())
    assert set(PURPOSES) <= set(declared)


def test_a_package_that_is_not_there_has_no_version() -> None:
    found = versions(["numpy", "no-such-package-anywhere"])
    assert found["numpy"]
    assert found["no-such-package-anywhere"] is None


def test_an_extra_is_installed_when_all_of_it_is() -> None:
    assert Extra("x", "", {"a": "1", "b": "2"}).installed
    assert not Extra("x", "", {"a": "1", "b": None}).installed


def test_keys_are_reported_as_set_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    findings = examine([WELL])
    assert {key.name: key.present for key in findings.keys} == {
        "OPENAI_API_KEY": True,
        "VIVAVOCE_LLM_API_KEY": False,
        "VIVAVOCE_API_KEY": False,
    }
    assert "very-secret" not in repr(findings)


def test_every_engine_is_listed() -> None:
    listed = {choice.engine: choice for choice in examine([]).choices}
    assert {"vad:silero", "stt:faster-whisper", "llm:responses", "tts:piper"} <= set(listed)
    assert all(choice.installed or choice.command for choice in listed.values())
    assert listed["llm:builtin"].installed
    assert listed["tts:speech"].needs == "base_url"


def test_the_cores_are_those_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.cli.doctor.findings.usable_cpus", lambda: 3)
    assert examine([]).system.endswith(", 3 cores")


def test_all_is_well_when_every_engine_works() -> None:
    assert examine([WELL, WELL]).ok
    assert not examine([WELL, ILL]).ok


@pytest.mark.parametrize(
    ("extras", "trials", "key", "commands"),
    [
        ([extra("local"), extra("cli")], [WELL], True, ["vivavoce demo"]),
        (
            [extra("local"), extra("cli")],
            [WELL],
            False,
            ["vivavoce demo", "export OPENAI_API_KEY=…"],
        ),
        ([extra("local"), extra("cli", installed=False)], [WELL], True, ["pip install 'vivavoce[cli]'"]),
        ([extra("local", installed=False), extra("cli")], [ILL], True, ["pip install 'vivavoce[local]'"]),
        (
            [extra("local"), extra("cli")],
            [ILL],
            True,
            ["pip install --force-reinstall 'vivavoce[local]'"],
        ),
    ],
)
def test_what_to_run_next(extras: list[Extra], trials: list[Trial], key: bool, commands: list[str]) -> None:
    advice = advise(extras, trials, [Key("OPENAI_API_KEY", "agents on OpenAI", key)])
    assert [command for command, _ in advice] == commands
