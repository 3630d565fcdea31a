"""The engines there are."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib import metadata
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from vivavoce.engines import catalogue as catalogue_module
from vivavoce.engines.catalogue import BUILT_IN, GROUP, EngineEntry, catalogue, find_engine
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError


def point(name: str, attribute: str = "make") -> metadata.EntryPoint:
    return metadata.EntryPoint(name, f"parrot_for_tests:{attribute}", GROUP)


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of another package, and its entry points."""
    module = ModuleType("parrot_for_tests")

    def make(options: Mapping[str, Any]) -> Mapping[str, Any]:
        if "raise" in options:
            raise options["raise"]
        return options

    module.make = make  # type: ignore[attr-defined]
    points = [
        point("tts:parrot"),
        point("stt:pocketsphinx"),
        point("no-part"),
        point("mind:x"),
        point("stt:"),
    ]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == GROUP else [])
    return module


def test_every_built_in_engine_is_where_its_entry_says() -> None:
    for entry in BUILT_IN:
        module, _, attribute = entry.factory.partition(":")
        factory = getattr(importlib.import_module(module), attribute)
        assert callable(factory), entry.full_name
        assert get_type_hints(factory.__init__) is not None, entry.full_name  # what options are checked by
        assert entry.summary, entry.full_name
        assert bool(entry.packages) == (entry.extra is not None), entry.full_name


def test_names_are_used_once() -> None:
    names = [entry.full_name for entry in BUILT_IN]
    assert len(names) == len(set(names))


@pytest.mark.usefixtures("parrot")
def test_an_entry_point_adds_an_engine_and_takes_no_name_away() -> None:
    assert [entry.full_name for entry in catalogue() if entry not in BUILT_IN] == ["tts:parrot"]
    options = {"colour": "green"}
    assert find_engine("tts", "parrot").make(options) is options
    assert find_engine("stt", "pocketsphinx") in BUILT_IN


@pytest.mark.usefixtures("parrot")
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no beak"), "tts 'parrot' of the package .* cannot be made: ValueError: no beak"),
        (EngineError("no beak"), "tts 'parrot' cannot be made: no beak"),
        (ConfigurationError("no beak"), "^no beak$"),
    ],
)
def test_what_another_package_raises_names_its_engine(error: Exception, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        find_engine("tts", "parrot").make({"raise": error})


def test_a_missing_package_names_the_command() -> None:
    entry = EngineEntry("stt", "x", "nowhere:Nothing", packages=("no_such_module",), extra="whisper")
    assert entry.missing == ("no_such_module",)
    assert entry.command == "pip install 'vivavoce[whisper]'"
    with pytest.raises(MissingExtraError, match=r"stt 'x' needs an extra: pip install 'vivavoce\[whisper\]'"):
        entry.make({})


def test_nothing_is_to_be_installed_where_nothing_is_missing() -> None:
    assert EngineEntry("stt", "x", "nowhere:Nothing", packages=("json",), extra="whisper").command is None


def test_a_bug_in_an_engine_of_this_package_is_not_dressed_up() -> None:
    with pytest.raises(AttributeError):
        EngineEntry("stt", "x", f"{catalogue_module.__name__}:Nothing").make({})


def test_options_of_a_built_in_engine_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="stt 'bench' has no option 'model'"):
        find_engine("stt", "bench").make({"model": "x"})
