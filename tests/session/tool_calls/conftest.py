"""The calls of a session without the session: a port that notes what it is given, on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, Usage
from vivavoce.conversation.client_notices import ToolCalled
from vivavoce.protocol import InputText, MessageItem
from vivavoce.session.run_settings import ToolSettings
from vivavoce.session.tool_calls import ToolCalls, ToolOwner


class Bench:
    """A session's side of its calls.

    Attributes:
        log: what happened, in order: ``what call`` and, for outputs, the output.
        events: what was published.
    """

    def __init__(self, agent: RealtimeAgent[Any], settings: ToolSettings, hooks: Any) -> None:
        self.log: list[tuple[str, ...]] = []
        self.events: list[Any] = []
        self.calls = ToolCalls(self, settings)
        tools: Any = agent.tools
        self.owner = ToolOwner(agent, {tool.name: tool for tool in tools}, "Kim", Usage(), hooks)

    def publish(self, event: Any) -> None:
        self.events.append(event)
        self.log.append((f"{event.type} {event.error.call_id if event.type == 'error' else event.call_id}",))

    def history(self) -> Sequence[MessageItem]:
        return [MessageItem(role="user", content=(InputText(text="go"),))]

    def tool_output(self, call_id: str, output: str, *, respond: bool) -> None:
        self.log.append((f"{'output' if respond else 'silent output'} {call_id}", output))

    def late_output(self, call: ToolCalled, output: str, *, respond: bool) -> None:
        self.log.append((f"{'late' if respond else 'silent late'} output {call.call_id}", output))

    def call_waits(self, call_id: str) -> None:
        self.log.append((f"waits {call_id}",))

    def call_decided(self, call_id: str) -> None:
        self.log.append((f"decided {call_id}",))

    async def say(self, text: str) -> None:
        self.log.append((f"said {text}",))

    async def call(self, call_id: str, name: str, **arguments: Any) -> None:
        call = ToolCalled(call_id, name, json.dumps(arguments), f"item_{call_id}")
        self.calls.start(call, self.owner)
        await self.settle()

    async def settle(self, seconds: float = 0.1) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()

    @property
    def steps(self) -> list[str]:
        return [entry[0] for entry in self.log]

    @property
    def outputs(self) -> dict[str, str]:
        return {entry[0]: entry[1] for entry in self.log if len(entry) > 1}

    @property
    def errors(self) -> list[str]:
        return [str(event.error) for event in self.events if event.type == "error"]


Play = Callable[[Bench], Coroutine[Any, Any, None]]


@pytest.fixture
def at_bench() -> Callable[..., Coroutine[Any, Any, Bench]]:
    """Play with an agent's tools: ``run(at_bench(play, *tools, agent=…, hooks=…, **settings))``."""

    async def work(play: Play, *tools: Any, agent: Any = None, hooks: Any = None, **settings: Any) -> Bench:
        bench = Bench(agent or RealtimeAgent[Any]("Ada", tools=tools), ToolSettings(**settings), hooks)
        await play(bench)
        await bench.calls.aclose()
        return bench

    return work
