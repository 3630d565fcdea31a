"""The answers of a session: each in a task of its own, several at a time, none left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.engines.base import FunctionCallDelta, ModelDone
from vivavoce.engines.scripted import Pause, ScriptedModel, Step, scripted_engines
from vivavoce.protocol import (
    FunctionTool,
    MessageItem,
    OutputAudio,
    Reasoning,
    Response,
    ResponseCancel,
    ResponseCreate,
    ResponseCreated,
    ResponseCreateParams,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    StatusDetails,
)
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.pipeline.conftest import Client, Stage


class Thinker(ScriptedModel):
    honours = frozenset({"reasoning"})


BESIDE = ResponseCreateParams(conversation="none", output_modalities=["text"])
LOOK = FunctionCallDelta(0, "look", "{}", "c")
TOOLS = ResponseCreateParams(tools=[FunctionTool(name="look")])


def ends(client: Client) -> list[Response]:
    return [event.response for event in client.of(ResponseDone)]


def test_answers_are_made_side_by_side(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(3):
            client.do(ResponseCreate(response=BESIDE))
        client.do(ResponseCreate(response=ResponseCreateParams(output_modalities=["text"])))
        await asyncio.sleep(1.5)
        assert len(ends(client)) == 4

    answers: list[list[Step]] = [[Pause(1.0), text] for text in "abcd"]
    client = run(stage.play(scenario, scripted_engines(answers=answers)))
    assert [event.delta for event in client.of(ResponseOutputTextDelta)] == ["a", "b", "c", "d"]


def test_one_of_several_answers_is_cancelled_by_its_id(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        for _ in range(2):
            client.do(ResponseCreate(response=BESIDE))
        await asyncio.sleep(0.5)
        first, _second = client.of(ResponseCreated)
        client.do(ResponseCancel(response_id=first.response.id))
        await asyncio.sleep(1)

    answers: list[list[Step]] = [[Pause(1.0), text] for text in "ab"]
    client = run(stage.play(scenario, scripted_engines(answers=answers)))
    begun = [event.response.id for event in client.of(ResponseCreated)]
    assert [(end.id, end.status) for end in ends(client)] == list(
        zip(begun, ["cancelled", "completed"], strict=True)
    )


def test_a_call_does_not_wait_for_the_speech_before_it(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=TOOLS))
        await asyncio.sleep(0.5)
        (done,) = client.of(ResponseOutputItemDone)
        assert (done.output_index, done.item.type) == (1, "function_call")
        assert client.of(ResponseOutputAudioDelta) == []
        await client.response()

    engines = scripted_engines(answers=[["Let me look. ", LOOK]], speaking_delay=3.0)
    client = run(stage.play(scenario, engines))
    (end,) = ends(client)
    assert [item.type for item in end.output] == ["message", "function_call"]
    assert end.status == "completed"
    assert client.of(ResponseOutputAudioDelta) != []


def test_what_is_said_between_calls_keeps_its_place(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=TOOLS))
        await client.response()

    second = FunctionCallDelta(1, "look", "{}", "d")
    engines = scripted_engines(answers=[["One. ", LOOK, "Two. ", second, "Three."]], speaking_delay=1.0)
    (end,) = ends(run(stage.play(scenario, engines)))
    assert [item.type for item in end.output] == [
        "message",
        "function_call",
        "message",
        "function_call",
        "message",
    ]
    parts = [item.content[0] for item in end.output if isinstance(item, MessageItem)]
    said = [part.transcript for part in parts if isinstance(part, OutputAudio)]
    assert said == ["One.", "Two.", "Three."]


def test_a_bound_stops_the_model_and_the_voice(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=ResponseCreateParams(max_output_tokens=30)))
        await client.response()
        assert client.session._answers._answers == {}

    words: list[Step] = [word for n in range(100) for word in (f"word{n}. ", Pause(0.01))]
    (end,) = ends(run(stage.play(scenario, scripted_engines(answers=[words]))))
    assert end.status == "incomplete"
    assert end.status_details == StatusDetails(type="incomplete", reason="max_output_tokens")
    assert end.usage is not None
    assert 25 <= end.usage.output_tokens <= 30


EARLY = ["max_output_tokens", "content_filter"]


@pytest.mark.parametrize("reason", EARLY)
def test_an_answer_that_the_model_ends_early_is_incomplete(stage: Stage, reason: Any) -> None:
    async def scenario(client: Client) -> None:
        client.do(ResponseCreate(response=TOOLS))
        await client.response()

    answer: list[Step] = ["Hi. ", FunctionCallDelta(0, "look", '{"a"', "c"), ModelDone(reason)]
    (end,) = ends(run(stage.play(scenario, scripted_engines(answers=[answer]))))
    assert end.status_details == StatusDetails(type="incomplete", reason=reason)
    assert [getattr(item, "status", None) for item in end.output] == ["completed", "incomplete"]


def test_the_effort_reaches_the_model(stage: Stage) -> None:
    async def scenario(client: Client) -> None:
        for reasoning in (Reasoning(effort="low"), None):
            client.do(ResponseCreate(response=ResponseCreateParams(reasoning=reasoning)))
            await client.response()
            client.events.clear()

    model = Thinker([["Hi."], ["Hi."]])
    run(stage.play(scenario, replace(scripted_engines(), llm=model)))
    efforts = [request.options and request.options.reasoning_effort for request in model.requests]
    assert efforts == ["low", None]
