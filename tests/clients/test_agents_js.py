"""The unmodified `@openai/agents-realtime` (Node.js, WebSocket) as a client of this project's server."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clients.javascript import javascript, play, scene, served_by_command, serving
from tests.mcp.plain_http import mcp_server, plain_http, said

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.server import ServerConfig

pytestmark = pytest.mark.clients

COUNTING = "one two three four five six seven eight nine ten"
MS = 48
"""Bytes of a millisecond of PCM16 at 24 kHz."""


def requests(engines: Any) -> list[Any]:
    """What the language model was asked."""
    asked: list[Any] = engines.llm.requests
    return asked


def words(item: Any) -> str:
    parts = getattr(item, "content", ())
    return "".join(str(getattr(p, "transcript", None) or getattr(p, "text", "")) for p in parts)


def call(name: str, arguments: str = "{}", index: int = 0) -> FunctionCallDelta:
    return FunctionCallDelta(index, name, arguments, f"call_{name}_{index}")


def test_a_written_turn() -> None:
    told = scene("written", scripted_engines(answers=[["Good day."]]))
    assert told["errors"] == []
    assert told["events"] == ["agent_start", "agent_end"]
    assert told["history"] == ["user: Hello?", "assistant: Good day."]
    assert told["ends"] == ["Good day."]


def test_a_spoken_answer() -> None:
    told = scene("spoken", scripted_engines(answers=[["Good day to you."]], word_ms=50))
    assert told["errors"] == []
    assert told["events"] == ["agent_start", "audio_start", "audio_stopped", "agent_end"]
    assert told["audioBytes"] == 4 * 50 * MS
    assert told["history"] == ["user: Hello?", "assistant: Good day to you."]


def test_a_turn_with_the_words_of_both_sides() -> None:
    engines = scripted_engines(hears=["hello there"], answers=[["Good day."]], word_ms=50)
    told = scene("turn", engines)
    assert told["errors"] == []
    assert told["history"] == ["user: hello there", "assistant: Good day."]
    assert "input_audio_buffer.speech_started" in told["raw"]


@pytest.mark.local
def test_a_person_is_heard_by_the_engines_of_the_command(
    speech_clip: Callable[..., Path], tmp_path: Path
) -> None:
    """`vivavoce serve` as anybody starts it, with the embedded engines, and a synthetic voice."""
    file = tmp_path / "speech.pcm"
    with wave.open(str(speech_clip("What is the weather like today?"))) as clip:
        file.write_bytes(clip.readframes(clip.getnframes()))

    async def main() -> dict[str, Any]:
        async with served_by_command() as url:
            return await play("clip", url=url, file=str(file))

    javascript()
    told = asyncio.run(main())
    assert told["errors"] == []
    (user, answer) = told["history"]
    assert "weather" in user
    assert answer.startswith("assistant: ")
    assert told["audioBytes"] > 500 * MS


def test_push_to_talk() -> None:
    engines = scripted_engines(hears=["hello there"], answers=[["Good day."]], word_ms=50)
    told = scene("pushToTalk", engines)
    assert told["errors"] == []
    assert "input_audio_buffer.speech_started" not in told["raw"]
    assert told["history"] == ["user: hello there", "assistant: Good day."]


@pytest.mark.parametrize(
    ("name", "reason"), [("interrupt", "client_cancelled"), ("bargeIn", "turn_detected")]
)
def test_an_interruption_leaves_what_was_heard(name: str, reason: str) -> None:
    engines = scripted_engines(hears=["stop"], answers=[[COUNTING], ["Fine."]], word_ms=200)
    told = scene(name, engines)
    assert told["errors"] == []
    assert told["status"] == {"type": "cancelled", "reason": reason}
    assert told["events"].count("audio_interrupted") == 1
    assert 200 <= told["audioEndMs"] < 1500
    (answer,) = [item for item in requests(engines)[-1].items if getattr(item, "role", "") == "assistant"]
    heard = words(answer).split()
    assert heard == COUNTING.split()[: len(heard)]
    assert len(heard) == told["audioEndMs"] // 200


def test_parallel_tools() -> None:
    both = [
        call("get_weather", f'{{"city": "{city}"}}', index) for index, city in enumerate(("Oslo", "Rome"))
    ]
    told = scene("parallelTools", scripted_engines(answers=[both, ["Sunny in both."]]))
    assert told["errors"] == []
    assert sorted(told["history"]) == [
        "assistant: Sunny in both.",
        "function_call get_weather: It is sunny in Oslo.",
        "function_call get_weather: It is sunny in Rome.",
        "user: Hello?",
    ]
    # This SDK asks for an answer after each output, and for one less where both outputs come at a time.
    assert told["raw"].count("response.done") in {2, 3}


def test_a_tool_whose_result_is_for_later() -> None:
    told = scene("backgroundTool", scripted_engines(answers=[[call("note")]]))
    assert told["errors"] == []
    assert told["history"] == ["user: Hello?", "function_call note: Noted."]
    assert told["raw"].count("response.created") == 1


@pytest.mark.parametrize(
    ("name", "output"), [("approve", "All is gone."), ("reject", "Tool execution was not approved.")]
)
def test_a_tool_that_asks_first(name: str, output: str) -> None:
    engines = scripted_engines(answers=[[call("erase")], ["As you wish."]])
    told = scene(name, engines)
    assert told["errors"] == []
    assert "tool_approval_requested" in told["events"]
    outputs = [item.output for item in requests(engines)[-1].items if item.type == "function_call_output"]
    assert outputs == [output]


def test_a_handoff() -> None:
    answers: list[Any] = [[call("transfer_to_Billing")], ["Billing here."], ["I see."]]
    engines = scripted_engines(answers=answers, word_ms=50)
    told = scene("handoff", engines)
    assert told["errors"] == []
    assert told["agent"] == "Billing"
    assert "agent_handoff" in told["events"]
    assert [request.instructions for request in requests(engines)] == [
        "Be kind.",
        "Talk about bills.",
        "Talk about bills.",
    ]


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_a_guardrail_stops_an_answer(modality: str) -> None:
    secret = "Here is a secret that you must never tell anybody else in the whole wide world."
    engines = scripted_engines(answers=[[secret], ["I cannot say."]], word_ms=100)
    told = scene("guardrail", engines, modality=modality)
    assert told["errors"] == []
    assert told["events"].count("guardrail_tripped") == 1
    assert told["ends"][-1] == "I cannot say."


def test_an_edited_history_is_what_the_model_reads() -> None:
    engines = scripted_engines(answers=[["A1"], ["A2"], ["A3"]])
    told = scene("editHistory", engines)
    assert told["errors"] == []
    assert told["before"] == ["user: One", "assistant: A1", "user: Two", "assistant: A2"]
    kept = ["assistant: A1", "user: Three", "assistant: A2", "user: Four"]
    assert told["history"] == [*kept, "assistant: A3"]
    assert [f"{item.role}: {words(item)}" for item in requests(engines)[-1].items] == kept


def test_a_picture_reaches_the_model() -> None:
    engines = scripted_engines(answers=[["A dot."]])
    told = scene("image", engines)
    assert told["errors"] == []
    (item,) = requests(engines)[-1].items
    assert [part.type for part in item.content] == ["input_image"]
    assert item.content[0].image_url.startswith("data:image/png;base64,")


def test_an_answer_out_of_band() -> None:
    engines = scripted_engines(answers=[["Fine."]])
    told = scene("outOfBand", engines)
    assert told["errors"] == []
    assert told["metadata"] == {"topic": "mood"}
    assert told["conversation"] is None
    assert "conversation.item.added" not in told["raw"]
    assert [words(item) for item in requests(engines)[-1].items] == ["How am I?"]


def test_a_client_secret_opens_a_session() -> None:
    engines = scripted_engines(answers=[["Good day."]])
    told = scene("clientSecret", engines, ServerConfig(api_keys=("sk-operator",)), key="sk-operator")
    assert told["errors"] == []
    assert told["status"] == 200
    assert told["secret"]["value"].startswith("ek_")
    assert told["history"] == ["user: Hello?", "assistant: Good day."]


@pytest.mark.parametrize("approval", ["always", "never"])
def test_tools_of_an_mcp_server(approval: str) -> None:
    engines = scripted_engines(answers=[[call("look")], ["A tree."]])
    config = ServerConfig(session=SessionOptions(mcp_private_addresses=True))

    async def main() -> dict[str, Any]:
        async with plain_http(mcp_server(said("a tree"))) as far, serving(engines, config) as http:
            url = http.replace("http://", "ws://") + "/v1/realtime"
            wishes = {"serverLabel": "docs", "serverUrl": far.url, "requireApproval": approval}
            return await play("mcp", url=url, **wishes)

    told = asyncio.run(main())
    assert told["errors"] == []
    assert told["tools"] == ["look"]
    assert "mcp_tool_call_completed" in told["events"]
    assert told["events"].count("tool_approval_requested") == (approval == "always")
    assert told["ends"][-1] == "A tree."
    assert "mcp_call look: a tree" in told["history"]
