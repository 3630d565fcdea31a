from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper
from vivavoce.agents.guardrails import GuardrailFunctionOutput, OutputGuardrail
from vivavoce.conversation.held_audio import HeldAudio
from vivavoce.session.guardrails import ANSWERS, TRIPS_IN_A_ROW, OutputGuard
from vivavoce.session.run_settings import GuardrailSettings
from vivavoce.testing import run

ADA = RealtimeAgent[Any]("Ada")


class Watcher:
    """A guardrail that remembers what it was shown."""

    def __init__(self, bad: str = "bad", takes: float = 0.0, name: str = "watcher") -> None:
        self.bad = bad
        self.takes = takes
        self.seen: list[str] = []
        self.guardrail = OutputGuardrail[Any](self.check, name=name)

    async def check(self, context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
        assert (context.context, agent) == ("mine", ADA)
        self.seen.append(text)
        await asyncio.sleep(self.takes)
        return GuardrailFunctionOutput({"length": len(text)}, self.bad in text)


class Port:
    """A session that writes down what its guard wants."""

    def __init__(self, *guardrails: OutputGuardrail[Any], playing: bool = True) -> None:
        self.context = RunContextWrapper[Any]("mine")
        self.rails = list(guardrails)
        self.playing = playing
        self.events: list[Any] = []
        self.trips: list[dict[str, Any]] = []
        self.released: list[tuple[str, int, int]] = []
        self.held = HeldAudio()
        self.heard: list[bytes] = []

    def guardrails(self) -> Sequence[OutputGuardrail[Any]]:
        return self.rails

    def is_playing(self, item_id: str) -> bool:
        return self.playing

    def publish(self, event: Any) -> None:
        self.events.append(event)

    def release(self, item_id: str, content_index: int, characters: int) -> None:
        self.released.append((item_id, content_index, characters))
        self.heard += [chunk.data for chunk in self.held.passed(item_id, content_index, characters)]

    def trip(self, *what: Any, **how: Any) -> None:
        response_id, item_id, _results, message = what
        self.trips.append({"where": (response_id, item_id), "message": message, "late": False, **how})
        self.held.drop(response_id)

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]


Play = Callable[[OutputGuard], Awaitable[None]]


def guarded(port: Port, play: Play, **settings: Any) -> None:
    async def main() -> None:
        guard = OutputGuard(port, GuardrailSettings(**settings))
        await play(guard)
        await guard.aclose()
        await guard.aclose()

    run(main())


async def answer(guard: OutputGuard, response: str, *deltas: str, item: str = "i1") -> None:
    """Say something, with time for a check after each piece."""
    guard.began(response, ADA)
    for delta in deltas:
        guard.text(response, item, 0, delta)
        await asyncio.sleep(0.1)
    guard.finished(response)
    await asyncio.sleep(0.1)


def test_every_answer_is_checked_at_its_end_if_not_before() -> None:
    watcher = Watcher()
    port = Port(watcher.guardrail)
    guarded(port, lambda guard: answer(guard, "r1", "Good day."))
    assert watcher.seen == ["Good day."]
    assert (port.events, port.trips, port.released) == ([], [], [])


TEN = "0123456789"


@pytest.mark.parametrize(
    ("every", "deltas", "checked"),
    [
        (10, [TEN[:9], "9", TEN * 2, "x", "y"], [TEN, TEN * 3, TEN * 3 + "xy"]),
        (10, [TEN], [TEN]),
        (-1, ["x" * 500, "y"], ["x" * 500 + "y"]),
    ],
)
def test_words_are_checked_as_a_whole_at_each_multiple_and_at_the_end(
    every: int, deltas: list[str], checked: list[str]
) -> None:
    watcher = Watcher()
    guarded(Port(watcher.guardrail), lambda guard: answer(guard, "r1", *deltas), debounce_text_length=every)
    assert watcher.seen == checked


def test_the_end_of_a_part_is_checked_before_the_end_of_the_answer() -> None:
    watcher = Watcher()

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text_finished("r1", "i1", 0, "All at once.")
        await asyncio.sleep(0.1)
        assert watcher.seen == ["All at once."]
        guard.finished("r1")
        await asyncio.sleep(0.1)

    guarded(Port(watcher.guardrail), play)
    assert watcher.seen == ["All at once."]


def test_one_check_runs_at_a_time_and_the_next_takes_the_newest_words() -> None:
    watcher = Watcher(takes=1.0)

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        for _ in range(5):
            guard.text("r1", "i1", 0, "x" * 10)
            await asyncio.sleep(0.3)
        guard.finished("r1")
        await asyncio.sleep(3)

    guarded(Port(watcher.guardrail), play, debounce_text_length=10)
    assert [len(text) for text in watcher.seen] == [10, 40, 50]


