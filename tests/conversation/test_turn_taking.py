"""Whose turn it is: judged pauses, barge-in in doubt, and who is answered when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vivavoce.conversation.effects import CancelResponse, JudgePause
from vivavoce.protocol import InputAudioBufferSpeechStarted, InputAudioBufferSpeechStopped

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
CHUNK_MS = 32


def semantic(talk: Talk, eagerness: str = "medium") -> Talk:
    talk.listen_with(turn_detection={"type": "semantic_vad", "eagerness": eagerness})
    return talk


def pause(talk: Talk, ms: int = 192) -> JudgePause:
    """Somebody speaks and pauses; return what is asked."""
    talk.hear(1.0, 320)
    assert talk.hear(0.0, ms) == []
    return talk.of(JudgePause)[-1]


def judge(talk: Talk, asked: JudgePause, completeness: float) -> list[str]:
    talk.server.receive_turn_end(asked.item_id, asked.since_ms, completeness)
    return talk.take()


def test_a_pause_is_judged_and_a_finished_turn_ends_soon(talk: Talk) -> None:
    asked = pause(semantic(talk))
    assert asked == JudgePause("item_1", 320)
    assert judge(talk, asked, 1.0) == []
    assert talk.hear(0.0, 416 - 192 - CHUNK_MS) == []
    assert talk.hear(0.0, CHUNK_MS) == [STOPPED, *talk.COMMIT, "response.created"]
    assert talk.last(InputAudioBufferSpeechStopped).audio_end_ms == 320 + 416


@pytest.mark.parametrize(("eagerness", "longest_ms"), [("high", 2000), ("medium", 4000), ("low", 8000)])
def test_an_unfinished_turn_waits_as_long_as_its_eagerness_says(
    talk: Talk, eagerness: str, longest_ms: int
) -> None:
    judge(talk, pause(semantic(talk, eagerness)), 0.0)
    assert talk.hear(0.0, longest_ms - 192 - CHUNK_MS) == []
    assert talk.hear(0.0, 2 * CHUNK_MS)[0] == STOPPED


def test_new_words_have_the_pause_judged_anew(talk: Talk) -> None:
    asked = pause(semantic(talk))
    judge(talk, asked, 0.0)
    talk.server.receive_partial_transcript("item_1", "That is all")
    talk.take()
    assert talk.of(JudgePause) == [asked, asked]
    judge(talk, asked, 1.0)
    assert talk.hear(0.0, 416 - 192)[0] == STOPPED


def test_words_of_somebody_who_speaks_on_ask_nobody(talk: Talk) -> None:
    asked = pause(semantic(talk))
    talk.hear(1.0, 64)
    talk.server.receive_partial_transcript("item_1", "And then")
    talk.server.receive_partial_transcript("item_9", "Who is this?")
    talk.take()
    assert talk.of(JudgePause) == [asked]


def test_late_answers_change_nothing(talk: Talk) -> None:
    asked = pause(semantic(talk))
    talk.hear(1.0, 64)
    judge(talk, asked, 1.0)  # of an earlier pause
    assert talk.hear(0.0, 608) == []
    judge(talk, JudgePause("item_9", 576), 1.0)  # of another utterance
    assert talk.hear(0.0, 160) == []
    assert talk.hear(0.0, 32)[0] == STOPPED  # the length of the pause decided
    assert judge(talk, asked, 1.0) == []


def test_an_answer_after_another_kind_of_turn_detection_changes_nothing(talk: Talk) -> None:
    asked = pause(semantic(talk))
    talk.listen_with(turn_detection={"type": "server_vad", "silence_duration_ms": 1000})
    judge(talk, asked, 1.0)
    assert talk.hear(0.0, 1000 - 192 - CHUNK_MS) == []
    assert talk.hear(0.0, 2 * CHUNK_MS)[0] == STOPPED


def test_push_to_talk_and_an_ended_session_take_no_answers(button_talk: Talk) -> None:
    button_talk.append(200)
    button_talk.server.receive_partial_transcript("item_1", "Hi")
    assert judge(button_talk, JudgePause("item_1", 0), 1.0) == []
    button_talk.tick(4000)
    assert button_talk.server.ended
    assert judge(button_talk, JudgePause("item_1", 0), 1.0) == []


def test_server_vad_asks_nobody(talk: Talk) -> None:
    talk.speak()
    assert talk.of(JudgePause) == []


# --- barge-in in doubt -------------------------------------------------------------------------------------


def answering(talk: Talk) -> Talk:
    talk.ask()
    talk.clause("A long answer.", 5000)
    return talk


def sound(talk: Talk, clarity: float, ms: int) -> list[str]:
    """Something that the detector takes for speech, with the clarity that the driver measures if asked to."""
    said: list[str] = []
    for _ in range(ms // CHUNK_MS):
        start = talk.heard_ms
        talk.append(CHUNK_MS)
        said += [kind for kind in talk.tick(CHUNK_MS / 1000) if not kind.endswith("delta")]
        asked = talk.server.doubts_speech(talk.now)
        talk.server.receive_voice(1.0, start, talk.heard_ms, talk.now, clarity if asked else None)
        said += talk.take()
    return said


def test_a_cough_does_not_cut_the_agent_off(talk: Talk) -> None:
    answering(talk)
    assert sound(talk, 0.1, 384) == []
    assert [kind for kind in talk.hear(0.0, 960) if not kind.endswith("delta")] == []
    assert talk.of(CancelResponse) == []


def test_clear_speech_cuts_the_agent_off_at_once(talk: Talk) -> None:
    answering(talk)
    said = sound(talk, 0.9, 64)
    assert said == [STARTED, *talk.SPOKEN, "response.done"]
    assert talk.last(InputAudioBufferSpeechStarted).audio_start_ms == 0


def test_unclear_speech_cuts_the_agent_off_in_the_end(talk: Talk) -> None:
    answering(talk)
    assert sound(talk, 0.1, 608) == []
    assert sound(talk, 0.1, 32)[0] == STARTED


def test_nothing_is_doubted_while_nobody_answers(talk: Talk) -> None:
    assert not talk.server.doubts_speech(talk.now)
    assert sound(talk, 0.1, 64) == [STARTED]


def test_a_cough_does_not_cut_off_what_is_still_heard_of_an_ended_answer(talk: Talk) -> None:
    talk.ask()
    talk.clause("Short.", 600)
    talk.finish()
    while "response.done" not in talk.tick(0.1):
        pass
    assert talk.server.doubts_speech(talk.now)
    assert sound(talk, 0.1, 128) == []
    talk.tick(0.6)
    assert not talk.server.doubts_speech(talk.now)


def test_a_hum_that_outlasts_the_answer_is_an_answer_itself(talk: Talk) -> None:
    answering(talk)
    sound(talk, 0.1, 64)
    talk.send("response.cancel")
    assert sound(talk, 0.1, 32) == [STARTED]


@pytest.mark.parametrize(
    "detection", [None, {"type": "server_vad", "interrupt_response": False}], ids=["off", "no interruption"]
)
def test_nothing_is_doubted_where_speech_does_not_interrupt(
    talk: Talk, detection: dict[str, object] | None
) -> None:
    talk.listen_with(turn_detection=detection)
    answering(talk)
    assert not talk.server.doubts_speech(talk.now)


def test_who_speaks_already_is_not_doubted(talk: Talk) -> None:
    talk.listen_with(turn_detection={"type": "server_vad", "create_response": False})
    talk.hear(1.0, 320)
    answering(talk)
    assert not talk.server.doubts_speech(talk.now)


@pytest.mark.parametrize(("ms", "interrupts"), [(384, False), (416, True)])
def test_an_operator_may_ask_for_more_speech_before_an_answer_is_cut_off(
    talk_with: type[Talk], ms: int, interrupts: bool
) -> None:
    talk = answering(talk_with(interrupt_after_ms=400))
    assert (STARTED in sound(talk, 0.9, ms)) == interrupts
    talk.hear(0.0, 960)
    assert bool(talk.of(CancelResponse)) == interrupts


def test_who_interrupts_nobody_is_heard_at_once(talk_with: type[Talk]) -> None:
    talk = talk_with(interrupt_after_ms=400)
    assert sound(talk, 0.9, 64) == [STARTED]


def test_a_whisper_must_last_as_long_as_any_speech(talk_with: type[Talk]) -> None:
    talk = answering(talk_with(interrupt_after_ms=1024))
    assert sound(talk, 0.1, 992) == []
    assert sound(talk, 0.1, 32)[0] == STARTED


def test_push_to_talk_has_no_onset(talk_with: type[Talk]) -> None:
    talk = talk_with(interrupt_after_ms=400)
    talk.listen_with(turn_detection=None)
    talk.append(100)
    talk.server.receive_voice(1.0, 0, 32, talk.now)
    assert talk.take() == []
