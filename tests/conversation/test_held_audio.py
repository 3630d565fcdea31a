from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.held_audio import HeldAudio, HeldChunk, Unplayed, Withheld


class Ear:
    """What one response sounds like through the hold-back."""

    def __init__(self, max_bytes: int = 1000, max_pieces: int = 1000) -> None:
        self.held = HeldAudio(max_bytes, max_pieces)
        self.held.hold("r1")
        self.heard: list[HeldChunk] = []

    def sound(self, data: str, *, response: str = "r1", item: str = "i1") -> None:
        self.heard += self.held.receive_audio(response, item, 0, data.encode())

    def words(self, delta: str, *, response: str = "r1", item: str = "i1") -> None:
        self.held.receive_text(response, item, 0, delta)

    def words_end(self) -> None:
        self.heard += self.held.finish_text("r1", "i1", 0)

    def sound_ends(self) -> None:
        self.heard += self.held.finish_audio("r1", "i1", 0)

    def passed(self, characters: int, item: str = "i1") -> None:
        self.heard += self.held.passed(item, 0, characters)

    def finish(self, response: str = "r1") -> None:
        self.heard += self.held.finish(response)

    def drop(self, response: str = "r1") -> None:
        self.heard += self.held.drop(response)

    @property
    def played(self) -> str:
        return b"".join(chunk.data for chunk in self.heard).decode()


def test_sound_waits_for_the_words_that_come_after_it() -> None:
    ear = Ear()
    ear.words("Hello")
    ear.sound("A")
    ear.passed(5)
    assert ear.played == ""
    ear.words(" you")
    ear.sound("B")
    assert ear.played == ""
    ear.passed(9)
    assert ear.played == "A"
    ear.words_end()
    assert ear.played == "AB"
    ear.sound("C")
    assert ear.played == "ABC"


def test_sound_before_its_first_words() -> None:
    ear = Ear()
    ear.sound("A")
    ear.words("")
    ear.passed(0)
    assert ear.played == ""
    ear.words("Hi")
    ear.passed(1)
    assert ear.played == ""
    ear.passed(2)
    assert ear.played == "A"


def test_words_that_come_in_one_piece_at_the_end() -> None:
    ear = Ear()
    ear.sound("A")
    ear.heard += ear.held.finish_text("r1", "i1", 0, "Hello")
    ear.passed(4)
    assert ear.played == ""
    ear.passed(5)
    assert ear.played == "A"


def test_the_end_comes_after_the_last_sound() -> None:
    ear = Ear()
    ear.words("Hi")
    ear.sound("A")
    ear.sound_ends()
    ear.words_end()
    assert ear.heard == []
    ear.finish()
    assert ear.heard == []
    ear.passed(2)
    assert [(chunk.data, chunk.last) for chunk in ear.heard] == [(b"A", False), (b"", True)]


def test_sound_without_words_is_never_played() -> None:
    ear = Ear()
    ear.sound("A")
    ear.passed(100)
    ear.words_end()
    assert ear.played == ""
    ear.finish()
    ear.passed(100)
    assert ear.played == ""
    assert ear.held.withheld() == [Withheld("r1", "i1", 1, "no_words")]
    assert ear.held.withheld() == []


def test_a_response_that_is_over_and_silent_withholds_nothing() -> None:
    ear = Ear()
    ear.words("Hi")
    ear.words_end()
    ear.held.finish_text("r1", "i2", 0)
    ear.finish()
    ear.finish("unknown")
    assert ear.held.withheld() == []


def test_items_are_played_in_the_order_they_came() -> None:
    ear = Ear()
    ear.sound("A", item="i1")
    ear.words("one", item="i1")
    ear.sound("B", item="i2")
    ear.words("two", item="i2")
    ear.passed(3, "i2")
    assert ear.played == ""
    ear.passed(3, "i1")
    assert ear.played == "AB"


def test_a_dropped_response_frees_what_waits_behind_it() -> None:
    ear = Ear()
    ear.sound("A")
    ear.words("bad")
    ear.finish()
    ear.held.hold("r2")
    ear.sound("B", response="r2", item="i2")
    ear.words("good", response="r2", item="i2")
    ear.passed(4, "i2")
    assert ear.played == ""
    ear.drop("unknown")
    assert ear.played == ""
    ear.drop("r1")
    assert ear.played == "B"
    ear.sound("late")
    ear.sound_ends()
    ear.words_end()
    ear.passed(3)
    assert ear.played == "B"


