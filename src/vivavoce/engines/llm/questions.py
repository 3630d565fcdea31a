"""Questions for arguments that were not said."""

from __future__ import annotations

from vivavoce.engines.llm.schema import Parameter, Role, element_of
from vivavoce.engines.llm.words import readable

_MOST_CHOICES = 6


def enumerate_words(items: list[str], joint: str = "and") -> str:
    """Join items for speech: `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {joint} {items[-1]}" if items else ""


def _subject(parameter: Parameter) -> str:
    """Return what to call a parameter: its description when that is a short noun phrase, else its name."""
    name = readable(parameter.path[-1])
    description = parameter.description.split(",")[0].split(".")[0].split("(")[0].strip()
    plain = description[:1].isupper() and 1 < len(description.split()) <= 6
    if len(name) > 3 or not plain:
        return name
    return description[0].lower() + description[1:]


def _amount_question(parameter: Parameter, name: str) -> str:
    description = parameter.description.lower()
    if description.startswith(("number of ", "how many ")):
        counted = description.split("," if "," in description else ".")[0].removeprefix("number of ")
        return f"How many {counted.removeprefix('how many ').strip()}?"
    return f"How many {name}?" if name.endswith("s") else f"What is the {name}?"


def question(parameter: Parameter) -> str:
    """Return the question that asks for a parameter, in one short sentence."""
    element, role = element_of(parameter), parameter.role
    name = _subject(parameter)
    if element.kind == "boolean":
        return f"Do you want {name}, yes or no?"
    if element.enum:
        choices = [readable(str(value)) or str(value) for value in element.enum]
        listed = f": {enumerate_words(choices, 'or')}" if len(choices) <= _MOST_CHOICES else ""
        return f"Which {name}{listed}?"
    if element.kind in {"integer", "number"} and role is not Role.IDENTIFIER:
        return _amount_question(parameter, name)
    by_role = {
        Role.DAY: "For which day?" if name in {"date", "day"} else f"Which day is the {name}?",
        Role.TIME: "At what time?" if name == "time" else f"What is the {name}?",
        Role.PLACE: f"Which {name}?",
        Role.TEXT: f"What should the {name} be?",
    }
    return by_role.get(role, f"What is the {name}?")
