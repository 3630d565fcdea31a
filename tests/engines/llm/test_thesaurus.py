from __future__ import annotations

from vivavoce.engines.llm.thesaurus import rings


def test_words_of_one_meaning_share_a_ring() -> None:
    assert rings("forecast") & rings("weather")
    assert rings("bookings") & rings("reservation")


def test_other_words_share_none() -> None:
    assert not rings("weather") & rings("joke")
    assert rings("zebra") == frozenset()
