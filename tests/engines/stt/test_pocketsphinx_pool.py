"""Worker processes: starting, lending, failing, ending."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from vivavoce.engines.stt import pocketsphinx_pool
from vivavoce.engines.stt.pocketsphinx_pool import DecoderPool, DecoderProcess, Passage
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("pocketsphinx") is None, reason="needs pocketsphinx: vivavoce[local]"
    ),
]
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
SECOND = bytes(32_000)


def run(use: Callable[[DecoderPool], Awaitable[None]], size: int = 1) -> None:
    async def main() -> None:
        pool = DecoderPool(size)
        try:
            await use(pool)
        finally:
            await pool.aclose()
            await pool.aclose()
            assert not pool.pids

    asyncio.run(main())


def test_a_worker_is_started_when_needed_and_used_again() -> None:
    async def use(pool: DecoderPool) -> None:
        assert not pool.pids
        for _ in range(2):
            async with pool.decoder() as decoder:
                await decoder.loaded()
                await decoder.loaded()
                await decoder.begin()
                assert await decoder.decode(SECOND) == ("", 960, "")
                assert await decoder.transcribe(b"") == Passage()
            assert pool.pids == (decoder.pid,)

    run(use)


def test_who_finds_no_decoder_free_gets_one_in_turn() -> None:
    async def use(pool: DecoderPool) -> None:
        turns: list[int] = []

        async def take(turn: int) -> None:
            async with pool.decoder() as decoder:
                await decoder.begin()
                turns.append(turn)

        async with asyncio.TaskGroup() as group, pool.decoder():
            for turn in range(4):
                group.create_task(take(turn))
            await asyncio.sleep(0)
            assert turns == []
            assert pool.waiting == 4
        assert pool.waiting == 0
        assert turns == [0, 1, 2, 3]
        assert len(pool.pids) == 1

    run(use)


def test_an_idle_decoder_is_one_that_nobody_has() -> None:
    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as first:
            async with pool.idle_decoder() as second:
                assert second is not None
                assert second is not first
                async with pool.idle_decoder() as third:
                    assert third is None
            async with pool.idle_decoder() as again:
                assert again is second

    run(use, size=2)


def test_a_cancelled_request_leaves_the_worker_in_step() -> None:
    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as decoder:
            await decoder.begin()
            for _ in range(3):
                request = asyncio.ensure_future(decoder.decode(SECOND * 5))
                await asyncio.sleep(0)
                request.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await request
        async with pool.decoder() as again:
            assert again is decoder
            await again.begin()
            assert await again.decode(SECOND) == ("", 960, "")

    run(use)


def test_a_worker_that_dies_fails_its_caller_and_is_replaced() -> None:
    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as decoder:
            await decoder.begin()
            os.kill(decoder.pid, signal.SIGTERM)
            with pytest.raises(EngineError, match=rf"process {decoder.pid}\) failed: ended unexpectedly"):
                await decoder.decode(SECOND)
        assert not pool.pids
        async with pool.decoder() as another:
            await another.begin()
            assert another.pid != decoder.pid

    run(use)


def test_an_error_in_the_worker_is_an_engine_error() -> None:
    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as decoder:
            with pytest.raises(EngineError, match=r"failed: .+"):
                await decoder.decode(SECOND)

    run(use)


def script(folder: Path, text: str) -> Path:
    path = folder / "worker.py"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_model_that_does_not_load_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = script(tmp_path, """print('{"fatal": "RuntimeError: no model"}')""")
    monkeypatch.setattr(pocketsphinx_pool, "WORKER", worker)

    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as decoder:
            with pytest.raises(EngineError, match="no model"):
                await decoder.loaded()

    run(use)


def test_a_worker_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = script(tmp_path, "import threading; threading.Event().wait()")
    monkeypatch.setattr(pocketsphinx_pool, "WORKER", deaf)
    monkeypatch.setattr(pocketsphinx_pool, "REPLY_TIMEOUT", 0.01)
    monkeypatch.setattr(pocketsphinx_pool, "EXIT_TIMEOUT", 0.01)

    async def use(pool: DecoderPool) -> None:
        async with pool.decoder() as decoder:
            with pytest.raises(EngineError, match=r"did not answer within 0\.01 s"):
                await decoder.begin()
        assert not pool.pids
        async with pool.decoder():
            pass  # Idle and deaf to the end of its input: closing has to kill it.

    run(use)


def test_a_worker_that_cannot_be_started_is_an_engine_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(pool: DecoderPool) -> None:
        monkeypatch.setattr(sys, "executable", "/nonexistent/python")
        with pytest.raises(EngineError, match="cannot start"):
            async with pool.decoder():
                pass

    run(use)


def test_closing_reaps_the_process() -> None:
    async def main() -> None:
        process = await DecoderProcess.start()
        await process.loaded()
        await process.aclose()
        await process.aclose()
        pids.append(process.pid)

    pids: list[int] = []
    asyncio.run(main())
    with pytest.raises(ChildProcessError):
        os.waitpid(pids[0], 0)


PARENT = """
import asyncio
from vivavoce.engines.stt.pocketsphinx_pool import DecoderPool

async def main():
    pool = DecoderPool(1)
    try:
        async with pool.decoder() as decoder:
            await decoder.begin()
            print("ready", flush=True)
            await asyncio.Event().wait()
    finally:
        await pool.aclose()

asyncio.run(main())
"""


@posix
@pytest.mark.parametrize("fatal", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(fatal: signal.Signals) -> None:
    """The worker holds the parent's standard error open: its end is the worker's end."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        assert parent.stdout.readline() == b"ready\n"
        os.killpg(parent.pid, fatal)
        complaints = parent.stderr.read()
        assert parent.wait(10) != 0
    # Ctrl-C shows one traceback, the program's own, and none of a worker.
    assert (b"KeyboardInterrupt" in complaints) == (fatal == signal.SIGINT)
    assert b"pocketsphinx_worker" not in complaints
