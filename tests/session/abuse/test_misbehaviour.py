"""Everything that a session calls raises, hangs or is cancelled, all at once; the conversation goes on."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import FunctionTool, RealtimeAgent, RealtimeAgentHooks, RealtimeRunHooks, function_tool
from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
from vivavoce.observe import SessionObserver
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]

KINDS = ["raises", "is cancelled", "cancels itself", "hangs"]


async def misbehave(kind: str) -> Any:
    if kind == "raises":
        raise ValueError("out of order")
    if kind == "is cancelled":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
    if kind == "cancels itself":
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
    await asyncio.Event().wait()


class _Bad:
    """Functions for all purposes; each misbehaves and counts that it was asked."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.asked: dict[str, int] = {}

    def function(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def bad(*_args: Any, **_kwargs: Any) -> Any:
            self.asked[name] = self.asked.get(name, 0) + 1
            return await misbehave(self.kind)

        bad.__name__ = name
        return bad

    def plain(self, name: str) -> Callable[..., Any]:
        """Return a plain function: it can only raise."""

        def bad(*_args: Any, **_kwargs: Any) -> Any:
            self.asked[name] = self.asked.get(name, 0) + 1
            raise ValueError("out of order")

        return bad

    def hooks(self, owner: str, kind: type[Any]) -> Any:
        methods = {name: self.function(f"{owner} {name}") for name in dir(kind) if name.startswith("on_")}
        return types.new_class("Hooks", (kind,), exec_body=lambda body: body.update(methods))()

    def agent(self) -> RealtimeAgent[Any]:
        @function_tool
        def sync_tool() -> str:
            """Fail."""
            raise ValueError("out of order")

        @function_tool(is_enabled=self.plain("is_enabled"))
        def absent() -> str:
            """Be not there."""
            return "here after all"

        tools = [
            FunctionTool("async_tool", "", on_invoke_tool=self.function("tool"), timeout=3.0),
            FunctionTool(
                "asking_tool",
                "",
                on_invoke_tool=self.function("tool"),
                needs_approval=self.plain("needs_approval"),
                approval_timeout=3.0,
            ),
            sync_tool,
            absent,
        ]
        agent = RealtimeAgent[Any](
            "Ada",
            tools=tools,
            hooks=self.hooks("agent", RealtimeAgentHooks),
            output_guardrails=[OutputGuardrail(self.function("output guardrail"))],
            input_guardrails=[InputGuardrail(self.function("input guardrail"))],
        )
        for event in ("agent_start", "agent_end", "agent_tool_start", "agent_tool_end"):
            agent.on(event, self.plain(f"agent {event}"))
        return agent

    def observers(self) -> list[SessionObserver]:
        """Return one for each method: an observer that has raised is dropped."""
        methods = ("on_client_event", "on_server_event", "on_session_event", "close")
        kinds: list[Any] = [
            type("Observer", (SessionObserver,), {name: self.plain(name)}) for name in methods
        ]
        return [kind() for kind in kinds]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_misbehaves_and_the_conversation_goes_on(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon, kind: str
) -> None:
    async def main() -> None:
        bad = _Bad(kind)
        runner = RealtimeRunner(
            bad.agent(),
            model=hand_model,
            config={
                "hooks": bad.hooks("run", RealtimeRunHooks),
                "observers": bad.observers(),
                "guardrails_settings": {"debounce_text_length": 5},
            },
        )
        session = await runner.run()
        errors: list[str] = []
        await session.enter()
        session.model.add_listener(bad.plain("model listener"))
        slow = bad.function("slow model listener")
        session.model.add_listener(slow)
        session.on("agent_start", bad.function("callback"))
        session.on("agent_start", bad.plain("plain callback"))
        session.on("error", lambda event: errors.append(str(event.error)))
        hand_model.begin("r1")
        hand_model.speak("r1", "m1", "A moment, please.", 40)
        names = ("async_tool", "asking_tool", "sync_tool", "absent", "never_heard_of")
        hand_model.call("r1", *((f"c_{name}", name, "not JSON") for name in names))
        await asyncio.sleep(400)
        assert sorted(hand_model.outputs()) == sorted(f"c_{name}" for name in names)
        calls = [
            sent["item"]["call_id"]
            for sent in hand_model.sent
            if sent["type"] == "conversation.item.create" and sent["item"]["type"] == "function_call_output"
        ]
        assert len(calls) == len(set(calls))
        assert hand_model.kinds().count("response.create") == 2  # the rest, and what waited for approval
        await session.send_message("Are you still there?")
        await asyncio.sleep(100)
        assert hand_model.kinds()[-1] == "response.create"
        assert len(errors) >= 8
        expected = {"tool", "needs_approval", "is_enabled", "output guardrail", "input guardrail", "callback"}
        expected |= {"plain callback", "model listener", "slow model listener"}
        expected |= {"on_client_event", "on_server_event", "on_session_event", "close"}
        expected |= {"agent on_start", "run on_agent_start", "agent on_tool_end", "run on_tool_end"}
        expected |= {"agent agent_start", "agent agent_tool_end"}
        await closed_soon(session)
        session.model.remove_listener(slow)
        assert expected <= set(bad.asked), expected - set(bad.asked)

    run(leaving_no_task(main))
