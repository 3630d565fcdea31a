"""Closing: from anywhere, at any time, whatever the others do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent, RealtimeRunHooks, function_tool
from vivavoce.agents.guardrails import GuardrailFunctionOutput, OutputGuardrail
from vivavoce.errors import SessionClosedError, VivavoceError
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]


class _Closer:
    """Everything that a session calls; one of them closes it."""

    def __init__(self, who: str) -> None:
        self.who = who
        self.closed: list[str] = []
        self.session: RealtimeSession | None = None
        self._loop = asyncio.get_running_loop()

    async def _act(self, who: str) -> None:
        if who == self.who:
            assert self.session is not None
            self.closed.append(who)
            await self.session.close()

    def agent(self) -> RealtimeAgent[Any]:
        async def tool() -> str:
            await self._act("tool")
            return "done"

        def sync_tool() -> str:
            asyncio.run_coroutine_threadsafe(self._act("sync tool"), self._loop)
            return "done"

        async def check(context: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
            await self._act("guardrail")
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        async def listener(*_: Any) -> None:
            await self._act("agent listener")

        agent = RealtimeAgent[Any](
            "Ada",
            tools=[function_tool(tool), function_tool(sync_tool)],
            output_guardrails=[OutputGuardrail(check)],
        )
        agent.on("agent_tool_end", listener)
        return agent

    def hooks(self) -> RealtimeRunHooks[Any]:
        class Hooks(RealtimeRunHooks[Any]):
            async def on_tool_end(_, context: Any, agent: Any, tool: Any, result: Any) -> None:  # noqa: N805
                await self._act("hook")

        return Hooks()

    async def callback(self, _event: Any) -> None:
        await self._act("callback")


@pytest.mark.parametrize("who", ["tool", "sync tool", "hook", "guardrail", "callback", "agent listener"])
def test_whoever_is_called_may_close_the_session(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, who: str
) -> None:
    async def main() -> None:
        closer = _Closer(who)
        runner = RealtimeRunner(closer.agent(), model=hand_model, config={"hooks": closer.hooks()})
        session = closer.session = await runner.run()
        await session.enter()
        session.on("tool_end", closer.callback)
        hand_model.begin("r1")
        hand_model.speak("r1", "m1", "Good bye then.", 40)
        hand_model.call("r1", ("c1", "sync_tool" if who == "sync tool" else "tool", "{}"))
        async with asyncio.timeout(1):
            _ = [event async for event in session]
        await session.close()
        assert closer.closed == [who]
        assert not hand_model.connected
        with pytest.raises(SessionClosedError):
            await session.send_message("anybody?")

    run(leaving_no_task(main))


def test_a_session_may_be_closed_while_it_opens(
    hand_model: HandModel, leaving_no_task: LeavingNoTask
) -> None:
    hand_model.opens = False

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        entering = asyncio.ensure_future(session.enter())
        await asyncio.sleep(0.1)
        await session.close()
        with pytest.raises(VivavoceError):
            await entering
        assert not hand_model.connected

    run(leaving_no_task(main))


def test_all_who_close_wait_for_the_end(hand_model: HandModel, leaving_no_task: LeavingNoTask) -> None:
    hand_model.close_takes = 0.3

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        await session.enter()
        began = asyncio.get_running_loop().time()
        impatient = asyncio.ensure_future(session.close())
        await asyncio.sleep(0.1)
        impatient.cancel()
        await session.close()
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.3)
        assert not hand_model.connected

    run(leaving_no_task(main))


def test_a_connection_that_cannot_be_closed_is_an_error_and_nothing_is_left(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse() -> None:
        raise OSError("out of order")

    async def wait_for_ever(_event: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(hand_model, "close", refuse)

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        async with session:
            session.on("connection_status", wait_for_ever)
            session.on("history_added", wait_for_ever)
        assert [str(event.error) for event in [e async for e in session] if event.type == "error"] == [
            "out of order"
        ]

    run(leaving_no_task(main))


def test_a_session_that_never_opened_leaves_its_runner_free(hand_model: HandModel) -> None:
    async def main() -> None:
        runner = RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model)
        never = await runner.run()
        await never.close()
        await never.close()
        async with await runner.run():
            with pytest.raises(VivavoceError, match="a session uses it"):
                await runner.run()

    run(main())


def test_a_callback_whose_work_is_cancelled_is_called_again(
    hand_model: HandModel, leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon
) -> None:
    calls: list[str] = []

    async def callback(event: Any) -> None:
        calls.append(event.response_id)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    async def main() -> None:
        session = await RealtimeRunner(RealtimeAgent[Any]("Ada"), model=hand_model).run()
        async with session:
            session.on("error", lambda event: calls.append(str(event.error)))
            session.on("agent_start", callback)
            for name in ("r1", "r2"):
                hand_model.begin(name)
                hand_model.done(name)
            await asyncio.sleep(0.1)
            await closed_soon(session)
        assert [call for call in calls if call.startswith("r")] == ["r1", "r2"]
        assert sum("cancelled from within" in call for call in calls) == 2

    run(leaving_no_task(main))
