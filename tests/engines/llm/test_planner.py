from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm import smalltalk
from vivavoce.engines.llm.planner import Calls, Planner, Say
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    ToolChoiceFunction,
)

TOOLS = tuple(
    FunctionTool(**tool)
    for tool in json.loads((Path(__file__).parent / "utterances.json").read_text())["tools"]
)
Made = list[tuple[str, dict[str, Any]]]


def user(text: str) -> MessageItem:
    return MessageItem(role="user", content=[InputAudio(transcript=text)])


def written(text: str) -> MessageItem:
    return MessageItem(role="user", content=[InputText(text=text)])


def assistant(text: str) -> MessageItem:
    return MessageItem(role="assistant", content=[OutputAudio(transcript=text)])


def called(name: str, call_id: str, **arguments: Any) -> FunctionCallItem:
    return FunctionCallItem(name=name, arguments=json.dumps(arguments), call_id=call_id)


def output(call_id: str, text: str) -> FunctionCallOutputItem:
    return FunctionCallOutputItem(call_id=call_id, output=text)


def plan(*items: Item, tools: Sequence[FunctionTool] = TOOLS, **fields: Any) -> str | Made:
    """What is planned: the sentence, or the calls."""
    decided = Planner(ModelRequest(items=items, tools=tuple(tools), **fields)).plan()
    if isinstance(decided, Calls):
        return [(call.name, dict(call.arguments)) for call in decided.calls]
    return decided.text


def talk(*utterances: str, **fields: Any) -> list[str | Made]:
    """Carry on a conversation; every tool returns `done`."""
    items: list[Item] = []
    plans: list[str | Made] = []
    for said in utterances:
        items.append(user(said))
        while True:
            decided = plan(*items, **fields)
            plans.append(decided)
            if isinstance(decided, str):
                items.append(assistant(decided))
                break
            for name, arguments in decided:
                call_id = f"call{len(items)}"
                items += [called(name, call_id, **arguments), output(call_id, "done")]
    return plans


WEATHER_OSLO = [("get_weather", {"city": "Oslo"})]
WEATHER_PARIS = [("get_weather", {"city": "Paris"})]


@pytest.mark.parametrize("interruption", ["stop", "wait", "no", "sorry", "no no stop"])
def test_people_cut_in_before_they_say_what_they_want(interruption: str) -> None:
    assert talk(f"{interruption} what is the weather in oslo")[0] == WEATHER_OSLO


def test_a_missing_argument_is_asked_for_and_its_answer_completes_the_call() -> None:
    assert talk("what is the weather", "oslo please") == ["Which city?", WEATHER_OSLO, "done."]


def test_several_arguments_are_asked_for_one_after_the_other() -> None:
    booked = {"date": "tomorrow", "time": "7:00", "party_size": 2}
    assert talk("book a table", "tomorrow", "banana", "seven", "to") == [
        "For which day?",
        "At what time?",
        "Sorry, I did not get that. At what time?",
        "How many guests?",
        [("book_table", booked)],
        "done.",
    ]


def test_an_answer_may_say_more_than_was_asked() -> None:
    plans = talk("book a table", "tomorrow at noon for four people")
    assert plans[1] == [("book_table", {"date": "tomorrow", "time": "12:00", "party_size": 4})]


def test_a_question_cut_short_by_the_user_still_waits_for_its_answer() -> None:
    assert plan(user("what is the weather"), assistant("Which ci"), user("oslo")) == WEATHER_OSLO
    assert plan(user("what is the weather"), assistant(""), user("oslo")) == WEATHER_OSLO


def test_an_answer_to_a_question_of_somebody_else_is_no_call() -> None:
    decided = plan(user("what is the weather"), assistant("Where are you from?"), user("oslo"))
    assert decided in smalltalk.STAND_IN


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("tell me a joke", [("tell_joke", {})]),
        ("never mind", smalltalk.ALL_RIGHT),
        ("can you repeat that", "Which city?"),
        ("", "Sorry, I did not hear that. Which city?"),
    ],
)
def test_a_question_can_be_left_unanswered(reply: str, expected: str | Made) -> None:
    assert plan(user("what is the weather"), assistant("Which city?"), user(reply)) == expected


