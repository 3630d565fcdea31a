"""On the virtual clock: who answers at once, who later, who never."""

from __future__ import annotations

import asyncio
import logging

import pytest

from vivavoce.server import verdicts as module
from vivavoce.server.guardrails import Said, ServerGuardrail
from vivavoce.server.verdicts import CHECK_S, Verdicts
from vivavoce.testing import run


class Quick:
    name = "quick"

    def __init__(self, word: str) -> None:
        self.word = word

    def check(self, said: Said) -> bool:
        if self.word == "raise":
            raise RuntimeError("private words")
        return self.word in said.text


class Slow:
    name = "slow"

    def __init__(self, word: str, seconds: float = 1.0) -> None:
        self.word = word
        self.seconds = seconds
        self.asked: list[Said] = []

    async def check(self, said: Said) -> bool:
        self.asked.append(said)
        await asyncio.sleep(self.seconds)
        if self.word == "raise":
            raise RuntimeError("private words")
        return self.word in said.text


class Desk:
    """Asks, and notes who blocked."""

    def __init__(self, *guardrails: ServerGuardrail) -> None:
        self.verdicts = Verdicts(guardrails, "sess_1")
        self.blocked: list[str] = []

    def ask(self, text: str, *, final: bool = False, item: str = "i") -> bool:
        return self.verdicts.ask(text, "agent", final=final, key=(item, 0), block=self.blocked.append)


def test_a_plain_method_blocks_at_once() -> None:
    async def main() -> None:
        slow = Slow("bad")
        desk = Desk(Quick("other"), Quick("bad"), slow)
        assert not desk.ask("good. ")
        assert desk.ask("good. bad")
        assert desk.blocked == ["quick"]
        await asyncio.sleep(5)
        assert desk.blocked == ["quick"], "its question was withdrawn"
        await desk.verdicts.aclose()

    run(main())


def test_a_coroutine_blocks_later_and_hears_what_came_meanwhile_in_one_go() -> None:
    slow = Slow("bad")

    async def main() -> None:
        desk = Desk(slow)
        assert not desk.ask("One. ")
        await asyncio.sleep(0.5)
        for text in ("One. Two. ", "One. Two. Three. ", "One. Two. Three. bad"):
            assert not desk.ask(text)
        assert not desk.ask("One. Two. Three. bad.", final=True)
        assert desk.blocked == []
        await asyncio.sleep(3)
        assert desk.blocked == ["slow"]
        await desk.verdicts.aclose()
        await desk.verdicts.aclose()

    run(main())
    assert [(said.text, said.final) for said in slow.asked] == [
        ("One. ", False),
        ("One. Two. Three. bad.", True),
    ]


def test_final_words_are_judged_once_more_though_nothing_was_added() -> None:
    slow = Slow("bad")

    async def main() -> None:
        desk = Desk(slow)
        desk.ask("One. ")
        await asyncio.sleep(2)
        desk.ask("One. ", final=True)
        await asyncio.sleep(2)
        assert desk.blocked == []
        await desk.verdicts.aclose()

    run(main())
    assert [said.final for said in slow.asked] == [False, True]


def test_words_in_the_middle_of_a_sentence_wait() -> None:
    slow = Slow("bad")

    async def main() -> None:
        desk = Desk(slow)
        desk.ask("One and")
        await asyncio.sleep(2)
        assert slow.asked == []
        desk.ask("x" * module.EVERY_CHARACTERS)
        await asyncio.sleep(2)
        assert len(slow.asked) == 1
        await desk.verdicts.aclose()

    run(main())


def test_an_item_that_is_done_wants_no_verdict_any_more() -> None:
    async def main() -> None:
        desk = Desk(Slow("bad"))
        desk.ask("bad", final=True)
        desk.ask("bad", final=True, item="other")
        await asyncio.sleep(0.5)
        desk.verdicts.drop("i")
        desk.verdicts.drop("unknown")
        await asyncio.sleep(3)
        assert desk.blocked == ["slow"]
        await desk.verdicts.aclose()

    run(main())


@pytest.mark.parametrize("guardrail", [Quick("raise"), Slow("raise"), Slow("bad", CHECK_S + 1)])
def test_one_that_fails_blocks_nothing_and_the_others_are_asked(
    guardrail: ServerGuardrail, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        desk = Desk(guardrail, Slow("bad"))
        assert not desk.ask("bad", final=True)
        await asyncio.sleep(20)
        assert desk.blocked == ["slow"]
        await desk.verdicts.aclose()

    run(main())
    (record,) = caplog.records
    assert record.getMessage() == "a guardrail failed and blocked nothing"
    assert vars(record)["guardrail"] == guardrail.name


def test_too_many_questions_are_let_pass(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        desk = Desk(Slow("bad"))
        for number in range(module.MAX_WAITING + 1):
            assert not desk.ask("bad", final=True, item=str(number))
        await asyncio.sleep(3)
        assert len(desk.blocked) == module.MAX_WAITING
        assert not desk.ask("bad", final=True, item="again")
        await asyncio.sleep(3)
        assert len(desk.blocked) == module.MAX_WAITING + 1, "there is room again"
        await desk.verdicts.aclose()

    with caplog.at_level(logging.WARNING):
        run(main())
    assert [record.getMessage() for record in caplog.records] == ["too much waits for guardrails"]
