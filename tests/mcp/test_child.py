from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.mcp.child import LAST_WORDS, Child, Command, start_child

# A child that starts one of its own, tells both numbers, and takes its time to end.
FAMILY = """
import signal, subprocess, sys
{before}
child = subprocess.Popen([sys.executable, "-Sc", "import signal; signal.pause()"])
print(child.pid, flush=True)
{after}
"""


def python(code: str) -> Command:
    return Command(command=sys.executable, args=["-Sc", code])


def family(before: str = "", after: str = "sys.stdin.read()") -> Command:
    return python(FAMILY.format(before=before, after=after))


async def grandchild(child: Child) -> int:
    return int(await child.stdout.readline())


def stopped(command: Command, processes: Callable[..., Any]) -> tuple[int | None, float]:
    """Start and stop it; return how it ended and how long that took. Nobody of the family is left."""

    async def main() -> tuple[int | None, float]:
        loop = asyncio.get_running_loop()
        child = await start_child(command)
        with processes(child.pid, await grandchild(child)) as ended:
            begun = loop.time()
            await child.stop()
            took = loop.time() - begun
            assert await asyncio.to_thread(ended)
        await child.stop()
        return child.returncode, took

    return asyncio.run(main())


def test_a_child_that_ends_with_its_input_is_not_forced(processes: Callable[..., Any]) -> None:
    code, took = stopped(family(), processes)
    assert code == 0
    assert took < 0.9


def test_a_child_that_waits_on_is_asked_to_end(processes: Callable[..., Any]) -> None:
    code, took = stopped(family(after="signal.pause()"), processes)
    assert code == -signal.SIGTERM
    assert took < 0.9


def test_a_child_that_will_not_end_is_killed(processes: Callable[..., Any]) -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code, took = stopped(family(deaf, "while True: signal.pause()"), processes)
    assert code == -signal.SIGKILL
    assert took < 0.9


def test_a_cancelled_stop_kills_at_once(processes: Callable[..., Any]) -> None:
    async def main() -> None:
        child = await start_child(family(after="signal.pause()"))
        with processes(child.pid, await grandchild(child)) as ended:
            async with asyncio.timeout(0):
                await child.stop()
        assert ended()

    with pytest.raises(TimeoutError):
        asyncio.run(main())


def test_who_dies_takes_its_children_along(processes: Callable[..., Any]) -> None:
    async def main() -> None:
        child = await start_child(family(after="sys.exit(3)"))
        with processes(await grandchild(child)) as ended:
            assert await child.wait(5)
            assert child.returncode == 3
            assert await asyncio.to_thread(ended)
        child.kill()
        await child.stop()

    asyncio.run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_another_event_loop_will_do(processes: Callable[..., Any]) -> None:
    import uvloop

    async def main() -> None:
        child = await start_child(family(after="signal.pause()"))
        with processes(child.pid, await grandchild(child)) as ended:
            await child.stop()
            assert await asyncio.to_thread(ended)
        assert child.returncode == -signal.SIGTERM

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_waiting_ends_with_its_time() -> None:
    async def main() -> None:
        child = await start_child(python("input()"))
        assert not await child.wait(0.01)
        assert child.returncode is None
        await child.stop()

    asyncio.run(main())


def test_standard_error_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        child = await start_child(python(r"import os; os.write(2, b'first\n\xff second\n')"))
        await child.log_stderr("the server")
        await child.stop()

    with caplog.at_level(logging.DEBUG, "vivavoce"):
        asyncio.run(main())
    said = [(record.levelname, vars(record)["server"], vars(record)["line"]) for record in caplog.records]
    assert said == [("DEBUG", "the server", "first"), ("DEBUG", "the server", "\ufffd second")]


def test_its_last_words_are_kept() -> None:
    async def main() -> list[str]:
        child = await start_child(python(r"import os; os.write(2, b'first\n' + b'x' * 999 + b'\n\n')"))
        before = await child.last_words(0.01)
        await child.log_stderr("the server")
        after = await child.last_words(1)
        await child.stop()
        return [before, after]

    assert asyncio.run(main()) == ["", "x" * LAST_WORDS]


def test_it_runs_where_and_with_what_it_is_told(tmp_path: Path) -> None:
    async def main() -> bytes:
        code = "import os; print(os.getcwd(), sorted(os.environ))"
        child = await start_child(
            Command(command=sys.executable, args=["-Sc", code], env={"LC_ALL": "C"}, cwd=tmp_path)
        )
        try:
            return await child.stdout.read()
        finally:
            await child.stop()

    assert asyncio.run(main()).decode().strip() == f"{tmp_path.resolve()} ['LC_ALL']"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (
            Command(command="no-such-program"),
            "'no-such-program' was not found: install it, or give its full path",
        ),
        (Command(command=sys.executable, cwd="no/such/folder"), "cwd 'no/such/folder' is not a directory"),
        (Command(command=str(Path(__file__).parent)), "cannot be started: .*Permission denied"),
        (Command(command="null\0byte"), "cannot be started: embedded null byte"),
    ],
)
def test_what_cannot_be_started_is_explained(command: Command, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        asyncio.run(start_child(command))