def test_a_complete_wish_waits_for_the_one_that_is_not() -> None:
    said = "tell me a joke and turn on the lights"
    question = "Which room: kitchen, living room, bedroom or bathroom?"
    assert plan(user(said)) == question
    assert plan(user(said), assistant(question), user("the kitchen")) == [
        ("tell_joke", {}),
        ("set_lights", {"room": "kitchen", "state": "on"}),
    ]


def test_one_call_at_a_time_where_parallel_calls_are_not_allowed() -> None:
    plans = talk("the weather in oslo and in paris", parallel_tool_calls=False)
    assert plans == [WEATHER_OSLO, WEATHER_PARIS, "done."]


def test_the_same_wish_again_is_a_new_call() -> None:
    assert talk("weather in oslo", "weather in oslo")[2] == WEATHER_OSLO


def test_what_about_another_city() -> None:
    assert talk("weather in oslo", "what about paris")[2] == WEATHER_PARIS
    assert talk("weather in oslo", "and in paris")[2] == WEATHER_PARIS
    assert talk("hello", "what about paris")[1] in smalltalk.STAND_IN


def test_two_halves_of_an_utterance_are_read_together() -> None:
    assert plan(user("could you tell me the weather in"), user("oslo")) == WEATHER_OSLO


WELCOME = assistant("Welcome! How can I help you?")


@pytest.mark.parametrize("ask", [user, written])
def test_a_question_from_before_the_first_word_of_a_welcome_is_answered(ask: Any) -> None:
    assert plan(ask("weather in oslo"), WELCOME) == WEATHER_OSLO
    items = [ask("weather in oslo"), WELCOME, called("get_weather", "1", city="Oslo")]
    assert plan(*items, output("1", "It is sunny.")) == "It is sunny."
    done = [*items, output("1", "It is sunny."), assistant("It is sunny.")]
    assert plan(*done) == smalltalk.ANYTHING_ELSE
    question = plan(ask("what is the weather"), WELCOME)
    assert isinstance(question, str)
    assert plan(ask("what is the weather"), WELCOME, assistant(question), ask("oslo")) == WEATHER_OSLO


def test_the_answer_to_a_question_is_not_taken_for_a_welcome() -> None:
    question = plan(written("what is the weather"))
    assert isinstance(question, str)
    assert plan(written("what is the weather"), assistant(question)) == smalltalk.ANYTHING_ELSE
    assert plan(written("what is the weather"), assistant(question[:6])) == smalltalk.ANYTHING_ELSE
    assert plan(written("thanks"), assistant("You are welcome.")) == smalltalk.ANYTHING_ELSE


def test_all_that_was_written_during_a_welcome_is_answered() -> None:
    both = WEATHER_OSLO + WEATHER_PARIS
    oslo, paris = written("weather in oslo"), written("weather in paris")
    assert plan(oslo, WELCOME, paris) == plan(WELCOME, oslo, paris) == plan(oslo, paris, WELCOME) == both
    assert plan(oslo, written("thank you")) == WEATHER_OSLO
    assert plan(oslo, oslo) == WEATHER_OSLO
    assert plan(oslo, written("never mind")) == smalltalk.ALL_RIGHT
    assert plan(written("what is the weather"), paris) == WEATHER_PARIS


def test_who_speaks_again_before_the_answer_corrects_what_was_said() -> None:
    assert plan(user("weather in oslo"), user("weather in paris")) == WEATHER_PARIS


def test_a_message_that_may_not_be_answered_stays_so() -> None:
    order = MessageItem(role="system", content=[InputText(text="Politely decline.")])
    oslo, paris = written("weather in oslo"), written("weather in paris")
    assert plan(oslo, order, assistant("No.")) == smalltalk.ANYTHING_ELSE
    assert plan(oslo, order, assistant("No."), paris) == WEATHER_PARIS
    assert plan(oslo, order, paris) == WEATHER_PARIS
    assert plan(oslo, WELCOME, order, paris) == WEATHER_PARIS


