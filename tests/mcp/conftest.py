"""A far end in the hands of a test, in memory and on the virtual clock; and real servers to start."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import select
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from vivavoce.errors import ConnectionLostError
from vivavoce.mcp import MCPServerStdioParams

HERE = Path(__file__).parent
MODERN = "2026-07-28"
LISTENING = "io.modelcontextprotocol/subscriptionId"


class Far:
    """An MCP server that a test scripts; `streams` is the transport to it.

    Attributes:
        tools: names of its tools.
        seen: every request and notification it received.
        opened: how often somebody connected.
        answers: by method: the result or error, or a function of the parameters that returns one; ``None`` is
            no answer. What is not here is answered as by a well-behaved server.
        modern: speaks the protocol of 2026-07-28.
        lingers: does not hang up by itself.
        refuses: raised when somebody connects.
    """

    def __init__(self) -> None:
        self.tools = ["one", "two"]
        self.seen: list[dict[str, Any]] = []
        self.opened = 0
        self.answers: dict[str, Any] = {}
        self.modern = self.lingers = False
        self.refuses: Exception | None = None
        self._into: Any = None
        self._gone: Callable[[], None] = lambda: None
        self._over = asyncio.Event()

    @asynccontextmanager
    async def streams(self, gone: Callable[[], None]) -> AsyncIterator[Any]:
        self.opened += 1
        self._gone, self._over = gone, asyncio.Event()
        if self.refuses is not None:
            raise self.refuses
        self._into, incoming = anyio.create_memory_object_stream[Any](16)
        outgoing, out_of = anyio.create_memory_object_stream[Any](16)
        async with self._into, incoming, outgoing, out_of, anyio.create_task_group() as group:
            group.start_soon(self._serve, out_of)
            group.start_soon(self._end)
            try:
                yield incoming, outgoing
            finally:
                if self.lingers:
                    await asyncio.Event().wait()
                group.cancel_scope.cancel()

    async def _end(self) -> None:
        await self._over.wait()
        raise ConnectionLostError("the line was cut")

    def cut(self) -> None:
        """End the connection from this side."""
        self._gone()
        self._over.set()

    async def _serve(self, out_of: Any) -> None:
        async for message in out_of:
            request = message.message.model_dump(by_alias=True, exclude_unset=True)
            self.seen.append(request)
            if "id" in request:
                answer = self.answers.get(request["method"], self._usual)
                answer = answer(request) if callable(answer) else answer
                if answer is not None:
                    await self.say(id=request["id"], **answer)

    async def say(self, **fields: Any) -> None:
        message = jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **fields})
        await self._into.send(SessionMessage(message))

    def _usual(self, request: dict[str, Any]) -> dict[str, Any] | None:
        method, params = request["method"], request.get("params") or {}
        extra = {"resultType": "complete", "ttlMs": 0, "cacheScope": "public"} if self.modern else {}
        capabilities = {"tools": {"listChanged": True}}
        if method == "server/discover" and self.modern:
            return {"result": {"supportedVersions": [MODERN], "capabilities": capabilities, **extra}}
        if method == "initialize":
            info = {"name": "far", "version": "1"}
            version = "2025-06-18"
            return {"result": {"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}}
        if method == "tools/list":
            tools = [{"name": name, "inputSchema": {"type": "object"}} for name in self.tools]
            return {"result": {"tools": tools, **extra}}
        if method == "tools/call":
            content = [{"type": "text", "text": f"{params['name']} {params.get('arguments')}"}]
            return {"result": {"content": content, **({"resultType": "complete"} if self.modern else {})}}
        if method == "subscriptions/listen" and self.modern:
            return None
        return {"error": {"code": -32601, "message": "no such method"}}

    def methods(self) -> list[str]:
        return [request["method"] for request in self.seen]

    async def change_tools(self, listen_id: str | None = None) -> None:
        """Say that the tools have changed; to a listener where the protocol has those."""
        meta = {} if listen_id is None else {"params": {"_meta": {LISTENING: listen_id}}}
        await self.say(method="notifications/tools/list_changed", **meta)

    async def accept_listener(self, listen_id: str) -> None:
        params = {"notifications": {"toolsListChanged": True}, "_meta": {LISTENING: listen_id}}
        await self.say(method="notifications/subscriptions/acknowledged", params=params)


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def raw() -> Callable[..., MCPServerStdioParams]:
    """``raw("--deaf")``: how to start the small server, with its flags."""

    def params(*flags: str) -> MCPServerStdioParams:
        return {"command": sys.executable, "args": ["-S", str(HERE / "raw_server.py"), *flags]}

    return params


@pytest.fixture
def real_params() -> MCPServerStdioParams:
    """How to start the server made with the package `mcp`."""
    return {"command": sys.executable, "args": [str(HERE / "real_server.py")]}


@contextmanager
def watching(*pids: int) -> Iterator[Callable[[], bool]]:
    """Give a function that waits until all these processes have ended, and tells whether they have."""
    handles = [os.pidfd_open(pid) for pid in pids]

    def ended() -> bool:
        return all(select.select([handle], [], [], 5)[0] for handle in handles)

    try:
        yield ended
    finally:
        for handle in handles:
            os.close(handle)


@pytest.fixture
def processes() -> Callable[..., Any]:
    """``with processes(pid, …) as ended: …; assert ended()``."""
    return watching


class Web:
    """The server made with the package `mcp`, behind HTTP on a free port of this machine."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._path = "/sse" if kind == "sse" else "/mcp"
        self._server: Any = None
        self._task: asyncio.Task[None] | None = None
        self.port = 0
        self.renew()

    def renew(self) -> None:
        """Forget all sessions, as a restart does."""
        spec = importlib.util.spec_from_file_location("real_server", HERE / "real_server.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        server = module.real_server()
        self._app = server.sse_app() if self._kind == "sse" else server.streamable_http_app()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._path}"

    async def start(self) -> None:
        config = uvicorn.Config(
            self._app,
            port=self.port,
            log_config=None,
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        config.load()
        started = asyncio.Event()
        startup = self._server.startup

        async def tell(*args: Any, **kwargs: Any) -> None:
            await startup(*args, **kwargs)
            started.set()

        self._server.startup = tell
        self._task = asyncio.create_task(self._server._serve())
        await started.wait()
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        assert self._task is not None
        await self._task


@pytest.fixture
def web() -> Callable[[str], Any]:
    """``async with web("http") as server: server.url``."""

    @asynccontextmanager
    async def running(kind: str) -> AsyncIterator[Web]:
        server = Web(kind)
        await server.start()
        try:
            yield server
        finally:
            await server.stop()

    return running
