from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper
from vivavoce.agents.guardrails import GuardrailFunctionOutput, InputGuardrail
from vivavoce.session.input_guardrails import TURNS, InputGuard
from vivavoce.session.run_settings import InputGuardrailSettings
from vivavoce.testing import run

ADA = RealtimeAgent[Any]("Ada")


def watcher(takes: float = 0.0, seen: list[str] | None = None) -> InputGuardrail[Any]:
    async def no_politics(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
        assert (context.context, agent) == ("mine", ADA)
        if seen is not None:
            seen.append(text)
        await asyncio.sleep(takes)
        return GuardrailFunctionOutput(None, "bad" in text)

    return InputGuardrail(no_politics)


class Port:
    """A session that writes down, in order, what its guard wants."""

    def __init__(self, *guardrails: InputGuardrail[Any]) -> None:
        self.agent = ADA
        self.context = RunContextWrapper[Any]("mine")
        self.rails = list(guardrails)
        self.events: list[Any] = []
        self.done: list[str] = []
        self.told: list[str] = []

    def input_guardrails(self) -> Sequence[InputGuardrail[Any]]:
        return self.rails

    def publish(self, event: Any) -> None:
        self.events.append(event)

    def refuse(self, item_id: str, message: str, *, delete: bool) -> None:
        self.told.append(message)
        self.done.append(f"{'delete' if delete else 'refuse'} {item_id}")

    def respond(self) -> None:
        self.done.append("respond")

    @property
    def errors(self) -> list[str]:
        return [str(event.error) for event in self.events if event.type == "error"]

    @property
    def tripped(self) -> list[tuple[str, str]]:
        events = [event for event in self.events if event.type == "input_guardrail_tripped"]
        return [(event.item_id, event.message) for event in events]


Play = Callable[[InputGuard], Awaitable[None]]


def guarded(port: Port, play: Play, **settings: Any) -> None:
    async def main() -> None:
        guard = InputGuard(port, InputGuardrailSettings(**settings))
        await play(guard)
        await guard.aclose()
        await guard.aclose()

    run(main())


def says(item_id: str, text: str) -> Play:
    async def play(guard: InputGuard) -> None:
        guard.speaking(item_id)
        guard.committed(item_id)
        await asyncio.sleep(0.1)
        guard.transcribed(item_id, text)
        await asyncio.sleep(5)

    return play


def writes(item_id: str, text: str) -> Play:
    async def play(guard: InputGuard) -> None:
        guard.wrote(item_id, text)
        await asyncio.sleep(5)

    return play


@pytest.mark.parametrize("way", [says, writes])
def test_what_passes_is_answered(way: Callable[[str, str], Play]) -> None:
    port = Port(watcher())
    guarded(port, way("i1", "good day"))
    assert (port.done, port.events) == (["respond"], [])


@pytest.mark.parametrize("way", [says, writes])
def test_what_trips_is_declined(way: Callable[[str, str], Play]) -> None:
    port = Port(watcher(), watcher())
    guarded(port, way("i1", "bad day"))
    assert port.done == ["refuse i1", "respond"]
    assert port.tripped == [("i1", "bad day")]
    assert "not allowed: no_politics. Do" in port.told[0]
    assert len(port.events[0].guardrail_results) == 2


def test_what_trips_can_be_deleted_and_passed_over_in_silence() -> None:
    port = Port(watcher())
    guarded(port, says("i1", "bad day"), delete_item=True, respond=False, message="No.")
    assert port.done == ["delete i1"]
    assert port.told == ["No."]


def test_without_guardrails_no_transcript_is_awaited() -> None:
    port = Port()

    async def play(guard: InputGuard) -> None:
        guard.speaking("i1")
        guard.committed("i1")
        assert port.done == ["respond"]
        guard.transcribed("i1", "good day")
        guard.wrote("i2", "hello")
        assert port.done == ["respond"] * 2

    guarded(port, play)


def test_nothing_said_is_not_checked() -> None:
    seen: list[str] = []
    port = Port(watcher(seen=seen))
    guarded(port, says("i1", " "))
    assert (port.done, seen) == (["respond"], [])


def test_speech_is_answered_though_nobody_knows_what_it_says() -> None:
    port = Port(watcher())

    async def play(guard: InputGuard) -> None:
        guard.committed("i1")
        guard.committed("i1")
        guard.transcription_failed("i1")
        guard.transcribed("i1", "late")
        await asyncio.sleep(1)
        assert port.done == ["respond"]
        guard.committed("i2")
        await asyncio.sleep(2.9)
        assert port.done == ["respond"]
        await asyncio.sleep(0.2)
        guard.transcribed("i2", "late")

    guarded(port, play, transcript_timeout_s=3, on_failure="trip")
    assert port.done == ["respond"] * 2
    assert port.errors == [
        "'i1' was not checked: its transcription failed",
        "'i2' was not checked: no transcript came in 3 s",
    ]


@pytest.mark.parametrize("on_failure", ["skip", "trip"])
@pytest.mark.parametrize("takes", [0.0, 9.0])
def test_a_guardrail_that_fails(takes: float, on_failure: str) -> None:
    async def fails(*_: Any) -> GuardrailFunctionOutput:
        await asyncio.sleep(takes)
        raise LookupError

    port = Port(InputGuardrail[Any](fails))
    guarded(port, writes("i1", "good day"), on_failure=on_failure, timeout_s=2)
    outcome, done = {
        "skip": ("was skipped", ["respond"]),
        "trip": ("counts as tripped", ["refuse i1", "respond"]),
    }[on_failure]
    reason = "it took longer than 2 s" if takes else "LookupError"
    assert port.errors == [f"guardrail 'fails' failed and {outcome}: {reason}"]
    assert port.done == done


@pytest.mark.parametrize(
    ("first", "second", "done"),
    [
        ("good", "good", ["respond"]),
        ("good", "bad", ["refuse b"]),
        ("bad", "good", ["refuse a", "respond"]),
        ("bad", "bad", ["refuse a", "refuse b"]),
    ],
)
def test_of_several_turns_the_newest_decides_and_one_answer_is_asked_for(
    first: str, second: str, done: list[str]
) -> None:
    port = Port(watcher(takes=1))

    async def play(guard: InputGuard) -> None:
        guard.committed("a")
        guard.transcribed("a", first)
        await asyncio.sleep(0.5)
        guard.speaking("b")
        await asyncio.sleep(2)
        assert "respond" not in port.done
        guard.committed("b")
        guard.transcribed("b", second)
        await asyncio.sleep(2)

    guarded(port, play, respond=False)
    assert port.done == done


def test_a_transcript_that_is_late_does_not_change_the_order() -> None:
    port = Port(watcher())

    async def play(guard: InputGuard) -> None:
        guard.committed("a")
        guard.committed("b")
        guard.transcribed("b", "bad")
        await asyncio.sleep(1)
        assert port.done == ["refuse b"]
        guard.transcribed("a", "good")
        await asyncio.sleep(1)

    guarded(port, play, respond=False)
    assert port.done == ["refuse b"]


def test_speech_that_came_to_nothing_is_not_waited_for() -> None:
    port = Port(watcher())

    async def play(guard: InputGuard) -> None:
        guard.speaking("noise")
        guard.wrote("a", "good")
        await asyncio.sleep(1)
        assert port.done == []
        guard.discarded("noise")
        assert port.done == ["respond"]
        guard.speaking("noise 1")
        guard.speaking("noise 2")
        guard.wrote("b", "good")
        await asyncio.sleep(1)
        guard.speaking("c")
        guard.speaking("c")
        assert port.done == ["respond"]
        guard.committed("c")
        guard.discarded("c")
        await asyncio.sleep(1)
        assert port.done == ["respond"] * 2
        guard.discarded("unknown")

    guarded(port, play)
    assert port.errors == []


def test_a_lost_connection_leaves_nothing_open() -> None:
    port = Port(watcher())

    async def play(guard: InputGuard) -> None:
        guard.committed("a")
        guard.speaking("b")
        guard.reset()
        await asyncio.sleep(0.1)
        assert port.done == ["respond"]
        guard.reset()
        await says("c", "good")(guard)

    guarded(port, play)
    assert port.done == ["respond"] * 2
    assert port.errors == ["'a' was not checked: its transcription failed"]


@pytest.mark.parametrize("on_failure", ["skip", "trip"])
def test_beyond_the_bound_nothing_is_checked(on_failure: str) -> None:
    port = Port(watcher(takes=1))

    async def play(guard: InputGuard) -> None:
        for number in range(TURNS + 1):
            guard.wrote(f"i{number}", "good")
        await asyncio.sleep(2)
        guard.wrote("again", "good")
        await asyncio.sleep(2)

    guarded(port, play, on_failure=on_failure)
    assert port.errors == [f"'i{TURNS}' was not checked: {TURNS} turns are being checked"]
    refused = [f"refuse i{TURNS}"] if on_failure == "trip" else []
    assert port.done == [*refused, "respond", "respond"]
    assert port.tripped == ([(f"i{TURNS}", "good")] if refused else [])


def test_closing_stops_checks() -> None:
    port = Port(watcher(takes=1))

    async def play(guard: InputGuard) -> None:
        guard.wrote("a", "bad")
        guard.committed("b")
        await asyncio.sleep(0.1)
        await guard.aclose()
        await asyncio.sleep(30)

    guarded(port, play)
    assert (port.done, port.events) == ([], [])
