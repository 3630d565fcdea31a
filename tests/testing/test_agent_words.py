from __future__ import annotations

from vivavoce.testing.agent_words import AgentWords


def test_words_that_come_with_their_audio_are_heard_with_it() -> None:
    agent = AgentWords()
    for word in ("one", " extraordinarily", " three"):
        agent.words("i", 0, word)
        agent.audio("i", 0, 200)
    agent.finish("i", 0)
    heard = [agent.played("i", 0, 100) for _ in range(6)]
    assert heard == ["", "", " one", "", " extraordinarily", " three"]


def test_words_that_run_ahead_share_the_audio_by_their_length() -> None:
    agent = AgentWords()
    for word in ("ab", " ab", " abcd"):
        agent.words("i", 0, word)
    agent.audio("i", 0, 1000)
    agent.finish("i", 0)
    assert agent.played("i", 0, 350) == ""
    assert agent.played("i", 0, 50) == " ab"
    assert agent.played("i", 0, 300) == " ab"
    assert agent.played("i", 0, 300) == " abcd"


def test_while_more_is_to_come_words_take_their_usual_time() -> None:
    agent = AgentWords()
    agent.words("i", 0, "abcd abcd")
    agent.audio("i", 0, 100)
    assert agent.played("i", 0, 300) == ""
    assert agent.played("i", 0, 100) == " abcd"


def test_a_word_told_once_is_not_told_again_and_audio_without_words_is_no_word() -> None:
    agent = AgentWords()
    agent.audio("i", 0, 500)
    assert agent.played("i", 0, 500) == ""
    agent.words("j", 0, "yes")
    agent.audio("j", 0, 100)
    agent.finish("j", 0)
    assert agent.played("j", 0, 100) == " yes"
    assert agent.played("j", 0, 100) == ""
