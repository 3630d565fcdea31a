"""The names of the room: those of `openai-agents`, loaded when they are used, known to type checkers."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import vivavoce.openai_agents as room
from vivavoce.openai_agents import realtime

STUB = Path(room.__file__).with_suffix(".pyi")
NAMES = dir(room)
OURS = {"RECOMMENDED_PROMPT_PREFIX", "prompt_with_handoff_instructions", "tool", "ToolContext"}
"""Names that the other SDK has in other modules."""
INSIDE = {
    "realtime": {
        "AssistantAudio",
        "InputImage",
        "RealtimeInputAudioTimeoutTriggered",
        "RealtimeModelInputAudioTimeoutTriggeredEvent",
        "RealtimeModelRawServerEvent",
    },
    "realtime.items": {"history_from", "item_from", "message_from"},
    "realtime.session": {"SessionModel"},
    "usage": {"usage_of_response", "usage_of_session"},
}
"""Names that the module of the other SDK has not: from deeper modules, or for this room alone."""
MODULES = [
    "agent",
    "decorators",
    "exceptions",
    "extensions.handoff_prompt",
    "mcp",
    "realtime",
    "realtime.agent",
    "realtime.config",
    "realtime.events",
    "realtime.handoffs",
    "realtime.items",
    "realtime.model",
    "realtime.model_events",
    "realtime.model_inputs",
    "realtime.openai_realtime",
    "realtime.runner",
    "realtime.session",
    "tool_context",
    "usage",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there(name: str) -> None:
    assert getattr(room, name) is not None


def test_the_stub_says_the_same_as_the_module() -> None:
    imports = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)]
    said = {alias.name: node.module for node in imports for alias in node.names}
    assert said == room._HOMES  # type: ignore[attr-defined]  # the stub has no need of it


def test_names_of_realtime_are_at_the_top_too() -> None:
    assert set(realtime.__all__) <= set(NAMES)


def test_importing_loads_nothing() -> None:
    program = (
        "import sys, vivavoce.openai_agents; "
        "print([name for name in ('pydantic', 'numpy', 'msgspec', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.clients
def test_every_name_of_their_realtime_is_here() -> None:
    theirs = pytest.importorskip("agents.realtime", reason="needs the package openai-agents")
    assert set(theirs.__all__) - set(realtime.__all__) == set()


@pytest.mark.clients
def test_every_name_here_is_one_of_theirs() -> None:
    theirs = pytest.importorskip("agents", reason="needs the package openai-agents")
    assert set(NAMES) - set(realtime.__all__) - set(theirs.__all__) == OURS


@pytest.mark.clients
@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_the_names_that_theirs_has(module: str) -> None:
    pytest.importorskip("agents", reason="needs the package openai-agents")
    theirs = importlib.import_module(f"agents.{module}")
    here = importlib.import_module(f"vivavoce.openai_agents.{module}")
    public = getattr(here, "__all__", None) or [
        name for name, value in vars(here).items() if getattr(value, "__module__", "") == here.__name__
    ]
    lacking = {name for name in public if not name.startswith("_") and not hasattr(theirs, name)}
    assert lacking == INSIDE.get(module, set())
