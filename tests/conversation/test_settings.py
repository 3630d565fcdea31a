"""What a `session.update` may change, and what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.effects import Listen
from vivavoce.conversation.prompts import StoredPrompt
from vivavoce.conversation.settings import modality_of
from vivavoce.conversation.wishes import MAX_PREFIX_MS
from vivavoce.protocol import PcmuFormat, Transcription, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

WEATHER = {"type": "function", "name": "weather", "description": "Tell it.", "parameters": {}}
SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}


def test_the_session_as_created(talk_with: type[Talk]) -> None:
    talk = talk_with(model="m", voice="v", instructions="Be kind.", created_at=1000, max_session_s=60.0)
    assert talk.greeting == ["session.created"]
    assert talk.json["session"] == {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_1",
        "model": "m",
        "output_modalities": ["audio"],
        "instructions": "Be kind.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": 1060,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": SERVER_VAD,
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "v", "speed": 1.0},
        },
        "include": None,
    }


def test_only_fields_that_are_present_change(talk: Talk) -> None:
    before = talk.json["session"]
    assert talk.update(instructions="", audio={"output": {"speed": 1.2}}) == ["session.updated"]
    before["instructions"] = ""
    before["audio"]["output"]["speed"] = 1.2
    assert talk.json["session"] == before


@pytest.mark.parametrize(
    ("given", "effective"),
    [
        ({"type": "server_vad"}, SERVER_VAD),
        ({"type": "server_vad", "threshold": 0.8}, {**SERVER_VAD, "threshold": 0.8}),
        (
            {"type": "semantic_vad", "create_response": False},
            {
                "type": "semantic_vad",
                "eagerness": "auto",
                "create_response": False,
                "interrupt_response": True,
            },
        ),
        (None, None),
    ],
)
def test_turn_detection_is_completed(talk: Talk, given: Any, effective: Any) -> None:
    talk.listen_with(turn_detection=given)
    assert talk.json["session"]["audio"]["input"]["turn_detection"] == effective


def test_turn_detection_is_merged_with_its_own_kind_only(talk: Talk) -> None:
    talk.listen_with(turn_detection={"type": "server_vad", "threshold": 0.8})
    talk.listen_with(turn_detection={"type": "server_vad", "silence_duration_ms": 900})
    detection = talk.json["session"]["audio"]["input"]["turn_detection"]
    assert (detection["threshold"], detection["silence_duration_ms"]) == (0.8, 900)
    talk.listen_with(turn_detection={"type": "semantic_vad"})
    talk.listen_with(turn_detection={"type": "server_vad"})
    assert talk.json["session"]["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_transcription_echoes_what_it_does_not_know_as_null(talk: Talk) -> None:
    talk.listen_with(transcription={"model": "whisper-1"})
    expected = {"model": "whisper-1", "language": None, "prompt": None}
    assert talk.json["session"]["audio"]["input"]["transcription"] == expected
    assert to_builtins(talk.server.transcription or Transcription()) == expected
    assert talk.listen_with(transcription=None) == ["session.updated"]
    assert talk.json["session"]["audio"]["input"]["transcription"] is None


def test_what_the_server_sets_is_not_for_the_client(talk: Talk) -> None:
    before = talk.json["session"]
    talk.update(id="mine", expires_at=9, object="realtime.session")
    assert talk.json["session"] == before


def test_ears_are_told_of_a_change_only(talk: Talk) -> None:
    talk.listen_with(turn_detection={"type": "server_vad", "threshold": 0.7})
    assert len(talk.of(Listen)) == 1
    talk.append(40)
    talk.listen_with(format={"type": "audio/pcmu"})
    talk.listen_with(turn_detection=None)
    assert talk.of(Listen)[1:] == [Listen(True, PcmuFormat(), 40), Listen(False, PcmuFormat(), 40)]


REFUSED: list[tuple[dict[str, Any], str, str | None, str]] = [
    ({"prompt": {"id": "p"}}, "prompt_not_found", "session.prompt.id", "no stored prompts"),
    (
        {"audio": {"input": {"noise_reduction": {"type": "near_field"}}}},
        "invalid_value",
        "session.audio.input.noise_reduction",
        "no noise reduction",
    ),
    (
        {"include": ["item.input_audio_transcription.logprobs"]},
        "invalid_value",
        "session.include[0]",
        "no log probabilities",
    ),
    ({"reasoning": {"effort": "low"}}, "invalid_value", "session.reasoning.effort", "no reasoning effort"),
    (
        {"audio": {"input": {"turn_detection": {"type": "server_vad", "prefix_padding_ms": 5001}}}},
        "invalid_value",
        "session.audio.input.turn_detection.prefix_padding_ms",
        "Invalid value: 5001; it must be between 0 and 5000.",
    ),
    (
        {"tools": [WEATHER, {**WEATHER, "name": "time"}], "tool_choice": {"type": "function", "name": "x"}},
        "invalid_value",
        "session.tool_choice",
        "There is no tool named 'x'. There are: 'weather', 'time'.",
    ),
    ({"tools": [WEATHER, WEATHER]}, "invalid_value", "session.tools[1].name", "'weather'"),
    (
        {"audio": {"output": {"voice": {"id": "v"}}}},
        "invalid_value",
        "session.audio.output.voice",
        "Invalid value: 'v'. Supported values are: 'alloy', 'ash'.",
    ),
    (
        {"audio": {"output": {"voice": "bob"}}},
        "invalid_value",
        "session.audio.output.voice",
        "Invalid value: 'bob'. Supported values are: 'alloy', 'ash'.",
    ),
]


@pytest.mark.parametrize("named", [False, True])
def test_a_client_names_the_model_once(talk_with: type[Talk], *, named: bool) -> None:
    talk = talk_with(model="m", model_named=named)
    assert talk.update(model="m") == ["session.updated"]
    assert talk.update(model="gpt-realtime") == ["session.updated"]
    assert talk.json["session"]["model"] == "gpt-realtime"
    assert talk.update(model="gpt-realtime") == ["session.updated"]
    assert talk.update(model="another") == ["error"]
    assert talk.complaint[:2] == ("invalid_value", "session.model")
    assert "cannot be changed" in talk.complaint[2]
    talk.update(instructions="Go on.")
    assert talk.json["session"]["model"] == "gpt-realtime"


@pytest.mark.parametrize(("session", "code", "param", "words"), REFUSED)
def test_a_refused_update_changes_nothing(
    talk_with: type[Talk], session: dict[str, Any], code: str, param: str | None, words: str
) -> None:
    talk = talk_with(voices=("alloy", "ash"))
    before = talk.json["session"]
    changes = {"type": "realtime", "instructions": "New.", **session}
    assert talk.send("session.update", event_id="mine", session=changes) == ["error"]
    assert talk.complaint[:2] == (code, param)
    assert words in talk.complaint[2]
    assert talk.json["error"]["event_id"] == "mine"
    assert talk.update() == ["session.updated"]
    assert talk.json["session"] == before


def test_the_type_cannot_be_changed(talk: Talk) -> None:
    assert talk.send("session.update", session={"type": "transcription"}) == ["error"]
    assert talk.complaint == (
        "invalid_value",
        "session.type",
        "The session's type cannot be changed; it is 'realtime'.",
    )


@pytest.mark.parametrize("tracing", ["auto", {"workflow_name": "w"}])
def test_tracing_stays_as_it_was_once_enabled(talk: Talk, tracing: Any) -> None:
    assert talk.update(tracing=None) == ["session.updated"]
    assert talk.update(tracing=tracing) == ["session.updated"]
    assert talk.json["session"]["tracing"] == tracing
    assert talk.update(tracing=tracing, instructions="Said again.") == ["session.updated"]
    for change in (None, {"workflow_name": "other"}):
        assert talk.update(tracing=change) == ["error"]
        assert talk.complaint[:2] == ("invalid_value", "session.tracing")


def test_reasoning_is_kept_where_the_model_reasons(talk_with: type[Talk]) -> None:
    talk = talk_with(model_honours=frozenset({"reasoning"}))
    assert talk.update(reasoning={"effort": "high"}) == ["session.updated"]
    assert talk.json["session"]["reasoning"] == {"effort": "high"}


@pytest.mark.parametrize("reasoning", [None, {}])
def test_no_effort_asks_for_nothing(talk: Talk, reasoning: Any) -> None:
    assert talk.update(reasoning=reasoning) == ["session.updated"]


PROMPTS = {None: "Be {{mood}}.", "1": "Be plain."}


def stored(prompt_id: str, version: str | None) -> StoredPrompt | None:
    if prompt_id != "hello" or version not in PROMPTS:
        return None
    return StoredPrompt(prompt_id, version or "2", PROMPTS[version])


def test_a_stored_prompt_gives_the_instructions_that_the_client_does_not(talk_with: type[Talk]) -> None:
    talk = talk_with(instructions="Own.", stored_prompt=stored)
    kind = {"id": "hello", "variables": {"mood": {"type": "input_text", "text": "kind"}}}
    assert talk.update(prompt=kind) == ["session.updated"]
    assert (talk.json["session"]["prompt"], talk.json["session"]["instructions"]) == (kind, "Be kind.")
    talk.update(prompt={"id": "hello", "version": "1"}, instructions="")
    assert talk.json["session"]["instructions"] == "Be plain."
    talk.update(instructions="Mine.")
    assert talk.json["session"]["instructions"] == "Mine."
    talk.update(prompt=kind)
    assert talk.json["session"]["instructions"] == "Mine."
    talk.update(instructions="", prompt=None)
    assert talk.json["session"]["instructions"] == ""


def test_without_a_stored_prompt_the_operators_instructions_hold_again(talk_with: type[Talk]) -> None:
    talk = talk_with(instructions="Own.", stored_prompt=stored)
    talk.update(prompt={"id": "hello", "version": "1"})
    talk.update(prompt=None)
    assert talk.json["session"]["instructions"] == "Own."


def test_the_longest_padding_is_taken(talk: Talk) -> None:
    longest = {"type": "server_vad", "prefix_padding_ms": MAX_PREFIX_MS}
    assert talk.listen_with(turn_detection=longest) == ["session.updated"]


def test_a_tool_that_is_there_may_be_chosen_and_must_stay(talk: Talk) -> None:
    choice = {"type": "function", "name": "weather"}
    assert talk.update(tools=[WEATHER], tool_choice=choice) == ["session.updated"]
    assert talk.json["session"]["tool_choice"] == choice
    assert talk.update(tools=[], tool_choice=choice) == ["error"]
    assert talk.complaint[1] == "session.tool_choice"
    assert talk.update(tools=[{**WEATHER, "description": "New."}]) == ["session.updated"]
    assert talk.json["session"]["tool_choice"] == choice
    assert talk.update(tools=[]) == ["session.updated"]
    assert talk.json["session"]["tool_choice"] == "auto", "what is chosen goes with its tool"


def test_the_operator_may_know_more_voices_than_are_listed(talk_with: type[Talk]) -> None:
    talk = talk_with(voices=("alloy",), knows_voice=lambda name: name.startswith("al"))
    assert talk.update(audio={"output": {"voice": "albert"}}) == ["session.updated"]
    assert talk.update(audio={"output": {"voice": "bob"}}) == ["error"]


def test_without_a_list_any_voice_will_do(talk: Talk) -> None:
    assert talk.update(audio={"output": {"voice": "bob"}}) == ["session.updated"]


def test_the_voice_is_locked_once_the_assistant_has_spoken(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hi.", 100)
    assert talk.update(audio={"output": {"voice": "ash"}}) == ["error"]
    assert talk.complaint == (
        "cannot_update_voice",
        None,
        "Cannot update a conversation's voice if assistant audio is present.",
    )
    assert talk.update(audio={"output": {"voice": "alloy"}}) == ["session.updated"]
    assert talk.update(audio={"output": {"speed": 1.5}}) == ["error"]
    assert talk.json["error"]["param"] == "session.audio.output.speed"
    talk.finish()
    assert talk.update(audio={"output": {"speed": 1.5}}) == ["session.updated"]


@pytest.mark.parametrize("more", [{"instructions": "You are Bob."}, {"tools": [WEATHER]}])
def test_a_handed_over_session_keeps_the_voice_that_was_heard(talk: Talk, more: dict[str, Any]) -> None:
    talk.ask()
    talk.clause("Hi.", 100)
    talk.finish()
    assert talk.update(audio={"output": {"voice": "ash", "speed": 1.5}}, **more) == ["session.updated"]
    shown = talk.json["session"]
    assert (shown["audio"]["output"]["voice"], shown["audio"]["output"]["speed"]) == ("alloy", 1.5)
    assert {name: shown[name] for name in more} == more
    assert talk.update(audio={"input": {}}, **more) == ["session.updated"]
    assert talk.update(**more) == ["session.updated"]


def test_audio_and_text_together_mean_audio() -> None:
    assert modality_of(["text"]) == modality_of(("text",)) == "text"
    assert modality_of(["audio"]) == modality_of(["text", "audio"]) == modality_of([]) == "audio"


def test_a_transcription_session_keeps_to_its_kind(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_only=True)
    assert talk.json["session"]["object"] == "realtime.transcription_session"
    changed = {
        "type": "transcription",
        "audio": {"input": {"transcription": {"model": "w"}, "noise_reduction": None}},
        "include": [],
    }
    assert talk.send("session.update", session=changed) == ["session.updated"]
    heard = talk.json["session"]["audio"]["input"]
    assert (heard["transcription"]["model"], heard["noise_reduction"]) == ("w", None)
    assert talk.update(instructions="Hi") == ["error"]
    assert talk.complaint[1] == "session.type"
