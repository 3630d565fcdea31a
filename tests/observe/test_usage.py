from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.observe import usage as module_usage
from vivavoce.observe.prices import ModelPrice, PriceTable
from vivavoce.observe.usage import UsageLedger

TABLE = PriceTable({"voice-1": ModelPrice(text_input=1.0, audio_output=2.0)})


def test_responses_turns_and_the_whole_session_are_counted(
    show: Callable[..., Any], forms: SimpleNamespace
) -> None:
    ledger = UsageLedger(TABLE)
    stage = show(ledger)
    stage.opened(model="voice-1")
    stage.done("resp_0", usage=forms.usage(text=10, spoke=5))  # the agent speaks first
    stage.asked()
    stage.done("resp_1", usage=forms.usage(text=100, spoke=50, cached_text=20))
    stage.done("resp_2", usage=forms.usage(text=200, spoke=60, image=7))
    stage.speech_started()
    stage.done("resp_3", usage=forms.usage(text=300, audio=40))
    assert [(turn.index, [r.response_id for r in turn.responses]) for turn in ledger.turns] == [
        (0, ["resp_0"]),
        (1, ["resp_1", "resp_2"]),
        (2, ["resp_3"]),
    ]
    second = ledger.turns[1]
    assert (second.usage.input_tokens, second.usage.output_tokens) == (307, 110)
    assert second.usage.input_token_details.cached_tokens_details.text_tokens == 20
    assert second.cost is not None
    assert second.cost.amount == pytest.approx((300 + 2 * 110) / 1e6)
    assert second.responses[0].model == "voice-1"
    assert ledger.total.total_tokens == 772
    assert ledger.total.input_token_details.audio_tokens == 40
    assert ledger.cost is not None
    assert ledger.cost.amount == pytest.approx((610 + 2 * 115) / 1e6)


def test_a_response_without_usage_counts_nothing(show: Callable[..., Any]) -> None:
    ledger = UsageLedger(TABLE)
    show(ledger).done("resp_1")
    assert ledger.turns == []
    assert ledger.cost is None


def test_one_response_without_a_price_leaves_the_whole_without_one(
    show: Callable[..., Any], forms: SimpleNamespace
) -> None:
    ledger = UsageLedger(TABLE)
    stage = show(ledger)
    stage.opened(model="voice-1")
    stage.done("resp_1", usage=forms.usage(text=1))
    assert str(ledger.cost) == "0.0000 USD"
    stage.opened(model="unheard-of")
    stage.done("resp_2", usage=forms.usage(text=1))
    assert ledger.cost is None
    assert ledger.turns[0].cost is None
    assert ledger.turns[0].responses[0].cost is not None


def test_the_model_can_be_named(show: Callable[..., Any], forms: SimpleNamespace) -> None:
    ledger = UsageLedger(TABLE, model="voice-1")
    stage = show(ledger)
    stage.opened(model="my-deployment")
    stage.done("resp_1", usage=forms.usage(text=1_000_000))
    assert ledger.cost is not None
    assert ledger.cost.amount == 1.0


def test_other_sessions_and_messages_change_nothing(show: Callable[..., Any], forms: SimpleNamespace) -> None:
    ledger = UsageLedger()
    stage = show(ledger)
    stage.server("session.created", session={"type": "transcription"})
    item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "be brief"}]}
    stage.client("conversation.item.create", item=item)
    stage.client(
        "conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": ""}
    )
    stage.done("resp_1", usage=forms.usage(text=1))
    assert [turn.index for turn in ledger.turns] == [0]


def test_the_list_is_bounded_and_the_total_is_not(
    show: Callable[..., Any], forms: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module_usage, "RESPONSES", 3)
    ledger = UsageLedger()
    stage = show(ledger)
    for number in range(5):
        stage.asked()
        stage.done(f"resp_{number}", usage=forms.usage(text=1))
    assert len(ledger.turns) == 3
    assert ledger.total.input_tokens == 5
