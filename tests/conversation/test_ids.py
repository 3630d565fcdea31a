"""Ids that count."""

from vivavoce.conversation.ids import CountingIds


def test_every_prefix_counts_for_itself() -> None:
    ids = CountingIds()
    assert [ids.new("item"), ids.new("resp"), ids.new("item")] == ["item_1", "resp_1", "item_2"]


def test_two_sources_give_the_same_ids() -> None:
    assert [CountingIds().new("event") for _ in range(2)] == ["event_1", "event_1"]


def test_padding_is_the_same_every_time() -> None:
    assert [CountingIds().padding(length) for length in (0, 3)] == ["", "xxx"]
