from __future__ import annotations

import pytest

from vivavoce.conversation.client_history import (
    EXPECTED_FIRST,
    ClientHistory,
    SpokenKind,
    heard_words,
    text_of,
)
from vivavoce.protocol import (
    ContentPart,
    FunctionCallItem,
    InputAudio,
    InputImage,
    InputText,
    MessageItem,
    OutputAudio,
    OutputText,
    Response,
    Role,
)


def message(item_id: str, *parts: ContentPart, role: Role = "assistant") -> MessageItem:
    return MessageItem(id=item_id, role=role, content=parts)


def order(history: ClientHistory) -> list[object]:
    return [item.id for item in history.items]


def words(history: ClientHistory, item_id: str) -> list[str]:
    item = history.get(item_id)
    assert isinstance(item, MessageItem)
    return [text_of(part) for part in item.content]


def test_items_stand_where_the_server_put_them() -> None:
    history = ClientHistory()
    assert history.add(message("a"))
    assert history.add(message("c"), "a")
    assert history.add(message("b"), "a")
    assert history.add(message("d"), "unknown")
    assert order(history) == ["a", "b", "c", "d"]
    assert len(history) == 4
    assert "b" in history
    assert history.get("z") is None


def test_an_item_that_was_sent_to_the_beginning_stands_there() -> None:
    history = ClientHistory()
    for item_id in ("a", "b"):
        history.add(message(item_id))
    history.expect_first("first")
    assert history.add(message("first"))
    assert history.add(message("c"))
    assert order(history) == ["first", "a", "b", "c"]


def test_items_that_never_reach_the_beginning_are_forgotten() -> None:
    history = ClientHistory()
    history.add(message("a"))
    for number in range(EXPECTED_FIRST + 1):
        history.expect_first(f"x{number}")
    for number in (0, 1):
        history.add(message(f"x{number}"))
    assert order(history) == ["x1", "a", "x0"]


def test_an_item_that_is_known_is_moved_and_merged() -> None:
    history = ClientHistory()
    history.add(message("user", InputAudio(), role="user"))
    history.append("user", 0, "input_audio", "hello")
    history.add(message("a"))
    assert not history.add(message("user", InputAudio(transcript=None), role="user"))
    assert order(history) == ["user", "a"]
    assert not history.add(message("user", InputAudio(transcript=None), role="user"), "a")
    assert order(history) == ["a", "user"]
    assert words(history, "user") == ["hello"]


def test_an_item_without_id_is_no_item_of_the_history() -> None:
    history = ClientHistory()
    assert not history.add(MessageItem(role="user", content=()))
    assert not history.merge(MessageItem(role="user", content=()))
    assert len(history) == 0


@pytest.mark.parametrize("kind", ["input_audio", "output_audio", "output_text"])
def test_words_grow_as_they_are_said_and_are_settled_at_the_end(kind: SpokenKind) -> None:
    history = ClientHistory()
    history.add(message("a"))
    assert history.append("a", 0, kind, "Good ")
    assert history.append("a", 0, kind, "morn")
    assert words(history, "a") == ["Good morn"]
    assert history.append("a", 0, kind, "ing")
    assert history.set_text("a", 0, kind, "Good morning.")
    assert words(history, "a") == ["Good morning."]


def test_words_about_nothing_are_passed_over() -> None:
    history = ClientHistory()
    assert not history.append("a", 0, "output_text", "x")
    assert not history.set_text("a", 0, "output_text", "x")
    assert not history.cut("a", 0, 1, 1, finished=True)
    assert not history.silence("a")
    assert not history.remove("a")


def test_words_about_a_function_call_are_passed_over() -> None:
    history = ClientHistory()
    call = FunctionCallItem(id="f", name="wave", arguments="{}")
    history.add(call)
    history.append("f", 0, "output_audio", "x")
    history.set_text("f", 0, "output_audio", "x")
    assert not history.cut("f", 0, 1, 1, finished=True)
    history.add(FunctionCallItem(id="g", name="wave", arguments="{}"))
    assert not history.silence("g")
    assert history.items[0] == call


def test_a_later_word_of_the_server_replaces_but_never_empties() -> None:
    history = ClientHistory()
    history.add(message("a", InputText(text="look"), InputImage(image_url="data:,"), role="user"))
    assert not history.merge(message("a", InputText(text="look"), role="user"))
    assert history.merge(message("a", InputText(text="look here"), role="user"))
    item = history.get("a")
    assert isinstance(item, MessageItem)
    assert item.content == (InputText(text="look here"), InputImage(image_url="data:,"))
    assert history.merge(
        message("a", OutputText(text="other"), InputImage(image_url="data:,x"), InputText(text="z"))
    )
    assert words(history, "a") == ["other", "", "z"]


