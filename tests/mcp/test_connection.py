"""One connection, on the virtual clock, to a far end that the test scripts."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.errors import ConfigurationError, ConnectionLostError, MissingExtraError
from vivavoce.mcp.connection import LISTEN_AGAIN_S, Connection, describe, root_cause
from vivavoce.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mcp.conftest import Far


class Changes:
    """Counts what the server says of its tools."""

    def __init__(self) -> None:
        self.count = 0
        self.came = asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.came.set()


def connection_to(far: Far, changes: Callable[[], None] = lambda: None) -> Connection:
    return Connection("far", far.streams, changes)


@pytest.mark.parametrize("modern", [False, True])
def test_whoever_opens_another_may_use_and_close(far: Far, modern: bool) -> None:
    far.modern = modern

    async def main() -> None:
        connection = connection_to(far)
        states = [connection.alive]
        await asyncio.create_task(connection.open(1))
        states.append(connection.alive)
        listed = await asyncio.create_task(connection.client.list_tools())
        assert [tool.name for tool in listed.tools] == ["one", "two"]
        await asyncio.create_task(connection.aclose())
        await connection.aclose()
        assert [*states, connection.alive] == [False, True, False]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(ConnectionLostError, match="'far' is gone: the connection was closed"):
            connection.client  # noqa: B018

    run(main())


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError("refused"), ConnectionLostError, "MCP server 'far' cannot be reached: refused"),
        (
            ConfigurationError("command 'x' was not found"),
            ConfigurationError,
            "'far': command 'x' was not found",
        ),
    ],
)
def test_what_keeps_from_connecting_is_told(
    far: Far, error: Exception, kind: type[Exception], words: str
) -> None:
    far.refuses = error

    async def main() -> None:
        with pytest.raises(kind, match=words):
            await connection_to(far).open(1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_refused_handshake_is_told(far: Far) -> None:
    far.answers["initialize"] = {"error": {"code": -32000, "message": "members only"}}

    async def main() -> None:
        with pytest.raises(ConnectionLostError, match="'far' cannot be reached: members only"):
            await connection_to(far).open(1)

    run(main())


def test_a_server_that_says_nothing_is_not_waited_for(far: Far) -> None:
    far.answers["server/discover"] = far.answers["initialize"] = None

    async def main() -> float:
        with pytest.raises(ConnectionLostError, match=r"'far' cannot be reached: no handshake within 2\.5 s"):
            await connection_to(far).open(2.5)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return asyncio.get_running_loop().time()

    assert run(main()) == pytest.approx(2.5)


def test_who_is_cancelled_while_connecting_leaves_nothing_behind(far: Far) -> None:
    far.answers["server/discover"] = None

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await connection_to(far).open(60)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_request_on_its_way_fails_when_the_server_goes_and_the_reason_is_kept(far: Far) -> None:
    far.answers["tools/call"] = None

    async def main() -> None:
        connection = connection_to(far)
        await connection.open(1)
        assert not await connection.wait_ended(0.5)
        call = asyncio.create_task(connection.client.call_tool("one"))
        await asyncio.sleep(1)
        far.cut()
        assert not connection.alive
        with pytest.raises(Exception, match="Connection closed"):
            await call
        assert await connection.wait_ended(1)
        with pytest.raises(ConnectionLostError, match="'far' is gone: the line was cut"):
            connection.client  # noqa: B018
        await connection.aclose()

    run(main())


def test_a_server_that_holds_up_the_end_is_left(far: Far) -> None:
    async def main() -> float:
        connection = connection_to(far)

        await connection.open(1)
        far.lingers = True
        began = asyncio.get_running_loop().time()
        await connection.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return asyncio.get_running_loop().time() - began

    assert run(main()) < 1


def test_changed_tools_are_heard_of_in_the_older_protocol(far: Far) -> None:
    async def main() -> None:
        changes = Changes()
        connection = connection_to(far, changes)
        await connection.open(1)
        await far.say(method="notifications/message", params={"level": "info", "data": "hello"})
        await far.change_tools()
        await changes.came.wait()
        assert changes.count == 1
        await connection.aclose()

    run(main())


def test_changed_tools_are_listened_for_in_the_newer_protocol_again_and_again(far: Far) -> None:
    far.modern = True
    listening: asyncio.Queue[str] = asyncio.Queue()

    def listen(request: dict[str, Any]) -> None:
        listening.put_nowait(request["id"])

    far.answers["subscriptions/listen"] = listen

    async def main() -> None:
        changes = Changes()
        connection = connection_to(far, changes)
        await connection.open(1)
        first = await listening.get()
        await far.accept_listener(first)
        await far.change_tools(first)
        await changes.came.wait()
        assert changes.count == 1
        began = asyncio.get_running_loop().time()
        # The server ends it in good order; then, the second time, it breaks it off.
        await far.say(id=first, result={"resultType": "complete"})
        second = await listening.get()
        assert asyncio.get_running_loop().time() - began == pytest.approx(LISTEN_AGAIN_S)
        assert changes.count == 2
        await far.accept_listener(second)
        await asyncio.sleep(0.1)
        await far.say(id=second, error={"code": -32000, "message": "restarting"})
        await listening.get()
        assert changes.count == 3
        await connection.aclose()

    run(main())


def test_a_server_that_refuses_listeners_is_not_asked_again(far: Far) -> None:
    far.modern = True
    far.answers["subscriptions/listen"] = {"error": {"code": -32601, "message": "not here"}}

    async def main() -> None:
        connection = connection_to(far)
        await connection.open(1)
        await asyncio.sleep(10 * LISTEN_AGAIN_S)
        assert far.methods().count("subscriptions/listen") == 1
        await connection.aclose()

    run(main())


@pytest.mark.parametrize(("present", "kind"), [(None, MissingExtraError), (asyncio, ConfigurationError)])
def test_a_missing_or_old_package_is_named(
    far: Far, monkeypatch: pytest.MonkeyPatch, present: Any, kind: type[Exception]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", present)

    async def main() -> None:
        with pytest.raises(kind, match=r"vivavoce\[mcp\]"):
            await connection_to(far).open(1)

    run(main())


def test_the_cause_is_found_inside_of_groups() -> None:
    own, other = ConnectionLostError("own"), ValueError("other")
    assert root_cause(other) is other
    assert root_cause(ExceptionGroup("", [ExceptionGroup("", [other, own])])) is own
    assert root_cause(ExceptionGroup("", [other, KeyError()])) is other
    assert describe(other) == "other"
    assert describe(KeyError()) == "KeyError"
    assert describe(None) == "the connection was closed"
