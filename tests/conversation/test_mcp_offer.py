"""Under which names MCP tools are offered to a model, and how it reads the calls of the past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.items import Record
from vivavoce.conversation.mcp_offer import MAX_NAME, Offer, offer_tools, readable
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputText,
    Item,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    McpCallItem,
    McpListedTool,
    McpListToolsItem,
    McpTool,
    McpToolExecutionError,
    MessageItem,
    Tool,
    ToolChoiceFunction,
    ToolChoiceMcp,
)


def server(label: str, **fields: Any) -> McpTool:
    return McpTool(server_label=label, server_url="https://example.com", **fields)


def listed(name: str, description: str = "") -> McpListedTool:
    return McpListedTool(name=name, description=description, input_schema={"type": "object"})


def offer(servers: Mapping[str, Sequence[str]], functions: Sequence[str] = (), choice: Any = "auto") -> Offer:
    tools: list[Tool] = [FunctionTool(name=name) for name in functions]
    tools += map(server, servers)
    return offer_tools(tools, lambda each: map(listed, servers[each.server_label]), choice)


@pytest.mark.parametrize(
    ("functions", "servers", "names"),
    [
        ([], {"a": ["x", "y"]}, ["x", "y"]),
        (["f"], {"a": ["x"]}, ["f", "x"]),
        (["x"], {"a": ["x"]}, ["x", "a_x"]),
        ([], {"a": ["x"], "b": ["x", "y"]}, ["a_x", "b_x", "y"]),
        (["x", "a_x"], {"a": ["x"]}, ["x", "a_x", "a_x_2"]),
        ([], {"a b": ["x/y", "x.y"]}, ["a_b_x_y", "a_b_x_y_2"]),
        ([], {"a": ["ü"]}, ["_"]),
        ([], {"a": [""]}, ["_"]),
    ],
)
def test_names(functions: list[str], servers: dict[str, list[str]], names: list[str]) -> None:
    assert [function.name for function in offer(servers, functions).functions] == names


@given(
    st.dictionaries(
        st.text(max_size=70), st.lists(st.text(max_size=70), max_size=4, unique=True), max_size=4
    ),
    st.sets(st.sampled_from(["x", "a_x", "_", "__2"])),
)
def test_every_tool_has_a_name_that_models_take(servers: dict[str, list[str]], functions: set[str]) -> None:
    given_ = offer(servers, sorted(functions))
    names = [function.name for function in given_.functions]
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= MAX_NAME and name.isascii() for name in names)
    assert sorted(names) == sorted({*given_.targets, *functions})
    for name, target in given_.targets.items():
        assert given_.name_of(target.server.server_label, target.tool.name) == name


def test_what_a_function_says() -> None:
    declared = server("a", server_description="All about trees.")
    (about,) = offer_tools([declared], lambda _: [listed("x", "Find a tree.")], "auto").functions
    assert about == FunctionTool(
        name="x", description="Find a tree.\nAll about trees.", parameters={"type": "object"}
    )
    (silent,) = offer({"a": ["x"]}).functions
    assert silent.description == ""


TWO = {"a": ["x", "y"], "b": ["x"]}


@pytest.mark.parametrize(
    ("choice", "names", "chosen", "missing"),
    [
        ("required", ["f", "a_x", "y", "b_x"], "required", None),
        (ToolChoiceFunction(name="f"), ["f", "a_x", "y", "b_x"], ToolChoiceFunction(name="f"), None),
        (
            ToolChoiceMcp(server_label="b", name="x"),
            ["f", "a_x", "y", "b_x"],
            ToolChoiceFunction(name="b_x"),
            None,
        ),
        (ToolChoiceMcp(server_label="a"), ["a_x", "y"], "required", None),
        (ToolChoiceMcp(server_label="a", name=None), ["a_x", "y"], "required", None),
        (ToolChoiceMcp(server_label="c"), [], "required", "The MCP server 'c' has no tools to offer."),
        (
            ToolChoiceMcp(server_label="b", name="y"),
            ["f", "a_x", "y", "b_x"],
            "auto",
            "The MCP server 'b' offers no tool named 'y'.",
        ),
    ],
)
def test_choices(choice: Any, names: list[str], chosen: Any, missing: str | None) -> None:
    given_ = offer(TWO, ["f"], choice)
    assert [function.name for function in given_.functions] == names
    assert (given_.tool_choice, given_.missing) == (chosen, missing)


def call(**fields: Any) -> McpCallItem:
    return McpCallItem(id="m", **{"server_label": "b", "name": "x", "arguments": '{"n": 1}', **fields})


FAILED = McpToolExecutionError(message="No luck.")
HELLO = MessageItem(id="u", role="user", content=[InputText(text="Hello")])
AS_CALL = FunctionCallItem(id="m", status="completed", call_id="m", name="b_x", arguments='{"n": 1}')


def as_output(text: str) -> FunctionCallOutputItem:
    return FunctionCallOutputItem(id="m_output", status="completed", call_id="m", output=text)


@pytest.mark.parametrize(
    ("item", "read"),
    [
        (HELLO, [HELLO]),
        (call(output="one"), [AS_CALL, as_output("one")]),
        (call(output=""), [AS_CALL, as_output("")]),
        (call(error=FAILED), [AS_CALL, as_output("Error: No luck.")]),
        (call(error=None), [AS_CALL]),
        (call(), [AS_CALL]),
        (call(arguments=""), []),
        (McpListToolsItem(id="l", server_label="b", tools=[listed("x")]), []),
        (McpApprovalRequestItem(id="r", server_label="b", name="x", arguments="{}"), []),
        (McpApprovalResponseItem(id="s", approval_request_id="r", approve=True), []),
    ],
)
def test_the_past_in_the_words_of_functions(item: Item, read: list[Item]) -> None:
    assert [record.item for record in readable([Record(item)], offer(TWO))] == read


def test_a_call_of_a_server_that_is_gone_keeps_its_name() -> None:
    records = readable([Record(call(server_label="gone", name="an odd/name"))], offer(TWO))
    assert [getattr(record.item, "name", None) for record in records] == ["an_odd_name"]
