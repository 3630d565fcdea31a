"""Two SDKs with the same names, one scripted server, and what each does there in the same words.

Each test names every difference that there is: ``-`` is what only `openai-agents` does, ``+`` what only this
project does. A difference that goes away, or a new one, fails the test. The numbers are those of the findings
about `openai-agents` 0.24: what it was measured to do wrong.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import pytest

from vivavoce.testing import ScriptedRealtimeModel, run
from vivavoce.testing.scripted_server import ScriptedServer

Play = Callable[[Any], Awaitable[None]]

MEASURED = "0.24."
"""The version that the findings are about."""
OPEN_S = 0.2
SETTLE_S = 1.0
QUIET = {"raw_model_event", "history_updated", "connection_status", "playback_ended"}
"""Session events whose number is nobody's business, and such as the other SDK does not have."""
VOICE = {"agent_start", "agent_end", "audio", "audio_end", "audio_interrupted", "handoff"}
TOOLS = {"tool_start", "tool_end", "tool_approval_required"}
"""Tools run beside the conversation, so their events are compared apart from its own."""


@dataclass
class Kit:
    """One SDK: the names that a program uses, whoever offers them."""

    name: str
    RealtimeAgent: Any
    RealtimeRunner: Any
    RealtimePlaybackTracker: Any
    function_tool: Any
    realtime_handoff: Any
    output_guardrail: Any
    GuardrailFunctionOutput: Any
    RealtimeAgentHooks: Any

    async def wait(self, seconds: float) -> None:
        """Let time pass in a tool."""
        await asyncio.sleep(seconds)


@dataclass
class Stage:
    """A session in the middle of a scenario.

    Attributes:
        events: types of the session's events.
        ended: how reading them ended: ``open``, ``clean`` or the name of the exception.
    """

    kit: Kit
    server: ScriptedServer
    session: Any
    tracker: Any
    events: list[str] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    ended: str = "open"

    @property
    def model(self) -> ScriptedRealtimeModel:
        return self.server.model

    async def wait(self, seconds: float = SETTLE_S) -> None:
        await asyncio.sleep(seconds)

    async def do(self, play: Play) -> None:
        try:
            await play(self)
        except Exception as error:  # noqa: BLE001  # what a program is told is a part of the comparison
            self.events.append(f"raises {type(error).__name__}")

    def first(self, kind: str) -> Any:
        return next(event for event in self.seen if event.type == kind)

    async def read(self) -> None:
        try:
            async for event in self.session:
                kind = str(event.type)
                if kind not in QUIET and "." not in kind:
                    self.events.append(kind)
                    self.seen.append(event)
            self.ended = "clean"
        except Exception as error:  # noqa: BLE001  # how it ends is what is asked
            self.ended = type(error).__name__

    def history(self) -> list[str]:
        """Who said what, in one form for both SDKs."""
        items = self.session.history if self.kit.name == "vivavoce" else self.session._history
        return [text for item in items if (text := _words(item))]


@dataclass
class Record:
    """What one SDK did in a scenario."""

    sent: list[str]
    events: list[str]
    history: list[str]
    ended: str
    settings: list[dict[str, Any]]

    def lines(self) -> list[list[str]]:
        """The same in groups of lines that are compared apart."""
        voice = [f"event {kind}" for kind in self.events if kind in VOICE]
        tools = [f"event {kind}" for kind in self.events if kind in TOOLS]
        rest = [f"event {kind}" for kind in self.events if kind not in VOICE | TOOLS]
        sent = [f"sends {message}" for message in self.sent]
        return [sent, voice, tools, rest, [f"keeps {said}" for said in self.history], [f"ends {self.ended}"]]


def _words(item: Any) -> str:
    if item.type != "message":
        return ""
    parts = (getattr(part, "transcript", None) or getattr(part, "text", None) for part in item.content)
    return f"{item.role}: {_begin(' '.join(str(part) for part in parts if part))}"


def _begin(text: str) -> str:
    """The part of a text that is compared: both SDKs go on in words of their own."""
    return text if text.startswith("{") else re.split(r"[.:]", text)[0]


def message_in_words(event: dict[str, Any], names: dict[str, str]) -> str:
    """Say what a client's message asks for, without ids that differ from client to client."""
    kind = event["type"]
    where = names.get(event.get("item_id", ""), "")
    if kind == "input_audio_buffer.append":
        return f"{kind} {len(event['audio']) * 3 // 4}"
    if kind == "conversation.item.truncate":
        return f"{kind} {where} at {event['audio_end_ms']}"
    if kind == "conversation.item.create":
        item = event["item"]
        said = item.get("output") or " ".join(part.get("text", "") for part in item.get("content", ()))
        return f"{kind} {item.get('role') or item['type']}: {_begin(said)}"
    return f"{kind} {where}".strip()


