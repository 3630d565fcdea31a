"""One connection to a server, from its handshake to its end.

The package `mcp` stands on cancel scopes, which must be left by the task that entered them. So a connection
has a task of its own that enters and leaves; everybody else may open, use and close it from anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeAlias

from vivavoce.errors import ConfigurationError, ConnectionLostError, MissingExtraError, VivavoceError
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from mcp.client.client import Client

logger = logging.getLogger(__name__)

CLOSE_GRACE_S = 0.65
"""Seconds for an orderly end; then the connection's task is cancelled."""

LISTEN_AGAIN_S = 5.0
"""Seconds before listening for changes again, once a server has ended that."""


Streams: TypeAlias = Callable[[Callable[[], None]], AbstractAsyncContextManager[Any]]


class Connection:
    """One connection to a server; not to be opened twice.

    Args:
        name: of the server, for messages and the log.
        streams: makes the transport: a context manager of a pair of message streams. It may call what it is
            given as soon as it sees that the server is gone.
        tools_changed: called when the server says that its tools have changed.
    """

    def __init__(
        self,
        name: str,
        streams: Streams,
        tools_changed: Callable[[], None],
    ) -> None:
        self._name = name
        self._streams = streams
        self._tools_changed = tools_changed
        self._tasks = Tasks()
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self._ended = asyncio.Event()
        self._lost = False
        self.cause: Exception | None = None

    @property
    def client(self) -> Client:
        """The client to send requests with.

        Raises:
            ConnectionLostError: the connection is not open; the message says why.
        """
        if self._client is None or self._lost:
            raise ConnectionLostError(f"MCP server {self._name!r} is gone: {describe(self.cause)}")
        return self._client

    @property
    def alive(self) -> bool:
        """Whether requests can be sent."""
        return self._client is not None and not self._lost

    def lose(self) -> None:
        """Take no more requests: the server is seen to be gone, though the connection has not ended yet."""
        self._lost = True

    async def open(self, timeout_s: float) -> None:
        """Connect and shake hands.

        Args:
            timeout_s: seconds it may take.

        Raises:
            ConfigurationError: the server cannot be started as configured.
            ConnectionLostError: it cannot be reached, refused the handshake or took too long.
        """
        self._tasks.spawn(self._live(), f"mcp {self._name}")
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            self.cause = TimeoutError(f"no handshake within {timeout_s:g} s")
        except BaseException:
            await self.aclose()
            raise
        if self._client is None:
            await self.aclose()
            if isinstance(self.cause, MissingExtraError):
                raise self.cause
            if isinstance(self.cause, ConfigurationError):
                raise ConfigurationError(f"MCP server {self._name!r}: {self.cause}") from self.cause
            raise ConnectionLostError(
                f"MCP server {self._name!r} cannot be reached: {describe(self.cause)}"
            ) from self.cause
        self._tasks.spawn(self._listen(self._client), f"mcp changes {self._name}")

    async def _live(self) -> None:
        try:
            await asyncio.to_thread(_load)
            from mcp.client.client import Client

            client = Client(self._streams(self.lose), cache=None, message_handler=self._on_message)
            async with client:
                self._client = client
                self._ready.set()
                await self._closing.wait()
        except Exception as error:
            self.cause = root_cause(error)
            logger.debug(
                "The connection to an MCP server ended", exc_info=error, extra={"server": self._name}
            )
        finally:
            self._client = None
            self._ended.set()
            self._ready.set()

    async def _on_message(self, message: Any) -> None:
        if getattr(message, "method", None) == "notifications/tools/list_changed":
            self._tools_changed()

    async def _listen(self, client: Client) -> None:
        """Hear of changed tools where the protocol's version wants to be asked for them (2026-07-28 on)."""
        from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
        from mcp.shared.exceptions import MCPError

        while not self._ended.is_set():
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    async for _ in changes:
                        pass  # `_on_message` has heard it too
            except (ListenNotSupportedError, MCPError):
                return
            except SubscriptionLost:
                pass
            # Nobody was listening for a moment: the tools may have changed in it.
            self._tools_changed()
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def wait_ended(self, timeout_s: float) -> bool:
        """Wait until the connection has ended.

        Args:
            timeout_s: seconds to wait at most.

        Returns:
            Whether it has ended.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """End the connection, and the server where it is a child. Takes less than a second."""
        self._closing.set()
        if self._ready.is_set():
            await self.wait_ended(CLOSE_GRACE_S)
        await self._tasks.aclose()
        self._client = None


def _load() -> None:
    """Import the package, which takes most of a second, where it does not hold up the loop."""
    import importlib

    try:
        mcp = importlib.import_module("mcp")
    except ImportError as error:
        raise MissingExtraError("mcp", "an MCP server") from error
    if not hasattr(mcp, "Client"):
        raise ConfigurationError("the package 'mcp' is too old: pip install --upgrade 'vivavoce[mcp]'")


def root_cause(error: Exception) -> Exception:
    """Return what is inside groups of exceptions: the first that says why, if there is one.

    Args:
        error: any exception.
    """
    while isinstance(error, ExceptionGroup):
        # A reader that failed drags its neighbours along; ours says what happened.
        inside: tuple[Exception, ...] = error.exceptions
        error = next((each for each in inside if isinstance(each, VivavoceError)), inside[0])
    return error


def describe(error: Exception | None) -> str:
    """Return an error in words, its kind where it has none.

    Args:
        error: any exception, or ``None`` when the connection was closed on purpose.
    """
    if error is None:
        return "the connection was closed"
    return str(error) or type(error).__name__
