"""Whom a session is for, read from the request that opened it."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.server.auth import Caller
from vivavoce.server.carrier import Guest


def scope(*headers: tuple[bytes, bytes], **others: Any) -> dict[str, Any]:
    return {"type": "websocket", "headers": headers, **others}


def test_a_guest_has_the_headers_of_the_request_in_lower_case() -> None:
    guest = Guest.of(scope((b"traceparent", b"00-1"), (b"user-agent", b"caf\xe9")), Caller("lab"), "req_1")
    assert guest.headers == {"traceparent": "00-1", "user-agent": "café"}


@pytest.mark.parametrize(
    "name", ["authorization", "api-key", "cookie", "sec-websocket-protocol", "proxy-authorization"]
)
def test_what_proves_who_somebody_is_goes_no_further(name: str) -> None:
    guest = Guest.of(scope((name.encode(), b"sk-secret"), (b"accept", b"*/*")), Caller("lab"), "req_1")
    assert guest.headers == {"accept": "*/*"}
    assert "sk-secret" not in repr(guest)


def test_the_log_names_the_key_the_request_and_the_address() -> None:
    guest = Guest.of(scope(client=["10.0.0.7", 5060]), Caller("lab"), "req_1")
    assert guest.address == ("10.0.0.7", 5060)
    assert guest.log_fields == {
        "request_id": "req_1",
        "client": "10.0.0.7",
        "client_port": 5060,
        "key": "lab",
    }


def test_a_server_that_knows_no_address_has_none() -> None:
    for others in ({}, {"client": None}):
        guest = Guest.of({"type": "http", **others}, Caller(None), "req_1")
        assert (guest.address, guest.headers) == ((None, None), {})
