"""The same settings on both Agents SDKs: what a program gives reaches the server alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from vivavoce.testing import tool_call

pytestmark = pytest.mark.clients

Kit = Any
Settings = Callable[..., list[list[dict[str, Any]]]]


def leaves(session: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a session by where it stands; of a tool its name and parameters."""
    return dict(_leaves(session, ""))


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}".lstrip("."))
    elif path == "tools":
        yield path, [(tool["name"], tool["description"].strip(), _kinds(tool)) for tool in tree]
    else:
        yield path, tree


def _kinds(tool: Mapping[str, Any]) -> dict[str, str]:
    return {name: schema["type"] for name, schema in tool["parameters"]["properties"].items()}


def assert_alike(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """What we say, they say, too; what only they say are defaults, which we leave to the server."""
    said = leaves(ours)
    assert {path: value for path, value in leaves(theirs).items() if path in said} == said


def desk(kit: Kit) -> Any:
    def get_weather(city: str, days: int = 1) -> str:
        """Get the weather.

        Args:
            city: where.
            days: how many.
        """
        return f"{city} {days}"

    billing = kit.RealtimeAgent(name="Billing", instructions="Talk about bills.")
    tool = kit.function_tool(get_weather)
    return kit.RealtimeAgent(name="Desk", instructions="Be kind.", tools=[tool], handoffs=[billing])


FLAT = {
    "model_name": "gpt-realtime",
    "voice": "alloy",
    "modalities": ["audio"],
    "input_audio_format": "g711_ulaw",
    "output_audio_format": "pcm16",
    "input_audio_transcription": {"model": "whisper-1", "language": "en"},
    "input_audio_noise_reduction": {"type": "near_field"},
    "turn_detection": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        "interrupt_response": False,
        "create_response": True,
    },
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "max_output_tokens": 100,
    "speed": 1.25,
}
NESTED = {
    "output_modalities": ["text"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcma"},
            "transcription": None,
            "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
        },
        "output": {"format": "pcm16", "voice": "marin", "speed": 0.5},
    },
}


@pytest.mark.parametrize(
    "config",
    [FLAT, NESTED, {**FLAT, **NESTED}, {"turn_detection": None}],
    ids=["flat", "nested", "both", "none"],
)
@pytest.mark.parametrize("where", ["config", "initial"])
def test_what_a_program_sets_arrives_alike(settings: Settings, config: dict[str, Any], where: str) -> None:
    given = {"config": {"model_settings": config}} if where == "config" else {"initial": config}
    theirs, ours = settings(agent=desk, **given)
    assert_alike(theirs[0], ours[0])
    assert len(leaves(ours[0])) > 3


def test_settings_of_the_connection_go_before_those_of_the_run_and_survive_a_handoff(
    settings: Settings,
) -> None:
    theirs, ours = settings(
        agent=desk,
        config={"model_settings": FLAT},
        initial={"voice": "echo", "speed": 0.75},
        steps=[tool_call("transfer_to_billing")],
    )
    assert_alike(theirs[0], ours[0])
    assert_alike(theirs[2], ours[1])
    after = leaves(ours[1])
    assert (after["audio.output.voice"], after["audio.output.speed"]) == ("echo", 0.75)
    assert after["audio.input.format.type"] == "audio/pcmu"
    assert (after["instructions"], after["tools"]) == ("Talk about bills.", [])


def test_only_openai_agents_speaks_of_tracing_in_a_message_of_its_own(settings: Settings) -> None:
    """Finding 1: a second, partial session.update, for which a server must merge."""
    theirs, ours = settings()
    assert [sorted(session) for session in theirs[1:]] == [["model", "tracing", "type"]]
    assert len(ours) == 1
