from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.audio.wav import write_wav
from vivavoce.errors import AudioFormatError, CallerTimeoutError
from vivavoce.testing import After, AgentFinished, AgentSaid, AgentSpeaking, Clip, Ear, HangUp, Say
from vivavoce.testing.caller_script import CallerScript, Cue

HELLO = Clip("hello", bytes(3200), 16_000, "Hello there.")


@pytest.mark.parametrize(
    ("cue", "waited_s", "ear", "met"),
    [
        (After(0.5), 0.4, Ear(), False),
        (After(0.5), 0.5, Ear(), True),
        (AgentFinished(0.6), 9.0, Ear(heard_s=0.0, silent_s=9.0), False),
        (AgentFinished(0.6), 9.0, Ear(heard_s=1.0, silent_s=0.5), False),
        (AgentFinished(0.6), 9.0, Ear(heard_s=1.0, silent_s=0.6), True),
        (AgentSpeaking(1.0), 9.0, Ear(heard_s=0.9, silent_s=0.0), False),
        (AgentSpeaking(1.0), 9.0, Ear(heard_s=1.0, silent_s=0.0), True),
        (AgentSpeaking(1.0), 9.0, Ear(heard_s=2.0, silent_s=0.1), False),
        (AgentSaid("Terms, conditions"), 9.0, Ear(words=" The terms and"), False),
        (AgentSaid("Terms, conditions"), 9.0, Ear(words=" The terms conditions."), True),
        (AgentSaid("term"), 9.0, Ear(words=" terms"), False),
    ],
)
def test_when_a_cue_is_met(cue: Cue, waited_s: float, ear: Ear, met: bool) -> None:
    assert cue.met(waited_s, ear) is met


def test_steps_come_in_order_each_after_its_own_cue() -> None:
    say, bye = Say(HELLO, After(1.0)), HangUp(AgentFinished(0.5))
    script = CallerScript([say, bye])
    script.wait_from(10.0)
    assert script.due(10.9) is None
    assert script.due(11.0) is say
    script.wait_from(12.0)
    script.hear(spoken_s=0.3, passed_s=0.3)
    assert script.due(12.3) is None
    script.hear(spoken_s=0.0, passed_s=0.5)
    assert script.due(12.8) is bye


def test_what_was_heard_before_the_caller_spoke_does_not_count() -> None:
    script = CallerScript([HangUp(AgentFinished(0.5))])
    script.hear(spoken_s=1.0, passed_s=1.0)
    script.wait_from(1.0)
    script.hear(spoken_s=0.0, passed_s=2.0)
    assert script.due(3.0) is None


def test_words_are_gathered_until_the_caller_speaks() -> None:
    script = CallerScript([HangUp(AgentSaid("good day"), timeout_s=5)])
    script.hear(spoken_s=0.3, passed_s=0.3, words=" Good")
    script.hear(spoken_s=0.3, passed_s=0.3, words=" morning.")
    with pytest.raises(
        CallerTimeoutError, match=r"for the agent to say 'good day' .* The words: 'Good morning\.'\."
    ):
        script.due(6.0)
    script.wait_from(6.0)
    script.hear(spoken_s=0.3, passed_s=0.3, words=" Good")
    assert script.due(6.5) is None
    script.hear(spoken_s=0.3, passed_s=0.3, words=" day.")
    assert isinstance(script.due(7.0), HangUp)


def test_a_script_without_steps_hangs_up() -> None:
    assert isinstance(CallerScript([]).due(0.0), HangUp)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            Say(HELLO, AgentFinished(), timeout_s=5),
            r"for the agent to answer and finish before they could say 'Hello there.' \(step 1\); 1\.5 s",
        ),
        (HangUp(AgentSpeaking(2), timeout_s=5), "for the agent to speak for 2 s before they could hang up"),
        (Say(Clip("ring", b"", 8000), After(6), timeout_s=5), "for 6 s to pass before they could say 'ring'"),
        (Say("Hm?", After(6), timeout_s=5), r"for 6 s to pass before they could say 'Hm\?'"),
    ],
)
def test_a_cue_that_never_comes_is_an_error_that_says_for_what(step: Say | HangUp, message: str) -> None:
    script = CallerScript([step])
    script.wait_from(0.0)
    script.hear(spoken_s=1.5, passed_s=1.5)
    assert script.due(5.0) is None
    with pytest.raises(CallerTimeoutError, match=message):
        script.due(5.1)


def test_a_clip_is_read_from_a_file_and_brought_to_another_rate(tmp_path: Path) -> None:
    path = tmp_path / "greeting.wav"
    write_wav(path, bytes(2 * 2 * 8000), 8000, channels=2)
    clip = Clip.load(path, "Hello.")
    assert (clip.name, clip.text, clip.seconds) == ("greeting", "Hello.", 1.0)
    assert clip.at(24_000).seconds == pytest.approx(1.0, abs=0.001)
    assert clip.at(24_000).sample_rate == 24_000


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("not audio")
    with pytest.raises(AudioFormatError, match=r"notes\.wav"):
        Clip.load(path)
