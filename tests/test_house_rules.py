"""The rules of the house that no other tool checks. Each names the offender, the limit and the way out.

Docstrings, complexity and style are ruff's; who may import whom is import-linter's.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "vivavoce"

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_CONSTRUCTOR_PARAMETERS = 8

WITHOUT_OWN_TESTS = {
    "conversation/client_notices.py": "records without behaviour; the client's other tests read them",
    "engines/base.py": "ports and records without behaviour; every engine's test exercises them",
    "session/config.py": "typed dictionaries without behaviour; what they hold is tested with settings.py",
}
"""Modules without a test file of their own, and why. `__init__` and `__main__` need none."""

MAY_MAKE_TASKS = {
    "engines/stt/pocketsphinx.py": "an utterance outlives the call that starts it, and is told of its end",
    "tasks.py": "the one place where a session, started from a plain call, makes and ends its tasks",
    "server/listener.py": "the server ends itself when its caller is cancelled; it is awaited either way",
}
"""Modules that may start a task outside an `asyncio.TaskGroup`, and why nobody loses track of it."""

SIZE_EXEMPT: dict[str, str] = {}
"""Files and functions above the limits (``"path"`` or ``"path:function"`` from the root), and why."""

# A home directory or a checkout; spelt so that this line is not one itself.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/[\w.]")
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".cfg",
    ".ini",
    ".yml",
    ".yaml",
    ".json",
    ".html",
    ".css",
    ".js",
    ".sh",
    "",
}
FOLDERS = ("src", "tests", "docs", "examples", "bench", "tools", ".ci", ".github")


@dataclass(frozen=True)
class Source:
    """One file: where it is, seen from the root, and what it says."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def at(self, node: ast.stmt | ast.expr, complaint: str) -> str:
        return f"{self.path}:{node.lineno}: {complaint}"


