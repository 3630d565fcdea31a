"""Chromium as Playwright drives it here: Debian's own, headless, with a microphone that plays a file."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)


def chromium_path() -> str:
    """The program; skips the test where there is none."""
    path = os.environ.get("VIVAVOCE_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium: apt install chromium, or VIVAVOCE_CHROMIUM=/path/to/it")
    return path


@contextlib.asynccontextmanager
async def chromium(path: str, microphone: Path) -> AsyncIterator[Browser]:
    """A browser whose microphone plays a WAV file, from its beginning whenever a page opens it, once."""
    playwright = pytest.importorskip("playwright.async_api", reason="needs the package playwright")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=path,
            args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}%noloop"],
            chromium_sandbox=False,  # which a root user, as in most containers, cannot have
        )
        try:
            yield browser
        finally:
            await browser.close()
