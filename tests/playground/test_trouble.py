"""What goes wrong is said, with a way out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from tests.playground.visit import REFUSE, home

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import Limits, ServerConfig

if TYPE_CHECKING:
    from playwright.async_api import Route, WebSocketRoute
    from tests.playground.conftest import Visit

pytestmark = pytest.mark.browser

LONG = "one two three four five six seven eight nine ten eleven twelve."


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("NotAllowedError", "The microphone is blocked"),
        ("NotFoundError", "No microphone found"),
        ("NotReadableError", "The microphone is busy"),
        ("OverconstrainedError", "That microphone is gone"),
        ("TypeError", "The microphone does not work"),
    ],
)
def test_without_a_microphone_one_can_type(
    playground_loop: asyncio.Runner, person_at: Visit, name: str, title: str
) -> None:
    async def main() -> None:
        engines = scripted_engines(answers=[["Yes."]])
        async with home(engines) as house, person_at(house.url, script=REFUSE % f'"{name}"') as person:
            await person.choose("WebSocket")
            await person.page.click("#start")
            notice = await person.notice(title)
            assert await notice.get_attribute("role") == "alert"
            await person.picture("error")
            await person.press("Type instead")
            await person.phase("live")
            await person.type("Hello.")
            await person.sees(".entry.assistant .said", "Yes.")

    playground_loop.run(main())


def test_an_address_without_microphones_is_named(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    script = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url, script=script) as person:
            await person.page.click("#start")
            await person.notice("No microphone on this address")
            assert await person.page.is_disabled("#microphone")

    playground_loop.run(main())


def test_a_full_server_says_so(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    async def main() -> None:
        config = ServerConfig(limits=Limits(max_sessions=1))
        async with (
            home(scripted_engines(), config) as house,
            person_at(house.url) as person,
            person_at(house.url) as other,
        ):
            await person.start()
            await other.page.click("#start")
            await other.sees(".notice", "larger --max-sessions")
            await person.press("End")
            await person.phase("idle")
            await other.choose("WebSocket")
            await other.press("Try again")
            await other.phase("live")

    playground_loop.run(main())


@pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
def test_a_lost_connection_is_taken_up_again(
    playground_loop: asyncio.Runner, person_at: Visit, transport: str
) -> None:
    """The new session is told what was heard in the old one; the page shows what it did."""
    engines = scripted_engines(answers=[[LONG], ["Good."], ["As before."]], word_ms=400)

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.choose(transport)
            await person.type("Count.")
            await person.sees(".entry.assistant .said", "five")
            await person.press("Interrupt")
            await person.sees(".entry del")
            await person.type("Thanks.")
            await person.sees(".entry.assistant .said", "Good.")
            heard = await person.page.locator(".entry.assistant .said").first.evaluate(
                "said => said.firstChild.textContent"
            )
            session = await person.event("session.created")
            assert house.app._sessions.calls.hang_up(session["session"]["id"], None)
            await person.phase("lost")
            await person.sees(".notice")
            await person.picture("lost")
            await person.page.locator(".notice").get_by_role("button", name="Reconnect").click()
            await person.phase("live")
            await person.sees(".entry.note", "Connected again")
            assert await person.see(".entry del").count() == 1
            await person.type("What did I say?")
            await person.sees(".entry.assistant .said", "As before.")
            told = repr(engines.llm.requests[-1])  # type: ignore[attr-defined]
            assert "Count." in told
            assert heard in told
            assert "twelve" not in told
            assert await person.see(".entry.user").count() == 3

    playground_loop.run(main())


def test_a_connection_that_breaks_without_a_word(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    sockets: list[WebSocketRoute] = []

    def relay(route: WebSocketRoute) -> None:
        route.connect_to_server()
        sockets.append(route)

    async def main() -> None:
        async with home(scripted_engines()) as house, person_at(house.url) as person:
            await person.routed(relay)
            await person.start()
            await sockets[0].close()
            await person.notice("The connection was lost")
            await person.press("Reconnect")
            await person.phase("live")

    playground_loop.run(main())


def test_without_webrtc_there_is_the_websocket(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    async def main() -> None:
        config = ServerConfig(webrtc=None)
        engines = scripted_engines(answers=[["Yes."]])
        async with home(engines, config) as house, person_at(house.url) as person:
            assert await person.page.is_disabled("[value=webrtc]")
            assert "switched off" in await person.page.inner_text("#transport-help")
            await person.type("Hello.")
            await person.sees(".entry.assistant .said", "Yes.")
            await person.sees("#facts", "WebSocket")

    playground_loop.run(main())


def test_a_server_without_the_extra_says_what_to_type(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    async def main() -> None:
        with patch("vivavoce.server.rest.playground.webrtc_installed", lambda: False):
            async with home(scripted_engines()) as house, person_at(house.url) as person:
                assert await person.page.is_disabled("[value=webrtc]")
                await person.sees("#transport-help code", "pip install 'vivavoce[webrtc]'")

    playground_loop.run(main())


async def astray(route: Route) -> None:
    """Answer as the server does, with nobody at the address in the answer."""
    answer = await route.fetch()
    sdp = "\r\n".join(
        line for line in (await answer.text()).splitlines() if not line.startswith("a=candidate")
    )
    await route.fulfill(response=answer, body=f"{sdp}\r\n")


@pytest.mark.parametrize("keyed", [False, True])
def test_a_webrtc_that_does_not_connect_offers_the_websocket(
    playground_loop: asyncio.Runner, person_at: Visit, keyed: bool
) -> None:
    """The server's answer leads nowhere. The call that was given up holds no place, here the only one."""
    key = "sk-right" if keyed else ""
    config = ServerConfig(limits=Limits(max_sessions=1), api_keys=(key,) if keyed else ())

    async def main() -> None:
        async with home(scripted_engines(), config) as house, person_at(house.url) as person:
            if keyed:
                await person.page.fill("#key", key)
            await person.page.route("**/v1/realtime/calls", astray)
            await person.choose("WebRTC")
            async with person.page.expect_response("**/hangup") as told:
                await person.page.click("#start")
            assert (await told.value).status == 200
            await person.notice("No connection over WebRTC")
            await person.press("Use WebSocket")
            await person.phase("live")
            await person.sees("#facts", "WebSocket")

    playground_loop.run(main())


