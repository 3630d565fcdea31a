"""Webhooks: how a server tells a program of yours that something happened, and how you know that it was it.

    from vivavoce.webhooks import unwrap

    event = unwrap(await request.body(), request.headers, secret="whsec_…")
    if event.type == "realtime.call.incoming":
        call_id = event.data["call_id"]

The signatures are those of Standard Webhooks, which the Realtime API uses: the hosted API and
`vivavoce serve` sign alike.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.errors import ConfigurationError, WebhookVerificationError

__all__ = [
    "ID_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "WebhookEvent",
    "check_secret",
    "sign",
    "unwrap",
]

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

SECRET_PREFIX = "whsec_"  # noqa: S105  # what every secret begins with
SECRET_VARIABLE = "OPENAI_WEBHOOK_SECRET"  # noqa: S105  # a variable's name
TOLERANCE_S = 300
MAX_PAYLOAD_BYTES = 1024 * 1024

_TIMESTAMP = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a server told.

    Attributes:
        id: of the delivery (`webhook-id`): the same when it is repeated, so remember it to act but once.
        type: what happened, for example ``"realtime.call.incoming"``.
        created_at: when, in seconds since 1970.
        data: about it; of an incoming call ``call_id`` and ``sip_headers``.
        raw: the whole event as it came.
    """

    id: str
    type: str
    created_at: int
    data: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)


def unwrap(
    payload: str | bytes,
    headers: Mapping[str, Any],
    *,
    secret: str | Sequence[str] | None = None,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> WebhookEvent:
    """Check that a webhook is genuine and fresh, and return its event.

    Args:
        payload: the request's body, byte for byte as it came: not JSON that was read and written again.
        headers: the request's headers; upper and lower case are the same.
        secret: the endpoint's secret (``whsec_…``), or several while you rotate it; without one it comes from
            ``OPENAI_WEBHOOK_SECRET``.
        tolerance_s: seconds that sender's and receiver's clocks may differ, the delivery included.
        now: the time in seconds since 1970; ``None`` is now.

    Raises:
        ConfigurationError: there is no secret, or it is none.
        WebhookVerificationError: the request is not from the server, too old, or no event; answer it with
            HTTP 400.
    """
    keys = [_key(each) for each in _secrets(secret)]
    body = payload.encode() if isinstance(payload, str) else payload
    if len(body) > MAX_PAYLOAD_BYTES:
        raise WebhookVerificationError(
            f"The body has {len(body)} bytes; at most {MAX_PAYLOAD_BYTES} are read."
        )
    webhook_id, timestamp, signatures = (
        _header(headers, name) for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    _check_time(timestamp, time.time() if now is None else now, tolerance_s)
    expected = [_signature(key, webhook_id, timestamp, body) for key in keys]
    given = [entry.removeprefix("v1,").encode() for entry in signatures.split()]
    # All of them are compared, in constant time each: how long it takes tells nothing.
    if not any([hmac.compare_digest(one, other) for one in expected for other in given]):  # noqa: C419
        raise WebhookVerificationError(
            "No signature fits: the request is not from the server, the secret is another one, or the body "
            "was changed on the way (give it as it came)."
        )
    return _event(webhook_id, body)


def sign(webhook_id: str, timestamp: int, payload: bytes, secrets: Iterable[str]) -> str:
    """Return the value of `webhook-signature`.

    Args:
        webhook_id: of the delivery.
        timestamp: seconds since 1970.
        payload: the body.
        secrets: the endpoint's secrets: one, or the old and the new one while it is rotated.

    Raises:
        ConfigurationError: a secret is none.
    """
    stamp = str(timestamp)
    return " ".join(
        "v1," + _signature(_key(secret), webhook_id, stamp, payload).decode() for secret in secrets
    )


def check_secret(secret: str) -> None:
    """Check the form of an endpoint's secret.

    Raises:
        ConfigurationError: it cannot be one; the message does not show it.
    """
    _key(secret)


def _secrets(secret: str | Sequence[str] | None) -> Sequence[str]:
    if secret is None:
        secret = os.environ.get(SECRET_VARIABLE, "")
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not any(secrets):
        raise ConfigurationError(
            "a webhook needs the secret of its endpoint: give unwrap(…, secret='whsec_…'), or set "
            f"{SECRET_VARIABLE}"
        )
    return [each for each in secrets if each]


def _key(secret: str) -> bytes:
    """Return the key in a secret: base64 after `whsec_`; without that prefix, the bytes of the text."""
    if not secret.startswith(SECRET_PREFIX):
        key = secret.encode()
    else:
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            raise ConfigurationError(
                "the webhook secret is not whole: after 'whsec_' comes base64; copy it again"
            ) from None
    if not key:
        raise ConfigurationError("the webhook secret is empty")
    return key


def _signature(key: bytes, webhook_id: str, timestamp: str, payload: bytes) -> bytes:
    signed = f"{webhook_id}.{timestamp}.".encode() + payload
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _header(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name)
    if value is None:
        value = next((value for key, value in headers.items() if str(key).lower() == name), None)
    if isinstance(value, list | tuple):  # as some frameworks give them
        value = value[0] if value else None
    if not value:
        raise WebhookVerificationError(f"The header {name} is missing: this is no webhook.")
    return str(value)


def _check_time(timestamp: str, now: float, tolerance_s: int) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookVerificationError(f"The header {TIMESTAMP_HEADER} is {timestamp[:32]!r}, not a time.")
    age = now - int(timestamp)
    if abs(age) > tolerance_s:
        when = f"{age:.0f} s old" if age > 0 else f"{-age:.0f} s in the future"
        raise WebhookVerificationError(
            f"The webhook is {when}; at most {tolerance_s} s are accepted. It was sent again by somebody "
            "else, or a clock is wrong."
        )


def _event(webhook_id: str, body: bytes) -> WebhookEvent:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or not isinstance(raw.get("type"), str):
        raise WebhookVerificationError(
            "The webhook is signed, but holds no event: a JSON object with a type."
        )
    data, created_at = raw.get("data"), raw.get("created_at")
    return WebhookEvent(
        id=webhook_id,
        type=raw["type"],
        created_at=created_at if isinstance(created_at, int) else 0,
        data=data if isinstance(data, dict) else {},
        raw=raw,
    )
