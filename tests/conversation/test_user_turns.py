from __future__ import annotations

import pytest

from vivavoce.conversation.user_turns import UserTurns, Verdict


def test_one_turn_decides_for_itself() -> None:
    turns = UserTurns()
    turns.began("a")
    assert "a" in turns
    assert turns.judged("a", "passed") == "passed"
    assert "a" not in turns
    assert turns.judged("a", "tripped") is None


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("verdicts", [("passed", "tripped"), ("tripped", "passed")])
def test_the_newest_of_several_decides_when_all_are_judged(
    order: str, verdicts: tuple[Verdict, Verdict]
) -> None:
    turns = UserTurns()
    turns.began("a")
    turns.began("b")
    turns.began("a")
    assert len(turns) == 2
    said = dict(zip("ab", verdicts, strict=True))
    assert turns.judged(order[0], said[order[0]]) is None
    assert turns.judged(order[1], said[order[1]]) == said["b"]
    assert len(turns) == 0


def test_a_turn_that_came_to_nothing_leaves_the_others_to_decide() -> None:
    turns = UserTurns()
    turns.began("a")
    turns.began("noise")
    assert turns.judged("a", "tripped") is None
    assert turns.removed("noise") == "tripped"
    turns.began("noise")
    assert turns.removed("noise") is None
