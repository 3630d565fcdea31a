"""What the conversation asks of the world, by the example of one turn."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING

import pytest

from vivavoce.conversation.effects import (
    BeginUtterance,
    EndUtterance,
    FeedUtterance,
    Listen,
    StartResponse,
)
from vivavoce.protocol import PcmFormat

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


def test_a_turn_asks_for_ears_then_a_transcript_then_an_answer(talk: Talk) -> None:
    talk.speak()
    talk.transcript("item_1")
    kinds = [type(effect) for effect in talk.effects]
    fed = kinds.count(FeedUtterance)
    assert kinds == [Listen, BeginUtterance, *[FeedUtterance] * fed, EndUtterance, StartResponse]
    assert fed > 2
    assert talk.of(Listen) == [Listen(True, PcmFormat(), 0)]


def test_an_utterance_gets_every_byte_of_its_item_once(talk: Talk) -> None:
    talk.hear(0.0, 640)
    talk.speak()
    fed = talk.of(BeginUtterance)[0].audio + b"".join(effect.audio for effect in talk.of(FeedUtterance))
    talk.send("conversation.item.retrieve", item_id="item_1")
    assert len(fed) == len(talk.server._items.audio.get("item_1") or b"")
    # 300 ms of padding, 320 ms of speech and the 512 ms of silence that ended the turn
    assert len(fed) == (300 + 320 + 512) * 48


def test_effects_do_not_change() -> None:
    effect = EndUtterance("item_1")
    with pytest.raises(FrozenInstanceError):
        effect.item_id = "item_2"  # type: ignore[misc]  # that is what is tested
