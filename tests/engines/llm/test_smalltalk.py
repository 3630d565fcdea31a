from __future__ import annotations

import pytest

from vivavoce.engines.llm import smalltalk
from vivavoce.engines.llm.words import split_words
from vivavoce.protocol import FunctionTool

TOOLS = (
    FunctionTool(name="get_weather", description="Returns the weather for a city. Use it often."),
    FunctionTool(name="transfer_to_billing", description="Billing agent"),
    FunctionTool(name="play_music"),
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello there!", "hello"),
        ("good morning", "hello"),
        ("uh hi", "hello"),
        ("thank you very much", "thanks"),
        ("OK, bye.", "bye"),
        ("goodbye and thank you", "bye"),
        ("thank you very much, good night", "leave"),
        ("good morning how are you", "feel"),
        ("have a nice day", "bye"),
        ("could you please repeat that", "repeat"),
        ("What?", None),
        ("stop", "stop"),
        ("just a moment", "stop"),
        ("and what can you do", "able"),
        ("What's your name?", "who"),
        ("are you a robot", "who"),
        ("how are you doing today", "feel"),
        ("yes", "yes"),
        ("no thank you", "no"),
        ("okay", "yes"),
        ("what do you think about life", None),
        ("", None),
    ],
)
def test_small_talk_has_a_kind(text: str, kind: str | None) -> None:
    assert smalltalk.kind_of(split_words(text)) == kind


@pytest.mark.parametrize(
    "kind", ["hello", "thanks", "bye", "leave", "stop", "able", "who", "feel", "yes", "no"]
)
def test_every_kind_has_an_answer(kind: str) -> None:
    assert smalltalk.chat(kind, "", TOOLS, first=True)
    assert smalltalk.chat(kind, "", (), first=False)


def test_tools_are_told_as_skills() -> None:
    assert (
        smalltalk.skills(TOOLS)
        == "I can return the weather for a city, connect you to billing and play music."
    )
    desk = FunctionTool(
        name="transfer_to_front_desk",
        description="Handoff to the Front Desk agent to handle the request. Rooms.",
    )
    assert smalltalk.skills([desk]) == "I can connect you to Front Desk."
    assert smalltalk.skills(TOOLS, 1) == "I can return the weather for a city and more."
    assert "no tools" in smalltalk.skills(())


def test_the_agent_is_who_its_instructions_say() -> None:
    assert smalltalk.identity("You are Ada, the receptionist of Hotel Nord. Be kind.") == (
        "I am Ada, the receptionist of Hotel Nord."
    )
    assert smalltalk.identity("Be kind.") == ""


def test_two_answers_in_a_row_differ() -> None:
    first = smalltalk.vary(smalltalk.STAND_IN, 1, "")
    assert smalltalk.vary(smalltalk.STAND_IN, 1, first) != first
    assert all("--llm URL" in sentence for sentence in smalltalk.STAND_IN)


@pytest.mark.parametrize(
    ("instructions", "sentence"),
    [
        ("Say exactly: Welcome!", "Welcome!"),
        ('Say "One moment, please."', "One moment, please."),
        ("Please say the following: It's ready.", "It's ready."),
        ("Greet the user with 'Hello, it's Ada'.", "Hello, it's Ada"),
        ('Say "Hi" and nothing else.', "Hi"),
        ("Say only these words: one two", "one two"),
        ("Say exactly the following to the user, word for word, and nothing else:\nHi: you.", "Hi: you."),
        ('Be kind.\n\nSay exactly the following:\n\n"Hi."\n\nBye.', '"Hi."\n\nBye.'),
        ("Say exactly the following:\n" + "word " * 200 + "end.", "word " * 200 + "end."),
        ("You never say exactly the following:\nno", None),
        ("Be kind.\n\nSay exactly the following when asked for a price:\nNo idea.", None),
        ("Say something nice about the weather", None),
        ("Say hello", None),
        ("You are a friendly agent. Say what you think.", None),
        ("", None),
    ],
)
def test_a_sentence_to_say_is_recognised(instructions: str, sentence: str | None) -> None:
    assert smalltalk.sentence_to_say(instructions) == sentence


def test_greetings_and_farewells_are_recognised() -> None:
    assert smalltalk.opening('You are Ada. Greet callers by saying "Hotel Nord!" Be kind.') == "Hotel Nord!"
    assert smalltalk.opening("Be kind.") is None
    assert smalltalk.asks_to_greet("Greet the user warmly.")
    assert not smalltalk.asks_to_greet("Answer questions.")
    assert smalltalk.asks_to_decline("Politely decline.")
    assert not smalltalk.asks_to_decline("Be kind.")
    assert smalltalk.asks_for_farewell("Say goodbye to the caller.")
