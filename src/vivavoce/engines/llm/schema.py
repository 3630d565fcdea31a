"""Parameters of a tool, read from its JSON Schema: flat, with references resolved and a role guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from vivavoce.engines.llm.words import identifier_words, stem

_DEPTH = 6  # of nested objects and references; recursive schemas end here


class Role(Enum):
    """What kind of value a parameter holds, beyond its JSON type."""

    PLACE = "place"
    PERSON = "person"
    THING = "thing"
    IDENTIFIER = "identifier"
    TEXT = "text"
    DAY = "day"
    TIME = "time"
    MOMENT = "moment"
    DURATION = "duration"
    EXPRESSION = "expression"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that a tool takes; nested objects are flattened to their leaves.

    Attributes:
        path: keys from the arguments object down to the value.
        kind: JSON type: string, integer, number, boolean, array or object (one without known properties).
        description: what the schema says about it.
        role: what kind of thing it is.
        enum: the only values allowed, or empty.
        required: whether a call without it is invalid.
        nullable: whether `null` stands for "not said".
        format: `date`, `time`, `date-time` … when the schema gives one.
        item: for an array, its element.
        minimum: least number allowed.
        maximum: greatest number allowed.
    """

    path: tuple[str, ...]
    kind: str
    description: str = ""
    role: Role = Role.OTHER
    enum: tuple[Any, ...] = ()
    required: bool = False
    nullable: bool = False
    format: str = ""
    item: Parameter | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def words(self) -> list[str]:
        """The words of its name; `address.city` gives `city`."""
        return identifier_words(self.path[-1])

    @property
    def in_array(self) -> bool:
        """Whether it collects several values."""
        return self.kind == "array"


# The first role that names a word has it.
_ROLES = {
    Role.EXPRESSION: "expression formula equation calculation",
    Role.IDENTIFIER: "id identifier code phone telephone zip postcode reference pin isbn ref ticket tracking",
    Role.DURATION: "duration",
    Role.MOMENT: "datetime timestamp when",
    Role.DAY: "date day weekday checkin checkout birthday deadline",
    Role.TIME: "time",
    Role.PLACE: """city location place town country address destination origin region state area street
        airport station departure arrival where village""",
    Role.PERSON: "name person customer contact guest recipient user caller who patient owner assignee friend",
    Role.TEXT: """message text body note content title subject query question prompt reminder task topic label
        reason comment search description keyword keywords song details summary feedback""",
    Role.THING: """product item items dish food thing article drink stock symbol company genre artist movie
        book""",
}
_ROLE_OF = {stem(word): role for role, words in _ROLES.items() for word in words.split()}
_FORMATS = {"date": Role.DAY, "time": Role.TIME, "date-time": Role.MOMENT, "duration": Role.DURATION}


def _guess_role(names: list[str], description: str, text_format: str) -> Role:
    if text_format in _FORMATS:
        return _FORMATS[text_format]
    if names[-1:] in (["number"], ["no"], ["nr"]) and len(names) > 1:
        return Role.IDENTIFIER
    # "name" says less than what it is a name of: `city_name`, `product_name`.
    for word in [*(w for w in reversed(names) if w != "name"), *names]:
        role = _ROLE_OF.get(stem(word))
        if role is not None:
            return role
    for word in identifier_words(description):
        role = _ROLE_OF.get(stem(word))
        if role is not None and stem(word) != "nam":
            return role
    return Role.OTHER


def _resolve(schema: Any, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """Follow `$ref`, a lone `allOf`, and the first alternative that is not null; mark what may be null."""
    if not isinstance(schema, Mapping) or depth <= 0:
        return {}
    result = dict(schema)
    reference = result.pop("$ref", None)
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root
        for key in reference[2:].split("/"):
            target = target.get(key, {}) if isinstance(target, Mapping) else {}
        result = _resolve(target, root, depth - 1) | result
    for combination in ("anyOf", "oneOf", "allOf"):
        branches = result.pop(combination, None)
        if not isinstance(branches, list):
            continue
        resolved = [_resolve(branch, root, depth - 1) for branch in branches]
        nullable = any(branch.get("type") == "null" for branch in resolved)
        chosen = next((branch for branch in resolved if branch.get("type") != "null"), {})
        result = chosen | result | ({"nullable": True} if nullable else {})
    kinds = result.get("type")
    if isinstance(kinds, list):
        result["type"] = next((kind for kind in kinds if kind != "null"), "string")
        result["nullable"] = "null" in kinds
    if "const" in result:
        result.setdefault("enum", [result["const"]])
    return result


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _kind(schema: Mapping[str, Any], enum: tuple[Any, ...]) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    if "properties" in schema:
        return "object"
    if enum and all(isinstance(value, int) and not isinstance(value, bool) for value in enum):
        return "integer"
    return "string"


def _leaves(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], *, required: bool
) -> list[Parameter]:
    depth = _DEPTH - len(path)
    properties = schema.get("properties")
    if path and not (isinstance(properties, Mapping) and properties):
        return [_leaf(schema, root, path, required=required)]
    wanted = schema.get("required")
    names = set(wanted) if isinstance(wanted, list) else set()
    leaves: list[Parameter] = []
    for name, raw in properties.items() if isinstance(properties, Mapping) and depth > 0 else ():
        resolved = _resolve(raw, root, _DEPTH)
        leaves += _leaves(resolved, root, (*path, str(name)), required=required and name in names)
    return leaves


def _leaf(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: tuple[str, ...], *, required: bool
) -> Parameter:
    values = schema.get("enum")
    enum = tuple(value for value in values if value is not None) if isinstance(values, list) else ()
    description = str(schema.get("description") or "")
    text_format = str(schema.get("format") or "")
    item = None
    if schema.get("type") == "array":
        item = _leaf(_resolve(schema.get("items"), root, _DEPTH), root, path, required=False)
    return Parameter(
        path=path,
        kind=_kind(schema, enum),
        description=description,
        role=_guess_role(identifier_words(path[-1]), description, text_format),
        enum=enum,
        required=required,
        nullable=bool(schema.get("nullable")) or (isinstance(values, list) and None in values),
        format=text_format,
        item=item,
        minimum=_number(schema.get("minimum")),
        maximum=_number(schema.get("maximum")),
    )


def read_parameters(schema: Any) -> tuple[Parameter, ...]:
    """Return the parameters of a tool's JSON Schema, in order; a malformed schema has none."""
    root = schema if isinstance(schema, Mapping) else {}
    resolved = _resolve(root, root, _DEPTH)
    return tuple(_leaves(resolved, root, (), required=True))


def element_of(parameter: Parameter) -> Parameter:
    """Return the parameter itself, or for an array the parameter of one element."""
    if parameter.item is None:
        return parameter
    return replace(parameter.item, role=parameter.role, description=parameter.description)


def nest(values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """Build the arguments object from values by path."""
    result: dict[str, Any] = {}
    for path, value in values.items():
        place = result
        for key in path[:-1]:
            place = place.setdefault(key, {})
        place[path[-1]] = value
    return result


def flatten(arguments: Mapping[str, Any], parameters: tuple[Parameter, ...]) -> dict[tuple[str, ...], Any]:
    """Return the values of an arguments object by path: the inverse of `nest`."""
    values: dict[tuple[str, ...], Any] = {}
    for parameter in parameters:
        place: Any = arguments
        for key in parameter.path:
            place = place.get(key) if isinstance(place, Mapping) else None
        if place is not None:
            values[parameter.path] = place
    return values
