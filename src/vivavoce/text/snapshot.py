"""A run that waits for approval, as JSON: it can go on tomorrow, in another process."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vivavoce.agents import Handoff, RunContextWrapper, Usage
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, Item, MessageItem, codec
from vivavoce.text.inputs import input_json, read_input
from vivavoce.text.items import (
    HandoffCallItem,
    HandoffOutputItem,
    MessageOutputItem,
    RunItem,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
)
from vivavoce.text.state import Decision, Decisions, Progress, RunState

if TYPE_CHECKING:
    from vivavoce.text.agent import Agent

VERSION = 1
"""Written into every snapshot; others are refused."""

_Plain = type[MessageOutputItem] | type[ToolCallItem] | type[HandoffCallItem]
_PLAIN: Mapping[str, tuple[_Plain, type[Item]]] = {
    "message_output_item": (MessageOutputItem, MessageItem),
    "tool_call_item": (ToolCallItem, FunctionCallItem),
    "handoff_call_item": (HandoffCallItem, FunctionCallItem),
}


def to_json(state: RunState[Any]) -> dict[str, Any]:
    """Return a state in its JSON form; see `RunState.to_json`."""
    progress = state.progress
    items: dict[int, RunItem] = {id(item): item for item in (*progress.new_items, *progress.seen)}
    places = {key: place for place, key in enumerate(items)}

    def place(item: RunItem) -> int:
        return places[id(item)]

    return {
        "version": VERSION,
        "agent": state.current_agent.name,
        "original_input": input_json(state.original_input),
        "max_turns": state.max_turns,
        "usage": dataclasses.asdict(state.context.usage),
        "input": [codec.to_builtins(item) for item in progress.input],
        "items": [_item_json(item) for item in items.values()],
        "seen": [place(item) for item in progress.seen],
        "new_items": [place(item) for item in progress.new_items],
        "turn_start": progress.turn_start,
        "turns": progress.turns,
        "pending": [codec.to_builtins(call) for call in progress.pending],
        "results": [[name, place(item)] for name, item in progress.results if id(item) in places],
        "tool_users": sorted(progress.tool_users),
        "waiting": [item.call_id for item in state.interruptions],
        "decisions": dataclasses.asdict(state.decisions),
    }


def from_json(agent: Agent[Any, Any], data: Mapping[str, Any], context: Any) -> RunState[Any]:
    """Return a state from its JSON form; see `RunState.from_json`.

    Raises:
        ConfigurationError: it is no snapshot of this version, or names an agent that is not there.
    """
    given: object = data
    version = given.get("version") if isinstance(given, Mapping) else None
    if version != VERSION:
        raise ConfigurationError(f"a snapshot of a run has version {VERSION}, this one has {version!r}")
    agents = _agents(agent)
    try:
        return _restored(data, context, lambda name: _named(agents, name))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ConfigurationError(f"the snapshot of the run is damaged: {error!r}") from error


def _restored(
    data: Mapping[str, Any], context: Any, named: Callable[[str], Agent[Any, Any]]
) -> RunState[Any]:
    items = [_item(item, named) for item in data["items"]]
    pending = [_raw(call, FunctionCallItem) for call in data["pending"]]
    current = named(data["agent"])
    read_input(data["original_input"])
    progress = Progress(
        input=read_input(data["input"]),
        seen=[items[place] for place in data["seen"]],
        turn_start=data["turn_start"],
        new_items=[items[place] for place in data["new_items"]],
        turns=data["turns"],
        pending=pending,
        results=[(name, items[place]) for name, place in data["results"]],
        tool_users=set(data["tool_users"]),
    )
    decisions = {
        kind: {key: Decision(**said) for key, said in data["decisions"][kind].items()}
        for kind in ("calls", "tools")
    }
    return RunState(
        data["original_input"],
        current,
        RunContextWrapper(context, Usage(**data["usage"])),
        progress,
        data["max_turns"],
        Decisions(**decisions),
        [ToolApprovalItem(current, call) for call in pending if call.call_id in data["waiting"]],
    )


def _item_json(item: RunItem) -> dict[str, Any]:
    form = {"type": item.type, "agent": item.agent.name, "item": codec.to_builtins(item.raw)}
    if isinstance(item, HandoffOutputItem):
        form |= {"source": item.source_agent.name, "target": item.target_agent.name}
    return form


def _item(form: Mapping[str, Any], named: Callable[[str], Agent[Any, Any]]) -> RunItem:
    kind, agent = form["type"], named(form["agent"])
    if kind in _PLAIN:
        make, raw = _PLAIN[kind]
        return make(agent, _raw(form["item"], raw))
    output = _raw(form["item"], FunctionCallOutputItem)
    if kind == "handoff_output_item":
        return HandoffOutputItem(agent, output, named(form["source"]), named(form["target"]))
    return ToolCallOutputItem(agent, output, output.output)


def _raw(form: Mapping[str, Any], kind: type[Any]) -> Any:
    item = read_input([form])[0]
    if not isinstance(item, kind):
        raise TypeError(f"{form.get('type')} where {kind.__name__} was expected")
    return item


def _agents(agent: Agent[Any, Any]) -> dict[str, list[Agent[Any, Any]]]:
    """Return an agent and all that can be reached by handoffs, by name."""
    found: dict[str, list[Agent[Any, Any]]] = {}
    for one in _reached(agent, []):
        found.setdefault(one.name, []).append(one)
    return found


def _reached(agent: Agent[Any, Any], known: list[Agent[Any, Any]]) -> Iterator[Agent[Any, Any]]:
    if agent in known:
        return
    known.append(agent)
    yield agent
    for entry in agent.handoffs:
        target = entry.agent if isinstance(entry, Handoff) else entry
        if target is not None:
            yield from _reached(target, known)  # type: ignore[arg-type]  # an Agent's handoffs lead to Agents


def _named(agents: Mapping[str, list[Agent[Any, Any]]], name: str) -> Agent[Any, Any]:
    candidates = agents.get(name, [])
    if len(candidates) != 1:
        raise ConfigurationError(
            f"the snapshot names agent {name!r}, and of the agents that can be reached "
            f"{len(candidates) or 'none'} has that name; there are: {', '.join(agents)}"
        )
    return candidates[0]
