"""Speaks what a tool returned: text as it is, JSON as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from vivavoce.engines.llm.numbers import plain
from vivavoce.engines.llm.questions import enumerate_words
from vivavoce.engines.llm.words import identifier_words, word_set

_LONGEST = 700  # characters of one spoken result
_MOST_ITEMS = 6
_DEPTH = 4
_MESSAGE_KEYS = ("message", "result", "text", "summary", "answer", "response", "output", "joke", "content")
_ERROR_KEYS = ("error", "errors", "exception", "error_message")
_STATUS_KEYS = frozenset(("ok", "success", "successful", "succeeded"))
_VERBS = word_set(
    "get fetch check find look lookup up show tell read retrieve calculate compute query search"
)
_ERROR = re.compile(r"^\s*(?:an? )?(?:(?:\w+ ){0,4}(?:error|exception)\b|traceback|failed\b)", re.IGNORECASE)
_UNITS = {
    "c": "degrees Celsius", "celsius": "degrees Celsius", "f": "degrees Fahrenheit", "degrees": "degrees",
    "fahrenheit": "degrees Fahrenheit", "percent": "percent", "pct": "percent", "km": "kilometres", "m":
    "metres", "kmh": "kilometres per hour", "kph": "kilometres per hour", "mph": "miles per hour", "ms":
    "milliseconds", "seconds": "seconds", "minutes": "minutes", "hours": "hours", "days": "days", "kg":
    "kilograms", "mm": "millimetres", "usd": "dollars", "dollars": "dollars", "eur": "euros", "euros":
    "euros", "gbp": "pounds",
}  # fmt: skip


def _clip(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= _LONGEST:
        return text
    cut = text[:_LONGEST]
    end = max(cut.rfind(mark) for mark in (". ", "! ", "? "))
    return cut[: end + 1] if end > _LONGEST // 3 else cut.rsplit(" ", 1)[0] + "."


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


_INTERNAL = re.compile(r"^\s*an error occurred while running the tool", re.IGNORECASE)
"""What the SDK tells a model of a tool that raised: its words are for a model, not for a person's ears."""


def _failure(detail: str) -> str:
    if _INTERNAL.match(detail):
        detail = ""
    detail = re.sub(r"^\s*(?:error|exception)\s*[:\-]\s*", "", detail.strip(), flags=re.IGNORECASE)
    return (
        f"I am sorry, that did not work: {_sentence(_clip(detail))}"
        if detail
        else "I am sorry, that did not work."
    )


def _name(key: str) -> tuple[str, str]:
    """Return a key as words, and the unit that its last word names: `wind`, `kilometres per hour`."""
    words = identifier_words(key)
    if len(words) > 1 and words[-1] in _UNITS:
        return " ".join(words[:-1]), _UNITS[words[-1]]
    return " ".join(words) or key, ""


def _value(value: Any, depth: int) -> str:
    """Return a value as a phrase."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(plain(value)) if abs(value) < 1e15 else str(value)
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):
        return _brief(value, depth)
    if isinstance(value, Sequence):
        return _listed(value, depth)
    return "nothing"


def _brief(value: Mapping[str, Any], depth: int) -> str:
    """Return an object inside another as a phrase: its name first, the rest beside it."""
    if depth <= 0:
        return "more"
    filled = {key: entry for key, entry in value.items() if entry not in (None, "", [], {})}
    title = next((key for key in ("name", "title", "label") if isinstance(filled.get(key), str)), None)
    head = str(filled.pop(title)) if title else ""
    rest = []
    for key, entry in list(filled.items())[:_MOST_ITEMS]:
        name, unit = _name(key)
        rest.append(f"{name} {_value(entry, depth - 1)} {unit}".strip())
    return ", ".join([head, *rest] if head else rest)


def _listed(values: Sequence[Any], depth: int) -> str:
    if not values:
        return "nothing"
    if depth <= 0:
        return f"{len(values)} entries"
    shown = [_value(value, depth - 1) for value in values[:_MOST_ITEMS]]
    more = len(values) - len(shown)
    nested = any(isinstance(value, Mapping) and len(value) > 1 for value in values)
    if more:
        shown.append(f"{more} more")
    return "; ".join(shown) if nested else enumerate_words(shown)


def _clause(key: str, value: Any, unit: str) -> str:
    name, own_unit = _name(key)
    if isinstance(value, bool):
        return f"{name}: {'yes' if value else 'no'}"
    verb = "are" if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 1 else "is"
    amount = own_unit or (unit if isinstance(value, int | float) else "")
    return f"the {name} {verb} {_value(value, _DEPTH - 1)} {amount}".strip()


def _speak_object(value: Mapping[str, Any]) -> str:
    for key in _ERROR_KEYS:
        if value.get(key):
            error = value[key]
            detail = error.get("message", error) if isinstance(error, Mapping) else error
            return _failure(_value(detail, 1))
    filled = {key: entry for key, entry in value.items() if entry is not None}
    status = [
        filled.pop(key)
        for key in list(filled)
        if key.lower() in _STATUS_KEYS and isinstance(filled[key], bool)
    ]
    message = next(
        (filled[key] for key in _MESSAGE_KEYS if isinstance(filled.get(key), str) and filled[key]), None
    )
    if False in status:
        return _failure(message or _brief(filled, 2))
    if message is not None:
        return _sentence(_clip(message))
    if not filled:
        return "Done." if status or not value else "There is no result."
    unit_key = next((key for key in ("unit", "units", "currency") if isinstance(filled.get(key), str)), None)
    unit = ""
    if unit_key and len(filled) > 1:
        raw = str(filled.pop(unit_key))
        unit = _UNITS.get(raw.lower(), raw)
    if len(filled) == 1:
        (key, entry), = filled.items()  # fmt: skip
        if isinstance(entry, Mapping):
            return _speak_object(entry)
    clauses = [_clause(key, entry, unit) for key, entry in filled.items()]
    spoken = enumerate_words(clauses)
    return _sentence(_clip(spoken[0].upper() + spoken[1:]))


def agent_after(output: str) -> str:
    """Return the name of the agent that a handoff says has taken over, or nothing."""
    try:
        value = json.loads(output)
    except (ValueError, RecursionError):
        return ""
    name = value.get("assistant") if isinstance(value, Mapping) else None
    return name if isinstance(name, str) else ""


def speak_result(name: str, output: str) -> str:
    """Return what a tool returned as something to say.

    Args:
        name: name of the tool; it gives a lone number its subject.
        output: free text or JSON, as the function returned it.
    """
    return _spoken(name, output.strip()) or "Done."


def _spoken(name: str, text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _failure(text) if _ERROR.match(text) else _sentence(_clip(text))
    if isinstance(value, str):
        return _spoken(name, value.strip()) if value.strip() != text else _sentence(_clip(value))
    if isinstance(value, Mapping):
        return _speak_object(value)
    if isinstance(value, list):
        listed = _listed(value, _DEPTH)
        spoken = f"There are {len(value)}: {listed}" if len(value) > 1 else listed[:1].upper() + listed[1:]
        return _sentence(_clip(spoken))
    if isinstance(value, int | float) and not isinstance(value, bool):
        subject = " ".join(word for word in identifier_words(name) if word not in _VERBS) or "result"
        return f"The {subject} is {_value(value, 0)}."
    return {True: "Yes.", False: "No."}.get(value, "Done.")