def test_who_leaves_while_connecting_holds_no_place(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    config = ServerConfig(limits=Limits(max_sessions=1))

    async def main() -> None:
        async with home(scripted_engines(), config) as house, person_at(house.url) as person:
            await person.page.route("**/v1/realtime/calls", astray)
            await person.choose("WebRTC")
            async with person.page.expect_response("**/v1/realtime/calls"):
                await person.page.click("#start")
            await person.page.reload()
            await person.page.wait_for_selector("html[data-ready]")
            await person.start("WebSocket")

    playground_loop.run(main())


def test_a_server_that_is_gone(playground_loop: asyncio.Runner, person_at: Visit) -> None:
    expected = ("ERR_CONNECTION_REFUSED",)

    async def main() -> None:
        async with home(scripted_engines()) as house:
            arrived = person_at(house.url, expected=expected)
            person = await arrived.__aenter__()
        try:
            await person.page.click("#start")
            await person.notice("The server does not answer")
        finally:
            await arrived.__aexit__(None, None, None)

    playground_loop.run(main())


def test_an_error_of_the_server_is_shown_and_the_talk_goes_on(
    playground_loop: asyncio.Runner, person_at: Visit
) -> None:
    engines = scripted_engines(answers=[["Yes."]])

    async def main() -> None:
        async with home(engines) as house, person_at(house.url) as person:
            await person.page.fill("#idle", "1")
            await person.choose("WebSocket")
            await person.type("Hello.")
            await person.notice("The server reports an error")
            await person.sees(".entry.assistant .said", "Yes.")

    playground_loop.run(main())
