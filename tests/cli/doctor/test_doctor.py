from __future__ import annotations

import json

import pytest

from vivavoce.cli import main
from vivavoce.cli.doctor import EXIT_UNWELL, engines
from vivavoce.errors import EngineError


async def well() -> str:
    return "did it"


async def ill() -> str:
    raise EngineError("no sound")


@pytest.mark.parametrize(("trial", "code"), [(well, 0), (ill, EXIT_UNWELL)])
def test_the_exit_code_says_whether_the_engines_work(
    trial: engines.Tryout, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "TRIALS", {("text to speech", "espeak-ng"): trial})
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["ok"] is (code == 0)


def test_words_unless_json_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "TRIALS", {("text to speech", "espeak-ng"): well})
    assert main(["doctor"]) == 0
    assert "The built-in engines work." in capsys.readouterr().out
