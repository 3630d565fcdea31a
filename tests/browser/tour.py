"""A test's way through a browser. What went wrong there is kept: what the page said, and how it looked."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.sound import Tape, Track, tape

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

INSTRUMENTS = Path(__file__).parent / "page" / "instruments.js"


def artefact_folder(root: Path) -> Path:
    """Where screenshots and logs go: ``VIVAVOCE_ARTEFACTS``, or a folder beside pytest's cache."""
    return Path(os.environ.get("VIVAVOCE_ARTEFACTS") or root / ".pytest_cache" / "artefacts")


@dataclass
class Visit:
    """A page that is open.

    Attributes:
        page: Playwright's.
        console: what the page wrote to its console, and what it threw.
    """

    page: Page
    console: list[str] = field(default_factory=list)

    async def do(self, script: str, given: Any = None) -> Any:
        """Run JavaScript in the page and wait for what it promises."""
        return await self.page.evaluate(script, given)

    async def open(self, **options: Any) -> None:
        """Connect a session, see `page/stage.mjs`."""
        await self.do("options => stage.open(options)", options)

    async def said(self, line: str, count: int = 1) -> dict[str, Any]:
        """Wait until something happened so often; ``"server response.done"``. Returns the event, if any."""
        entry: dict[str, Any] = await self.do("([line, count]) => stage.said(line, count)", [line, count])
        event: dict[str, Any] = entry.get("event", {})
        return event

    async def remembers(self, pattern: str) -> str:
        """Wait until a line of the session's history matches, and return it."""
        line: str = await self.do("pattern => stage.remembers(pattern)", pattern)
        return line

    async def history(self) -> list[str]:
        """Return the session's history, a line for each item."""
        lines: list[str] = await self.do("stage.history()")
        return lines

    async def names(self) -> list[str]:
        """Return what has happened."""
        lines: list[str] = await self.do("stage.names()")
        return lines

    async def tape(self) -> Tape:
        """Return what the page has recorded."""
        return tape(await self.do("tape.cut()"))

    async def spoken(self) -> Track:
        """Return the audio that a session on a WebSocket gave to the page."""
        return Track(base64.b64decode(await self.do("stage.spoken()")), 24_000)


@dataclass
class Tour:
    """Opens pages in one browser.

    Args:
        browser: shared by the tests of a module.
        artefacts: folder for what this test leaves when it fails.
    """

    browser: Browser
    artefacts: Path

    @contextlib.asynccontextmanager
    async def visit(self, url: str) -> AsyncIterator[Visit]:
        """Open a page in a context of its own. It must not complain."""
        context = await self.browser.new_context()
        try:
            await context.add_init_script(path=INSTRUMENTS)
            visit = Visit(await context.new_page())
            visit.page.on("console", lambda said: visit.console.append(f"{said.type}: {said.text}"))
            visit.page.on("pageerror", lambda error: visit.console.append(f"error: {error}"))
            try:
                await visit.page.goto(url)
                yield visit
            except BaseException:
                await self._keep(visit)
                raise
            complaints = [line for line in visit.console if line.startswith(("error", "warning"))]
            assert not complaints, complaints
        finally:
            await context.close()

    async def _keep(self, visit: Visit) -> None:
        """Keep what may tell what went wrong."""
        self.artefacts.mkdir(parents=True, exist_ok=True)
        (self.artefacts / "console.txt").write_text("\n".join(visit.console), encoding="utf-8")
        # The page may be what failed, and what counts is the test's own failure.
        with contextlib.suppress(Exception):
            lines = await visit.do(
                "(window.stage?.log ?? window.received).map((entry) => JSON.stringify(entry))"
            )
            (self.artefacts / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
        with contextlib.suppress(Exception):
            if await visit.do("window.taping"):
                (await visit.tape()).write(self.artefacts / "tape.wav")
        with contextlib.suppress(Exception):
            await visit.page.screenshot(path=self.artefacts / "page.png", full_page=True)
