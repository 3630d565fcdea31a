"""A program that is told of sessions and calls, without any framework, and what it makes of forgeries.

python examples/docs/webhook_receiver.py
"""

import json
import time
from collections.abc import Mapping

from vivavoce.errors import WebhookVerificationError
from vivavoce.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookEvent, sign, unwrap

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBleGFtcGxl"
seen: set[str] = set()


def receive(body: bytes, headers: Mapping[str, str]) -> int:
    """Take one request and return the HTTP status of the answer."""
    try:
        event = unwrap(body, headers, secret=SECRET)
    except WebhookVerificationError:
        return 400
    if event.id not in seen:  # the same event may come more than once
        seen.add(event.id)
        act_on(event)
    return 200


def act_on(event: WebhookEvent) -> None:
    """Do something about it, quickly: a server waits ten seconds for the answer."""
    if event.type == "vivavoce.session.ended":
        print(f"{event.data['key']} talked for {event.data['seconds']:g} s")
    elif event.type == "realtime.call.incoming":
        print(f"call {event.data['call_id']}")


def main() -> None:
    """Play the server: send an event twice, and let somebody else change it."""
    event = {"type": "vivavoce.session.ended", "created_at": 0, "data": {"key": "web-shop", "seconds": 42.0}}
    body, now = json.dumps(event).encode(), int(time.time())
    headers = {
        ID_HEADER: "evt_1",
        TIMESTAMP_HEADER: str(now),
        SIGNATURE_HEADER: sign("evt_1", now, body, [SECRET]),
    }
    print(receive(body, headers), receive(body, headers), receive(body.replace(b"42", b"99"), headers))


if __name__ == "__main__":
    main()
