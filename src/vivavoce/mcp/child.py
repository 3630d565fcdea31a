"""A server as a child process: started in a group of its own, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from vivavoce.errors import ConfigurationError
from vivavoce.mcp.lines import LineSplitter

if sys.platform != "win32":
    import os

logger = logging.getLogger(__name__)

READ_BYTES = 65_536
LOG_LINE_BYTES = 4_096
LAST_WORDS = 400
"""Longest piece of a child's standard error in a message, in characters."""

STDIN_GRACE_S = 0.2
"""Seconds that a child gets to end by itself once its standard input is closed."""

TERMINATE_GRACE_S = 0.1
"""Seconds between asking its process group to end and killing it."""

_REAP_S = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a child.

    Attributes:
        command: program, found as a shell would.
        args: its arguments.
        env: its whole environment.
        cwd: its working directory, or ``None`` for this one's.
    """

    command: str
    args: Sequence[str] = ()
    env: Mapping[str, str] | None = None
    cwd: str | Path | None = None


class _Protocol(SubprocessStreamProtocol):
    """Tells of the exit at once; `Process.wait` also waits for pipes that grandchildren may hold."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit=READ_BYTES, loop=loop)
        self.exited = asyncio.Event()
        self.group = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Whatever the loop; uvloop's transport is not asyncio's.
        self.group = cast("asyncio.SubprocessTransport", transport).get_pid()

    def process_exited(self) -> None:
        super().process_exited()
        # Now and never later: a process number is soon somebody else's.
        _signal_group(self.group, kill=True)
        self.exited.set()


class Child:
    """A running child process; `start_child` makes one.

    Attributes:
        stdin: what it reads.
        stdout: what it writes. Its standard error is pumped to the log by `log_stderr`.
    """

    def __init__(self, process: Process, protocol: _Protocol) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise AssertionError("the child was started without pipes")
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._stderr = process.stderr
        self._process = process
        self._exited = protocol.exited
        self._last_words = ""
        self._silent = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its process number, also that of its group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended: a code, minus a signal, or ``None`` while it runs."""
        return self._process.returncode

    async def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended.

        Args:
            timeout_s: seconds to wait at most.

        Returns:
            Whether it has ended.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._exited.wait()
        return self._exited.is_set()

    async def log_stderr(self, name: str) -> None:
        """Write what the child says on its standard error to the log, at level debug, until it ends.

        Args:
            name: of the server, for the log.
        """
        splitter = LineSplitter(LOG_LINE_BYTES)
        try:
            while chunk := await self._stderr.read(READ_BYTES):
                for line in splitter.feed(chunk):
                    text = line.decode("utf-8", "replace")
                    self._last_words = text.strip() or self._last_words
                    logger.debug(
                        "An MCP server wrote to its standard error", extra={"server": name, "line": text}
                    )
        finally:
            self._silent.set()

    async def last_words(self, timeout_s: float) -> str:
        """Return the last line of the child's standard error that says something, as far as it was logged.

        Args:
            timeout_s: seconds to wait at most for all of it.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._silent.wait()
        return self._last_words[:LAST_WORDS]

    async def stop(self) -> None:
        """End the child and all it started: by closing its input, then by asking, then by force.

        Takes two thirds of a second at most. When cancelled, it goes straight to force.
        """
        try:
            self.stdin.close()
            if not await self.wait(STDIN_GRACE_S):
                _signal_group(self.pid, kill=False)
                await self.wait(TERMINATE_GRACE_S)
        finally:
            self.kill()
            try:
                await self.wait(_REAP_S)
            finally:
                self._close_pipes()

    def _close_pipes(self) -> None:
        # A grandchild that left the group may still hold the other ends.
        with contextlib.suppress(AttributeError, ProcessLookupError, PermissionError):
            self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001

    def kill(self) -> None:
        """Kill the child and its process group now, if it still runs."""
        if self._exited.is_set():
            return
        if sys.platform == "win32":
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        else:
            # Not `Process.kill`: it looks first whether the child has ended, and takes its exit code away
            # from the loop that waits for it.
            _signal_group(self.pid, kill=True)


def _signal_group(group: int, *, kill: bool) -> None:
    if sys.platform != "win32" and group:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL if kill else signal.SIGTERM)


async def start_child(command: Command) -> Child:
    """Start a child process in a group of its own.

    Args:
        command: what to start.

    Raises:
        ConfigurationError: it cannot be started; the message says why.
    """
    loop = asyncio.get_running_loop()
    program = command.command
    if sys.platform == "win32":
        program = shutil.which(program) or program
    try:
        transport, protocol = await loop.subprocess_exec(
            lambda: _Protocol(loop),
            program,
            *command.args,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=None if command.env is None else dict(command.env),
            cwd=command.cwd,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(_why(command, error)) from error
    return Child(Process(transport, protocol, loop), protocol)


def _why(command: Command, error: Exception) -> str:
    if command.cwd is not None and not Path(command.cwd).is_dir():
        return f"cwd {str(command.cwd)!r} is not a directory"
    if isinstance(error, FileNotFoundError):
        return f"command {command.command!r} was not found: install it, or give its full path"
    return f"command {command.command!r} cannot be started: {error}"
