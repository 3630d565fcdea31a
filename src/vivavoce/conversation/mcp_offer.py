"""How the tools of MCP servers are offered to a language model: as functions, each under its own name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from vivavoce.conversation.items import Record
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    McpApprovalRequestItem,
    McpApprovalResponseItem,
    McpCallItem,
    McpListedTool,
    McpListToolsItem,
    McpTool,
    Tool,
    ToolChoice,
    ToolChoiceFunction,
    ToolChoiceMcp,
    present,
)

MAX_NAME = 64
"""Longest name of a function, in characters: what language models take."""

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class McpTarget:
    """The tool behind an offered function.

    Attributes:
        server: whose it is.
        tool: as that server listed it.
    """

    server: McpTool
    tool: McpListedTool


@dataclass(frozen=True, slots=True)
class Offer:
    """What a language model may call in one response.

    Attributes:
        functions: what it is told of.
        targets: the MCP tools among them, by the name under which they are offered.
        tool_choice: how it may choose; never of MCP.
        missing: why the wished choice cannot be had, or `None`.
    """

    functions: tuple[FunctionTool, ...] = ()
    targets: Mapping[str, McpTarget] = field(default_factory=dict)
    tool_choice: ToolChoice = "auto"
    missing: str | None = None

    def name_of(self, server_label: str, name: str) -> str:
        """Return the name under which a tool is offered, or would be."""
        return _name_of(self.targets, server_label, name) or _clean(name)


def offer_tools(
    tools: Sequence[Tool], listed: Callable[[McpTool], Iterable[McpListedTool]], choice: ToolChoice
) -> Offer:
    """Return what a model may call.

    Functions keep their names, and so do the tools of MCP servers unless two would be called the same: then
    the server's label comes before the name.

    Args:
        tools: of the session or the response, in order.
        listed: gives the tools of an MCP server.
        choice: what the client wishes.
    """
    functions = [tool for tool in tools if isinstance(tool, FunctionTool)]
    found = [
        McpTarget(server, tool) for server in tools if isinstance(server, McpTool) for tool in listed(server)
    ]
    targets = _named(found, {function.name for function in functions})
    functions += [_as_function(name, target) for name, target in targets.items()]
    if not isinstance(choice, ToolChoiceMcp):
        return Offer(tuple(functions), targets, choice)
    if (wished := present(choice.name, None)) is None:
        targets = {
            name: target
            for name, target in targets.items()
            if target.server.server_label == choice.server_label
        }
        functions = [function for function in functions if function.name in targets]
        missing = None if functions else f"The MCP server '{choice.server_label}' has no tools to offer."
        return Offer(tuple(functions), targets, "required", missing)
    offered = _name_of(targets, choice.server_label, wished)
    if offered is None:
        missing = f"The MCP server '{choice.server_label}' offers no tool named '{wished}'."
        return Offer(tuple(functions), targets, "auto", missing)
    return Offer(tuple(functions), targets, ToolChoiceFunction(name=offered))


def _name_of(targets: Mapping[str, McpTarget], server_label: str, name: str) -> str | None:
    wanted = (server_label, name)
    return next(
        (key for key, target in targets.items() if (target.server.server_label, target.tool.name) == wanted),
        None,
    )


def _named(found: Sequence[McpTarget], taken: set[str]) -> dict[str, McpTarget]:
    taken = set(taken)
    shared = Counter(_clean(target.tool.name) for target in found)
    named: dict[str, McpTarget] = {}
    for target in found:
        name = _clean(target.tool.name)
        if name in taken or shared[name] > 1:
            name = _clean(f"{target.server.server_label}_{target.tool.name}")
        number, base = 1, name
        while name in taken:
            number += 1
            name = f"{base[: MAX_NAME - len(str(number)) - 1]}_{number}"
        taken.add(name)
        named[name] = target
    return named


def _clean(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:MAX_NAME] or "_"


def _as_function(name: str, target: McpTarget) -> FunctionTool:
    about = present(target.server.server_description, "")
    words = "\n".join(part for part in (target.tool.description, about) if part)
    return FunctionTool(name=name, description=words, parameters=target.tool.input_schema)


# --- the calls of the past --------------------------------------------------------------------------------

_NOT_FOR_MODELS = (McpListToolsItem, McpApprovalRequestItem, McpApprovalResponseItem)


def readable(records: Iterable[Record], offer: Offer) -> list[Record]:
    """Return the conversation in words that every language model knows: MCP calls as calls of functions.

    A call that still runs is one without an output; one that was refused or failed says so in its output.
    Lists of tools and approvals are left out, as are calls that the model is still writing.
    """
    known: list[Record] = []
    for record in records:
        item = record.item
        if isinstance(item, McpCallItem):
            known += _as_function_call(item, offer) if item.arguments else ()
        elif not isinstance(item, _NOT_FOR_MODELS):
            known.append(record)
    return known


def _as_function_call(item: McpCallItem, offer: Offer) -> list[Record]:
    name = offer.name_of(item.server_label, item.name)
    call = FunctionCallItem(
        id=item.id, status="completed", call_id=item.id, name=name, arguments=item.arguments
    )
    error = present(item.error, None)
    output = item.output if error is None else f"Error: {error.message}"
    if output is None:
        return [Record(call)]
    result = FunctionCallOutputItem(
        id=f"{item.id}_output", status="completed", call_id=item.id, output=output
    )
    return [Record(call), Record(result)]