def test_an_interruption_throws_all_away_but_not_what_comes_later() -> None:
    ear = Ear()
    ear.sound("A")
    ear.words("Hello")
    ear.finish()
    ear.held.hold("r2")
    ear.sound("B", response="r2", item="i2")
    ear.held.clear()
    ear.sound("C", response="r2", item="i2")
    ear.words("you", response="r2", item="i2")
    ear.passed(5)
    ear.passed(3, "i2")
    assert ear.played == ""
    ear.held.hold("r3")
    ear.sound("D", response="r3", item="i3")
    ear.words("Yes?", response="r3", item="i3")
    ear.passed(4, "i3")
    assert ear.played == "D"
    assert ear.held.withheld() == []


def test_too_much_sound_withholds_the_whole_response() -> None:
    ear = Ear(max_bytes=4)
    ear.words("Hello")
    ear.sound("AB")
    ear.sound("CD")
    ear.sound("E")
    assert ear.held.withheld() == [Withheld("r1", "i1", 5, "too_much")]
    ear.sound("F")
    ear.words_end()
    ear.passed(5)
    ear.finish()
    assert ear.played == ""
    assert ear.held.withheld() == []


def test_too_many_pieces_withhold_the_whole_response() -> None:
    ear = Ear(max_pieces=3)
    for _ in range(3):
        ear.sound("")
    assert ear.held.withheld() == []
    ear.sound_ends()
    assert ear.held.withheld() == [Withheld("r1", "i1", 0, "too_much")]


def test_what_is_not_played_to_its_end_is_told_once() -> None:
    ear = Ear()
    ear.sound("AB")
    ear.words("Hello")
    ear.passed(5)
    ear.sound("CDE")
    ear.words(" you")
    ear.sound("F", item="i2")
    ear.words("And", item="i2")
    ear.words("more", item="i3")
    ear.sound_ends()
    ear.drop()
    ear.drop()
    ear.held.clear()
    assert ear.held.unplayed() == [
        Unplayed("i1", 0, 2, 3, finished=True),
        Unplayed("i2", 0, 0, 1, finished=False),
        Unplayed("i3", 0, 0, 0, finished=False),
    ]
    assert ear.held.unplayed() == []


def test_what_was_played_to_its_end_is_not_unplayed() -> None:
    ear = Ear()
    ear.sound("AB")
    ear.words("Hello")
    ear.passed(5)
    ear.words_end()
    ear.sound_ends()
    ear.finish()
    ear.held.clear()
    assert (ear.played, ear.held.unplayed()) == ("AB", [])


def test_sound_without_words_is_unplayed() -> None:
    ear = Ear()
    ear.sound("AB")
    ear.finish()
    assert ear.held.unplayed() == [Unplayed("i1", 0, 0, 2, finished=False)]
    ear.held.clear()
    assert ear.held.unplayed() == []


def test_room_that_is_free_again_can_be_used() -> None:
    ear = Ear(max_bytes=4)
    for at in range(1, 11):
        ear.sound("1234")
        ear.words("x")
        ear.passed(at)
    assert ear.played == "1234" * 10
    ear.drop()
    ear.held.hold("r2")
    ear.sound("5678", response="r2", item="i2")
    assert ear.held.withheld() == []


def test_only_what_is_named_is_held() -> None:
    ear = Ear()
    assert ear.held.holds("r1")
    assert not ear.held.holds("r2")
    ear.sound("A", response="r2")
    ear.words("x", response="r2")
    assert ear.held.finish_text("r2", "i1", 0) == []
    ear.passed(1)
    assert ear.played == ""


def test_responses_are_forgotten_when_nothing_of_them_waits() -> None:
    held = HeldAudio()
    for name in ("r1", "r2", "r3"):
        held.hold(name)
    held.receive_audio("r1", "i1", 0, b"A")
    held.receive_text("r1", "i1", 0, "Hi")
    held.finish("r1")
    held.finish("r2")
    held.hold("r4")
    assert [held.holds(name) for name in ("r1", "r2", "r3", "r4")] == [True, False, True, True]


def test_sound_is_not_shown_in_logs() -> None:
    assert "data" not in repr(HeldChunk("r1", "i1", 0, b"secret"))


EVENTS = st.lists(st.sampled_from(["sound", "words", "check"]), max_size=40)


@given(EVENTS)
def test_no_sound_is_played_before_the_words_that_had_come_by_then(events: list[str]) -> None:
    """Each sound carries the number of words known when it came: nothing unchecked may be heard."""
    ear = Ear(10_000)
    said = checked = sounds = 0
    for event in events:
        if event == "sound":
            ear.sound(chr(said))
            sounds += 1
        elif event == "words":
            ear.words("x")
            said += 1
        else:
            checked = said
            ear.passed(checked)
        assert all(ord(mark) < checked for mark in ear.played)
    ear.words_end()
    ear.passed(said)
    ear.finish()
    assert len(ear.heard) == (sounds if said else 0)