def names_of_items(events: list[Any]) -> dict[str, str]:
    """Name what the server said by its order: answer1, answer2 …, turn1 …"""
    names: dict[str, str] = {}
    counts = {"answer": 0, "turn": 0}
    for event in events:
        item = getattr(event, "item", None)
        if str(event.type) == "conversation.item.added" and getattr(item, "type", "") == "message":
            assert item is not None
            kind = "answer" if item.role == "assistant" else "turn"
            counts[kind] += 1
            names[str(item.id)] = f"{kind}{counts[kind]}"
    return names


async def ask(stage: Stage) -> None:
    """Ask a question in writing."""
    await stage.session.send_message("Hello?")
    await stage.wait(3)


def plain(kit: Kit) -> Any:
    """An agent without anything."""
    return kit.RealtimeAgent(name="Ada", instructions="Be kind.")


@dataclass
class Scenario:
    """What a program does, and the script of the server."""

    play: Play | None = None
    agent: Callable[[Kit], Any] = plain
    steps: Sequence[Any] = ()
    config: dict[str, Any] = field(default_factory=dict)
    initial: dict[str, Any] = field(default_factory=dict)


async def _perform(kit: Kit, scenario: Scenario) -> Record:
    server_events: list[Any] = []
    async with ScriptedServer(ScriptedRealtimeModel(scenario.steps, strict=False)) as server:
        server.model.add_listener(server_events.append)
        tracker = kit.RealtimePlaybackTracker()
        runner = kit.RealtimeRunner(scenario.agent(kit), config=scenario.config)
        session = await runner.run(
            model_config={
                "url": server.url,
                "api_key": "sk-test",
                "playback_tracker": tracker,
                "initial_model_settings": scenario.initial,
            }
        )
        stage = Stage(kit, server, session, tracker)
        async with asyncio.TaskGroup() as tasks:
            async with session:
                reading = tasks.create_task(stage.read())
                await stage.wait(OPEN_S)
                opening = len(server.received)
                await stage.do(scenario.play or ask)
                await stage.wait()
                sent, history, ended = server.received[opening:], stage.history(), stage.ended
            await stage.wait(0.1)
            reading.cancel()
    names = names_of_items(server_events)
    settings = [event["session"] for event in server.received if event["type"] == "session.update"]
    return Record([message_in_words(event, names) for event in sent], stage.events, history, ended, settings)


@pytest.fixture
def ours() -> Kit:
    import vivavoce.agents as agents
    from vivavoce import RealtimePlaybackTracker, RealtimeRunner

    return _kit("vivavoce", agents, RealtimeRunner, RealtimePlaybackTracker, agents)


@pytest.fixture
def theirs() -> Kit:
    agents = pytest.importorskip("agents", reason="needs the package openai-agents")
    if not version("openai-agents").startswith(MEASURED):
        pytest.skip(f"what openai-agents does wrong was measured for {MEASURED}")
    import agents.realtime as realtime

    return _kit("openai-agents", realtime, realtime.RealtimeRunner, realtime.RealtimePlaybackTracker, agents)


def _kit(name: str, realtime: Any, runner: Any, tracker: Any, agents: Any) -> Kit:
    return Kit(
        name,
        realtime.RealtimeAgent,
        runner,
        tracker,
        agents.function_tool,
        realtime.realtime_handoff,
        agents.output_guardrail,
        agents.GuardrailFunctionOutput,
        realtime.RealtimeAgentHooks,
    )


@pytest.fixture
def compare(theirs: Kit, ours: Kit) -> Callable[..., list[str]]:
    """``compare(play=…, agent=…, steps=…, config=…)`` returns what differs, in order."""

    def differences(**scenario: Any) -> list[str]:
        both = (run(_perform(kit, Scenario(**scenario))).lines() for kit in (theirs, ours))
        return [line for one, other in zip(*both, strict=True) for line in _compare(one, other)]

    return differences


@pytest.fixture
def settings(theirs: Kit, ours: Kit) -> Callable[..., list[list[dict[str, Any]]]]:
    """``settings(agent=…, config=…, …)`` returns the sessions of each `session.update`, theirs first."""
    return lambda **scenario: [run(_perform(kit, Scenario(**scenario))).settings for kit in (theirs, ours)]


def _compare(theirs: list[str], ours: list[str]) -> list[str]:
    lines: list[str] = []
    for verb, i, j, k, m in difflib.SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
        if verb != "equal":
            lines += [f"- {line}" for line in theirs[i:j]] + [f"+ {line}" for line in ours[k:m]]
    return lines
