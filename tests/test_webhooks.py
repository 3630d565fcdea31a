"""Genuine webhooks pass, all else does not; both ways with the verifier of the `openai` package."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import InvalidWebhookSignatureError, OpenAI

from vivavoce.errors import ConfigurationError, WebhookVerificationError
from vivavoce.webhooks import MAX_PAYLOAD_BYTES, check_secret, sign, unwrap

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, or so").decode()
NOW = 1_790_000_000
CALL = {
    "id": "evt_1",
    "object": "event",
    "type": "realtime.call.incoming",
    "created_at": NOW,
    "data": {"call_id": "rtc_1", "sip_headers": [{"name": "From", "value": "sip:ada@example.com"}]},
}
BODY = json.dumps(CALL).encode()


def headers(body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), at: int = NOW) -> dict[str, str]:
    return {
        "webhook-id": "wh_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign("wh_1", at, body, secrets),
    }


def test_a_genuine_webhook_gives_its_event() -> None:
    event = unwrap(BODY, headers(), secret=SECRET, now=NOW)
    assert (event.id, event.type, event.created_at) == ("wh_1", "realtime.call.incoming", NOW)
    assert event.data["call_id"] == "rtc_1"
    assert event.raw == CALL


def test_text_and_any_case_of_the_headers_will_do() -> None:
    shouted = {name.upper(): value for name, value in headers().items()}
    assert unwrap(BODY.decode(), shouted, secret=SECRET, now=NOW).type == "realtime.call.incoming"


def test_frameworks_that_give_lists_of_values_are_read() -> None:
    listed = {name: [value] for name, value in headers().items()}
    assert unwrap(BODY, listed, secret=SECRET, now=NOW).id == "wh_1"


def test_a_secret_without_its_prefix_is_taken_as_bytes() -> None:
    assert unwrap(BODY, headers(secrets=("plain",)), secret="plain", now=NOW).id == "wh_1"


def test_while_a_secret_is_rotated_the_old_and_the_new_one_work() -> None:
    both = headers(secrets=("old", SECRET))
    assert both["webhook-signature"].count("v1,") == 2
    for secret in ("old", SECRET, ["older", "old"]):
        assert unwrap(BODY, both, secret=secret, now=NOW).id == "wh_1"


def test_the_secret_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_WEBHOOK_SECRET", SECRET)
    assert unwrap(BODY, headers(), now=NOW).id == "wh_1"
    monkeypatch.delenv("OPENAI_WEBHOOK_SECRET")
    with pytest.raises(ConfigurationError, match="OPENAI_WEBHOOK_SECRET"):
        unwrap(BODY, headers(), now=NOW)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%", "whsec_abc"])
def test_a_broken_secret_is_said_to_be_one(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        check_secret(secret)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(missing: str) -> None:
    rest = {name: value for name, value in headers().items() if name != missing}
    with pytest.raises(WebhookVerificationError, match=missing):
        unwrap(BODY, rest, secret=SECRET, now=NOW)


@pytest.mark.parametrize(("shift", "words"), [(301, "301 s old"), (-301, "301 s in the future")])
def test_a_webhook_of_another_time_is_refused(shift: int, words: str) -> None:
    with pytest.raises(WebhookVerificationError, match=words):
        unwrap(BODY, headers(), secret=SECRET, now=NOW + shift)


@pytest.mark.parametrize("stamp", ["soon", "-5", "1" * 5000, "²"])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(WebhookVerificationError, match="not a time"):
        unwrap(BODY, headers() | {"webhook-timestamp": stamp}, secret=SECRET, now=NOW)


@given(position=st.integers(0, len(BODY) - 1), bit=st.integers(0, 7))
def test_a_body_with_one_other_bit_is_refused(position: int, bit: int) -> None:
    changed = bytearray(BODY)
    changed[position] ^= 1 << bit
    with pytest.raises(WebhookVerificationError, match="No signature fits"):
        unwrap(bytes(changed), headers(), secret=SECRET, now=NOW)


@given(st.text())
def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(WebhookVerificationError):
        unwrap(BODY, headers() | {"webhook-signature": signature}, secret=SECRET, now=NOW)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"type": 1}', b"no json", b"\xff", b"[" * 100_000])
def test_what_is_signed_but_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookVerificationError, match="no event"):
        unwrap(body, headers(body), secret=SECRET, now=NOW)


def test_an_event_of_odd_shape_keeps_its_raw_form() -> None:
    body = b'{"type": "later.kind", "data": 3, "created_at": "noon"}'
    event = unwrap(body, headers(body), secret=SECRET, now=NOW)
    assert (event.created_at, dict(event.data)) == (0, {})
    assert event.raw["data"] == 3


def test_a_body_beyond_reason_is_not_read() -> None:
    body = b" " * (MAX_PAYLOAD_BYTES + 1)
    with pytest.raises(WebhookVerificationError, match="bytes"):
        unwrap(body, headers(body), secret=SECRET, now=NOW)


@pytest.mark.clients
@pytest.mark.parametrize("secret", [SECRET, "plain"])
def test_the_openai_package_verifies_what_is_signed_here(secret: str) -> None:
    client = OpenAI(api_key="none", webhook_secret=secret)
    signed = headers(secrets=(secret, "another"), at=int(time.time()))
    event = client.webhooks.unwrap(BODY, signed)
    assert event.type == "realtime.call.incoming"
    assert event.data.call_id == "rtc_1"
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.unwrap(BODY + b" ", signed)
