"""A person at the playground: what they press and type, what they see, and what the page must never do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from vivavoce.engines.base import Engines
from vivavoce.server import RealtimeApp, ServerConfig, create_app, listener
from vivavoce.webrtc.config import RtcConfig

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebSocketRoute

PATIENCE_MS = 15_000
"""What may take long on a busy machine is waited for so long."""

REFUSE = """
navigator.mediaDevices.getUserMedia = () =>
  Promise.reject(Object.assign(new Error("no"), {name: %s}));
"""


@dataclass
class Home:
    """A server of this project.

    Attributes:
        url: of its playground.
        app: its application.
    """

    url: str
    app: RealtimeApp

    async def empty(self, seconds: float = 10.0) -> None:
        """Wait until the server has no session; it takes none afterwards."""
        await self.app.drain(seconds)
        assert self.app.sessions == 0


@contextlib.asynccontextmanager
async def home(engines: Engines, config: ServerConfig | None = None) -> AsyncIterator[Home]:
    """A server on these engines, on this machine only."""
    import aiortc  # noqa: F401  # whoever speaks first must not wait until it is loaded

    apps: list[RealtimeApp] = []

    def created(*given: Any) -> RealtimeApp:
        apps.append(create_app(*given))
        return apps[0]

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = config or ServerConfig()
    here = None if config.webrtc is None else RtcConfig(addresses=("127.0.0.1",))
    config = replace(config, port=0, webrtc=here)
    with patch("vivavoce.server.listener.create_app", created):
        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(listener.serve(config, engines=engines, on_ready=ready.set_result))
            try:
                url = (await ready).replace("ws://", "http://").removesuffix("v1/realtime")
                yield Home(url, apps[0])
            finally:
                server.cancel()


@dataclass
class Person:
    """Somebody with the page open.

    Attributes:
        page: Playwright's.
        artefacts: where screenshots of this test go.
        complaints: errors and warnings of the page.
        elsewhere: addresses that it asked for and that are not the server's.
    """

    page: Page
    artefacts: Path
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def see(self, selector: str, text: str | re.Pattern[str] | None = None) -> Locator:
        """Return what matches, and is in sight."""
        return self.page.locator(f"{selector}:visible", has_text=text)

    async def sees(self, selector: str, text: str | re.Pattern[str] | None = None) -> Locator:
        """Wait until there is something that matches, and return the first of it."""
        found = self.see(selector, text).first
        await found.wait_for()
        return found

    async def phase(self, name: str) -> None:
        """Wait until the page is in a phase: idle, connecting, live, lost."""
        await self.page.wait_for_selector(f"html[data-phase={name}]")

    async def press(self, name: str, *, exact: bool = False) -> None:
        """Press the button of this name."""
        await self.page.get_by_role("button", name=name, exact=exact).first.click()

    async def choose(self, transport: str) -> None:
        """Choose a transport."""
        await self.page.get_by_role("radio", name=transport).check()

    async def start(self, transport: str = "WebSocket") -> None:
        """Connect with the microphone."""
        await self.choose(transport)
        await self.page.click("#start")
        await self.phase("live")

    async def type(self, text: str) -> None:
        """Send a message."""
        await self.page.fill("#message", text)
        await self.page.press("#message", "Enter")

    async def tab(self, name: str) -> None:
        """Look at a tab of the inspector."""
        await self.page.get_by_role("tab", name=name).click()

    async def notice(self, title: str) -> Locator:
        """Wait for a notice with this title."""
        return await self.sees(".notice", title)

    async def event(self, kind: str, *, sent: bool = False, last: bool = True) -> dict[str, Any]:
        """Find an event by its type in the list, open it, and return it."""
        await self.tab("Events")
        await self.page.fill("#search", kind)
        await self.page.select_option("#direction", "client" if sent else "server")
        rows = self.see(".row-event").filter(has=self.page.get_by_text(kind, exact=True))
        row = rows.last if last else rows.first
        await row.click()
        await self.sees("#detail-title", re.compile(f"^{re.escape(kind)}$"))
        event: dict[str, Any] = json.loads(await self.page.inner_text("#detail-text"))
        await self.page.fill("#search", "")
        return event

    async def saves(self, button: str) -> Path:
        """Press a button that saves a file, and return it."""
        await self.tab("Session")
        async with self.page.expect_download() as started:
            await self.page.click(button)
        return Path(await (await started.value).path())

    async def routed(self, handler: Callable[[WebSocketRoute], None]) -> None:
        """Let the test stand in for the server's end of WebSockets; the page is loaded anew for that."""
        await self.page.route_web_socket("**/v1/realtime", handler)
        await self.page.reload()
        await self.page.wait_for_selector("html[data-ready]")

    async def picture(self, name: str) -> None:
        """Keep a screenshot."""
        self.artefacts.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=self.artefacts / f"{name}.png")


@contextlib.asynccontextmanager
async def visit(
    browser: Browser,
    artefacts: Path,
    url: str,
    *,
    width: int = 1440,
    scheme: Any = "light",
    script: str = "",
    expected: Iterable[str] = (),
) -> AsyncIterator[Person]:
    """Open the page in a context of its own. It may neither complain nor ask anybody else for anything.

    Args:
        browser: shared.
        artefacts: where screenshots go, and what a failure looked like.
        url: of the page.
        width: of the window.
        scheme: light or dark.
        script: runs before those of the page.
        expected: regular expressions of complaints that belong to the test.
    """
    height = {390: 844, 768: 1024}.get(width, 900)
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE_MS)
    try:
        if script:
            await context.add_init_script(script)
        person = Person(await context.new_page(), artefacts)
        _watch(context, person, url, tuple(expected))
        try:
            await person.page.goto(url)
            await person.page.wait_for_selector("html[data-ready]")
            yield person
        except BaseException:
            with contextlib.suppress(Exception):
                await person.picture("failure")
            raise
        assert not person.complaints, person.complaints
        assert not person.elsewhere, person.elsewhere
    finally:
        await context.close()


def _watch(context: BrowserContext, person: Person, url: str, expected: tuple[str, ...]) -> None:
    def complain(text: str) -> None:
        if not any(re.search(one, text) for one in expected):
            person.complaints.append(text)

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complain(message.text)

    person.page.on("console", said)
    person.page.on("pageerror", lambda error: complain(str(error)))
    ours = (url, url.replace("http://", "ws://"), "data:", f"blob:{url}")

    def asked(address: str) -> None:
        if not address.startswith(ours):
            person.elsewhere.append(address)

    context.on("request", lambda request: asked(request.url))
    person.page.on("websocket", lambda socket: asked(socket.url))
