"""Webhooks of this server: signed, sent to every endpoint that wants them, and sent again until they arrive.

"Non-2xx answers are retried with exponential backoff for up to 72 hours; redirects are not followed."
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vivavoce.errors import ConfigurationError
from vivavoce.server.auth import is_loopback
from vivavoce.tasks import Tasks
from vivavoce.urls import shown_url
from vivavoce.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, check_secret, sign

if TYPE_CHECKING:
    import httpx

__all__ = [
    "EVENTS",
    "INCOMING_CALL",
    "SESSION_ENDED",
    "SESSION_STARTED",
    "Retries",
    "WebhookEndpoint",
    "WebhookSender",
    "incoming_call",
]

INCOMING_CALL = "realtime.call.incoming"
SESSION_STARTED = "vivavoce.session.started"
SESSION_ENDED = "vivavoce.session.ended"

EVENTS = (INCOMING_CALL, SESSION_STARTED, SESSION_ENDED)
"""What a server tells of."""

OWN = "vivavoce."
"""How the events begin that the hosted API does not have; an endpoint gets them only when it names them."""

MAX_WAITING = 1000
"""Deliveries that may wait for one endpoint; more are dropped and logged."""
PARALLEL = 8
"""Requests to one endpoint at once."""
USER_AGENT = "vivavoce/webhooks"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where webhooks go.

    Attributes:
        url: ``https://…``; ``http://`` only for this machine.
        secrets: what they are signed with: one secret, or the new and the old one while you rotate it.
        events: types of events that it wants; empty: all that the hosted API has, too. Others
            (`vivavoce.…`) come only to who names them.
    """

    url: str
    secrets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            ConfigurationError: the URL or a secret cannot work.
        """
        try:
            parts = urlsplit(self.url)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host or parts.scheme not in {"http", "https"}:
            raise ConfigurationError(f"{shown_url(self.url)!r} is no URL of a webhook; use https://host/path")
        if parts.scheme == "http" and not is_loopback(host):
            raise ConfigurationError(
                f"the webhook {shown_url(self.url)} is not encrypted; use https:// (http:// is for this "
                "machine only)"
            )
        if not self.secrets:
            raise ConfigurationError(
                f"the webhook {shown_url(self.url)} needs a secret to be signed with; "
                "`vivavoce webhooks new` makes one"
            )
        for secret in self.secrets:
            check_secret(secret)

    def wants(self, event_type: str) -> bool:
        """Return whether events of this type go there."""
        if not self.events:
            return not event_type.startswith(OWN)
        return event_type in self.events


@dataclass(frozen=True, slots=True)
class Retries:
    """When a delivery that failed is tried again.

    Attributes:
        first_s: seconds after the first failure.
        factor: by which the wait grows each time.
        longest_s: longest wait, in seconds.
        give_up_s: seconds after which a delivery is given up.
        jitter: share of the wait that is left to chance, so that many do not come back at once.
        timeout_s: seconds that one request may take.
    """

    first_s: float = 5.0
    factor: float = 3.0
    longest_s: float = 4 * 3600.0
    give_up_s: float = 72 * 3600.0
    jitter: float = 0.2
    timeout_s: float = 10.0

    def wait_s(self, failures: int, chance: float, asked_s: float = 0.0) -> float:
        """Return how long to wait after the n-th failure.

        Args:
            failures: how often it has failed, from 1.
            chance: 0 to 1.
            asked_s: what the endpoint asked for (`Retry-After`).
        """
        wait = min(self.first_s * self.factor ** min(failures - 1, 64), self.longest_s)
        return max(wait * (1 + self.jitter * (2 * chance - 1)), min(asked_s, self.longest_s))


@dataclass(slots=True)
class _Delivery:
    """One event on its way to one endpoint."""

    id: str
    type: str
    body: bytes
    give_up_at: float
    failures: int = 0


class WebhookSender:
    """Sends webhooks on the event loop; `send` returns at once.

    Made before there is an event loop: certificates are read then, which takes a quarter of a second.

    Args:
        endpoints: where they go.
        retries: when a failed delivery is tried again.
        transport: how `httpx` connects; its own way unless given.
        clock: seconds since 1970, for the signature.
    """

    def __init__(
        self,
        endpoints: tuple[WebhookEndpoint, ...],
        *,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        import httpx

        self._retries = retries or Retries()
        self._clock = clock
        self._tasks = Tasks()
        self._outlets = [_Outlet(endpoint) for endpoint in endpoints]
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=self._retries.timeout_s,
            follow_redirects=False,
            headers={"user-agent": USER_AGENT},
        )
        self.delivered = 0
        """Deliveries that arrived."""
        self.failed = 0
        """Deliveries that were given up or dropped."""
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def waiting(self) -> int:
        """Deliveries that have neither arrived nor been given up."""
        return sum(outlet.waiting for outlet in self._outlets)

    def send(self, event_type: str, data: Mapping[str, Any], *, for_s: float | None = None) -> str:
        """Send an event to every endpoint that wants it.

        Args:
            event_type: for example ``"realtime.call.incoming"``.
            data: about it; JSON.
            for_s: seconds for which it is of use to anybody; ``None`` is as long as it is tried again.

        Returns:
            The event's id, the same for every endpoint and every attempt (`webhook-id`).
        """
        event_id = f"evt_{secrets.token_hex(16)}"
        event = {
            "id": event_id,
            "object": "event",
            "type": event_type,
            "created_at": int(self._clock()),
            "data": data,
        }
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        give_up_at = asyncio.get_running_loop().time() + min(
            self._retries.give_up_s, for_s or self._retries.give_up_s
        )
        for outlet in self._outlets:
            if outlet.gone or not outlet.endpoint.wants(event_type):
                continue
            delivery = _Delivery(event_id, event_type, body, give_up_at)
            if outlet.waiting >= MAX_WAITING:
                self._give_up(outlet, delivery, "too many are waiting for this endpoint")
                continue
            outlet.waiting += 1
            self._settled.clear()
            if self._tasks.spawn(self._deliver(outlet, delivery), f"webhook {event_id}") is None:
                self._settle(outlet)
                self._give_up(outlet, delivery, "the server has ended")
        return event_id

    async def settled(self) -> None:
        """Wait until every delivery has arrived or been given up."""
        await self._settled.wait()

    async def aclose(self) -> None:
        """Stop sending, within a second; what has not arrived is logged. Safe to call twice."""
        for outlet in self._outlets:
            if outlet.waiting:
                _log.warning(
                    "webhooks were not delivered before the server ended",
                    extra={"endpoint": shown_url(outlet.endpoint.url), "deliveries": outlet.waiting},
                )
        await self._tasks.aclose()
        await self._client.aclose()

    async def _deliver(self, outlet: _Outlet, delivery: _Delivery) -> None:
        try:
            while not outlet.gone:
                async with outlet.requests:
                    problem, asked_s = await self._attempt(outlet, delivery)
                if not problem:
                    self.delivered += 1
                    return
                delivery.failures += 1
                wait = self._retries.wait_s(delivery.failures, random.random(), asked_s)  # noqa: S311
                if asyncio.get_running_loop().time() + wait > delivery.give_up_at:
                    self._give_up(outlet, delivery, problem)
                    return
                _log.info(
                    "a webhook will be sent again",
                    extra={**_about(outlet, delivery), "problem": problem, "in_s": round(wait, 1)},
                )
                await asyncio.sleep(wait)
            self._give_up(outlet, delivery, "the endpoint is gone")
        finally:
            self._settle(outlet)

    def _settle(self, outlet: _Outlet) -> None:
        outlet.waiting -= 1
        if not self.waiting:
            self._settled.set()

    async def _attempt(self, outlet: _Outlet, delivery: _Delivery) -> tuple[str, float]:
        """Send it once; return what was wrong, or nothing, and how long the endpoint asks to wait."""
        import httpx

        timestamp = int(self._clock())
        headers = {
            "content-type": "application/json",
            ID_HEADER: delivery.id,
            TIMESTAMP_HEADER: str(timestamp),
            SIGNATURE_HEADER: sign(delivery.id, timestamp, delivery.body, outlet.endpoint.secrets),
        }
        try:
            async with (
                asyncio.timeout(self._retries.timeout_s),
                # Only the status matters; a body of any length is left where it is.
                self._client.stream(
                    "POST", outlet.endpoint.url, content=delivery.body, headers=headers
                ) as answer,
            ):
                status, retry_after = answer.status_code, answer.headers.get("retry-after", "")
        except (httpx.HTTPError, OSError) as error:
            return str(error) or type(error).__name__, 0.0
        if 200 <= status < 300:
            return "", 0.0
        if status == 410:  # "Gone": whoever owns the endpoint wants no more
            outlet.gone = True
            _log.warning("a webhook endpoint is gone", extra=_about(outlet, delivery))
        return f"HTTP {status}", float(retry_after) if retry_after.isdecimal() else 0.0

    def _give_up(self, outlet: _Outlet, delivery: _Delivery, problem: str) -> None:
        self.failed += 1
        _log.warning("a webhook was given up", extra={**_about(outlet, delivery), "problem": problem})


class _Outlet:
    """One endpoint and what waits for it."""

    def __init__(self, endpoint: WebhookEndpoint) -> None:
        self.endpoint = endpoint
        self.requests = asyncio.Semaphore(PARALLEL)
        self.waiting = 0
        self.gone = False


def _about(outlet: _Outlet, delivery: _Delivery) -> dict[str, object]:
    """Return what a log line may say: never the body."""
    return {
        "endpoint": shown_url(outlet.endpoint.url),
        "event_type": delivery.type,
        "webhook_id": delivery.id,
        "attempts": delivery.failures,
    }


def incoming_call(
    call_id: str, sip_headers: list[tuple[str, str]], *, media_security: str | None = None
) -> dict[str, Any]:
    """Return the data of a `realtime.call.incoming` event.

    Args:
        call_id: of the call, ``rtc_…``: to accept or reject it.
        sip_headers: names and values of the INVITE's headers, without its credentials, in order.
        media_security: ``"srtp"``, ``"rtp"``, or ``None`` when it is not known.
    """
    data: dict[str, Any] = {
        "call_id": call_id,
        "sip_headers": [{"name": name, "value": value} for name, value in sip_headers],
    }
    return data | ({} if media_security is None else {"sip_media_security": media_security})
