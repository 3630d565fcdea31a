"""Real servers: child processes, and HTTP on this machine. Real time, so these tests wait for events only."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.errors import ConfigurationError, ConnectionLostError, ToolError
from vivavoce.mcp import (
    MCPServerSse,
    MCPServerStdio,
    MCPServerStreamableHttp,
    create_static_tool_filter,
    is_error,
    result_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.mcp import MCPServer, MCPServerStdioParams


async def says(server: MCPServer, name: str, **arguments: Any) -> str:
    return result_text(await server.call_tool(name, arguments))


async def pids(server: MCPServer) -> tuple[int, int]:
    own, child = (await says(server, "pid")).split()
    return int(own), int(child)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def alone() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


def test_a_server_of_the_package_as_a_child(real_params: MCPServerStdioParams) -> None:
    async def main() -> None:
        async with MCPServerStdio(real_params, cache_tools_list=True) as server:
            tools = await server.list_tools()
            assert [tool.name for tool in tools] == ["add", "hang", "fail", "picture", "learn"]
            assert tools[0].description == "Add two numbers."
            several = await asyncio.gather(*(says(server, "add", a=number, b=1) for number in range(20)))
            assert several == [str(number + 1) for number in range(20)]
            failed = await server.call_tool("fail", {})
            assert is_error(failed)
            assert "fail" in result_text(failed)
            assert await says(server, "picture") == "[image, image/png, 3 bytes]"
            assert is_error(await server.call_tool("nothing", {}))
            changed = asyncio.Event()
            server.add_tools_listener(changed.set)
            assert await says(server, "learn") == "learnt"
            await changed.wait()
            assert [tool.name for tool in await server.list_tools()][-1] == "added"
        assert alone()

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_server_of_the_package_behind_http(web: Callable[[str], Any], kind: str) -> None:
    async def main() -> None:
        async with web(kind) as far:
            made = (MCPServerStreamableHttp if kind == "http" else MCPServerSse)({"url": far.url})
            assert made.name == f"{'streamable_http' if kind == 'http' else 'sse'}: {far.url}"
            async with made as server:
                assert len(await server.list_tools()) == 5
                hanging = asyncio.create_task(server.call_tool("hang", {}))
                several = await asyncio.gather(*(says(server, "add", a=number, b=1) for number in range(5)))
                assert several == [str(number + 1) for number in range(5)]
                began = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began < 1
            with pytest.raises(ToolError, match="went away"):
                await hanging

    asyncio.run(main())


def test_a_server_behind_http_may_go_and_come_back(web: Callable[[str], Any]) -> None:
    async def main() -> None:
        async with web("http") as far, MCPServerStreamableHttp({"url": far.url}) as server:
            assert await says(server, "add", a=1, b=1) == "2"
            await far.stop()
            for _ in range(2):
                with pytest.raises(ToolError, match="'add' failed: "):
                    await server.call_tool("add", {"a": 1, "b": 1})
            far.renew()
            await far.start()
            assert await says(server, "add", a=1, b=2) == "3"

    asyncio.run(main())


def test_nobody_at_the_address() -> None:
    async def main() -> None:
        server = MCPServerStreamableHttp({"url": "http://user:secret@127.0.0.1:9/mcp"}, name=None)
        with pytest.raises(
            ConnectionLostError, match=r"streamable_http: http://127\.0\.0\.1:9/mcp"
        ) as failed:
            await server.connect()
        assert "secret" not in str(failed.value)
        assert alone()

    asyncio.run(main())


def test_a_frozen_server_behind_http_is_given_up() -> None:
    async def main() -> None:
        frozen = asyncio.Event()

        async def freeze(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await frozen.wait()
            writer.close()

        listener = await asyncio.start_server(freeze, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        server = MCPServerStreamableHttp({"url": f"http://127.0.0.1:{port}/mcp", "connect_timeout": 0.2})
        began = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionLostError, match=r"no handshake within 0\.2 s"):
            await server.connect()
        assert asyncio.get_running_loop().time() - began < 1.2
        frozen.set()
        listener.close()
        await listener.wait_closed()

    asyncio.run(main())


def test_garbage_on_the_standard_output_is_no_reason_to_hang_up(
    raw: Callable[..., MCPServerStdioParams],
) -> None:
    async def main() -> None:
        async with MCPServerStdio(raw("--garbage")) as server:
            assert await says(server, "echo", text="still here") == "still here"

    asyncio.run(main())


def test_its_standard_error_goes_to_the_log(
    raw: Callable[..., MCPServerStdioParams], caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with MCPServerStdio(raw(), name="grumpy") as server:
            assert await says(server, "say_on_stderr") == "said"

    with caplog.at_level(logging.DEBUG, "vivavoce"):
        asyncio.run(main())
    [line] = [record for record in caplog.records if "standard error" in record.message]
    assert (line.levelname, vars(line)["server"]) == ("DEBUG", "grumpy")
    assert vars(line)["line"] == "something went wrong over here"


def test_a_server_killed_in_the_middle_of_a_call_is_started_again(
    raw: Callable[..., MCPServerStdioParams], processes: Callable[..., Any]
) -> None:
    async def main() -> None:
        async with MCPServerStdio(raw("--family")) as server:
            family = await pids(server)
            with processes(*family) as ended:
                hanging = asyncio.create_task(server.call_tool("hang", {}))
                assert await says(server, "echo", text="the call has arrived") == "the call has arrived"
                os.kill(family[0], signal.SIGKILL)
                with pytest.raises(ToolError, match=r"'hang' failed: the server went away: .* code -9"):
                    await hanging
                assert await asyncio.to_thread(ended)
            assert await pids(server) != family
            # And once more, between two calls.
            with pytest.raises(ToolError, match="'die' failed"):
                await server.call_tool("die", {})
            assert [tool.name for tool in await server.list_tools()][:2] == ["echo", "pid"]
        assert alone()

    asyncio.run(main())


def test_a_program_that_is_gone_by_the_next_start_is_a_tool_error(
    tmp_path: Path, raw: Callable[..., MCPServerStdioParams]
) -> None:
    params = raw()
    program = tmp_path / "program"
    program.symlink_to(params["command"])

    async def main() -> None:
        params["command"] = str(program)
        async with MCPServerStdio(params) as server:
            program.unlink()
            with pytest.raises(ToolError, match="'die' failed"):
                await server.call_tool("die", {})
            with pytest.raises(ToolError, match=r"'echo' failed: .* was not found: install it"):
                await server.call_tool("echo", {"text": ""})

    asyncio.run(main())


def test_a_list_that_takes_too_long(raw: Callable[..., MCPServerStdioParams]) -> None:
    async def main() -> None:
        async with MCPServerStdio(raw(), client_session_timeout_seconds=0.5) as server:
            assert await server.list_tools()
            await says(server, "slow_list")
            with pytest.raises(ToolError, match=r"did not list its tools: no answer within 0\.5 s"):
                await server.list_tools()
            assert await says(server, "echo", text="but it works") == "but it works"

    asyncio.run(main())


def test_a_server_that_says_nothing_is_given_up(
    raw: Callable[..., MCPServerStdioParams], processes: Callable[..., Any]
) -> None:
    async def main() -> None:
        params = raw("--mute", "--deaf")
        params["connect_timeout"] = 0.3
        server = MCPServerStdio(params)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ConnectionLostError, match=r"stdio: python.* no handshake within"):
            await server.connect()
        assert asyncio.get_running_loop().time() - began < 1.3
        assert alone()

    asyncio.run(main())


def test_cleaning_up_is_quick_and_leaves_nobody_whatever_the_child_does(
    raw: Callable[..., MCPServerStdioParams], processes: Callable[..., Any]
) -> None:
    async def main() -> None:
        server = MCPServerStdio(raw("--deaf", "--family"))
        await asyncio.create_task(server.connect())
        with processes(*await pids(server)) as ended:
            began = asyncio.get_running_loop().time()
            await asyncio.create_task(server.cleanup())
            assert asyncio.get_running_loop().time() - began < 1
            assert await asyncio.to_thread(ended)
        await server.cleanup()
        assert alone()

    asyncio.run(main())


def test_who_forgets_to_clean_up_leaves_nobody_either(
    raw: Callable[..., MCPServerStdioParams], processes: Callable[..., Any]
) -> None:
    async def main() -> Any:
        server = MCPServerStdio(raw("--deaf", "--family"))
        await server.connect()
        left = processes(*await pids(server))
        return left, left.__enter__()

    left, ended = asyncio.run(main())
    assert ended()
    left.__exit__(None, None, None)


def test_twenty_rounds_leave_no_process_no_file_and_no_task(raw: Callable[..., MCPServerStdioParams]) -> None:
    async def round_trip(server: MCPServerStdio) -> int:
        async with server:
            return (await pids(server))[0]

    async def main() -> None:
        server = MCPServerStdio(raw())
        await round_trip(server)
        before = open_files()
        for _ in range(20):
            pid = await round_trip(server)
            # Ended and collected: not even a zombie.
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert open_files() == before
        assert alone()

    asyncio.run(main())


def test_settings_reach_the_server(raw: Callable[..., MCPServerStdioParams]) -> None:
    async def main() -> None:
        server = MCPServerStdio(
            raw(),
            tool_filter=create_static_tool_filter(blocked_tool_names=["die"]),
            client_session_timeout_seconds=0,
            require_approval={"pid": "always"},
        )
        async with server:
            tools = {tool.name: tool for tool in await server.list_tools()}
        assert "echo" in tools
        assert "die" not in tools
        assert server.needs_approval(tools["pid"])
        assert not server.needs_approval(tools["echo"])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: MCPServerStdio({"command": "x", "arguments": []}), "unknown key 'arguments'"),  # type: ignore[typeddict-unknown-key]
        (lambda: MCPServerStreamableHttp({"url": "example.org"}), "must be an http:// or https:// address"),
        (
            lambda: MCPServerSse({"url": "http://x"}, require_approval="perhaps"),
            "require_approval is 'perhaps'",
        ),
        (lambda: MCPServerStdio({"command": "x"}, max_retry_attempts=-1), "max_retry_attempts"),
    ],
)
def test_mistakes_are_refused_before_connecting(make: Callable[[], MCPServer], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        make()
