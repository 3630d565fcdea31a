"""`import vivavoce`: what it offers, and what it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import vivavoce

STUB = Path(vivavoce.__file__).with_suffix(".pyi")
NAMES = [name for name in dir(vivavoce) if not name.startswith("_")]


def test_all_is_sorted_and_complete() -> None:
    exported = vivavoce.__all__  # type: ignore[attr-defined]  # the stub has no need of it
    assert exported == sorted(exported, key=lambda name: (name.strip("_").islower(), name))
    assert set(NAMES) == set(exported) - {"__version__"}


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(vivavoce, name) is not None


def test_the_stub_says_the_same_as_the_module() -> None:
    imports = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)]
    said = {alias.name: node.module for node in imports for alias in node.names}
    assert said == vivavoce._HOMES  # type: ignore[attr-defined]  # the stub has no need of it


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = vivavoce.Nothing  # type: ignore[attr-defined]  # the mistake under test


def test_importing_loads_nothing_heavy() -> None:
    heavy = ("pydantic", "numpy", "websockets", "msgspec", "asyncio", "soxr", "openai")
    program = f"import sys, vivavoce; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_defining_an_agent_loads_no_network_and_no_numpy() -> None:
    program = (
        "import sys; from vivavoce import RealtimeAgent; RealtimeAgent('Ada'); "
        "print([name for name in ('pydantic', 'numpy', 'websockets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
