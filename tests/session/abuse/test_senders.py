"""Who sends and loses patience, and a connection that raises what it should not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.protocol import ClientEvent
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]
ADA = RealtimeAgent[Any]("Ada")


def test_who_stops_waiting_takes_nothing_along(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = hand_model.send_event

    async def send_slowly(event: ClientEvent) -> None:
        await asyncio.sleep(1)
        await send(event)

    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        async with session:
            monkeypatch.setattr(hand_model, "send_event", send_slowly)
            for text in ("one", "two"):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await session.send_message(text)
            await asyncio.sleep(10)
            hand_model.done("r1")
            await asyncio.sleep(10)
            sent = [event for event in hand_model.sent if event["type"] == "conversation.item.create"]
            assert [event["item"]["content"][0]["text"] for event in sent] == ["one", "two"]
            assert hand_model.kinds().count("response.create") == 2

    run(leaving_no_task(main))


def test_an_event_that_cannot_be_sent_is_an_error_and_holds_up_no_other(
    hand_model: HandModel,
    leaving_no_task: LeavingNoTask,
    closed_soon: ClosedSoon,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send = hand_model.send_event

    async def refuse_truncation(event: ClientEvent) -> None:
        if event.type == "conversation.item.truncate":
            raise OSError("out of order")
        await send(event)

    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        async with session:
            monkeypatch.setattr(hand_model, "send_event", refuse_truncation)
            hand_model.begin("r1")
            hand_model.speak("r1", "m1", "One two three.", 2000)
            await asyncio.sleep(0.5)
            await session.interrupt()
            await session.send_message("Go on.")
            await asyncio.sleep(1)
            await closed_soon(session)
        errors = [str(event.error) async for event in session if event.type == "error"]
        assert errors == ["out of order"]
        assert hand_model.kinds()[-2:] == ["response.cancel", "conversation.item.create"]

    run(leaving_no_task(main))


def test_an_event_that_cannot_be_taken_in_is_an_error_and_the_next_is_heard(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        async with session:
            receive = session._works.conversation.receive

            def break_down(event: Any, now: float) -> None:
                if event.type == "rate_limits.updated":
                    raise RuntimeError("out of order")
                receive(event, now)

            monkeypatch.setattr(session._works.conversation, "receive", break_down)
            hand_model.say("rate_limits.updated", rate_limits=[])
            hand_model.begin("r1")
        kinds = [event.type async for event in session]
        assert kinds.index("error") < kinds.index("agent_start")

    run(leaving_no_task(main))
