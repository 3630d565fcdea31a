"""One browser and one event loop for the tests of a module: both the server and Playwright run on it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.chromium import chromium, chromium_path
from tests.browser.flite import FliteSynthesizer
from tests.browser.house import sdk_folder
from tests.browser.script import write_script
from tests.browser.tour import Tour, artefact_folder

from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice, build_local_engines

if TYPE_CHECKING:
    from playwright.async_api import Browser


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    """``loop.run(main())``: the event loop that the browser of this module belongs to."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def browser(
    loop: asyncio.Runner, speech_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Chromium with a person at its microphone, who keeps to the script."""
    path = chromium_path()
    sdk_folder()
    microphone = write_script(tmp_path_factory.mktemp("microphone") / "script.wav", speech_clip)
    launched = chromium(path, microphone)
    browser = loop.run(launched.__aenter__())
    try:
        yield browser
    finally:
        loop.run(launched.__aexit__(None, None, None))


@pytest.fixture
def tour(browser: Browser, request: pytest.FixtureRequest) -> Tour:
    """Opens pages for this test."""
    name = re.sub(r"[^\w-]+", "-", request.node.name)
    return Tour(browser, artefact_folder(request.config.rootpath) / name)


@pytest.fixture
def talking_engines() -> Callable[[], contextlib.AbstractAsyncContextManager[Engines]]:
    """``async with talking_engines() as engines``: the embedded ones, with a voice that can be read."""

    @contextlib.asynccontextmanager
    async def made() -> AsyncIterator[Engines]:
        engines = replace(build_local_engines(EngineChoice()), synthesizer=FliteSynthesizer())
        try:
            await engines.prewarm()
            yield engines
        finally:
            await engines.aclose()

    return made