def test_items_are_checked_apart() -> None:
    watcher = Watcher("onetwo")

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text("r1", "i1", 0, "one")
        guard.text("r1", "i2", 0, "two")
        guard.text("r1", "i2", 1, "three")
        guard.finished("r1")
        await asyncio.sleep(0.1)

    guarded(Port(watcher.guardrail), play)
    assert sorted(watcher.seen) == ["one", "three", "two"]


def test_a_trip_stops_the_answer_once_and_tells_the_model_why() -> None:
    watcher = Watcher()
    watcher.guardrail.policy_hint = "Use no bad words."
    port = Port(watcher.guardrail)
    guarded(
        port,
        lambda guard: answer(guard, "r1", "so bad  ", "is worse"),
        debounce_text_length=8,
    )
    [event] = port.of("guardrail_tripped")
    assert (event.message, event.item_id, event.response_id) == ("so bad  ", "i1", "r1")
    assert [result.output.output_info for result in event.guardrail_results] == [{"length": 8}]
    [trip] = port.trips
    assert trip["where"] == ("r1", "i1")
    assert (trip["late"], trip["respond"]) == (False, True)
    assert "Use no bad words. The user" in trip["message"]
    assert watcher.seen == ["so bad  "]


def test_two_items_of_an_answer_trip_once() -> None:
    port = Port(Watcher(takes=0.5).guardrail)

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text("r1", "i1", 0, "bad")
        guard.text("r1", "i2", 0, "bad")
        guard.text("r1", "i3", 0, "good")
        guard.finished("r1")
        await asyncio.sleep(1)

    guarded(port, play, hold_back=True)
    assert len(port.of("guardrail_tripped")) == len(port.trips) == 1
    assert port.released == []


def test_the_first_trip_waits_for_no_slow_guardrail() -> None:
    port = Port(Watcher(takes=3, name="slow").guardrail, Watcher(name="a").guardrail, Watcher().guardrail)

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text_finished("r1", "i1", 0, "bad")
        await asyncio.sleep(0.2)
        assert len(port.trips) == 1

    guarded(port, play)
    [event] = port.of("guardrail_tripped")
    assert [result.guardrail.get_name() for result in event.guardrail_results] == ["a", "watcher"]
    assert "a; watcher. The" in port.trips[0]["message"]


@pytest.mark.parametrize("on_failure", ["skip", "trip"])
@pytest.mark.parametrize("takes", [0.0, 9.0])
def test_a_guardrail_that_fails(takes: float, on_failure: str) -> None:
    async def fails(*_: Any) -> GuardrailFunctionOutput:
        await asyncio.sleep(takes)
        raise LookupError

    port = Port(OutputGuardrail[Any](fails))

    async def play(guard: OutputGuard) -> None:
        await answer(guard, "r1", "Hi.")
        await asyncio.sleep(3)

    guarded(port, play, on_failure=on_failure, timeout_s=2, hold_back=True)
    reason = "it took longer than 2 s" if takes else "LookupError"
    outcome = "was skipped" if on_failure == "skip" else "counts as tripped"
    assert [str(event.error) for event in port.of("error")] == [
        f"guardrail 'fails' failed and {outcome}: {reason}"
    ]
    assert bool(port.released) is (on_failure == "skip")
    assert len(port.of("guardrail_tripped")) == len(port.trips) == (on_failure == "trip")


@pytest.mark.parametrize("aside", [True, False])
@pytest.mark.parametrize("hold_back", [True, False])
@pytest.mark.parametrize("playing", [True, False])
def test_a_late_trip_only_cuts_what_is_playing_or_held_back(
    playing: bool, hold_back: bool, aside: bool
) -> None:
    port = Port(Watcher(takes=1).guardrail, playing=playing)

    async def play(guard: OutputGuard) -> None:
        await answer(guard, "r1", "bad")
        guard.began("r2", ADA, aside=aside)
        await asyncio.sleep(2)

    guarded(port, play, hold_back=hold_back)
    assert len(port.of("guardrail_tripped")) == 1
    assert [trip["late"] for trip in port.trips] == ([not aside] if playing or hold_back or aside else [])


def test_an_answer_that_was_interrupted_is_not_checked_any_further() -> None:
    watcher = Watcher(takes=1)
    port = Port(watcher.guardrail, playing=False)

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text("r1", "i1", 0, "bad words.")
        await asyncio.sleep(0.1)
        guard.text("r1", "i1", 0, "more bad words.")
        guard.ended_by_others("unknown")
        guard.ended_by_others("r1")
        guard.text("r1", "i1", 0, "late")
        guard.text_finished("r1", "i1", 0, "late")
        guard.finished("r1")
        await asyncio.sleep(3)

    guarded(port, play, debounce_text_length=10)
    assert watcher.seen == ["bad words."]
    assert len(port.of("guardrail_tripped")) == 1
    assert port.trips == []


