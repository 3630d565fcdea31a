"""The frame of the command line."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from vivavoce import __version__
from vivavoce.cli import COMMANDS, EXIT_FAILED, EXIT_INTERRUPTED, main, serve
from vivavoce.errors import ConfigurationError


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    ).stdout


def test_help_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in COMMANDS:
        assert name in text
    assert serve.SUMMARY in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"vivavoce {name}" in capsys.readouterr().out.partition("example")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["serve", "--no-such-option"],
        ["--vers"],
        ["serve", "--check", "--engines", "bench", "--metric"],  # not the beginning of --metrics
        ["webhooks", "test", "https://127.0.0.1:1/", "--secre", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    ],
)
def test_wrong_arguments_end_with_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: vivavoce" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"vivavoce {__version__}\n"


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (ConfigurationError("the port is taken"), EXIT_FAILED, "vivavoce: the port is taken\n"),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, ""),
    ],
)
def test_faults_become_exit_codes(
    fault: BaseException,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise fault

    monkeypatch.setattr(serve, "run", fail)
    assert main(["serve"]) == code
    assert capsys.readouterr().err == words


def test_a_command_imports_no_other_and_nothing_heavy() -> None:
    loaded = python(
        "import sys; from vivavoce.cli import build_parser; build_parser(['serve']); print(*sys.modules)"
    ).split()
    assert "vivavoce.cli.serve" in loaded
    assert {"numpy", "uvicorn", "starlette", "openai"}.isdisjoint(loaded)
    others = {module for name, module in COMMANDS.items() if name != "serve"}
    assert others.isdisjoint(loaded)


def test_openblas_is_kept_to_one_thread_unless_told_otherwise() -> None:
    show = "import os; {} import vivavoce.cli; print(os.environ['OPENBLAS_NUM_THREADS'])"
    assert python(show.format("os.environ.pop('OPENBLAS_NUM_THREADS', None);")) == "1\n"
    assert python(show.format("os.environ['OPENBLAS_NUM_THREADS'] = '3';")) == "3\n"
