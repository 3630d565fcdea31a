from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from vivavoce import protocol
from vivavoce.agents import (
    Handoff,
    RealtimeAgent,
    RunContextWrapper,
    default_tool_description,
    default_tool_name,
    handoff_to,
    realtime_handoff,
)
from vivavoce.agents.base import AgentBase
from vivavoce.agents.handoff import check_handoffs
from vivavoce.agents.tool import is_tool_name
from vivavoce.errors import ConfigurationError, ToolError

BOB = RealtimeAgent[Any]("Refund Agent", handoff_description="Gives money back.")
CONTEXT = RunContextWrapper("Kim")


class Reason(BaseModel):
    why: str = Field(description="In a few words.")
    amount: int = 5


@dataclass
class Undescribed:
    what: Callable[[], None]


@dataclass
class Free:
    details: dict[str, str]


def invoke(handoff: Handoff[Any], arguments: str = "{}") -> AgentBase[Any]:
    async def main() -> AgentBase[Any]:
        return await handoff.on_invoke_handoff(CONTEXT, arguments)

    return asyncio.run(main())


def test_a_handoff_to_an_agent_names_and_describes_itself() -> None:
    handoff = realtime_handoff(BOB)
    assert (handoff.tool_name, handoff.name) == ("transfer_to_refund_agent", "transfer_to_refund_agent")
    assert handoff.tool_description == (
        "Handoff to the Refund Agent agent to handle the request. Gives money back."
    )
    assert (handoff.agent_name, handoff.agent, handoff.is_enabled) == ("Refund Agent", BOB, True)
    assert handoff.get_transfer_message(BOB) == '{"assistant": "Refund Agent"}'
    assert invoke(handoff) is BOB


def test_a_handoff_is_a_function_on_the_wire() -> None:
    assert protocol.to_builtins(realtime_handoff(BOB, "to_refunds", "For refunds.").to_wire()) == {
        "type": "function",
        "name": "to_refunds",
        "description": "For refunds.",
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }


def test_the_description_has_a_second_name() -> None:
    assert realtime_handoff(BOB, tool_description="For refunds.").tool_description == "For refunds."
    same = realtime_handoff(BOB, tool_description="For refunds.", tool_description_override="For refunds.")
    assert same.tool_description == "For refunds."
    with pytest.raises(ConfigurationError, match="two descriptions"):
        realtime_handoff(BOB, tool_description="A", tool_description_override="B")


def test_an_agent_without_a_description_is_described_by_its_name() -> None:
    words = default_tool_description(RealtimeAgent("Ada"))
    assert words == "Handoff to the Ada agent to handle the request."


@pytest.mark.parametrize(
    ("name", "tool_name"),
    [
        ("Refund Agent", "transfer_to_refund_agent"),
        ("Billing-2", "transfer_to_billing_2"),
        ("Zürich\tdesk", "transfer_to_z_rich_desk"),
        ("İ", "transfer_to__"),
    ],
)
def test_the_default_name_is_that_of_the_agents_sdk(name: str, tool_name: str) -> None:
    assert default_tool_name(RealtimeAgent(name)) == tool_name


@given(st.text(min_size=1).filter(lambda name: bool(name.strip())))
def test_every_agent_has_a_name_that_a_model_can_call(name: str) -> None:
    agent = RealtimeAgent[Any](name)
    assert is_tool_name(default_tool_name(agent))
    assert default_tool_name(agent).startswith("transfer_to_")
    assert (
        default_tool_name(agent) == default_tool_name(RealtimeAgent(name.upper().lower()))
        or not name.isascii()
    )


def test_on_handoff_is_called_with_the_context() -> None:
    seen: list[Any] = []

    async def later(context: RunContextWrapper[str]) -> None:
        seen.append(context.context)

    assert invoke(realtime_handoff(BOB, on_handoff=later)) is BOB
    assert invoke(realtime_handoff(BOB, on_handoff=seen.append)) is BOB
    assert seen == ["Kim", CONTEXT]


def test_on_handoff_receives_what_the_model_gave() -> None:
    seen: list[Reason] = []
    handoff = realtime_handoff(
        BOB, on_handoff=lambda _context, reason: seen.append(reason), input_type=Reason
    )
    assert invoke(handoff, '{"why": "broken"}') is BOB
    assert seen == [Reason(why="broken", amount=5)]
    assert handoff.strict_json_schema is True
    assert handoff.input_json_schema["required"] == ["why", "amount"]
    assert handoff.input_json_schema["properties"]["why"]["description"] == "In a few words."


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("", "why: Field required"),
        ("{", "arguments: Invalid JSON"),
        ("[]", "arguments: Input should be an object"),
        ('{"why": 3}', "why: Input should be a valid string"),
        ('{"why": "a", "amount": "7"}', "amount: Input should be a valid integer"),
    ],
)
def test_bad_arguments_are_the_models_problem(arguments: str, complaint: str) -> None:
    handoff = realtime_handoff(BOB, on_handoff=lambda _context, _reason: None, input_type=Reason)
    with pytest.raises(ToolError, match=f"bad arguments for transfer_to_refund_agent: {complaint}") as caught:
        invoke(handoff, arguments)
    assert caught.value.tool_name == "transfer_to_refund_agent"


