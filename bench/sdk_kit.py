"""The two SDKs, by the names that they share: whoever is measured runs the same program."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

OURS, THEIRS = "vivavoce", "openai-agents"


@dataclass(frozen=True, slots=True)
class Kit:
    """One SDK.

    Attributes:
        name: of its distribution.
        agent: its `RealtimeAgent`.
        runner: its `RealtimeRunner`.
        tool: its `function_tool`.
        tracker: its `RealtimePlaybackTracker`.
    """

    name: str
    agent: Any
    runner: Any
    tool: Callable[[Any], Any]
    tracker: Any

    async def open(
        self, url: str, *, tools: tuple[Any, ...] = (), tracker: object = None, **options: Any
    ) -> AbstractAsyncContextManager[Any]:
        """Return a session with a server, not yet connected.

        Args:
            url: the server.
            tools: of the agent.
            tracker: knows what was played; without one the clock does.
            options: of ``run``.
        """
        agent = self.agent(name="Reader", instructions="Be kind.", tools=list(tools))
        config: Any = {"url": url, "api_key": "none"}
        if tracker is not None:
            config["playback_tracker"] = tracker
        session: AbstractAsyncContextManager[Any] = await self.runner(agent).run(
            model_config=config, **options
        )
        return session

    def listen(self, session: Any, hear: Callable[[str], None]) -> None:
        """Call a function with the wire name of every event of the server."""
        if self.name == OURS:
            session.model.add_listener(lambda event: hear(str(event.type)))
        else:
            session.model.add_listener(_Listener(hear))


class _Listener:
    """What `openai-agents` takes for a listener."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear

    async def on_event(self, event: Any) -> None:
        if event.type == "raw_server_event":
            self._hear(event.data["type"])


def kit_of(name: str) -> Kit:
    """Import an SDK.

    Raises:
        ImportError: it is not installed.
    """
    # Traces would be sent to a server of OpenAI's.
    os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
    tools = importlib.import_module("vivavoce" if name == OURS else "agents")
    voice = importlib.import_module("vivavoce" if name == OURS else "agents.realtime")
    return Kit(
        name, voice.RealtimeAgent, voice.RealtimeRunner, tools.function_tool, voice.RealtimePlaybackTracker
    )
