"""What survives a server that is slow, gone, changed or wrong: on the virtual clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.errors import ConfigurationError, ConnectionLostError, ToolError
from vivavoce.mcp import result_text
from vivavoce.mcp.remote import RemoteServer, RemoteSettings
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.mcp.conftest import Far


def server_at(far: Far, **settings: Any) -> RemoteServer:
    return RemoteServer("far", far.streams, RemoteSettings(**{"connect_timeout_s": 3.0, **settings}))


async def names(server: RemoteServer) -> list[str]:
    return [tool.name for tool in await server.list_tools()]


async def one(server: RemoteServer) -> str:
    return result_text(await server.call_tool("one", {"a": 1}))


def now() -> float:
    return asyncio.get_running_loop().time()


def test_tools_are_listed_and_called(far: Far) -> None:
    async def main() -> None:
        async with server_at(far) as server:
            assert server.name == "far"
            states = [server.connected]
            await server.connect()
            assert await names(server) == ["one", "two"]
            assert await one(server) == "one {'a': 1}"
            await server.call_tool("one", None, meta={"trace": "t"})
            assert far.seen[-1]["params"]["_meta"] == {"trace": "t"}
            assert far.opened == 1
        assert [*states, server.connected] == [True, False]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_without_a_connection_nothing_is_asked(far: Far) -> None:
    async def main() -> None:
        server = server_at(far)
        await server.cleanup()
        for ask in (names, one):
            with pytest.raises(ConfigurationError, match=r"'far' is not connected: await connect\(\) first"):
                await ask(server)
        await server.connect()
        await server.cleanup()
        await server.cleanup()
        with pytest.raises(ConfigurationError, match="'far' is not connected"):
            await names(server)
        async with server:
            assert await names(server) == ["one", "two"]
        assert far.opened == 2

    run(main())


def test_a_connection_that_fails_is_cleaned_up(far: Far) -> None:
    far.refuses = OSError("refused")

    async def main() -> None:
        server = server_at(far)
        with pytest.raises(ConnectionLostError, match="refused"):
            await server.connect()
        with pytest.raises(ConfigurationError, match="not connected"):
            await names(server)
        far.refuses = None
        await server.connect()
        assert server.connected
        await server.cleanup()

    run(main())


def test_a_call_takes_no_longer_than_it_may(far: Far) -> None:
    far.answers["tools/call"] = far.answers["tools/list"] = None

    async def main() -> None:
        async with server_at(far, timeout_s=2.0) as server:
            began = now()
            with pytest.raises(ToolError, match="'one' failed: no answer within 2 s") as failed:
                await one(server)
            assert failed.value.tool_name == "one"
            assert now() - began == pytest.approx(2)
            with pytest.raises(ToolError, match="'far' did not list its tools: no answer within 2 s"):
                await names(server)
            await asyncio.sleep(0.1)
            # The server is told, and the connection still serves.
            assert far.methods().count("notifications/cancelled") == 2
            far.answers.clear()
            assert await one(server) == "one {'a': 1}"
            assert far.opened == 1

    run(main())


def test_who_gives_up_connecting_does_not_disturb_another(far: Far) -> None:
    async def main() -> None:
        server = server_at(far)
        far.answers["server/discover"] = None
        first = asyncio.create_task(server.connect())
        await asyncio.sleep(1)
        second = asyncio.create_task(server.connect())
        await asyncio.sleep(1)
        second.cancel()
        await asyncio.wait([second])
        await far.say(id=far.seen[-1]["id"], error={"code": -32601, "message": "what?"})
        await first
        assert await one(server) == "one {'a': 1}"
        await server.cleanup()

    run(main())


def test_a_transport_may_have_a_limit_of_its_own(far: Far) -> None:
    async def main() -> None:
        async with server_at(far, timeout_s=None) as server:

            async def slow(_client: Any) -> None:
                raise TimeoutError

            with pytest.raises(TimeoutError, match="no answer in time"):
                await server._request(slow, repeatable=False)

    run(main())


def test_a_call_without_a_limit_waits(far: Far) -> None:
    far.answers["tools/call"] = None

    async def main() -> None:
        async with server_at(far, timeout_s=None) as server:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1000):
                    await one(server)

    run(main())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"error": {"code": -32602, "message": "no tool of that name"}},
            "'one' failed: no tool of that name",
        ),
        ({"result": {"content": "nothing that fits"}}, "'one' failed: "),
    ],
)
def test_a_refusal_and_nonsense_are_told_to_the_model(far: Far, answer: Any, words: str) -> None:
    far.answers["tools/call"] = answer

    async def main() -> None:
        async with server_at(far, max_retry_attempts=3) as server:
            with pytest.raises(ToolError, match=words):
                await one(server)
            assert far.methods().count("tools/call") == 1
            assert server.connected

    run(main())


def test_a_lost_connection_is_made_again_by_the_next_request(far: Far) -> None:
    async def main() -> None:
        async with server_at(far, cache_tools_list=True) as server:
            assert await names(server) == ["one", "two"]
            far.cut()
            assert not server.connected
            far.tools.append("three")
            assert [*await asyncio.gather(one(server), one(server))] == ["one {'a': 1}"] * 2
            assert far.opened == 2
            assert await names(server) == ["one", "two", "three"]

    run(main())


def test_a_call_under_way_is_not_made_twice(far: Far) -> None:
    far.answers["tools/call"] = None

    async def main() -> None:
        async with server_at(far) as server:
            call = asyncio.create_task(one(server))
            await asyncio.sleep(1)
            far.cut()
            with pytest.raises(ToolError, match="'one' failed: the server went away: the line was cut"):
                await call
            assert far.methods().count("tools/call") == 1
            far.answers.clear()
            assert await one(server) == "one {'a': 1}"

    run(main())


def test_a_server_that_stays_away_is_a_tool_error_each_time(far: Far) -> None:
    async def main() -> None:
        async with server_at(far) as server:
            far.cut()
            far.refuses = OSError("refused")
            words = "'one' failed: MCP server 'far' cannot be reached: refused"
            # Those who ask together share one attempt.
            for failed in await asyncio.gather(*(one(server) for _ in range(4)), return_exceptions=True):
                assert isinstance(failed, ToolError)
                assert str(failed) == words
            assert far.opened == 2
            with pytest.raises(ToolError, match=r"'far' did not list its tools: .* refused"):
                await names(server)
            far.refuses = None
            assert await one(server) == "one {'a': 1}"

    run(main())


def test_a_session_that_the_server_forgot_is_begun_anew(far: Far) -> None:
    forgetful = iter([{"error": {"code": -32600, "message": "Session terminated"}}])

    async def main() -> None:
        async with server_at(far) as server:
            usual = far._usual
            far.answers["tools/call"] = lambda request: next(forgetful, None) or usual(request)
            assert await one(server) == "one {'a': 1}"
            assert far.opened == 2

    run(main())


def test_one_answer_that_was_cut_off_does_not_end_the_others(far: Far) -> None:
    cut_off = {"error": {"code": -32000, "message": "SSE stream ended without a response"}}

    async def main() -> None:
        async with server_at(far) as server:
            far.answers["tools/call"] = cut_off
            with pytest.raises(ToolError, match="went away: SSE stream ended"):
                await one(server)
            assert server.connected
            far.answers.clear()
            assert await one(server) == "one {'a': 1}"
            assert far.opened == 1

    run(main())


def test_who_comes_while_others_connect_shares_what_comes_of_it(far: Far) -> None:
    async def main() -> None:
        async with server_at(far) as server:
            far.cut()
            far.answers["server/discover"] = None
            began = now()
            first = asyncio.create_task(one(server))
            await asyncio.sleep(2)
            for failed in await asyncio.gather(first, one(server), names(server), return_exceptions=True):
                assert "no handshake within 3 s" in str(failed)
            assert now() - began == pytest.approx(3)
            assert far.opened == 2

    run(main())


def test_retries_are_made_on_request_ever_later(far: Far) -> None:
    times: list[float] = []

    def answer(request: dict[str, Any]) -> Any:
        times.append(now())
        return far._usual(request) if len(times) > 3 else None

    far.answers["tools/call"] = answer

    async def main() -> None:
        async with server_at(far, timeout_s=1.0, max_retry_attempts=2, retry_backoff_s=0.5) as server:
            with pytest.raises(ToolError, match="no answer"):
                await one(server)
            assert times == pytest.approx([times[0], times[0] + 1.5, times[0] + 3.5])
            assert await one(server) == "one {'a': 1}"

    run(main())


def test_cleaning_up_ends_what_is_under_way(far: Far) -> None:
    far.answers["tools/call"] = None

    async def main() -> None:
        server = server_at(far, timeout_s=None)
        await server.connect()
        call = asyncio.create_task(one(server))
        await asyncio.sleep(1)
        began = now()
        await asyncio.gather(server.cleanup(), server.cleanup())
        assert now() - began < 1
        with pytest.raises(ToolError, match="went away"):
            await call
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_cleaning_up_while_connecting_ends_that(far: Far) -> None:
    async def main() -> None:
        server = server_at(far)
        far.answers["server/discover"] = None
        connecting = asyncio.create_task(server.connect())
        await asyncio.sleep(1)
        await server.cleanup()
        with pytest.raises(ConnectionLostError, match="the connection was closed"):
            await connecting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"timeout_s": -1}, "client_session_timeout_seconds must be seconds above 0, got -1"),
        ({"max_retry_attempts": -1}, "max_retry_attempts must be a number of times from 0 on, got -1"),
        ({"max_retry_attempts": "3"}, "max_retry_attempts must be a number of times from 0 on, got '3'"),
        ({"retry_backoff_s": 0}, "retry_backoff_seconds_base must be seconds above 0, got 0"),
        ({"tool_filter": ["a"]}, "tool_filter must be a function"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        RemoteSettings(connect_timeout_s=1, **settings)
