"""How a conversation passes from one agent to another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper, ToolContext, function_tool, realtime_handoff
from vivavoce.agents.handoff import Handoff
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.session import RealtimeRunner
from vivavoce.session.cast import ALREADY, HANDOFF_S, REMEMBERED

if TYPE_CHECKING:
    from tests.session.conftest import HandModel, Stage

Perform = Callable[..., None]
BOB = RealtimeAgent[Any]("Bob", "Be short.")


def ada(*handoffs: Any, **fields: Any) -> RealtimeAgent[Any]:
    return RealtimeAgent[Any]("Ada", "Be kind.", handoffs=list(handoffs), **fields)


async def call(stage: Stage, *calls: tuple[str, str, str], response: str = "r1") -> None:
    """Have the model answer with calls of tools."""
    stage.model.accepts = False
    await stage.session.send_message("please")
    stage.model.begin(response)
    stage.model.call(response, *calls)
    await stage.settle()


TO_BOB = ("c", "transfer_to_bob", "{}")


def test_a_handoff_changes_who_speaks_and_goes_on(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await call(stage, TO_BOB)
        (event,) = stage.of("handoff")
        assert (event.from_agent.name, event.to_agent) == ("Ada", BOB)
        assert stage.session.current_agent is BOB
        update, output, request = stage.model.sent[-3:]
        assert update["session"]["instructions"] == "Be short."
        assert update["session"]["tools"] == []
        assert json.loads(output["item"]["output"]) == {"assistant": "Bob"}
        assert request["type"] == "response.create"
        assert stage.of("error") == []

    perform(play, ada(BOB))


def test_settings_of_the_run_survive_a_handoff(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await call(stage, TO_BOB)
        first, second = (sent["session"] for sent in stage.model.sent if sent["type"] == "session.update")
        assert first["audio"] == second["audio"]
        assert second["audio"]["output"] == {"speed": 1.2}

    perform(play, ada(BOB), config={"model_settings": {"speed": 1.2}})


def test_a_conversation_may_go_back_and_forth(perform: Perform) -> None:
    bob = RealtimeAgent[Any]("Bob")
    agent = ada(bob)
    bob.handoffs = [agent]

    async def play(stage: Stage) -> None:
        for number, name in enumerate(["bob", "ada", "bob", "ada"]):
            response = f"x{number}"
            await call(stage, (f"c{number}", f"transfer_to_{name}", "{}"), response=response)
            stage.model.begin(f"y{number}")
            stage.model.done(f"y{number}")
        assert [event.to_agent.name for event in stage.of("handoff")] == ["Bob", "Ada", "Bob", "Ada"]
        assert stage.session.current_agent is agent
        assert stage.of("error") == []

    perform(play, agent)


async def slow(*_: Any) -> Any:
    await asyncio.sleep(10 * HANDOFF_S)


async def broken(*_: Any) -> Any:
    raise ValueError("not today")


async def nowhere(*_: Any) -> Any:
    return "Bob"


@pytest.mark.parametrize(
    ("invoke", "complaint"),
    [(slow, "took longer than 60 s"), (broken, "not today"), (nowhere, "must lead to a RealtimeAgent")],
)
def test_a_handoff_that_fails_is_the_models_problem(perform: Perform, invoke: Any, complaint: str) -> None:
    handoff = Handoff[Any]("transfer_to_bob", "", {}, invoke, "Bob", BOB)

    async def play(stage: Stage) -> None:
        await call(stage, TO_BOB)
        await stage.settle(HANDOFF_S)
        assert complaint in str(stage.of("error")[0].error)
        assert "could not be passed on" in stage.model.outputs()["c"]
        assert stage.model.kinds()[-1] == "response.create"
        assert stage.session.current_agent.name == "Ada"
        stage.model.begin("r2")
        stage.model.done("r2")
        handoff.on_invoke_handoff = accept
        await call(stage, ("d", "transfer_to_bob", "{}"), response="r3")
        assert stage.session.current_agent is BOB

    async def accept(*_: Any) -> Any:
        return BOB

    perform(play, ada(handoff))


@dataclass
class Reason:
    why: str


def test_bad_arguments_of_a_handoff_are_told_to_the_model(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await call(stage, ("c", "transfer_to_bob", '{"reason": '))
        assert len(stage.of("error")) == 1
        assert "could not be passed on" not in stage.model.outputs()["c"]
        assert stage.session.current_agent.name == "Ada"

    def note(_context: Any, _reason: Reason) -> None: ...

    perform(play, ada(realtime_handoff(BOB, on_handoff=note, input_type=Reason)))


def test_of_two_handoffs_the_first_counts(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await call(stage, TO_BOB, ("d", "transfer_to_cy", "{}"))
        assert stage.session.current_agent is BOB
        assert stage.model.outputs()["d"] == ALREADY
        assert stage.model.kinds().count("response.create") == 2

    perform(play, ada(BOB, RealtimeAgent[Any]("Cy")))


def test_of_two_handoffs_the_first_counts_even_when_it_is_done(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.accepts = False
        await stage.session.send_message("please")
        stage.model.begin("r1")
        for call_id, name in (("c", "bob"), ("d", "cy")):
            item = {
                "type": "function_call",
                "id": call_id,
                "call_id": call_id,
                "name": f"transfer_to_{name}",
                "arguments": "{}",
            }
            stage.model.say("response.output_item.done", response_id="r1", output_index=0, item=item)
            await stage.settle()
        assert stage.session.current_agent is BOB
        assert stage.model.outputs()["d"] == ALREADY

    perform(play, ada(BOB, RealtimeAgent[Any]("Cy")))


def test_an_agent_that_the_server_refuses_does_not_take_over(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refuses_updates = "too many tools"
        await call(stage, TO_BOB)
        assert stage.session.current_agent.name == "Ada"
        assert stage.of("handoff") == []
        assert ["too many tools" in str(event.error) for event in stage.of("error")] == [True]
        assert "could not be passed on" in stage.model.outputs()["c"]
        with pytest.raises(ConfigurationError, match="too many tools"):
            await stage.session.update_agent(BOB)
        assert stage.session.current_agent.name == "Ada"

    perform(play, ada(BOB))


@pytest.mark.parametrize("late", [False, True])
def test_a_call_is_for_the_agent_whose_response_it_is_in(perform: Perform, late: bool) -> None:
    seen: list[str] = []

    @function_tool
    def look(context: ToolContext[Any]) -> str:
        """Look."""
        seen.append(str(context.agent and context.agent.name))
        return "a hat"

    async def play(stage: Stage) -> None:
        stage.model.accepts = False
        if late:
            stage.model.begin("r1")
        await stage.session.update_agent(RealtimeAgent[Any]("Bob", tools=[look]))
        if not late:
            stage.model.begin("r1")
        stage.model.call("r1", ("c", "look", "{}"))
        await stage.settle()
        assert seen == ["Ada" if late else "Bob"]

    perform(play, ada(tools=[look]))


def test_a_response_right_behind_the_settings_is_the_new_agents(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.opens = False
        changing = asyncio.ensure_future(stage.session.update_agent(BOB))
        await stage.settle()
        stage.model.say("session.updated", session={"type": "realtime"})
        stage.model.begin("r1")
        await changing
        await stage.settle()
        assert [(event.agent.name, event.response_id) for event in stage.of("agent_start")] == [("Bob", "r1")]
        kinds = [kind for kind in stage.kinds() if kind in {"handoff", "agent_start"}]
        assert kinds == ["handoff", "agent_start"]

    perform(play, ada())


def test_changes_come_one_after_the_other(perform: Perform) -> None:
    async def deliberate(*_: Any) -> str:
        await asyncio.sleep(1)
        return "slowly"

    async def play(stage: Stage) -> None:
        first = RealtimeAgent[Any]("Bob", deliberate)
        await asyncio.gather(
            stage.session.update_agent(first), stage.session.update_agent(RealtimeAgent[Any]("Cy", "fast"))
        )
        await stage.settle()
        assert [event.to_agent.name for event in stage.of("handoff")] == ["Bob", "Cy"]
        assert stage.model.sent[-1]["session"]["instructions"] == "fast"
        assert stage.session.current_agent.name == "Cy"

    perform(play, ada())


class Stuck(RealtimeAgent[Any]):
    """An agent whose tools nobody ever learns."""

    async def get_all_tools(self, context: RunContextWrapper[Any]) -> list[Any]:
        return await slow(context)  # type: ignore[no-any-return]  # never returns


@pytest.mark.parametrize(
    ("agent", "error", "complaint"),
    [
        (RealtimeAgent[Any]("Bob", broken), ValueError, "not today"),
        (Stuck("Bob"), ConfigurationError, "agent 'Bob' could not be made ready: it took longer than 60 s"),
    ],
)
def test_an_agent_that_cannot_be_made_ready_does_not_take_over(
    perform: Perform, agent: Any, error: type[Exception], complaint: str
) -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(error, match=complaint):
            await stage.session.update_agent(agent)
        assert stage.session.current_agent.name == "Ada"
        assert stage.model.kinds() == ["session.update"]

    perform(play, ada())


# --- the voice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heard", [False, True])
def test_a_voice_that_was_heard_stays(
    perform: Perform, heard: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def play(stage: Stage) -> None:
        if heard:
            await stage.session.send_message("hello")
            stage.model.speak("r1", "a", "Hi", 100)
            stage.model.done("r1")
        await stage.session.update_agent(RealtimeAgent[Any]("Bob", voice="echo"))
        output = stage.model.sent[-1]["session"].get("audio", {}).get("output", {})
        assert output.get("voice") == (None if heard else "echo")
        assert ("The voice of the session is fixed" in caplog.text) is heard

    perform(play, ada(voice="alloy"))


def test_a_voice_that_was_heard_comes_back_with_the_next_connection(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.session.send_message("hello")
        stage.model.speak("r1", "a", "Hi", 100)
        stage.model.done("r1")
        stage.model.session = {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}
        await stage.session.update_agent(RealtimeAgent[Any]("Bob", voice="echo"))
        stage.model.lose(ConnectionLostError("cut"))
        await stage.settle(2)
        assert len(stage.model.lives) == 2
        assert stage.model.lives[-1][0]["session"]["audio"]["output"]["voice"] == "alloy"

    perform(play, ada(voice="alloy"))


# --- small things -------------------------------------------------------------------------------------------


def test_nobody_speaks_before_the_session_is_open(hand_model: HandModel) -> None:
    from vivavoce.testing import run

    async def main() -> None:
        session = await RealtimeRunner(ada(), model=hand_model).run()
        assert session.current_agent.name == "Ada"
        with pytest.raises(ConfigurationError, match="nobody speaks"):
            _ = session._works.cast.speaker

    run(main())


def test_of_old_responses_it_is_forgotten_who_gave_them(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        cast = stage.session._works.cast
        cast.response_began("old")
        before = cast.speaker
        await stage.session.update_agent(BOB)
        for number in range(REMEMBERED - 1):
            cast.response_began(f"{number}")
        assert cast.speaker_of("old") is before
        cast.response_began("one more")
        assert cast.speaker_of("old").agent is BOB

    perform(play, ada())


def test_only_an_agent_that_speaks_can_take_over(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        nobody: Any = "Bob"
        with pytest.raises(ConfigurationError, match="a session is led by a RealtimeAgent, got 'Bob'"):
            await stage.session.update_agent(nobody)
        assert stage.session.current_agent.name == "Ada"

    perform(play, ada())
