"""Examples as tests run them: unchanged, on the virtual clock, with the local model on quick engines.

The engines are the built-in brain, ears that know beforehand what they will hear, and a voice of tones.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vivavoce.engines import registry
from vivavoce.engines.base import Engines
from vivavoce.engines.llm.brain import BuiltinBrain
from vivavoce.engines.scripted import ScriptedSynthesizer, scripted_engines
from vivavoce.testing import run

EXAMPLES = Path(__file__).parents[2] / "examples"

Load = Callable[[str], ModuleType]
Hearing = Callable[..., None]
Play = Callable[..., list[str]]


class AnyVoice(ScriptedSynthesizer):
    """Speaks in every voice alike."""

    def knows_voice(self, voice: str) -> bool:
        return bool(voice)


@pytest.fixture
def load() -> Load:
    """Load an example as a module: ``load("folder/name.py")``. Its `main` is not run."""

    def loading(example: str) -> ModuleType:
        path = EXAMPLES / example
        spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loading


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> Hearing:
    """Give the local model quick engines: ``hearing("hello", "stop")`` is what they understand, in order."""

    def prepare(*texts: str) -> None:
        def build(_: object = None) -> Engines:
            engines = scripted_engines(hears=texts)
            return replace(engines, llm=BuiltinBrain(), synthesizer=AnyVoice())

        monkeypatch.setattr(registry, "build_engines", build)

    prepare()
    return prepare


@pytest.fixture
def play(load: Load, hearing: Hearing, capsys: pytest.CaptureFixture[str]) -> Play:
    """Run an example: ``play("folder/name.py", *arguments, hears=[…])`` returns the lines that it prints."""

    def playing(example: str, *arguments: Any, hears: tuple[str, ...] = ()) -> list[str]:
        hearing(*hears)
        capsys.readouterr()
        run(load(example).main(*arguments))
        return capsys.readouterr().out.splitlines()

    return playing
