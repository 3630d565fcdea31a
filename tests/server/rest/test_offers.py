"""What is read of a request for a call; what is refused of it stands in test_calls.py."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from vivavoce.server.rest.offers import Offer, offer_of
from vivavoce.testing import run

FORM = "multipart/form-data; boundary=b"


def request(kind: str, body: str) -> Request:
    async def receive() -> Any:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)


def part(head: str, text: str) -> str:
    return f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n"


@pytest.mark.parametrize("kind", ["application/sdp", "Application/SDP; charset=utf-8"])
def test_a_body_of_sdp_is_the_offer(kind: str) -> None:
    assert run(offer_of(request(kind, "v=0\r\n"))) == Offer("v=0\r\n")


@pytest.mark.parametrize(
    "sdp", ['name="sdp"', 'name="sdp"; filename="offer.sdp"\r\nContent-Type: application/sdp']
)
@pytest.mark.parametrize("session", ['name="session"', 'name="session"\r\nContent-Type: application/json'])
def test_a_form_has_the_offer_and_the_session(sdp: str, session: str) -> None:
    body = part(sdp, "v=0\r\n") + part(session, '{"type": "realtime"}') + "--b--\r\n"
    assert run(offer_of(request(FORM, body))) == Offer("v=0\r\n", {"type": "realtime"})


def test_the_session_may_be_left_out() -> None:
    assert run(offer_of(request(FORM, part('name="sdp"', "v=0") + "--b--\r\n"))) == Offer("v=0")
