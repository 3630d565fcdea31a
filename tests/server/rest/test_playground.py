"""The page's files, and what it is told of the server before it connects."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from vivavoce import __version__
from vivavoce.engines.scripted import scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.server import Limits
from vivavoce.server.rest.playground import FOLDER, _content_policy
from vivavoce.server.webrtc import webrtc_installed
from vivavoce.testing import run

MOST_LINES = 400

FORBIDDEN = r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\("


def files() -> list[Path]:
    return sorted(path for path in FOLDER.rglob("*") if path.is_file())


class References(HTMLParser):
    """What a page names: files by address, elements by id; and whether it holds script or style itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        self.addresses += [named[name] for name in ("src", "href") if name in named]
        self.ids += [named["id"]] if "id" in named else []
        inline = [name for name in named if name.startswith("on") or name == "style"]
        self.inline += [
            *inline,
            *([tag] if tag == "style" or (tag == "script" and "src" not in named) else []),
        ]


def references() -> References:
    parser = References()
    parser.feed((FOLDER / "index.html").read_text(encoding="utf-8"))
    return parser


def test_the_page_and_all_it_names_are_served_to_everybody(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",))
        page = await home.ask("GET", "/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        for address in {one.partition("#")[0] for one in references().addresses} - {""}:
            answer = await home.ask("GET", f"/{address}")
            assert (answer.status_code, address) == (200, address)
            assert answer.headers["x-content-type-options"] == "nosniff"
        for path in files():
            answer = await home.ask("GET", f"/playground/{path.relative_to(FOLDER).as_posix()}")
            assert answer.content == path.read_bytes()

    run(scenario())


def test_a_file_is_sent_again_only_when_it_has_changed(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house()
        first = await home.ask("GET", "/")
        again = await home.ask("GET", "/", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert first.headers["cache-control"] == "no-cache"

    run(scenario())


@pytest.mark.parametrize("name", ["nothing.js", "../app.py", "%2e%2e/app.py", "js", ""])
def test_nothing_else_is_served(house: Callable[..., Any], name: str) -> None:
    async def scenario() -> None:
        answer = await house().ask("GET", f"/playground/{name}")
        assert answer.status_code == 404

    run(scenario())


def test_an_operator_may_have_no_playground(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(playground=False)
        for method, path in (("GET", "/"), ("GET", "/playground/mark.svg"), ("POST", "/playground/knock")):
            answer = await home.ask(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    run(scenario())


def test_the_page_may_load_and_ask_only_this_server() -> None:
    policy = _content_policy("voice.example.com:8443")
    assert policy.startswith("default-src 'self'; ")
    assert "connect-src 'self' ws://voice.example.com:8443 wss://voice.example.com:8443;" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://[::1]:8000 wss://[::1]:8000;" in _content_policy("[::1]:8000")
    for host in ("", "evil; script-src *", "a b", "x\n"):
        assert "connect-src 'self';" in _content_policy(host)


def test_the_page_holds_no_script_no_style_and_no_address_of_anybody_else() -> None:
    found = references()
    assert not found.inline
    assert not [one for one in found.addresses if not one.startswith(("playground/", "#"))]
    assert len(found.ids) == len(set(found.ids))
    for path in files():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text
        ), path


def test_every_id_that_the_scripts_ask_for_is_in_the_page() -> None:
    ids = set(references().ids)
    for path in FOLDER.rglob("*.js"):
        asked = re.findall(r'byId\("([\w-]+)"\)', path.read_text(encoding="utf-8"))
        assert set(asked) <= ids, path.name


def test_the_files_are_as_short_as_all_others() -> None:
    for path in files():
        assert path.read_text(encoding="utf-8").count("\n") <= MOST_LINES, path.name


def test_every_import_and_every_icon_is_there() -> None:
    symbols = {name.removeprefix("i-") for name in references().ids if name.startswith("i-")}
    for path in FOLDER.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'from "(\.[^"]+)"', text):
            assert (path.parent / name).is_file(), (path.name, name)
        assert set(re.findall(r"#i-([\w-]+)", text)) <= symbols, path.name
        assert set(re.findall(r'\bicon\("([\w-]+)"\)', text)) <= symbols, path.name


# --- the knock ----------------------------------------------------------------------------------------------


async def knock(home: Any, key: str | None = None, **request: Any) -> dict[str, Any]:
    answer = await home.ask("POST", "/playground/knock", key, **request)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told: dict[str, Any] = answer.json()
    return told


def test_whoever_may_come_in_is_told_what_there_is_to_choose_from(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        told = await knock(house(session=SessionOptions(model="house", instructions="Be brief.")))
        assert told["admitted"]
        assert (told["error"], told["asks_for_key"], told["version"]) == (None, False, __version__)
        assert (told["model"], told["instructions"], told["voice"]) == ("house", "Be brief.", "alloy")
        assert "alloy" in told["voices"]
        assert told["engines"]["llm"] == "bench"
        assert told["free"] is True

    run(scenario())


def test_a_page_is_told_whether_there_is_webrtc(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        told = await knock(house())
        assert (told["webrtc"], told["webrtc_off"]) == (webrtc_installed(), False)
        told = await knock(house(webrtc=None))
        assert (told["webrtc"], told["webrtc_off"]) == (False, True)

    run(scenario())


def test_an_answer_of_somebody_elses_model_is_not_called_free(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines()
        assert (await knock(house(engines)))["free"] is False

    run(scenario())


@pytest.mark.parametrize("key", [None, "sk-wrong"])
def test_who_has_no_key_is_told_that_and_nothing_more(house: Callable[..., Any], key: str | None) -> None:
    async def scenario() -> None:
        told = await knock(house(api_keys=("sk-1",)), key)
        assert set(told) == {"version", "asks_for_key", "admitted", "error"}
        assert (told["asks_for_key"], told["admitted"]) == (True, False)
        assert (told["error"]["status"], told["error"]["code"]) == (401, "invalid_api_key")

    run(scenario())


def test_a_key_and_a_client_secret_open(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",))
        assert (await knock(home, "sk-1"))["admitted"]
        secret = (await home.ask("POST", "/v1/realtime/client_secrets", "sk-1")).json()["value"]
        assert (await knock(home, secret))["admitted"]

    run(scenario())


def test_a_page_of_somebody_else_is_told_why_it_may_not(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        told = await knock(house(), headers={"origin": "https://elsewhere.example"})
        assert (told["error"]["status"], told["error"]["code"]) == (403, "origin_not_allowed")

    run(scenario())


def test_a_full_house_and_one_that_closes_say_so(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(limits=Limits(max_sessions=1))
        admission = home.app._sessions.admission
        assert (await knock(home))["admitted"]
        assert admission.sessions == 0
        admission.admit()
        told = await knock(home)
        assert (told["admitted"], told["error"]["code"]) == (False, "session_limit_reached")
        assert told["voices"]
        admission.drain()
        assert (await knock(home))["error"]["code"] == "server_shutting_down"

    run(scenario())


def test_a_key_that_has_used_its_minutes_is_told(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("lab=sk-1",), limits=Limits(max_minutes_per_key=1e-9))
        home.app._sessions.usage.begin("lab", -1.0)
        told = await knock(home, "sk-1")
        assert (told["error"]["status"], told["error"]["code"]) == (429, "key_minutes_reached")

    run(scenario())
