"""One browser for all tests of the page, and one event loop for it and the servers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.browser.chromium import chromium, chromium_path
from tests.browser.script import write_script
from tests.browser.tour import artefact_folder
from tests.playground.visit import Person, visit

if TYPE_CHECKING:
    from playwright.async_api import Browser

Visit = Callable[..., AbstractAsyncContextManager[Person]]


@pytest.fixture(scope="session")
def playground_loop() -> Iterator[asyncio.Runner]:
    """``playground_loop.run(main())``: where the browser of these tests lives."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def playground_browser(
    playground_loop: asyncio.Runner,
    speech_clip: Callable[..., Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """Chromium with somebody at its microphone who greets, and after a while interrupts."""
    path = chromium_path()
    words = (1.5, "Hello, how are you today?", 3.0, "Stop, please stop.", 30.0)
    microphone = write_script(tmp_path_factory.mktemp("microphone") / "script.wav", speech_clip, words)
    launched = chromium(path, microphone)
    browser = playground_loop.run(launched.__aenter__())
    try:
        yield browser
    finally:
        playground_loop.run(launched.__aexit__(None, None, None))


@pytest.fixture
def person_at(playground_browser: Browser, request: pytest.FixtureRequest) -> Visit:
    """``async with person_at(url) as person``: see `visit`."""
    name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")
    folder = artefact_folder(request.config.rootpath) / "playground" / name
    return partial(visit, playground_browser, folder)
