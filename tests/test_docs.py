"""The pages tell the truth: their code runs, their tables are complete, their links lead somewhere."""

from __future__ import annotations

import ast
import builtins
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, get_args

import pytest

import vivavoce
from vivavoce.agents import FunctionTool
from vivavoce.agents.functions import ToolOptions
from vivavoce.connections.base import RealtimeModelConfig
from vivavoce.connections.transport import TransportOptions
from vivavoce.session import config, events, run_settings
from vivavoce.session.session import RealtimeSession
from vivavoce.session.settings_keys import KEYS, OTHER_KEYS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
EXAMPLES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").rglob("*.py"))}
FRAGMENT = "<!-- fragment -->"
LONGEST_PAGE = 150
GENERATED = {"conformance.md"}
"""Pages that a program writes: to be searched, not read from end to end."""
_BLOCK = re.compile(rf"(?:({re.escape(FRAGMENT)})\n)?```python\n(.*?)\n```", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """One block of Python on a page."""

    place: str
    code: str
    is_fragment: bool


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = _BLOCK.finditer(text)
    return [Block(f"{page.name}:{text.count(chr(10), 0, m.start()) + 1}", m[2], bool(m[1])) for m in found]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def dedented(code: str) -> str:
    """Return a block as it would stand alone: an indented one was cut out of a function."""
    return f"async def _block():\n{code}" if code.startswith(" ") else code


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def codes(text: str) -> set[str]:
    """Return everything that stands in backticks."""
    return set(_CODE.findall(text))


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table after a heading."""
    after = text.split(heading, 1)[1].splitlines()
    start = next(index for index, line in enumerate(after) if line.startswith("|"))
    table = []
    for line in after[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


# --- code ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_every_block_compiles_and_is_part_of_an_example(block: Block) -> None:
    tree = ast.parse(dedented(block.code), block.place)
    if block.is_fragment:
        assert list(unresolved(tree)) == []
    else:
        assert any(block.code in source for source in EXAMPLES.values()), f"in no example:\n{block.code}"


def unresolved(tree: ast.Module) -> Iterator[str]:
    """Return the names of a fragment that nothing explains: no import, no assignment, no builtin."""
    known = {*dir(builtins), "agent", "runner", "session", "event"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = __import__(str(node.module), fromlist=["_"])
            for alias in node.names:
                if hasattr(module, alias.name):
                    known.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            known |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
        elif isinstance(node, ast.arg):
            known.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            known.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
            yield node.id
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "session"
            and not hasattr(RealtimeSession, node.attr)
        ):
            yield f"session.{node.attr}"


def test_a_fragment_with_a_name_that_is_not_there_is_seen() -> None:
    bad = "from vivavoce import Nobody\nawait session.sing(tune)\nNobody()"
    assert sorted(unresolved(ast.parse(bad))) == ["Nobody", "session.sing", "tune"]


SHOWN = {
    "agents_and_tools.py": "Manager speaks now.",
    "bad_network.py": "The agent was heard to the end.",
    "guardrail_kinds.py": "[stopped: The sofa costs four hundred euros, and that is a promise.]",
    "in_a_session.py": "'assistant: We have rooms with a view']",
    "looking_on.py": "['response', 'turn', 'session']",
    "mcp_servers.py": "Agent: That makes five.",
    "over_webrtc.py": "Agent: This is a benchmark tone.",
    "settings.py": "Greet people. cedar",
    "staying_alive.py": "[back at attempt 1]",
    "text_agents.py": "Booking 9 is cancelled.",
    "webhook_receiver.py": "200 200 400",
}
"""Programs of the pages, and something that they print."""


@pytest.mark.parametrize("name", SHOWN)
def test_the_program_of_a_page_runs(name: str) -> None:
    clean = {key: value for key, value in os.environ.items() if "OPENAI" not in key}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "docs" / name)],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
        env=clean,
    )
    assert done.returncode == 0, done.stderr
    assert SHOWN[name] in done.stdout


def test_every_program_of_a_page_is_run() -> None:
    assert sorted(SHOWN) == sorted(path.name for path in EXAMPLES if path.parent.name == "docs")


# --- tables -------------------------------------------------------------------------------------------------


def test_the_table_of_events_is_that_of_the_code() -> None:
    listed = {row[0].strip("`"): codes(row[1]) for row in rows(page("sessions.md"), "## Events")}
    kinds: dict[str, Any] = {
        field.default: kind
        for kind in get_args(events.RealtimeSessionEvent)
        if hasattr(kind, "__dataclass_fields__")
        for field in fields(kind)
        if field.name == "type" and isinstance(field.default, str)
    }
    assert list(listed) == list(events.SESSION_EVENTS)
    for name, shown in listed.items():
        stated = {field.name for field in fields(kinds[name])} - {"type"}
        assert shown == {"history" if field == "_read" else field for field in stated}, name


def test_every_method_of_a_session_is_described() -> None:
    text = page("sessions.md")
    named = {name.split("(")[0].removeprefix("await ") for name in codes(text)}
    public = {name for name in vars(RealtimeSession) if not name.startswith("_")}
    assert public - named == set()


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("## Settings of the model", {*KEYS, *OTHER_KEYS}),
        ("## Settings of a run", set(config.RealtimeRunConfig.__annotations__)),
        ("## How to reach the model", set(RealtimeModelConfig.__annotations__)),
    ],
)
def test_every_key_of_a_configuration_is_in_its_table(heading: str, keys: set[str]) -> None:
    assert {key for row in rows(page("configuration.md"), heading) for key in codes(row[0])} == keys


@pytest.mark.parametrize(
    ("name", "heading", "kind"),
    [
        ("guardrails.md", "## What the agent says", run_settings.GuardrailSettings),
        ("guardrails.md", "## What the user says", run_settings.InputGuardrailSettings),
        ("reliability.md", "## When the connection drops", run_settings.ReconnectSettings),
    ],
)
def test_a_table_of_settings_has_every_one_and_its_default(name: str, heading: str, kind: type[Any]) -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(page(name), heading)}
    assert table == {field.name: str(field.default) for field in fields(kind)}


def test_every_part_of_a_session_has_its_place_on_the_map() -> None:
    table = {
        pattern
        for row in rows(page("architecture.md"), "## The parts of a session")
        for pattern in codes(row[0])
    }
    parts = sorted(path.name for path in (ROOT / "src/vivavoce/session").glob("[a-z]*.py"))
    assert [part for part in parts if not any(fnmatch(part, pattern) for pattern in table)] == []
    assert [pattern for pattern in table if not any(fnmatch(part, pattern) for part in parts)] == []


def test_every_option_of_a_tool_is_named() -> None:
    named = codes(page("agents.md"))
    assert set(ToolOptions.__annotations__) - named == set()
    assert {field.name for field in fields(FunctionTool)} >= {"needs_approval", "background", "timeout"}


def test_the_numbers_of_the_line_are_those_of_the_code() -> None:
    limits = TransportOptions()
    text = page("reliability.md")
    for words in (
        f"{limits.connect_s:g} s to connect",
        f"ping every {limits.ping_interval_s:g} s",
        f"{limits.ping_timeout_s:g} s without an answer",
        f"{limits.send_s:g} s to send",
    ):
        assert words in text


# --- the rest -----------------------------------------------------------------------------------------------


def leads_somewhere(path: Path, link: str) -> bool:
    """Return whether a link leads to a file that is there, and to a heading in it."""
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    if not target.exists() or not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere_and_pages_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    near = [link for link in _LINK.findall(text) if "://" not in link]
    assert [link for link in near if not leads_somewhere(path, link)] == []
    assert path.name in GENERATED or text.count("\n") <= LONGEST_PAGE


def test_every_page_is_found_from_the_readme() -> None:
    links = {link.split("#")[0] for link in _LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    assert [path.name for path in DOCS.glob("*.md") if f"docs/{path.name}" not in links] == []


def test_imports_on_the_pages_are_of_public_names() -> None:
    for block in BLOCKS:
        for node in ast.walk(ast.parse(dedented(block.code))):
            if isinstance(node, ast.ImportFrom) and node.module == "vivavoce":
                assert {alias.name for alias in node.names} <= set(dir(vivavoce)), block.place
