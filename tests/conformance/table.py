"""The table: what this server does with each field that a client may send, and which fields it says.

Nothing in it is written by hand but the reasons for what cannot be seen in a session; every other cell is
what a run of the session showed.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from msgspec import inspect
from tests.conformance.probes import EXAMPLES, events, programs, values_of
from tests.conformance.reasons import ALIASES, AS_DEFINED, ELSEWHERE, NEVER_SAID, SERVERS_ONLY
from tests.conformance.rows import Field, client_fields, fields_in, foreign, options_of, server_fields
from tests.conformance.shown import SHOWN
from tests.conformance.world import Diary, Program, play

from vivavoce.protocol import CLIENT_EVENT_TYPES

IGNORED = "accepted and ignored"
NO_CHANGE = "no difference here"
BROKEN = "the probe fails without the field"
Row = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """What one value did.

    Attributes:
        value: that was sent.
        status: ``honoured``, ``refused``, ``as it was`` or `IGNORED`.
        seen: who noticed, or the code of the error.
    """

    value: Any
    status: str
    seen: tuple[str, ...]


@cache
def _played(program_json: str) -> Diary:
    return play(_PROGRAMS[program_json])


_PROGRAMS: dict[str, Program] = {}


def played(program: Program) -> Diary:
    """Play a program once, however often it is asked for."""
    key = repr(program)
    _PROGRAMS[key] = program
    return _played(key)


def try_value(field: Field, value: Any) -> Finding:
    """Send a value and look what it changes."""
    without, with_it = (played(program) for program in programs(field, value))
    if without.errors() and field.event == "conversation.item.create" and field.struct in SERVERS_ONLY:
        return Finding(value, "refused", (str(without.errors()[0]["code"]),))
    if without.errors():
        return Finding(value, BROKEN, (str(without.errors()[0]["message"]),))
    finding = compare(value, without, with_it)
    if finding.status == IGNORED and (
        EXAMPLES.get(field.struct, {}).get(field.name) == value
        or _session(with_it) == _session(without)
        or (f"{field.struct}.{field.name}", repr(value)) in ALIASES
    ):
        return Finding(value, "as it was", ())
    return finding


def compare(value: Any, without: Diary, with_it: Diary) -> Finding:
    """Say what a value did from what happened without and with it."""
    if len(with_it.errors()) > len(without.errors()):
        (first, *_) = [error for error in with_it.errors() if error not in without.errors()]
        return Finding(value, "refused", (str(first["code"]),))
    changed = {who for who, _ in [*_unlike(with_it, without), *_unlike(without, with_it)]}
    return Finding(value, "honoured" if changed else IGNORED, tuple(sorted(changed)))


def _unlike(one: Diary, other: Diary) -> list[tuple[str, str]]:
    return list((Counter(one.notes) - Counter(other.notes)).elements())


def _session(diary: Diary) -> Any:
    shown = [event["session"] for event in diary.events if event["type"] == "session.updated"]
    return shown[-1] if shown else None


def client_row(field: Field) -> Row | None:
    """The row of a field that a client may send; none for one that only holds others."""
    row: Row = {"event": field.event, "field": field.path}
    if field.name == "event_id":
        return {**row, "status": "honoured", "seen": ["error"]}
    if foreign(field.type):
        return {**row, "status": "refused", "code": ["unknown_parameter"], "note": "of the beta dialect only"}
    if (why := reason(AS_DEFINED, field)) is not None:
        return {**row, "status": "as the API defines it", "note": why}
    if (where := ELSEWHERE.get(f"{field.struct}.{field.name}")) is not None:
        return {**row, "status": "honoured", "proof": where}
    values = values_of(field)
    if not values:
        return None
    findings = [try_value(field, value) for value in values]
    by_status = {finding.status for finding in findings}
    if BROKEN in by_status:
        raise AssertionError(f"{field.event} {field.path}: {BROKEN}: {findings[0].seen}")
    done = [status for status in ("honoured", "refused") if status in by_status]
    words = any(isinstance(option, inspect.LiteralType) for option in options_of(field.type))
    if by_status == {"as it was"} and values == [None]:
        return None  # its own fields are rows, and null is what holds without it
    status = done[0] if done and not (words and IGNORED in by_status) else IGNORED
    row["status"] = status
    if seen := {each for finding in findings if finding.status == "honoured" for each in finding.seen}:
        row["seen"] = _telling(seen)
    codes = {finding.seen[0] for finding in findings if finding.status == "refused"}
    if codes:
        row["code"] = sorted(codes)
    if len(findings) > 1 and len(by_status) > 1:
        row["values"] = {_short(finding.value): finding.status for finding in findings}
        row["values"] = {value: NO_CHANGE if s == IGNORED else s for value, s in row["values"].items()}
    return row


def reason(reasons: dict[str, str], field: Field) -> str | None:
    """The reason for a field: for its struct's, or for all whose place begins like this."""
    place = f"{field.event} {field.path}"
    begins = (why for start, why in reasons.items() if " " in start and place.startswith(start))
    return reasons.get(f"{field.struct}.{field.name}") or next(begins, None)


