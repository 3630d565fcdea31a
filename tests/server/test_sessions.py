"""A session with everything around it, on a connection of the test's own, on the clock of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.server.wires import LAB, Between, Wire, entered, opened, sessions

from vivavoce.engines.base import EngineCost
from vivavoce.errors import EngineError
from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import InputAudioBufferClear
from vivavoce.server import Limits
from vivavoce.server.auth import Caller
from vivavoce.server.envelope import Refusal
from vivavoce.server.guardrails import WordGuardrail
from vivavoce.server.sessions import SESSION_CLOSE_S
from vivavoce.testing import run

# --- a place ----------------------------------------------------------------------------------------------


def test_who_comes_in_gets_the_options_of_what_they_asked_for() -> None:
    async def scenario() -> None:
        house = sessions()
        assert entered(house).model == "m"
        assert house.admission.sessions == 1
        house.leave(LAB.caller)
        assert house.admission.sessions == 0

    run(scenario())


@pytest.mark.parametrize(
    ("query", "code"), [(b"intent=translation", "invalid_intent"), (b"model=" + b"m" * 300, "invalid_model")]
)
def test_who_asks_for_what_there_is_not_takes_no_place(query: bytes, code: str) -> None:
    async def scenario() -> None:
        house = sessions()
        refusal = house.enter(LAB.caller, query)
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.code) == (400, code)
        assert house.admission.sessions == 0

    run(scenario())


def test_a_full_house_and_a_used_up_key_are_refused() -> None:
    async def scenario() -> None:
        house = sessions(limits=Limits(max_sessions=2, max_minutes_per_key=1))
        entered(house)
        entered(house, Caller("web"))
        full = house.enter(Caller("late"), b"")
        await asyncio.sleep(61)
        house.leave(LAB.caller)
        used_up = house.enter(LAB.caller, b"")
        assert isinstance(full, Refusal)
        assert isinstance(used_up, Refusal)
        assert (full.status, full.code) == (503, "session_limit_reached")
        assert (used_up.status, used_up.code) == (429, "key_minutes_reached")

    run(scenario())


def test_refusals_are_counted_by_whoever_counts() -> None:
    house = sessions()
    house.count_refusal("nobody_listens")
    codes: list[str | None] = []
    house.on_refused = codes.append
    house.count_refusal("full")
    assert codes == ["full"]


# --- a session --------------------------------------------------------------------------------------------


def test_a_session_runs_until_its_connection_closes() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        ended: list[tuple[str, int | None]] = []
        house.on_ended = lambda start, code, _summary: ended.append((start.session_id, code))
        hosted = opened(house, wire)
        assert wire.events == []
        assert house.running == {wire}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hosted.run())
            await asyncio.sleep(1)
            assert wire.types == ["session.created"]
            wire.peer_gone(1006)
        assert ended == [(hosted.session.id, 1006)]
        assert house.running == set()

    run(scenario())


def test_what_works_beside_a_session_ends_with_it() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        over: list[str] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                over.append("over")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(opened(house, wire).run(work()))
            await asyncio.sleep(1)
            wire.close(1000)
        assert over == ["over"]

    run(scenario())


def test_a_session_is_reached_by_all_its_ids_and_by_its_own_key_only() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        hosted = opened(house, wire, ids=["rtc_1"])
        for call_id in (hosted.session.id, "rtc_1"):
            assert house.calls.find(call_id, "lab") is hosted.hub
            assert house.calls.find(call_id, "web") is None
        assert hosted.log_fields["call_id"] == "rtc_1"
        assert house.calls.hang_up("rtc_1", "lab")
        await hosted.run()
        assert wire.closing == (1000, "The call was hung up.")
        assert house.calls.find("rtc_1", "lab") is house.calls.find(hosted.session.id, "lab") is None

    run(scenario())


def test_a_session_that_will_not_run_after_all_is_put_away() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        hosted = opened(house, wire, ids=["rtc_1"])
        await hosted.aclose()
        assert wire.events == []
        assert house.running == set()
        assert house.calls.find("rtc_1", "lab") is None

    run(scenario())


def test_without_an_id_of_a_call_the_log_names_none() -> None:
    async def scenario() -> None:
        hosted = opened(sessions(), Wire())
        assert hosted.log_fields == {"session_id": hosted.session.id, **LAB.log_fields}
        await hosted.aclose()

    run(scenario())


def test_what_stands_between_sees_both_ways_and_is_closed_in_place_of_the_session() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        made: list[Between] = []

        def through(sink: Any) -> Any:
            made.append(Between(sink))
            return made[0]

        hosted = opened(house, wire, through=through)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hosted.run())
            await asyncio.sleep(1)
            hosted.hub.receive(InputAudioBufferClear())
            await asyncio.sleep(1)
            wire.peer_gone(1000)
        assert made[0].passed == [
            "S session.created",
            "C input_audio_buffer.clear",
            "S input_audio_buffer.cleared",
        ]
        assert wire.types == ["session.created", "input_audio_buffer.cleared"]
        assert made[0].closed == 1

    run(scenario())


def test_guardrails_are_between_the_session_and_what_stands_before_the_hub() -> None:
    async def scenario() -> None:
        house, wire = sessions(guardrails=[WordGuardrail(["swordfish"])]), Wire()
        made: list[Between] = []

        def through(sink: Any) -> Any:
            made.append(Between(sink))
            return made[0]

        hosted = opened(house, wire, through=through)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hosted.run())
            await asyncio.sleep(1)
            wire.peer_gone(1000)
        assert made[0].passed == ["S session.created"]
        assert made[0].closed == 1

    run(scenario())


class Broken:
    """A model whose session cannot be had, or will not end."""

    cost = EngineCost()

    def __init__(self, end: Callable[[], Any] | None = None) -> None:
        self.id = "sess_broken"
        self.on_end: Callable[[str], None] | None = None
        self._end = end

    def open(self, sink: Any, options: Any, settings: Any = None) -> Any:
        if self._end is None:
            raise EngineError("The upstream is away.")
        return self

    def start(self) -> None:
        assert self.on_end is not None
        self.on_end("The upstream has gone.")

    def resume(self) -> None:
        """Nothing is paced here."""

    async def aclose(self) -> None:
        assert self._end is not None
        await self._end()


def test_a_session_that_cannot_be_had_leaves_nothing_but_the_place() -> None:
    async def scenario() -> None:
        house = sessions(Broken())
        with pytest.raises(EngineError):
            opened(house, Wire())
        assert house.running == set()
        assert house.admission.sessions == 1
        house.leave(LAB.caller)

    run(scenario())


async def _hangs() -> None:
    await asyncio.Event().wait()


async def _fails() -> None:
    raise KeyError("nothing there")


@pytest.mark.parametrize("end", [_hangs, _fails])
def test_a_session_that_will_not_end_holds_nobody_up(
    end: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        house, wire = sessions(Broken(end)), Wire()
        hosted = opened(house, wire)
        before = asyncio.get_running_loop().time()
        await hosted.run()
        assert asyncio.get_running_loop().time() - before <= SESSION_CLOSE_S + 0.01
        assert wire.closing == (1001, "The upstream has gone.")
        assert house.running == set()

    run(scenario())
    assert "session did not end cleanly" in [record.message for record in caplog.records]


def test_an_observer_that_cannot_begin_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Watcher(SessionObserver):
        """Looks on."""

    def broken(_start: Any) -> SessionObserver:
        raise KeyError("nothing there")

    watcher = Watcher()
    house = sessions(observe=[broken, lambda _start: None, lambda _start: watcher])

    async def scenario() -> None:
        hosted = opened(house, Wire())
        start = hosted._start
        assert start is not None
        assert (start.model, start.kind) == ("m", "realtime")
        assert house.observers(start) == [watcher]
        await hosted.aclose()

    run(scenario())
    assert "an observer could not begin" in [record.message for record in caplog.records]


def test_minutes_that_run_out_end_the_session() -> None:
    async def scenario() -> None:
        house, wire = sessions(limits=Limits(max_minutes_per_key=2)), Wire()
        await opened(house, wire).run()
        assert asyncio.get_running_loop().time() == pytest.approx(120, abs=1)
        assert wire.closing is not None
        assert wire.closing[0] == 1008
        assert wire.types == ["session.created", "error"]

    run(scenario())


# --- going ------------------------------------------------------------------------------------------------


def test_draining_waits_for_those_inside_and_lets_nobody_in() -> None:
    async def scenario() -> None:
        house = sessions()
        entered(house)
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(house.drain(60))
            await asyncio.sleep(10)
            refusal = house.enter(LAB.caller, b"")
            assert isinstance(refusal, Refusal)
            assert (refusal.code, draining.done()) == ("server_shutting_down", False)
            house.leave(LAB.caller)
        assert asyncio.get_running_loop().time() == pytest.approx(10, abs=0.1)

    run(scenario())


def test_draining_ends_after_its_time() -> None:
    async def scenario() -> None:
        house = sessions()
        entered(house)
        await house.drain(60)
        assert asyncio.get_running_loop().time() == pytest.approx(60, abs=0.1)

    run(scenario())


def test_a_server_that_ends_closes_every_session() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()

        async def visit() -> None:
            await opened(house, wire).run()
            house.leave(LAB.caller)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(visit())
            await asyncio.sleep(1)
            await house.aclose()
            assert house.admission.sessions == 0
        assert wire.closing == (1001, "The server is shutting down.")

    run(scenario())


def test_a_session_that_begins_while_the_server_ends_is_closed_at_once() -> None:
    async def scenario() -> None:
        house, wire = sessions(), Wire()
        hosted = opened(house, wire)
        house.running.clear()  # it came in between
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(house.aclose())
            await asyncio.sleep(0)
            await hosted.run()
            house.leave(LAB.caller)
        assert wire.closing == (1001, "The server is shutting down.")

    run(scenario())


def test_sessions_that_stay_are_told_of_and_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        house = sessions()
        entered(house)
        await house.aclose()
        assert asyncio.get_running_loop().time() == pytest.approx(0.5 + SESSION_CLOSE_S, abs=0.1)

    run(scenario())
    assert "sessions did not end in time" in [record.message for record in caplog.records]