def test_audio_bytes_are_not_kept() -> None:
    history = ClientHistory()
    history.add(message("a", OutputAudio(audio=b"1234", transcript="hi")))
    history.merge(message("a", OutputAudio(audio=b"1234", transcript="hi")), exact=True)
    assert history.items == [message("a", OutputAudio(transcript="hi"))]


@pytest.mark.parametrize(
    ("said", "heard", "total", "kept"),
    [
        ("one two three", 0, 1300, ""),
        ("one two three", 399, 1300, ""),
        ("one two three", 400, 1300, "one"),
        ("one two three", 900, 1300, "one two"),
        ("one two three", 1300, 1300, "one two three"),
        ("", 500, 500, ""),
    ],
)
def test_a_cut_falls_between_words(said: str, heard: int, total: int, kept: str) -> None:
    assert heard_words(said, heard, total) == kept


def test_a_cut_message_keeps_what_was_heard_whatever_comes_later() -> None:
    history = ClientHistory()
    history.add(message("a"))
    history.append("a", 0, "output_audio", "one two three")
    assert history.cut("a", 0, 900, 1300, finished=True)
    assert not history.append("a", 0, "output_audio", " four")
    assert not history.set_text("a", 0, "output_audio", "one two three four")
    assert not history.merge(message("a", OutputAudio(transcript="one two three four")))
    assert words(history, "a") == ["one two"]


def test_before_its_length_is_known_a_message_is_cut_at_a_usual_pace() -> None:
    history = ClientHistory()
    history.add(message("a"))
    history.append("a", 0, "output_audio", "a transcript that runs far ahead of the sound")
    assert history.cut("a", 0, 800, 800, finished=False)
    assert words(history, "a") == ["a transcript"]


@pytest.mark.parametrize(("answer", "kept"), [("one", "one"), ("", "one two"), (None, "one two")])
def test_the_servers_exact_words_win_unless_it_has_none(answer: str | None, kept: str) -> None:
    history = ClientHistory()
    history.add(message("a", OutputAudio(transcript="one two three")))
    history.cut("a", 0, 900, 1300, finished=True)
    history.merge(message("a", OutputAudio(transcript=answer)), exact=True)
    assert words(history, "a") == [kept]


def test_a_message_of_which_nothing_was_heard_has_no_spoken_words() -> None:
    history = ClientHistory()
    history.add(message("a", OutputAudio(transcript="one"), OutputText(text="written")))
    assert history.silence("a")
    assert not history.silence("a")
    assert not history.append("a", 0, "output_audio", "two")
    assert history.append("a", 1, "output_text", " too")
    assert words(history, "a") == ["", "written too"]


def test_a_message_that_was_silenced_before_its_words_came_stays_silent() -> None:
    history = ClientHistory()
    history.add(message("a"))
    assert not history.silence("a")
    history.merge(message("a", OutputAudio(transcript="never heard"), OutputText(text="written")))
    assert words(history, "a") == ["", "written"]
    history.merge(message("a", OutputAudio(transcript="never heard")), exact=True)
    assert words(history, "a") == ["never heard", "written"]


@pytest.mark.parametrize("index", [-1, 256, 10**18])
def test_words_of_an_impossible_part_are_passed_over(index: int) -> None:
    history = ClientHistory()
    history.add(message("a", OutputAudio(transcript="said")))
    assert not history.append("a", index, "output_audio", "x")
    assert not history.set_text("a", index, "output_audio", "x")
    assert not history.cut("a", index, 1, 1, finished=True)
    assert words(history, "a") == ["said"]


def test_an_item_can_go() -> None:
    history = ClientHistory()
    history.add(message("a"))
    assert history.remove("a")
    assert history.items == []


def test_a_picture_takes_no_words() -> None:
    history = ClientHistory()
    picture = message("a", InputImage(image_url="data:,"), role="user")
    history.add(picture)
    history.append("a", 0, "input_audio", "x")
    assert history.items == [picture]


def test_a_function_call_is_replaced_as_a_whole() -> None:
    history = ClientHistory()
    history.add(FunctionCallItem(id="f", name="wave", arguments=""))
    whole = FunctionCallItem(id="f", name="wave", arguments="{}", status="completed")
    assert history.merge(whole)
    assert history.items == [whole]


def test_a_response_that_was_cut_off_has_those_of_its_items_that_are_here() -> None:
    history = ClientHistory()
    history.add(message("a"))
    response = Response(id="r", status="in_progress")
    cut = history.cut_off(response, ["gone", "a"])
    assert (cut.id, cut.status, cut.output) == ("r", "incomplete", [message("a")])
