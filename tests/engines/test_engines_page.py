"""docs/engines.md: its examples are read as they stand, and it leaves no engine and no option out."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.catalogue import BUILT_IN, EngineEntry, find_engine
from vivavoce.engines.registry import EngineChoice, specs
from vivavoce.server.config_file import read_config

PAGE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
BLOCKS = {kind: re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("toml", "python")}


def options_of(entry: EngineEntry) -> set[str]:
    module, _, attribute = entry.factory.partition(":")
    return set(inspect.signature(getattr(importlib.import_module(module), attribute)).parameters)


@pytest.mark.parametrize("block", BLOCKS["toml"])
def test_a_file_is_accepted_as_it_stands(block: str, tmp_path: Path) -> None:
    file = tmp_path / "vivavoce.toml"
    file.write_text(block, encoding="utf-8")
    chosen = specs(read_config(file).engines)
    assert chosen
    for part, spec in chosen.items():
        unknown = set(spec.options) - options_of(find_engine(part, spec.name)) - {"api_key_env"}
        assert not unknown, f"{part}:{spec.name} has no {unknown}"


def test_the_program_runs() -> None:
    (block,) = BLOCKS["python"]
    names: dict[str, Any] = {}
    exec(block, names)
    choice = names["choice"]
    assert isinstance(choice, EngineChoice)
    assert specs(choice)["stt"].options == {"model": "small"}


@pytest.mark.parametrize(
    "entry", [entry for entry in BUILT_IN if entry.name != "bench"], ids=lambda entry: entry.full_name
)
def test_every_engine_stands_in_the_table(entry: EngineEntry) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{entry.full_name}` |")]
    assert not entry.extra or f"vivavoce[{entry.extra}]" in row


@pytest.mark.parametrize(
    "entry",
    [entry for entry in BUILT_IN if entry.part in {"stt", "llm", "tts"}],
    ids=lambda entry: entry.full_name,
)
def test_every_option_is_explained(entry: EngineEntry) -> None:
    missing = [name for name in options_of(entry) if f"`{name}`" not in PAGE]
    assert not missing, missing
