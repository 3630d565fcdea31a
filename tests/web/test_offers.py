from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vivavoce.server.envelope import RefusedError
from vivavoce.web.offers import MAX_BODY_BYTES, offer_of
from vivavoce.web.visitors import refused

SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n"


async def door(request: Request) -> Response:
    try:
        return PlainTextResponse(await offer_of(request))
    except RefusedError as error:
        return refused(error.refusal)


APP = Starlette(routes=[Route("/", door, methods=["POST"])])


def post(browsing: Any, **request: Any) -> Any:
    async def posting() -> Any:
        async with browsing(APP) as browser:
            return await browser.post("/", **request)

    return asyncio.run(posting())


def test_an_offer_comes_as_the_body(browsing: Any) -> None:
    for kind in ("application/sdp", "Application/SDP; charset=utf-8"):
        assert post(browsing, content=SDP, headers={"content-type": kind}).text == SDP


def test_an_offer_comes_as_part_of_a_form(browsing: Any) -> None:
    session = (None, '{"type": "realtime"}')
    assert post(browsing, files={"sdp": (None, SDP), "session": session}).text == SDP
    assert post(browsing, files={"sdp": ("offer.sdp", SDP.encode(), "application/sdp")}).text == SDP
    assert post(browsing, data={"sdp": SDP}).text == SDP


@pytest.mark.parametrize(
    ("request_", "status", "word"),
    [
        ({"content": SDP}, 415, "application/sdp"),
        ({"json": {"sdp": SDP}}, 415, "application/json"),
        ({"content": b"", "headers": {"content-type": "application/sdp"}}, 400, "empty"),
        ({"content": b"\xff\xfe", "headers": {"content-type": "application/sdp"}}, 400, "no text"),
        ({"files": {"session": (None, "{}")}}, 400, "`sdp`"),
        ({"files": {"sdp": ("a", b"\xff")}}, 400, "no text"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, ""),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"files": {f"f{n}": (None, "x") for n in range(20)}}, 400, "fields"),
        (
            {"content": b"x" * (MAX_BODY_BYTES + 1), "headers": {"content-type": "application/sdp"}},
            413,
            "longer",
        ),
    ],
)
def test_what_is_no_offer_is_refused(browsing: Any, request_: dict[str, Any], status: int, word: str) -> None:
    answer = post(browsing, **request_)
    assert answer.status_code == status
    assert word in answer.json()["error"]["message"]
