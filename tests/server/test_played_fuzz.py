"""Programs that nobody thought of, on a line that the server plays: what is told of the playing is true."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conversation.sessions import OPTIONS, Step
from tests.server import ear
from tests.server.ear import Ear
from tests.server.order import check_order
from tests.server.played_line import Line
from tests.server.test_fuzz import ANSWERS, HEARS, STEPS, USUAL, end, engines_for, take

from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines
from vivavoce.protocol import ConversationItemTruncate, ServerVad
from vivavoce.testing import run

RESPONSES = ("r0", "r1", "x0", "x1")  # of the conversation, and beside it
ITEMS = 2
NAMES = st.sampled_from(RESPONSES)
PROGRAM = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["created", "done", "audio_done", "part"]), NAMES),
        st.tuples(st.just("audio"), NAMES, st.integers(0, ITEMS - 1), st.sampled_from([1, 7, 20, 33, 100])),
        st.tuples(st.just("audio"), NAMES, st.integers(0, ITEMS - 1), st.sampled_from([1, 7, 20, 33, 100])),
        st.tuples(st.just("pull"), st.integers(1, 8)),
        st.tuples(st.just("pull"), st.integers(1, 8)),
        st.sampled_from([("speech",), ("clear",), ("cancel",), ("hands off",), ("hands on",)]),
        st.tuples(st.just("truncate"), NAMES),
    ),
    max_size=60,
)


class Watched(Ear):
    """Plays a random program and knows of every sample whose it is: each item has a level of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[str, int] = {}
        self.responses: dict[int, str] = {}
        self.names: dict[str, str] = {}
        self.created = 0

    def perform(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("created", name):
                self.perform(("done", name))  # beside the conversation there may be many, each with its end
                self.created += 1
                self.names[name] = f"{name}-{self.created}"
                self.say(ear.created(self.names[name], beside=name.startswith("x")))
            case ("done", name):
                self.say(ear.done(self.names.get(name, "nobody")))
            case ("audio_done", name):
                self.say(ear.audio_done(*self._where(name, 0)))
            case ("part", name):
                self.say(ear.part(*self._where(name, 0)))
            case ("audio", name, number, ms):
                response, item = self._where(name, number)
                self.say(ear.audio(response, item, ear.sound(ms, self._level(response, item))))
            case ("pull", count):
                self.pull(count * 20)
            case ("speech",):
                self.say(ear.speech())
            case ("clear",):
                self.clear()
            case ("cancel",):
                self.output.cancel_asked(None)
            case ("hands off" | "hands on" as hands,):
                self.say(ear.updated(detection=ServerVad(interrupt_response=hands == "hands on")))
            case ("truncate", name):
                self.output.take_truncate(self._where(name, 0)[1])
                self.note()

    def _where(self, name: str, number: int) -> tuple[str, str]:
        response = self.names.get(name, "nobody")
        return response, f"{response}/{number}"

    def _level(self, response: str, item: str) -> int:
        level = self.levels.setdefault(item, len(self.levels) + 1)
        self.responses[level] = response
        return level

    def pull(self, ms: int = 20) -> list[str]:
        """Play, and see that nothing is heard of what is over."""
        news: list[str] = []
        for _ in range(ms // 20):
            over = {line.split()[1] for line in self.log if line.startswith(("stopped", "cleared"))}
            news += super().pull()
            heard = {self.responses[level] for level in self.samples(self.heard[-1]) if level}
            assert not heard & over
            started = {line.split()[1] for line in self.log if line.startswith("started")}
            assert heard <= started
        return news

    @staticmethod
    def samples(pcm: bytes) -> list[int]:
        return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), 2)]


@settings(USUAL, max_examples=300)
@given(PROGRAM)
def test_what_is_told_of_the_playing_is_true(program: list[tuple[Any, ...]]) -> None:
    watched = Watched()
    for step in program:
        watched.perform(step)
    for name in RESPONSES:
        watched.perform(("done", name))
    watched.pull(60 * 100 + 200)

    kinds: dict[str, list[str]] = {}
    playing: list[str] = []
    for line in watched.log:
        kind, _, name = line.partition(" ")
        if kind in {"started", "stopped", "cleared"}:
            kinds.setdefault(name, []).append(kind)
        if kind == "started":
            assert not playing
            playing.append(name)
        elif kind in {"stopped", "cleared"} and name in playing:
            playing.remove(name)
    assert not playing
    legal = (["started", "stopped"], ["started", "cleared"], ["cleared"])
    assert all(told in legal for told in kinds.values())

    heard = watched.samples(b"".join(watched.heard))
    for line in watched.log:
        if line.startswith("truncate"):
            _, item, ms = line.split()
            assert item.startswith("r")
            level = watched.levels.get(item, -1)
            assert int(ms) == heard.count(level) // 24
            assert watched.log.count(line) == 1
    cut = [line.split()[1] for line in watched.log if line.startswith("truncate")]
    assert len(cut) == len(set(cut))
    kept = watched.output._responses.values()
    assert all(response.running for response in kept)  # nothing is kept of what is over


async def perform(options: dict[str, Any], engines: Engines, steps: list[Step]) -> Line:
    options = {"max_session_s": 3600.0, **{k: v for k, v in options.items() if k != "max_session_s"}}
    line = Line(engines, SessionOptions(**options))
    for step in steps:
        await take(line.played, step)  # type: ignore[arg-type]
    await end(line.played)  # type: ignore[arg-type]
    await line.hang_up()
    return line


CLEARING: Step = ("send", "output_audio_buffer.clear", {})


@settings(USUAL, max_examples=60)
@given(OPTIONS, ANSWERS, HEARS, STEPS, st.lists(st.integers(0, 30), max_size=3))
def test_whatever_a_client_does_the_order_is_kept(
    options: dict[str, Any], answers: list[list[Any]], hears: list[Any], steps: list[Step], clears: list[int]
) -> None:
    for place in clears:
        steps = [*steps[:place], CLEARING, *steps[place:]]
    line = run(perform(options, engines_for(answers, hears), steps))
    check_order([event for _, event in line.events])


def test_its_own_truncations_look_like_a_clients() -> None:
    watched = Ear()
    watched.say(ear.created("r1"), ear.audio("r1", "a1", 100))
    watched.output.clear()
    (told,) = watched.output.truncations()
    assert isinstance(told, ConversationItemTruncate)
    assert (told.item_id, told.content_index, told.audio_end_ms) == ("a1", 0, 0)
