"""Programs that nobody thought of, through a relay whose upstream is lost: the order is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conversation.sessions import OPTIONS, Step
from tests.server.order import check_order
from tests.server.test_fuzz import ANSWERS, HEARS, STEPS, USUAL, Listener, end, engines_for, take

from vivavoce.connections.upstream_relay import Relay, RelayPlan
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines
from vivavoce.errors import RemoteProtocolError
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import ClientEvent, ServerEvent, decode_client_event, encode_text
from vivavoce.testing import run


class OwnIds(CountingIds):
    """Ids that no upstream gives."""

    def new(self, prefix: str) -> str:
        return f"{super().new(prefix)}_ours"


class Through:
    """A local session in the place of an upstream, and a relay in front of it, without a socket."""

    writable = True

    def __init__(self, engines: Engines, options: SessionOptions) -> None:
        self.client = Listener()
        self.said: list[dict[str, Any]] = []
        plan = RelayPlan("sess_ours", SessionOptions(model=options.model, max_items=5), model=options.model)
        self.relay = Relay(plan, OwnIds(), 0.0)
        self.upstream = LocalSession(engines, self, options, ids=CountingIds())

    def send(self, events: Sequence[ServerEvent]) -> None:
        for event in events:
            self.relay.receive_frame(encode_text(event))
        self.carry()

    def receive(self, event: ClientEvent) -> None:
        self.relay.receive(event)
        self.carry()

    def receive_error(self, error: RemoteProtocolError) -> None:
        self.relay.receive(error)
        self.carry()

    def carry(self) -> None:
        self.said += [json.loads(encode_text(event)) for event in self.relay.to_client()]
        for frame in self.relay.to_server():
            self.upstream.receive(decode_client_event(frame))


async def perform(
    options: dict[str, Any], engines: Engines, steps: list[Step], lost: int
) -> list[dict[str, Any]]:
    options = {"max_session_s": 3600.0, **{k: v for k, v in options.items() if k != "max_session_s"}}
    through: Any = Through(engines, SessionOptions(**options))
    through.upstream.start()
    for number, step in enumerate(steps):
        if number == lost:
            through.relay.receive_loss()
            through.carry()
        await take(through, step)
    await end(through)
    await through.upstream.aclose()
    said: list[dict[str, Any]] = through.said
    return said


@settings(USUAL, max_examples=60)
@given(OPTIONS, ANSWERS, HEARS, STEPS, st.integers(1, 30))
def test_whatever_a_client_does_and_whenever_the_upstream_is_lost(
    options: dict[str, Any], answers: list[list[Any]], hears: list[Any], steps: list[Step], lost: int
) -> None:
    said = run(perform(options, engines_for(answers, hears), steps, lost))
    check_order(said, speaking=lost < len(steps))
    assert ("upstream_lost" in json.dumps(said[-1])) == (lost < len(steps))