def test_the_users_spelling_is_kept() -> None:
    calls = plan(written("Book a table for two on Friday at 19:30"))
    assert calls == [("book_table", {"date": "Friday", "time": "19:30", "party_size": 2})]


def test_results_are_spoken_each() -> None:
    items: list[Item] = [
        user("x"),
        called("get_weather", "1", city="Oslo"),
        called("calculate", "2", expression="6 * 7"),
    ]
    assert plan(*items, output("1", "It is sunny."), output("2", "42")) == "It is sunny. The result is 42."


def test_a_result_that_comes_after_more_talk_is_spoken_without_calling_again() -> None:
    items: list[Item] = [
        user("weather in oslo"),
        called("get_weather", "1", city="Oslo"),
        user("hello"),
        assistant("Hello!"),
    ]
    assert plan(*items, output("1", "It is sunny.")) == "It is sunny."


def test_a_call_without_its_result_is_waited_for() -> None:
    assert plan(user("weather in oslo"), called("get_weather", "1", city="Oslo")) == smalltalk.STILL_WORKING


def test_an_answer_of_the_assistant_is_not_answered() -> None:
    items: list[Item] = [
        user("weather in oslo"),
        called("get_weather", "1", city="Oslo"),
        output("1", "x"),
        assistant("x."),
    ]
    assert plan(*items) == smalltalk.ANYTHING_ELSE


def test_a_handover_goes_on_with_the_tools_of_the_other_agent() -> None:
    invoice = FunctionTool(name="get_invoice", description="Read out the newest invoice.")
    back = FunctionTool(name="transfer_to_front_desk", description="Everything but invoices.")
    items: list[Item] = [
        user("read me my invoice"),
        called("transfer_to_billing", "1"),
        output("1", '{"assistant": "Billing"}'),
    ]
    assert plan(*items, tools=[invoice, back]) == [("get_invoice", {})]
    assert plan(*items, tools=[back]) == "You are with Billing now. How can I help you?"
    assert plan(*items, tools=[back], instructions='Greet with "Billing here."') == "Billing here."


def test_a_handover_that_failed_is_told() -> None:
    items: list[Item] = [
        user("billing please"),
        called("transfer_to_billing", "1"),
        output("1", "error: closed"),
    ]
    assert plan(*items) == "I am sorry, that did not work: closed."


def test_no_tool_is_called_when_none_may_be() -> None:
    assert plan(user("weather in oslo"), tool_choice="none") == smalltalk.NO_TOOLS_NOW
    assert plan(user("i like trains"), tool_choice="none") in smalltalk.STAND_IN
    assert plan(user("weather in oslo"), tools=[]) in smalltalk.STAND_IN


def test_a_tool_is_called_when_one_must_be() -> None:
    assert (
        plan(user("hm well trains and jokes of all kinds and sizes"), tool_choice="required")[0][0]
        == "tell_joke"
    )
    forced = ToolChoiceFunction(name="get_weather")
    assert plan(user("tell me a joke in oslo"), tool_choice=forced) == WEATHER_OSLO
    assert plan(user("bergen"), tool_choice=forced) == [("get_weather", {"city": "Bergen"})]
    assert plan(user("hello"), tool_choice=forced) == [("get_weather", {"city": "hello"})]
    assert plan(user("hello"), tool_choice=ToolChoiceFunction(name="set_timer")) == "How many minutes?"
    assert isinstance(plan(user("hello"), tool_choice=ToolChoiceFunction(name="unknown")), str)


def test_a_must_is_met_once_the_result_is_there() -> None:
    items: list[Item] = [
        user("weather in oslo"),
        called("get_weather", "1", city="Oslo"),
        output("1", "Sunny"),
    ]
    assert plan(*items, tool_choice="required") == "Sunny."


def test_the_first_word_is_a_greeting() -> None:
    assert plan(instructions="You are Ada.", tools=[]) == "Hello! I am Ada. How can I help you?"
    assert plan(instructions='Start by saying: "Hotel Nord, good day."') == "Hotel Nord, good day."


