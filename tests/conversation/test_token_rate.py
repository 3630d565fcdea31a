"""The tokens of a minute."""

from __future__ import annotations

import pytest

from vivavoce.conversation.token_rate import TokenRate
from vivavoce.protocol import to_builtins


def test_what_is_spent_comes_back_with_time() -> None:
    rate = TokenRate(600)
    assert to_builtins(rate.report(0.0)) == {
        "name": "tokens",
        "limit": 600,
        "remaining": 600,
        "reset_seconds": 0.0,
    }
    rate.spend(100, 5.0)
    rate.spend(50, 10.0)
    assert (rate.report(10.0).remaining, rate.report(10.0).reset_seconds) == (500, 10.0)
    assert rate.report(14.0).remaining == 540
    assert rate.report(500.0).remaining == 600


def test_a_long_response_must_be_waited_for() -> None:
    rate = TokenRate(60)
    assert not rate.exhausted(0.0)
    assert rate.wait_s(0.0) == 0.0
    rate.spend(100, 0.0)
    assert rate.exhausted(0.0)
    assert rate.report(0.0).remaining == 0
    wait = rate.wait_s(0.0)
    assert wait == pytest.approx(41.0)
    assert rate.exhausted(39.9)
    assert not rate.exhausted(wait)
