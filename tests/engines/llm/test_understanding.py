"""Utterances over a dozen tools: those the rules were tuned on, and those they never saw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm.matching import build_profiles
from vivavoce.engines.llm.planner import Ask, Calls, Planner
from vivavoce.engines.llm.understanding import best_wish, is_refusal, understand
from vivavoce.engines.llm.words import split_words
from vivavoce.protocol import FunctionTool, InputText, MessageItem

HELD_OUT_FLOOR = 0.75
HELD_OUT_TOOL_FLOOR = 0.85


def load(name: str) -> tuple[tuple[FunctionTool, ...], list[dict[str, Any]]]:
    data = json.loads((Path(__file__).parent / name).read_text())
    return tuple(FunctionTool(**tool) for tool in data["tools"]), data["cases"]


TOOLS, CASES = load("utterances.json")
HELD_OUT_TOOLS, HELD_OUT = load("held_out.json")


def outcome(tools: tuple[FunctionTool, ...], said: str) -> tuple[list[list[Any]], str | None]:
    """The calls planned for an utterance, and the tool that an argument is asked for."""
    items = (MessageItem(role="user", content=[InputText(text=said)]),)
    plan = Planner(ModelRequest(items=items, tools=tools)).plan()
    calls = [[call.name, dict(call.arguments)] for call in plan.calls] if isinstance(plan, Calls) else []
    return calls, plan.profile.tool.name if isinstance(plan, Ask) else None


def cases() -> list[Any]:
    marked = []
    for case in CASES:
        marks = [pytest.mark.xfail(reason=case["miss"])] if "miss" in case else []
        marked.append(pytest.param(case, id=case["said"] or "(nothing)", marks=marks))
    return marked


@pytest.mark.parametrize("case", cases())
def test_an_utterance_leads_to_its_calls(case: dict[str, Any]) -> None:
    assert outcome(TOOLS, case["said"]) == (case["calls"], case.get("ask"))


def test_most_utterances_that_the_rules_were_not_made_for_are_understood() -> None:
    exact = tool = 0
    for case in HELD_OUT:
        calls, asked = outcome(HELD_OUT_TOOLS, case["said"])
        exact += (calls, asked) == (case["calls"], case.get("ask"))
        tool += ([c[0] for c in calls], asked) == ([c[0] for c in case["calls"]], case.get("ask"))
    assert exact / len(HELD_OUT) >= HELD_OUT_FLOOR
    assert tool / len(HELD_OUT) >= HELD_OUT_TOOL_FLOOR


def test_small_talk_that_the_rules_were_not_made_for_calls_no_tool() -> None:
    wrong = [
        c["said"]
        for c in HELD_OUT
        if not c["calls"] and "ask" not in c and outcome(HELD_OUT_TOOLS, c["said"])[0]
    ]
    assert wrong == []


def test_what_is_not_said_again_stays_as_it_was() -> None:
    wishes = understand(
        build_profiles(TOOLS), split_words("turn on the kitchen lights and the bedroom lights")
    )
    assert [wish.filling.values["state",] for wish in wishes] == ["on", "on"]
    assert [wish.filling.values["room",] for wish in wishes] == ["kitchen", "bedroom"]


@pytest.mark.parametrize(
    "text", ["don't do that", "do not call", "never mind the weather", "no don't", "stop that"]
)
def test_refusals(text: str) -> None:
    assert is_refusal(split_words(text))


def test_with_no_floor_the_best_tool_is_taken() -> None:
    profiles = build_profiles(TOOLS)
    words = split_words("some long talk that mentions the weather once and then goes elsewhere entirely")
    assert best_wish(profiles, words) is None
    forced = best_wish(profiles, words, floor=0.0)
    assert forced is not None
    assert forced.profile.tool.name == "get_weather"
