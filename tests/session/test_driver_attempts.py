"""Which attempts a session makes for another connection, and what it makes of trouble of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.session.conftest import lose

from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.client_requests import ANSWER_S
from vivavoce.errors import ConnectionLostError
from vivavoce.session.driver import TICK_S

if TYPE_CHECKING:
    from tests.session.conftest import Stage

Perform = Callable[..., None]


def test_an_answer_gives_the_next_connection_all_its_tries(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        for number in range(12):
            await lose(stage)
            await stage.session.send_message("hello")
            stage.model.done(f"r{number + 1}")
        assert [event.attempt for event in stage.of("reconnected")] == [1] * 12

    perform(play)


def test_each_attempt_tells_what_the_last_one_failed_with(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        stage.model.refusals = [ConnectionLostError("no route"), OSError("no socket")]
        await lose(stage, 10)
        assert [str(event.error) for event in stage.of("reconnecting")] == ["cut", "no route", "no socket"]

    perform(play)


# --- trouble of its own -------------------------------------------------------------------------------------


def test_a_deadline_that_cannot_be_handled_is_told_and_looked_at_again(
    perform: Perform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(stage: Stage) -> None:
        handle = ClientConversation.handle_deadline

        def fail(_self: ClientConversation, _now: float) -> None:
            raise ZeroDivisionError("odd")

        monkeypatch.setattr(ClientConversation, "handle_deadline", fail)
        stage.model.accepts = False
        await stage.session.send_message("hello")
        await stage.settle(ANSWER_S + 2 * TICK_S + 0.5)
        assert [str(event.error) for event in stage.of("error")] == ["odd"] * 3
        monkeypatch.setattr(ClientConversation, "handle_deadline", handle)
        await stage.settle(TICK_S)
        assert "did not answer within" in str(stage.of("error")[-1].error)
        stage.model.accepts = True
        await stage.session.send_message("hello again")
        assert stage.model.kinds()[-1] == "response.create"

    perform(play)