@pytest.mark.parametrize("hold_back", [True, False])
def test_an_answer_that_was_stopped_is_checked_to_its_end_while_it_is_heard(hold_back: bool) -> None:
    watcher = Watcher()
    port = Port(watcher.guardrail, playing=not hold_back)

    async def play(guard: OutputGuard) -> None:
        for response, text in (("r1", "bad"), ("r2", "good")):
            guard.began(response, ADA)
            guard.text(response, response, 0, text)
            guard.ended_by_others(response)
            await asyncio.sleep(0.1)

    guarded(port, play, hold_back=hold_back)
    assert watcher.seen == ["bad", "good"]
    assert [trip["late"] for trip in port.trips] == [True]
    assert port.released == ([("r2", 0, 4)] if hold_back else [])


def test_a_model_that_cannot_help_itself_is_not_asked_for_ever() -> None:
    port = Port(Watcher().guardrail)

    async def play(guard: OutputGuard) -> None:
        for number in range(TRIPS_IN_A_ROW - 1):
            await answer(guard, f"a{number}", "bad")
        await answer(guard, "b", "good")
        for number in range(TRIPS_IN_A_ROW + 1):
            await answer(guard, f"c{number}", "bad")
            await answer(guard, f"calls {number}")

    guarded(port, play)
    asked = [trip["respond"] for trip in port.trips]
    assert asked == [True] * (2 * TRIPS_IN_A_ROW - 2) + [False, True]
    assert [str(event.error) for event in port.of("error")] == [
        "guardrails stopped 3 answers in a row; the model is not asked again until the user speaks"
    ]


def test_held_speech_is_released_sentence_by_sentence() -> None:
    port = Port(Watcher().guardrail)

    async def play(guard: OutputGuard) -> None:
        port.held.hold("r1")
        guard.began("r1", ADA)
        for delta, sound in [("One.", b"1"), (" Two", b"2"), (" bad", b"3"), (".", b"4"), (" End", b"5")]:
            port.held.receive_text("r1", "i1", 0, delta)
            guard.text("r1", "i1", 0, delta)
            port.held.receive_audio("r1", "i1", 0, sound)
            await asyncio.sleep(0.1)

    guarded(port, play, hold_back=True)
    assert port.released == [("i1", 0, len("One. Two"))]
    assert port.heard == [b"1"]
    assert len(port.trips) == 1


def test_the_rest_is_released_at_the_end() -> None:
    port = Port(Watcher().guardrail)
    guarded(port, lambda guard: answer(guard, "r1", "One. ", "Two"), hold_back=True)
    assert port.released == [("i1", 0, 5), ("i1", 0, 8)]


def test_held_speech_waits_for_the_end_where_checks_do() -> None:
    port = Port(Watcher().guardrail)
    guarded(port, lambda guard: answer(guard, "r1", "One. ", "Two"), hold_back=True, debounce_text_length=-1)
    assert port.released == [("i1", 0, 8)]


def test_without_a_guardrail_held_speech_is_released_as_it_comes() -> None:
    port = Port()
    guarded(port, lambda guard: answer(guard, "r1", "One", " two"), hold_back=True)
    assert port.released == [("i1", 0, 3), ("i1", 0, 7)]
    guarded(port, lambda guard: answer(guard, "r1", "One", " two"))
    assert len(port.released) == 2


def test_the_application_words_what_the_model_is_told() -> None:
    def count(results: Sequence[Any]) -> str:
        return f"{len(results)} tripped"

    def broken(_: Sequence[Any]) -> str:
        raise LookupError("no words")

    port = Port(Watcher().guardrail)
    for message in ("Stop that.", count, broken):
        guarded(port, lambda guard: answer(guard, "r1", "bad"), message=message)
    told = [trip["message"] for trip in port.trips]
    assert told[:2] == ["Stop that.", "1 tripped"]
    assert "broke a rule: watcher." in told[2]
    assert [str(event.error) for event in port.of("error")] == ["no words"]


def test_answers_that_never_end_are_forgotten() -> None:
    watcher = Watcher()

    async def play(guard: OutputGuard) -> None:
        for number in range(ANSWERS + 1):
            guard.began(f"r{number}", ADA)
            guard.text(f"r{number}", "i", 0, f"{number}")
        for number in range(ANSWERS + 1):
            guard.finished(f"r{number}")
        await asyncio.sleep(0.1)

    guarded(Port(watcher.guardrail), play)
    assert watcher.seen == [str(number) for number in range(1, ANSWERS + 1)]


def test_closing_stops_checks() -> None:
    watcher = Watcher(takes=1)
    port = Port(watcher.guardrail)

    async def play(guard: OutputGuard) -> None:
        guard.began("r1", ADA)
        guard.text_finished("r1", "i1", 0, "bad")
        await asyncio.sleep(0.1)
        await guard.aclose()
        guard.began("r2", ADA)
        guard.text_finished("r2", "i2", 0, "bad")
        await asyncio.sleep(5)

    guarded(port, play)
    assert watcher.seen == ["bad"]
    assert (port.events, port.trips) == ([], [])