def _telling(seen: Iterable[str]) -> list[str]:
    """The first few of those who noticed: engines before events."""
    return sorted(seen, key=lambda who: ("." in who, who))[:4]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def event_row(without: Program, with_it: Program) -> Row:
    """The row of an event as such: what it does at all."""
    (event,) = (Counter(map(repr, with_it.steps)) - Counter(map(repr, without.steps))).elements()
    finding = compare(None, played(without), played(with_it))
    row = {"event": str(ast.literal_eval(event)["type"]), "field": "", "status": finding.status}
    return {**row, "code" if finding.status == "refused" else "seen": _telling(finding.seen)}


def client_rows() -> list[Row]:
    """Every client event and every field of it, once."""
    rows = {(row["event"], ""): row for row in itertools.starmap(event_row, events())}
    for field in client_fields(EXAMPLES):
        if (field.event, field.path) not in rows and (row := client_row(field)) is not None:
            rows[field.event, field.path] = row
    order = list(CLIENT_EVENT_TYPES)
    return sorted(rows.values(), key=lambda each: order.index(each["event"]))


def said() -> set[tuple[str, str]]:
    """Which fields of which events sessions say in all these programs."""
    for program in SHOWN:
        played(program)
    return {
        (str(event["type"]), path)
        for key in list(_PROGRAMS)
        for event in _played(key).events
        for path in fields_in(event)
    }


def server_rows() -> list[Row]:
    """Every field of every server event, once, after `client_rows`."""
    heard = said()
    rows: dict[tuple[str, str], Row] = {}
    for field in server_fields():
        row: Row = {"event": field.event, "field": field.path}
        if (field.event, field.path) in heard:
            row["status"] = "sent"
        else:
            row["status"] = "never sent"
            row["note"] = never(field)
        rows[field.event, field.path] = row
    return list(rows.values())


def never(field: Field) -> str:
    """Why a field is never said; the empty string where nobody knows."""
    place = f"{field.event} {field.path}"
    return next((why for pattern, why in NEVER_SAID.items() if re.search(pattern, place)), "")


def whole_table() -> dict[str, list[Row]]:
    """Both halves of the table."""
    return {"client": client_rows(), "server": server_rows()}


def as_json(table: dict[str, list[Row]]) -> str:
    """Return the table for machines: one row a line."""
    halves = []
    for half, rows in table.items():
        lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
        halves.append(f'  "{half}": [\n{lines}\n  ]')
    return "{\n" + ",\n".join(halves) + "\n}\n"


def as_markdown(table: dict[str, list[Row]]) -> str:
    """Return the table for people: one chapter an event, its fields grouped by what becomes of them."""
    counts = {half: Counter(row["status"] for row in rows) for half, rows in table.items()}
    lines = [HEAD]
    for half, title in (("client", "What clients send"), ("server", "What the server says")):
        told = ", ".join(f"{count} {status}" for status, count in counts[half].most_common())
        lines += [f"## {title}\n", f"{len(table[half])} rows: {told}.\n"]
        for event, rows in itertools.groupby(table[half], key=lambda row: row["event"]):
            lines += [f"### `{event}`\n", *_chapter(list(rows)), ""]
    return "\n".join(lines)


def _chapter(rows: list[Row]) -> Iterator[str]:
    yield "| field | status | seen in, or why |"
    yield "|---|---|---|"
    for row in rows:
        field = f"`{row['field']}`" if row["field"] else "the event"
        why = [row.get("note", ""), ", ".join(row.get("seen", ())), row.get("proof", "")]
        why += [f"`{code}`" for code in row.get("code", ())]
        why += [f"`{value}`: {status}" for value, status in row.get("values", {}).items()]
        yield f"| {field} | {row['status']} | {'; '.join(filter(None, why))} |".replace("\n", " ")


HEAD = """\
# Conformance

Every field of every event of the Realtime API, and what this server does with it. Nobody wrote this table:
it is what sessions did when tests asked them. `python -m tests.conformance` writes it anew, and a test
compares. The same for machines: [`conformance.json`](conformance.json).

- *honoured*: a session with the field did something else than one without it. Who noticed stands beside it:
  an event that the client got, or an engine that was asked something else. The engines of these tests follow
  every wish; with engines that do not, the wish is refused.
- *refused*: answered with an `error` event of that code, and nothing else happened.
- *as the API defines it*: taken, and without effect, because the API says so.
- *sent* and *never sent*: whether any session said it, and why not.

No field is accepted and ignored.
"""
