from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import RealtimeAgent
from vivavoce.errors import ConfigurationError, SessionClosedError
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

ADA = RealtimeAgent[Any]("Ada")


def test_a_session_is_awaited_and_then_entered(hand_model: HandModel) -> None:
    async def main() -> None:
        session = await RealtimeRunner(ADA, model=hand_model).run()
        assert isinstance(session, RealtimeSession)
        assert not hand_model.connected
        async with session:
            assert hand_model.connected

    run(main())


def test_a_session_is_entered_in_one_step(hand_model: HandModel) -> None:
    async def main() -> None:
        async with RealtimeRunner(ADA, model=hand_model).run(context="Kim") as session:
            assert session.context == "Kim"
            await session.clear()
            assert hand_model.kinds() == ["session.update", "input_audio_buffer.clear"]
        assert not hand_model.connected
        with pytest.raises(SessionClosedError, match="it has ended"):
            await session.send_message("hello")

    run(main())


def test_what_is_raised_inside_closes_the_session_and_passes(hand_model: HandModel) -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            async with RealtimeRunner(ADA, model=hand_model).run():
                raise KeyError
        assert not hand_model.connected

    run(main())


def test_what_is_wrong_is_raised_where_it_is_awaited(hand_model: HandModel) -> None:
    async def main() -> None:
        config: Any = {"modle": 1}
        opening = RealtimeRunner(ADA, model=hand_model).run(model_config=config)
        with pytest.raises(ConfigurationError, match="modle"):
            async with opening:
                pass

    run(main())


def test_it_goes_where_a_coroutine_goes(hand_model: HandModel) -> None:
    async def main() -> None:
        runner = RealtimeRunner(ADA, model=hand_model)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(runner.run())
        assert isinstance(task.result(), RealtimeSession)
        (session,) = await asyncio.gather(runner.run())
        assert isinstance(session, RealtimeSession)

    run(main())


def test_a_session_that_nobody_wants_any_more_is_not_prepared(hand_model: HandModel) -> None:
    opening = RealtimeRunner(ADA, model=hand_model).run()
    with pytest.raises(KeyError):
        opening.throw(KeyError())
    opening.close()
    opening.close()
