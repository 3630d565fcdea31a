"""`import vivavoce.text`: what it offers, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce import text

STUB = Path(text.__file__).with_suffix(".pyi")


@pytest.mark.parametrize("name", dir(text))
def test_every_name_is_there(name: str) -> None:
    assert getattr(text, name) is not None


def test_the_stub_says_the_same_as_the_module() -> None:
    imports = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)]
    said = {alias.name: node.module for node in imports for alias in node.names}
    assert said == text._HOMES  # type: ignore[attr-defined]  # the stub has no need of it
    assert sorted(said) == dir(text)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = text.Nothing  # type: ignore[attr-defined]  # the mistake under test


def test_defining_an_agent_loads_neither_its_runner_nor_numpy() -> None:
    program = (
        "import sys; from vivavoce import Agent; Agent(name='Ada'); "
        "print([name for name in ('numpy', 'pydantic', 'vivavoce.text.runner') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
