from __future__ import annotations

from vivavoce.cli.demo.scene import Scene
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    Item,
    MessageItem,
    OutputAudio,
)


def caller(item_id: str, text: str | None) -> Item:
    return MessageItem(id=item_id, role="user", content=[InputAudio(transcript=text)])


def agent(item_id: str, text: str) -> Item:
    return MessageItem(id=item_id, role="assistant", content=[OutputAudio(transcript=text)])


CALL = FunctionCallItem(id="f1", call_id="c1", name="look", arguments='{"at": 1}')
OUTPUT = FunctionCallOutputItem(id="f2", call_id="c1", output="a thing")


def texts(lines: object) -> list[tuple[str, str]]:
    assert isinstance(lines, list)
    return [(line.speaker, line.text) for line in lines]


def test_lines_grow_until_the_caller_speaks_again() -> None:
    scene = Scene()
    scene.spoke("u1", 0.5)
    assert texts(scene.growing()) == []
    scene.update([caller("u1", "what is")], 1.0)
    assert texts(scene.growing()) == [("caller", "what is")]
    scene.update([caller("u1", "what is it"), agent("a1", "It is")], 2.0)
    assert texts(scene.growing()) == [("caller", "what is it"), ("agent", "It is")]
    assert scene.finished() == []
    scene.spoke("u2", 3.0)
    scene.update([caller("u1", "what is it"), agent("a1", "It is"), caller("u2", None)], 3.2)
    assert scene.finished() == []
    scene.update([caller("u1", "what is it"), agent("a1", "It is"), caller("u2", "stop")], 3.5)
    assert texts(scene.finished()) == [("caller", "what is it"), ("agent", "It is")]
    assert texts(scene.growing()) == [("caller", "stop")]
    assert scene.finished() == []


def test_a_line_begins_when_its_speaker_did() -> None:
    scene = Scene()
    scene.spoke("u1", 0.5)
    scene.update([caller("u1", "hello")], 1.5)
    scene.update([caller("u1", "hello there"), agent("a1", "Hi")], 2.5)
    scene.update([caller("u1", "hello there"), agent("a1", "Hi you")], 3.5)
    assert [line.at for line in scene.growing()] == [0.5, 2.5]


def test_a_tool_call_shows_its_output_when_it_is_there() -> None:
    scene = Scene()
    scene.update([CALL], 1.0)
    [line] = scene.growing()
    assert (line.speaker, line.text, line.note) == ("tool", "look(at=1)", "")
    scene.update([CALL, OUTPUT], 1.1)
    assert scene.growing()[0].note == "a thing"


def test_an_interruption_is_noted_where_it_happened() -> None:
    scene = Scene()
    scene.update([agent("a1", "It is")], 1.0)
    scene.interrupted("a1", 2137)
    scene.interrupted("unknown", 1)
    assert scene.growing()[0].note == "interrupted after 2.1 s"


def test_at_the_end_everything_is_finished_and_nobody_is_quoted_without_words() -> None:
    scene = Scene()
    scene.spoke("u1", 0.5)
    scene.update([agent("a1", "Bye.")], 1.0)
    assert texts(scene.finished(all_of_it=True)) == [("agent", "Bye.")]
    assert scene.finished(all_of_it=True) == []
    assert scene.growing() == []