def read(*folders: str, suffixes: frozenset[str] | set[str] = frozenset({".py"})) -> list[Source]:
    """The files below these folders of the project, without what tools leave behind."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*")))
    files = [p for p in found if p.is_file() and p.suffix in suffixes and "__pycache__" not in p.parts]
    return [Source(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for p in files]


def imported_names(source: Source, module: str) -> set[str]:
    """What ``from module import …`` brings into a file."""
    imports = (node for node in source.nodes if isinstance(node, ast.ImportFrom) and node.module == module)
    return {alias.name for node in imports for alias in node.names}


def calls(source: Source, module: str, *names: str) -> Iterator[ast.Call]:
    """Every call of ``module.name`` or of a ``name`` imported from that module."""
    bare = imported_names(source, module) & set(names)
    dotted = {f"{module}.{name}" for name in names}
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in bare | dotted:
            yield node


# The rules: each takes one file and yields its offences.


def long_files(source: Source) -> Iterator[str]:
    length = source.text.count("\n")
    if length > MAX_FILE_LINES and source.path not in SIZE_EXEMPT:
        yield f"{source.path}: {length} lines, at most {MAX_FILE_LINES}: a noun in it wants its own"


def long_functions(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES and f"{source.path}:{node.name}" not in SIZE_EXEMPT:
                yield source.at(node, f"{node.name} has {length} lines, at most {MAX_FUNCTION_LINES}")


def wide_constructors(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            count = (
                sum(len(part) for part in (node.args.posonlyargs, node.args.args, node.args.kwonlyargs)) - 1
            )
            if count > MAX_CONSTRUCTOR_PARAMETERS and f"{source.path}:__init__" not in SIZE_EXEMPT:
                limit = f"at most {MAX_CONSTRUCTOR_PARAMETERS}: group them in a frozen config"
                yield source.at(node, f"a constructor with {count} parameters, {limit}")


def real_sleeps(source: Source) -> Iterator[str]:
    """A test never waits for real. On the virtual clock (`vivavoce.testing.run`) a sleep costs nothing."""
    for call in calls(source, "time", "sleep"):
        yield source.at(call, "time.sleep in a test: wait for what must happen instead (event, join, queue)")
    ours = imported_names(source, "vivavoce.testing") | imported_names(source, "vivavoce.testing.clock")
    virtual = bool(ours & {"run", "VirtualClockLoop"}) and not any(calls(source, "asyncio", "run"))
    for call in calls(source, "asyncio", "sleep"):
        yields_only = bool(call.args) and isinstance(call.args[0], ast.Constant) and not call.args[0].value
        if not virtual and not yields_only:
            yield source.at(call, "asyncio.sleep on a real clock: run it with vivavoce.testing.run")


def loose_tasks(source: Source) -> Iterator[str]:
    if source.path.removeprefix("src/vivavoce/") in MAY_MAKE_TASKS:
        return
    loose = list(calls(source, "asyncio", "create_task", "ensure_future"))
    for node in source.nodes:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "create_task"
        ):
            owner = ast.unparse(node.func.value)
            if owner.endswith(("loop", "loop()")):
                loose.append(node)
    for call in loose:
        yield source.at(call, "a task outside an asyncio.TaskGroup; if it must be, list it in MAY_MAKE_TASKS")


def machine_paths(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := MACHINE_PATH.search(line):
            yield f"{source.path}:{number}: a path of one machine ({found.group()}…) in a file for all"


def anonymous_rooms(source: Source) -> Iterator[str]:
    docstring = ast.get_docstring(source.tree) or ""
    if not re.search(r"may import", docstring, re.IGNORECASE):
        yield f"{source.path}: its docstring must say who may import this room ('Who may import it: …')"


def has_behaviour(source: Source) -> bool:
    """Tell whether a module holds more than its docstring."""
    return any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in source.tree.body
    )


def untested_modules(modules: list[Source], exists: Callable[[str], bool]) -> Iterator[str]:
    for source in modules:
        name = source.path.removeprefix("src/vivavoce/")
        path = Path(name)
        if (
            path.name in {"__init__.py", "__main__.py"}
            or name in WITHOUT_OWN_TESTS
            or not has_behaviour(source)
        ):
            continue
        mirror = Path("tests", path.parent, f"test_{path.stem.strip('_')}.py").as_posix()
        if not exists(mirror):
            yield f"{source.path}: no {mirror}"


def code() -> list[Source]:
    return read("src", "tests", "bench", "examples", "tools")


def package() -> list[Source]:
    return read("src/vivavoce")


def own_tests() -> list[Source]:
    return read("tests")


def rooms() -> list[Source]:
    return [s for s in package() if re.fullmatch(r"src/vivavoce/[^/]+/__init__\.py", s.path)]


def everything() -> list[Source]:
    top = (
        p for p in sorted(ROOT.iterdir()) if p.is_file() and p.suffix in TEXT and not p.name.startswith(".")
    )
    return [Source(p.name, p.read_text(encoding="utf-8")) for p in top] + read(*FOLDERS, suffixes=TEXT)


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (long_files, code),
        (long_functions, code),
        (wide_constructors, code),
        (real_sleeps, own_tests),
        (loose_tasks, package),
        (machine_paths, everything),
        (anonymous_rooms, rooms),
    ],
    ids=lambda function: function.__name__,
)
def test_the_house_keeps(rule: Callable[[Source], Iterator[str]], files: Callable[[], list[Source]]) -> None:
    offences = [offence for source in files() for offence in rule(source)]
    assert not offences, "\n" + "\n".join(offences)


def test_every_module_has_its_tests() -> None:
    offences = list(untested_modules(package(), lambda path: (ROOT / path).is_file()))
    assert not offences, "\n" + "\n".join(offences)


def test_every_exception_to_a_rule_is_still_needed() -> None:
    gone = [name for name in (*WITHOUT_OWN_TESTS, *MAY_MAKE_TASKS) if not (PACKAGE / name).is_file()]
    gone += [name for name in SIZE_EXEMPT if not (ROOT / name.split(":")[0]).is_file()]
    assert not gone, f"these files are gone, so their exceptions can go too: {gone}"


def test_pins_name_versions_and_no_place_to_get_them_from() -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    odd = [pin for pin in pins if not re.fullmatch(r'[a-z0-9-]+==[\w.]+(; sys_platform != "win32")?', pin)]
    assert pins, "constraints.txt pins nothing"
    assert not odd, f"not of the form name==version: {odd}"


LONG_BODY = "\n".join("    pass" for _ in range(MAX_FUNCTION_LINES))


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (long_files, "x = 1\n" * 401, "x = 1\n" * 400),
        (long_functions, f"async def f():\n{LONG_BODY}", f"def f():\n{LONG_BODY[9:]}"),
        (
            wide_constructors,
            "class A:\n    def __init__(self, a, b, c, d, /, e, f, *, g, h, i): ...",
            "class A:\n    def __init__(self, a, b, c, d, e, f, *, g, h): ...",
        ),
        (real_sleeps, "import time\ntime.sleep(0)", "import time\ntime.monotonic()"),
        (real_sleeps, "from time import sleep\nsleep(1)", "from my import sleep\nsleep(1)"),
        (real_sleeps, "import asyncio\nasyncio.sleep(0.1)", "import asyncio\nasyncio.sleep(0)"),
        (
            real_sleeps,
            "from vivavoce.testing import run\nasyncio.run(asyncio.sleep(5))",
            "from vivavoce.testing import run\nrun(asyncio.sleep(5))",
        ),
        (loose_tasks, "from asyncio import create_task\ncreate_task(x())", "group.create_task(x())"),
        (
            loose_tasks,
            "asyncio.ensure_future(x())",
            "async with asyncio.TaskGroup() as g: g.create_task(x())",
        ),
        (loose_tasks, "asyncio.get_running_loop().create_task(x())", "self._tasks.create_task(x())"),
        (machine_paths, "open('/" + "home/me/x')", "open('~/x'), 'https://example.org/home/x'"),
        (anonymous_rooms, '"""A room."""', '"""A room. Who may import it: everyone."""'),
    ],
)
def test_a_rule_sees_the_offence_and_nothing_else(
    rule: Callable[[Source], Iterator[str]], bad: str, good: str
) -> None:
    assert len(list(rule(Source("bad.py", bad)))) == 1
    assert list(rule(Source("good.py", good))) == []


def test_a_module_without_its_test_file_is_seen() -> None:
    present = {"tests/audio/test_wav.py"}
    names = ("audio/__init__.py", "audio/wav.py", "audio/_tables.py", "audio/notes.py")
    texts = ("x = 1", "x = 1", "x = 1", '"""Only words."""')
    modules = [Source(f"src/vivavoce/{name}", text) for name, text in zip(names, texts, strict=True)]
    offences = list(untested_modules(modules, present.__contains__))
    assert offences == ["src/vivavoce/audio/_tables.py: no tests/audio/test_tables.py"]