@pytest.mark.parametrize(
    ("instructions", "spoken"),
    [
        ("Say exactly: Welcome!", "Welcome!"),
        ("Say goodbye to the caller.", "Goodbye!"),
        ("Greet the user again.", "Hello again! What can I do for you?"),
    ],
)
def test_instructions_of_a_response_are_followed(instructions: str, spoken: str) -> None:
    assert plan(user("hello"), assistant("Hello!"), instructions=instructions) == spoken


def order(text: str) -> MessageItem:
    return MessageItem(role="system", content=[InputText(text=text)])


def test_words_are_said_as_they_are_whatever_waits() -> None:
    say = 'Be kind.\n\nSay exactly the following to the user, word for word:\nOne moment - "please".'
    items: list[Item] = [user("weather in oslo"), called("get_weather", "1", city="Oslo")]
    for talked in ([], items[:1], items, [*items, output("1", "Sunny")]):
        assert plan(*talked, instructions=say, tool_choice="none") == 'One moment - "please".'


def test_the_model_declines_when_it_was_just_told_to() -> None:
    wish, told = user("weather in oslo"), order("That is not allowed. Politely decline.")
    assert plan(wish, told) == smalltalk.DECLINED
    assert plan(wish, assistant("It is"), told) == smalltalk.DECLINED
    assert plan(wish, told, wish) == WEATHER_OSLO
    assert plan(wish, order("Be brief.")) == WEATHER_OSLO
    assert plan(told, instructions="You are Ada.", tools=[]) == "Hello! I am Ada. How can I help you?"


@pytest.mark.parametrize(
    "instructions", ["Greet the user.", "Greet the user and ask how you can help.", "Say hello to the caller"]
)
def test_a_greeting_is_made_when_nobody_has_spoken(instructions: str) -> None:
    assert plan(instructions=instructions, tools=[]) == "Hello! How can I help you?"
    assert str(plan(order("Be brief."), instructions=instructions)).startswith("Hello! I can ")


def test_a_wish_comes_before_a_greeting_in_the_instructions() -> None:
    assert plan(user("weather in oslo"), instructions="Greet people and help.") == WEATHER_OSLO


def test_nothing_heard_is_said_so_and_not_always_in_the_same_words() -> None:
    first, second = talk("", "um")
    assert {first, second} == set(smalltalk.NOTHING_HEARD)


def test_the_stand_in_says_so_in_other_words_each_time() -> None:
    plans = talk("i like trains", "trains are nice", "very nice trains")
    assert len(set(map(str, plans))) == 3
    assert set(map(str, plans)) == set(smalltalk.STAND_IN)


def test_what_was_said_is_repeated() -> None:
    assert talk("thank you", "what did you say")[1] == "You are welcome."
    assert plan(user("what did you say")) == smalltalk.NOTHING_HEARD[1]


def test_pictures_are_admitted_not_to_be_seen() -> None:
    picture = InputImage(image_url="data:image/png;base64,AAAA")
    assert plan(MessageItem(role="user", content=[picture])) == smalltalk.PICTURE
    asked = MessageItem(role="user", content=[InputText(text="which colour has it"), picture])
    assert plan(asked) == smalltalk.PICTURE


def test_what_a_strict_schema_demands_and_nobody_said_is_null() -> None:
    tool = FunctionTool(
        name="get_weather",
        parameters={
            "properties": {"city": {"type": "string"}, "unit": {"type": ["string", "null"]}},
            "required": ["city", "unit"],
        },
    )
    assert plan(user("weather in oslo"), tools=[tool]) == [("get_weather", {"city": "Oslo", "unit": None})]


def test_a_plan_depends_on_nothing_but_the_request() -> None:
    request = ModelRequest(
        items=(user("i like trains"), MessageItem(role="assistant", content=[OutputText(text="x")]))
    )
    assert Planner(request).plan() == Planner(request).plan()
    assert isinstance(Planner(request).plan(), Say)
