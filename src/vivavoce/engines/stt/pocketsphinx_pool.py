"""The parent's side of the pipe: decoder processes, started when needed, lent to one segment at a time."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from vivavoce.engines.stt.pocketsphinx_worker import HEADER
from vivavoce.errors import EngineError

WORKER = Path(__file__).with_name("pocketsphinx_worker.py")
REPLY_TIMEOUT = 60.0
"""Seconds after which a silent worker counts as hung; the longest honest reply takes about ten."""
EXIT_TIMEOUT = 0.5
"""Seconds a worker has to end by itself once its input is closed."""


class Heard(NamedTuple):
    """What a decoder hears in a block.

    Attributes:
        words: words that settled with it.
        pause_ms: silence since the last word.
        guess: words after those that settled; they may still change.
    """

    words: str
    pause_ms: int
    guess: str


class Passage(NamedTuple):
    """The words of a segment, and how sure the decoder is of each, 0 to 1."""

    text: str = ""
    confidences: tuple[float, ...] = ()


class DecoderProcess:
    """One worker process. Requests go one at a time; a cancelled request leaves the process fit for the next.

    Args:
        process: the worker, with its standard input and output piped.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._owed = 1  # The worker greets once its model is loaded.
        self.broken = False

    @classmethod
    async def start(cls) -> DecoderProcess:
        """Start a worker; its model loads while the caller goes on."""
        # A session (on Windows: a process group) of its own keeps the terminal's Ctrl-C away from the worker.
        options: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        # -P keeps this folder off the import path: a neighbour of the worker is called pocketsphinx, too.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(WORKER), stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    async def loaded(self) -> None:
        """Wait until the model is loaded.

        Raises:
            EngineError: it cannot be loaded.
        """
        if self._owed:
            await self._reply()

    async def begin(self) -> None:
        """Begin a segment.

        Raises:
            EngineError: the worker failed.
        """
        await self._call(b"s")

    async def decode(self, pcm: bytes) -> Heard:
        """Hear PCM16 at 16 kHz.

        Raises:
            EngineError: the worker failed.
        """
        reply = await self._call(b"d", pcm)
        return Heard(reply["words"], reply["pause_ms"], reply["guess"])

    async def transcribe(self, pcm: bytes) -> Passage:
        """Return the words of a whole segment, PCM16 at 16 kHz; one that was begun is dropped.

        Raises:
            EngineError: the worker failed.
        """
        reply = await self._call(b"w", pcm)
        return Passage(reply["text"], tuple(reply["confidences"]))

    async def aclose(self) -> None:
        """End the process; safe to call twice."""
        self.broken = True
        self._stdin.close()
        try:
            async with asyncio.timeout(EXIT_TIMEOUT):
                await self._process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def _call(self, name: bytes, payload: bytes = b"") -> dict[str, Any]:
        self._stdin.write(HEADER.pack(name, len(payload)) + payload)
        self._owed += 1
        return await self._reply()

    async def _reply(self) -> dict[str, Any]:
        """Return the reply to the latest request; the earlier ones belong to cancelled requests."""
        try:
            async with asyncio.timeout(REPLY_TIMEOUT):
                while True:
                    line = await self._stdout.readline()
                    if not line:
                        raise self._failure("ended unexpectedly")
                    self._owed -= 1
                    reply: dict[str, Any] = json.loads(line)
                    if "fatal" in reply:
                        raise self._failure(reply["fatal"])
                    if not self._owed:
                        break
        except TimeoutError:
            self._process.kill()
            raise self._failure(f"did not answer within {REPLY_TIMEOUT:g} s") from None
        if "error" in reply:
            raise self._failure(reply["error"])
        return reply

    def _failure(self, reason: str) -> EngineError:
        self.broken = True
        return EngineError(f"the pocketsphinx worker (process {self.pid}) failed: {reason}")


class DecoderPool:
    """At most `size` decoder processes; who finds none free waits in line.

    Args:
        size: number of processes.
    """

    def __init__(self, size: int) -> None:
        self._seats = asyncio.Semaphore(size)
        self._idle: list[DecoderProcess] = []
        self._processes: set[DecoderProcess] = set()
        self.waiting = 0
        """How many wait in line."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run, in ascending order."""
        return tuple(sorted(process.pid for process in self._processes))

    @asynccontextmanager
    async def decoder(self) -> AsyncIterator[DecoderProcess]:
        """Lend a decoder for one segment.

        Raises:
            EngineError: no process can be started.
        """
        async with self._seat():
            # The one used last is taken first, so that the others stay idle, perhaps swapped out.
            process = self._idle.pop() if self._idle else await self._start()
            try:
                yield process
            finally:
                if process.broken:
                    self._processes.discard(process)
                    await process.aclose()
                else:
                    self._idle.append(process)

    @asynccontextmanager
    async def idle_decoder(self) -> AsyncIterator[DecoderProcess | None]:
        """Lend a decoder that nobody uses or waits for; `None` if there is none.

        Raises:
            EngineError: no process can be started.
        """
        if self._seats.locked():
            yield None
        else:
            async with self.decoder() as decoder:
                yield decoder

    async def aclose(self) -> None:
        """End every process. Nobody may be using a decoder; safe to call twice."""
        processes, self._processes = self._processes, set()
        self._idle.clear()
        await asyncio.gather(*(process.aclose() for process in processes))

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[None]:
        self.waiting += 1
        try:
            await self._seats.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._seats.release()

    async def _start(self) -> DecoderProcess:
        try:
            process = await DecoderProcess.start()
        except OSError as error:
            raise EngineError(f"cannot start a pocketsphinx worker: {error}") from error
        self._processes.add(process)
        return process
