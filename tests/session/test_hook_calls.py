from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper, Usage
from vivavoce.agents.hooks import RealtimeAgentHooks, RealtimeRunHooks
from vivavoce.session.events import RealtimeError
from vivavoce.session.hook_calls import HOOK_S, WAITING, HookCalls
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]


class Notes(list[str]):
    """What was called, in order."""


class AgentNotes(RealtimeAgentHooks[Any]):
    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    async def on_start(self, context: Any, agent: Any) -> None:
        self.notes.append(f"start {agent.name}")

    async def on_end(self, context: Any, agent: Any, output: Any) -> None:
        self.notes.append(f"end {agent.name}: {output}")

    async def on_handoff(self, context: Any, agent: Any, source: Any) -> None:
        self.notes.append(f"handoff {source.name} > {agent.name}")


class RunNotes(RealtimeRunHooks[Any]):
    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    async def on_agent_start(self, context: Any, agent: Any) -> None:
        self.notes.append(f"run: start {agent.name}")

    async def on_agent_end(self, context: Any, agent: Any, output: Any) -> None:
        self.notes.append(f"run: end {agent.name}: {output}")

    async def on_handoff(self, context: Any, from_agent: Any, to_agent: Any) -> None:
        self.notes.append(f"run: handoff {from_agent.name} > {to_agent.name}")


def calls(hooks: Any = None) -> tuple[HookCalls, list[Any]]:
    events: list[Any] = []
    return HookCalls(hooks, RunContextWrapper(None, Usage()), events.append), events


def test_hooks_and_listeners_are_called_as_a_session_goes_on(perform: Perform) -> None:
    notes = Notes()
    bob = RealtimeAgent[Any]("Bob", hooks=AgentNotes(notes))
    ada = RealtimeAgent[Any]("Ada", hooks=AgentNotes(notes))
    for agent in (ada, bob):
        agent.on("agent_start", lambda _context, agent: notes.append(f"event: start {agent.name}"))
        agent.on("agent_end", lambda _context, output: notes.append(f"event: end {output}"))
        agent.on("agent_handoff", lambda _context, agent: notes.append(f"event: handoff to {agent.name}"))

    async def play(stage: Stage) -> None:
        await stage.settle()
        await stage.session.send_message("hello")
        said = {"type": "message", "id": "a", "role": "assistant"}
        stage.model.done("r1", [said | {"content": [{"type": "output_text", "text": "Hi."}]}])
        await stage.settle()
        await stage.session.update_agent(bob)
        await stage.settle()
        assert notes == [
            "start Ada",
            "run: start Ada",
            "event: start Ada",
            "event: end Hi.",
            "end Ada: Hi.",
            "run: end Ada: Hi.",
            "event: handoff to Bob",
            "handoff Ada > Bob",
            "run: handoff Ada > Bob",
            "start Bob",
            "run: start Bob",
        ]

    perform(play, ada, config={"hooks": RunNotes(notes)})


def test_an_agent_without_hooks_is_called_nothing() -> None:
    async def main() -> None:
        hooks, events = calls()
        ada, bob = RealtimeAgent[Any]("Ada"), RealtimeAgent[Any]("Bob")
        hooks.took_over(None, ada)
        hooks.answers(ada)
        hooks.answered(ada, "Hi.")
        hooks.took_over(ada, bob)
        await hooks.aclose()
        assert events == []

    run(main())


class Bad(RealtimeAgentHooks[Any]):
    async def on_start(self, context: Any, agent: Any) -> None:
        await asyncio.sleep(10 * HOOK_S)

    async def on_end(self, context: Any, agent: Any, output: Any) -> None:
        raise ValueError(output)


@pytest.mark.parametrize(
    ("end", "complaint"),
    [(False, "hook on_start failed: it took longer than 30 s"), (True, "hook on_end failed: Hi.")],
)
def test_a_hook_that_is_slow_or_raises_harms_nobody(end: bool, complaint: str) -> None:
    async def main() -> None:
        notes = Notes()
        hooks, events = calls(RunNotes(notes))
        agent = RealtimeAgent[Any]("Ada", hooks=Bad())
        if end:
            hooks.answered(agent, "Hi.")
        else:
            hooks.took_over(None, agent)
        await asyncio.sleep(HOOK_S + 1)
        assert [str(event.error) for event in events] == [complaint]
        assert notes == ["run: end Ada: Hi." if end else "run: start Ada"]
        await hooks.aclose()

    run(main())


def test_hooks_that_wait_are_bounded() -> None:
    async def main() -> None:
        hooks, events = calls()
        agent = RealtimeAgent[Any]("Ada", hooks=Bad())
        for _ in range(WAITING + 1):
            hooks.took_over(None, agent)
        (event,) = events
        assert isinstance(event, RealtimeError)
        assert f"{WAITING} calls wait for it" in str(event.error)
        begin = asyncio.get_running_loop().time()
        await hooks.aclose()
        assert asyncio.get_running_loop().time() - begin < 1

    run(main())


def test_hooks_begin_anew_when_there_is_something_to_call() -> None:
    async def main() -> None:
        notes = Notes()
        hooks, _ = calls(RunNotes(notes))
        for _ in range(2):
            hooks.answered(RealtimeAgent[Any]("Ada"), "Hi.")
            await asyncio.sleep(1)
        assert notes == ["run: end Ada: Hi."] * 2

    run(main())
