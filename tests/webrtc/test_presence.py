from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.webrtc.presence import Presence, Verdict


def test_a_peer_that_never_connects_is_absent() -> None:
    presence = Presence(15.0, 8.0, 100.0)
    assert presence.next_deadline() == 115.0
    presence.heard(110.0)
    assert presence.handle_deadline(114.9) is Verdict.WAIT
    assert presence.handle_deadline(115.0) is Verdict.ABSENT


def test_a_silent_peer_is_asked_and_then_gone() -> None:
    presence = Presence(15.0, 8.0, 0.0)
    presence.connected(1.0)
    verdicts: dict[float, Verdict] = {}
    while Verdict.VANISHED not in verdicts.values():
        now = presence.next_deadline()
        verdicts[now] = presence.handle_deadline(now)
    assert verdicts == {3.0: Verdict.PROBE, 5.0: Verdict.PROBE, 7.0: Verdict.PROBE, 9.0: Verdict.VANISHED}


def test_a_peer_that_answers_stays() -> None:
    presence = Presence(15.0, 8.0, 0.0)
    presence.connected(0.0)
    assert presence.handle_deadline(2.0) is Verdict.PROBE
    presence.heard(2.1)
    assert presence.handle_deadline(4.0) is Verdict.WAIT
    assert presence.next_deadline() == 4.1


@given(st.floats(1, 60), st.lists(st.floats(0, 20), max_size=50))
def test_gone_is_who_was_silent_for_so_long_and_nobody_else(vanish_s: float, gaps: list[float]) -> None:
    presence = Presence(15.0, vanish_s, 0.0)
    presence.connected(0.0)
    heard = 0.0
    for gap in gaps:
        while (now := presence.next_deadline()) < heard + gap:
            verdict = presence.handle_deadline(now)
            assert presence.next_deadline() > now or verdict is Verdict.VANISHED
            if verdict is Verdict.VANISHED:
                assert now >= heard + vanish_s
                return
        assert heard + gap <= now
        assert now <= heard + vanish_s
        heard += gap
        presence.heard(heard)
