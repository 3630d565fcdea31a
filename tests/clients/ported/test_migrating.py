"""The page for those who come from `openai-agents`: its tables name what there is, on both sides."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "migrating.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(agents[\w.]*)` \| `(vivavoce[\w.]*)` \| (.+) \|$", re.MULTILINE)
NAMES = [
    (there, here, name) for there, here, names in ROW.findall(PAGE) for name in re.findall(r"`(\w+)`", names)
]

pytestmark = pytest.mark.clients


def test_the_table_is_read() -> None:
    assert len(NAMES) > 50


@pytest.mark.parametrize(("there", "here", "name"), NAMES)
def test_a_name_is_there_and_here(there: str, here: str, name: str) -> None:
    pytest.importorskip("agents", reason="needs the package openai-agents")
    assert hasattr(importlib.import_module(there), name)
    assert hasattr(importlib.import_module(here), name)