def test_whatever_the_model_sends_to_a_handoff_without_input_is_fine() -> None:
    assert invoke(realtime_handoff(BOB), "no JSON at all") is BOB


def test_an_input_with_free_keys_is_described_without_strictness() -> None:
    handoff = realtime_handoff(BOB, on_handoff=lambda _context, _free: None, input_type=Free)
    assert handoff.strict_json_schema is False
    assert "details" in handoff.input_json_schema["properties"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"input_type": Reason}, "input_type needs an on_handoff (context, input) that receives it"),
        (
            {"input_type": Reason, "on_handoff": lambda _context: None},
            "on_handoff must take (context, input), with",
        ),
        (
            {"on_handoff": lambda _context, _reason: None},
            "on_handoff must take (context), without an input_type",
        ),
        ({"on_handoff": 5}, "on_handoff must be a function (context)"),
        (
            {"input_type": str, "on_handoff": lambda _context, _text: None},
            "input_type must have named fields",
        ),
        (
            {"input_type": Annotated[Any, "x"], "on_handoff": lambda _context, _text: None},
            "input_type must have named fields",
        ),
        ({"input_type": RealtimeAgent, "on_handoff": print}, "input_type cannot be described to a model"),
        ({"input_type": Undescribed, "on_handoff": print}, "input_type cannot be described to a model"),
        ({"input_type": type(iter(())), "on_handoff": print}, "input_type cannot be described to a model"),
        ({"tool_name_override": "two words"}, "handoff tool name 'two words' is not accepted"),
        ({"tool_description_override": 5}, "tool_description must be a text, got 5"),
        ({"is_enabled": "yes"}, "is_enabled must be True, False or a function (context, agent), got 'yes'"),
    ],
)
def test_a_handoff_that_cannot_work_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        realtime_handoff(BOB, **options)


def test_a_function_that_tells_nothing_of_itself_is_taken_at_its_word() -> None:
    silent: Any = max
    with pytest.raises(ValueError, match="no signature found"):
        inspect.signature(silent)
    assert realtime_handoff(BOB, on_handoff=silent).agent is BOB


def test_only_agents_that_speak_are_handed_to() -> None:
    other = AgentBase[Any]("Writer")
    with pytest.raises(ConfigurationError, match="takes a RealtimeAgent, got AgentBase"):
        realtime_handoff(other)  # type: ignore[arg-type]  # the mistake under test
    assert handoff_to(other).agent is other


async def _to_bob(_context: object, _arguments: str) -> RealtimeAgent[Any]:
    return BOB


def test_a_handoff_can_be_written_by_hand() -> None:
    handoff = Handoff[Any]("to_bob", "For Bob.", {}, _to_bob, "Bob")
    assert handoff.input_json_schema["type"] == "object"
    assert handoff.agent is None
    assert invoke(handoff) is BOB


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"input_json_schema": {"type": "string"}},
            "input_json_schema must be a JSON Schema with type 'object'",
        ),
        ({"on_invoke_handoff": None}, "on_invoke_handoff must be an async function (context, arguments)"),
        ({"agent_name": None}, "agent_name must be a text, got None"),
    ],
)
def test_a_wrong_field_of_a_handoff_is_refused(fields: dict[str, Any], complaint: str) -> None:
    right: dict[str, Any] = {
        "tool_name": "to_bob",
        "tool_description": "",
        "input_json_schema": {},
        "on_invoke_handoff": _to_bob,
        "agent_name": "Bob",
    }
    with pytest.raises(ConfigurationError, match=re.escape(f"handoff 'to_bob': {complaint}")):
        Handoff(**{**right, **fields})


def test_handoffs_that_share_a_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="it has two handoffs named 'transfer_to_a_b'"):
        check_handoffs([RealtimeAgent("A B"), realtime_handoff(RealtimeAgent("a-b"))], "it", RealtimeAgent)


def test_a_handoff_to_another_kind_of_agent_is_refused() -> None:
    writer = handoff_to(AgentBase[Any]("Writer"))
    with pytest.raises(
        ConfigurationError, match=r"it\[1\] hands over to AgentBase\('Writer'\), but only RealtimeAgent can"
    ):
        check_handoffs([BOB, writer], "it", RealtimeAgent)
    unknown = Handoff[Any]("to_bob", "For Bob.", {}, _to_bob, "Bob")
    assert check_handoffs([unknown], "it", RealtimeAgent) == [unknown]


def test_a_list_of_handoffs_is_ones_own() -> None:
    given_ones = [BOB, realtime_handoff(BOB, "other")]
    checked = check_handoffs(given_ones, "it", RealtimeAgent)
    assert checked == given_ones
    assert checked is not given_ones
