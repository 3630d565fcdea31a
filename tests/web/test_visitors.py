from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from vivavoce.errors import ConfigurationError
from vivavoce.web import everybody
from vivavoce.web.visitors import Visitors

PARTNER = "https://app.partner.example"


async def of_cookie(request: Request) -> str | None:
    return request.cookies.get("user")


def app_for(visitors: Visitors) -> Starlette:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(f"hello {await visitors.admit(request)}", headers={"location": "/x"})

    return Starlette(routes=[visitors.route("/door", endpoint, "POST")])


def ask(browsing: Any, visitors: Visitors, method: str = "POST", **headers: str) -> Any:
    async def asking() -> Any:
        async with browsing(app_for(visitors)) as browser:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await browser.request(method, "/door", headers=named)

    return asyncio.run(asking())


def test_a_user_comes_in_and_nobody_does_not(browsing: Any) -> None:
    visitors = Visitors(of_cookie)
    assert ask(browsing, visitors, cookie="user=ada").text == "hello ada"
    nobody = ask(browsing, visitors)
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "not_signed_in")
    assert ask(browsing, Visitors(lambda _request: False)).status_code == 401
    assert ask(browsing, Visitors(everybody)).text == "hello everybody"


def test_an_application_may_refuse_in_its_own_way(browsing: Any) -> None:
    def teapot(_request: Request) -> str:
        raise HTTPException(418)

    assert ask(browsing, Visitors(teapot)).status_code == 418


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://shop.example", "shop.example"),
        ("https://shop.example", "shop.example"),  # a proxy took TLS off
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://SHOP.example:80", "shop.example"),
    ],
)
def test_pages_of_the_same_host_come_in(browsing: Any, origin: str, host: str) -> None:
    assert ask(browsing, Visitors(everybody), origin=origin, host=host).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example:8080",
        "null",
        "http://shop.example.evil.example",
        "http://[",
        "",
    ],
)
def test_pages_of_others_do_not(browsing: Any, origin: str) -> None:
    answer = ask(browsing, Visitors(everybody), origin=origin)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


def test_another_site_that_hides_its_origin_does_not_either(browsing: Any) -> None:
    assert ask(browsing, Visitors(everybody), sec_fetch_site="cross-site").status_code == 403
    assert ask(browsing, Visitors(everybody), sec_fetch_site="same-origin").status_code == 200


def test_a_listed_page_may_call_from_its_own_host_with_cookies(browsing: Any) -> None:
    visitors = Visitors(of_cookie, [PARTNER])
    preflight = ask(
        browsing,
        visitors,
        "OPTIONS",
        origin=PARTNER,
        access_control_request_method="POST",
        access_control_request_headers="authorization,content-type,x-openai-agents-sdk",
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PARTNER
    assert preflight.headers["access-control-allow-credentials"] == "true"
    answer = ask(browsing, visitors, origin=PARTNER, cookie="user=ada")
    assert answer.text == "hello ada"
    assert "Location" in answer.headers["access-control-expose-headers"]
    refused = ask(browsing, visitors, origin=PARTNER)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PARTNER)
    assert ask(browsing, visitors, origin="https://evil.example", cookie="user=ada").status_code == 403
    assert ask(browsing, visitors, "OPTIONS", origin="https://evil.example").status_code in {400, 403, 405}


@pytest.mark.parametrize("origins", [["*"], ["https://app.example/path"], ["app.example"]])
def test_origins_are_checked_when_the_application_is_made(origins: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Visitors(everybody, origins)
    assert "stands for all" not in str(caught.value)  # which is refused


def test_without_a_check_there_is_no_route() -> None:
    with pytest.raises(ConfigurationError, match="authorize"):
        Visitors(None)  # type: ignore[arg-type]  # what a user may write
