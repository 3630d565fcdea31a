from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper, Usage, function_tool
from vivavoce.agents.guardrails import input_guardrail, output_guardrail
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import RealtimeSession, to_builtins
from vivavoce.protocol.codec import session_from
from vivavoce.session.settings import check_run_config
from vivavoce.session.speaker import Speaker, prepare, speaking_as
from vivavoce.testing import run

CONTEXT = RunContextWrapper[Any]("Kim", Usage())


@function_tool
def look() -> str:
    """Look."""
    return "a hat"


@function_tool
def transfer_to_bob() -> str:
    """Take a name that a handoff has."""
    return "no"


@output_guardrail
def polite(_context: Any, _agent: Any, _text: str) -> Any: ...


@input_guardrail
def sane(_context: Any, _agent: Any, _text: str) -> Any: ...


def ready(agent: RealtimeAgent[Any], config: Any = None, **more: Any) -> Speaker:
    return run(prepare(agent, check_run_config(config), CONTEXT, **more))


def told(speaker: Speaker) -> dict[str, Any]:
    session = to_builtins(speaker.session)
    assert isinstance(session, dict)
    return session


def test_an_agent_speaks_with_its_own() -> None:
    hosted = HostedMCPTool("docs", "https://docs.example")
    bob = RealtimeAgent[Any]("Bob")
    speaker = ready(
        RealtimeAgent[Any](
            "Ada",
            lambda context, agent: f"{agent.name} helps {context.context}.",
            tools=[look, hosted],
            handoffs=[bob],
            voice="alloy",
            output_guardrails=[polite],
        ),
        {"output_guardrails": [polite]},
    )
    assert (dict(speaker.tools), dict(speaker.hosted)) == ({"look": look}, {"docs": hosted})
    assert [handoff.agent for handoff in speaker.handoffs.values()] == [bob]
    assert speaker.output_guardrails == [polite]
    session = told(speaker)
    assert session["instructions"] == "Ada helps Kim."
    assert session["audio"] == {"output": {"voice": "alloy"}}
    names = [tool.get("name", tool.get("server_label")) for tool in session["tools"]]
    assert names == ["look", "docs", "transfer_to_bob"]


def test_who_has_none_speaks_with_the_runs() -> None:
    settings = {"instructions": "Be kind.", "tools": [look], "handoffs": [RealtimeAgent[Any]("Bob")]}
    speaker = ready(RealtimeAgent[Any]("Ada"), {"model_settings": settings})
    assert (list(speaker.tools), list(speaker.handoffs)) == (["look"], ["transfer_to_bob"])
    assert told(speaker)["instructions"] == "Be kind."


def test_who_checks_the_user_asks_for_the_answers() -> None:
    speaker = ready(RealtimeAgent[Any]("Ada", input_guardrails=[sane]), {"input_guardrails": [sane]})
    assert speaker.input_guardrails == [sane]
    assert told(speaker)["audio"]["input"]["turn_detection"]["create_response"] is False


def test_a_voice_that_was_heard_is_not_changed() -> None:
    speaker = ready(RealtimeAgent[Any]("Ada", voice="alloy"), voice_fixed=True)
    assert "voice" not in told(speaker)["audio"]["output"]


def test_what_goes_not_together_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="two tools or handoffs named 'transfer_to_bob'"):
        ready(RealtimeAgent[Any]("Ada", tools=[transfer_to_bob], handoffs=[RealtimeAgent[Any]("Bob")]))


def session(**audio: Any) -> RealtimeSession:
    made = session_from({"type": "realtime", "instructions": "x", **({"audio": audio} if audio else {})})
    assert isinstance(made, RealtimeSession)
    return made


@pytest.mark.parametrize("before", [{}, {"input": {}}, {"output": {"speed": 1.0}}])
def test_where_no_voice_is_known_none_is_set(before: Any) -> None:
    settings = session(output={"voice": "echo"})
    assert speaking_as(session(**before), settings) == settings


@pytest.mark.parametrize("settings", [{}, {"output": {"voice": "echo", "speed": 1.2}}])
def test_a_voice_that_was_heard_goes_on(settings: Any) -> None:
    spoken = speaking_as(session(output={"voice": "alloy"}), session(**settings))
    output = to_builtins(spoken)["audio"]["output"]
    assert output == settings.get("output", {}) | {"voice": "alloy"}
