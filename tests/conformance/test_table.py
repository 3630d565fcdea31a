"""The table of conformance: complete, true, and without a field that is accepted and ignored."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from msgspec import inspect
from tests.conformance.reasons import ELSEWHERE, NEVER_SAID
from tests.conformance.rows import fields_in
from tests.conformance.table import IGNORED, Row, as_json, as_markdown, whole_table

from vivavoce.protocol import CLIENT_EVENT_TYPES, SERVER_EVENT_TYPES

ROOT = Path(__file__).parents[2]


@cache
def table() -> dict[str, list[Row]]:
    return whole_table()


def rows(half: str, status: str) -> list[str]:
    return [f"{row['event']} {row['field']}" for row in table()[half] if row["status"] == status]


def test_nothing_is_accepted_and_ignored() -> None:
    assert rows("client", IGNORED) == []


def test_what_is_never_said_has_its_reason() -> None:
    assert [row for row in table()["server"] if row["status"] == "never sent" and not row["note"]] == []


def test_no_reason_is_given_for_what_is_said() -> None:
    said = rows("server", "sent")
    assert [(pattern, place) for pattern in NEVER_SAID for place in said if re.search(pattern, place)] == []


def test_every_reason_is_needed() -> None:
    unsaid = rows("server", "never sent")
    assert [pattern for pattern in NEVER_SAID if not any(re.search(pattern, place) for place in unsaid)] == []


@pytest.mark.parametrize(
    ("half", "events"),
    [("client", CLIENT_EVENT_TYPES), ("server", SERVER_EVENT_TYPES)],
    ids=["client", "server"],
)
def test_every_event_and_every_field_of_it_is_there(half: str, events: dict[str, type]) -> None:
    listed = {(row["event"], row["field"]) for row in table()[half]}
    for name, cls in events.items():
        info = inspect.type_info(cls)
        assert isinstance(info, inspect.StructType)
        for field in info.fields:
            inside = {place for event, place in listed if event == name}
            assert any(re.match(rf"{field.encode_name}\b", place) for place in inside), (name, field.name)


@pytest.mark.parametrize("proof", sorted(set(ELSEWHERE.values())))
def test_tests_that_are_named_exist(proof: str) -> None:
    file, _, name = proof.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["conformance.json", "conformance.md"])
def test_the_documents_are_those_of_this_run(name: str) -> None:
    write = as_json if name.endswith("json") else as_markdown
    told = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert told == write(table()), "the server does something else now: python -m tests.conformance"


def test_the_fields_of_an_event_are_named_as_in_the_table() -> None:
    part = {"type": "output_text", "text": "Hi"}
    item = {"type": "message", "id": "a", "role": "assistant", "content": [part]}
    assert fields_in({"type": "conversation.item.added", "event_id": "e", "item": item}) == {
        "event_id",
        "item",
        "item[message].id",
        "item[message].role",
        "item[message].content",
        "item[message].content[][output_text].text",
    }
