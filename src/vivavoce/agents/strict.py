"""`strict_schema`: a JSON Schema in the form that a model can be held to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from vivavoce.errors import ConfigurationError

_DESCRIBES = ("type", "$ref", "anyOf", "oneOf", "enum", "const", "properties")
"""Keywords of which a schema needs one, or it allows anything."""


def strict_schema(schema: Mapping[str, Any], *, owner: str = "schema") -> dict[str, Any]:
    """Return a schema as OpenAI's strict mode wants it; the given one stays as it is.

    Objects take no further keys and all of theirs are required. A default, which strict mode does not know,
    moves into the description, so that the model can fill it in.

    Args:
        schema: JSON Schema of an object.
        owner: what it belongs to, for the message.

    Raises:
        ConfigurationError: the schema allows what strict mode cannot describe, such as a dictionary with any
            keys, or it is malformed; the message names the parameter.
    """
    conversion = _Strict(schema, owner)
    try:
        return conversion.root()
    except RecursionError:
        conversion.refuse((), "is nested too deeply")


class _Strict:
    """One conversion.

    Args:
        schema: what to convert.
        owner: what it belongs to.
    """

    def __init__(self, schema: Mapping[str, Any], owner: str) -> None:
        self._schema = schema
        self._owner = owner

    def root(self) -> dict[str, Any]:
        """Convert the whole."""
        schema = dict(self._mapping(self._schema, ()))
        seen: set[str] = set()
        # The outermost schema must be an object itself, not a reference to one.
        while isinstance(name := schema.get("$ref"), str) and name not in seen:
            seen.add(name)
            schema = {**self._target(name), **_without(schema, "$ref")}
        if schema.get("type") != "object":
            self.refuse((), "is not an object")
        return self._convert({"additionalProperties": False, **schema}, ())

    def _target(self, name: str) -> Mapping[str, Any]:
        found: object = self._schema
        for step in name.removeprefix("#/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            self.refuse((), f"refers to {name!r}, which is not there")
        return found

    def _convert(self, schema: object, path: tuple[str, ...]) -> dict[str, Any]:
        strict = self._merge(dict(self._mapping(schema, path)), path)
        if not any(word in strict for word in _DESCRIBES):
            self.refuse(path, "may be anything")
        _move_default(strict)
        for word in ("$defs", "definitions"):
            if word in strict:
                strict[word] = self._convert_each(strict[word], (*path, word))
        if "oneOf" in strict:
            strict["anyOf"] = [*strict.get("anyOf", ()), *self._list(strict.pop("oneOf"), path)]
        if "anyOf" in strict:
            parts = self._list(strict["anyOf"], path)
            strict["anyOf"] = [self._convert(part, path) for part in parts]
        if "$ref" in strict and len(strict) > 1:
            # Nothing may stand beside a reference.
            strict["anyOf"] = [*strict.get("anyOf", ()), {"$ref": strict.pop("$ref")}]
        if "properties" in strict or _is(strict, "object"):
            self._close(strict, path)
        if "prefixItems" in strict:
            self.refuse(path, "is a tuple")
        if "items" in strict or _is(strict, "array"):
            strict["items"] = self._convert(strict.get("items", {}), (*path, "items"))
        return strict

    def _merge(self, strict: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        """Resolve an `allOf` of one schema, which says no more than that schema."""
        if "allOf" not in strict:
            return strict
        parts = self._list(strict.pop("allOf"), path)
        if len(parts) != 1:
            self.refuse(path, "combines several schemas ('allOf')")
        inner = self._mapping(parts[0], path)
        if any(inner[key] != strict[key] for key in inner.keys() & strict.keys() - _WORDS):
            self.refuse(path, "says two things at once ('allOf')")
        return self._merge({**inner, **strict}, path)

    def _close(self, strict: dict[str, Any], path: tuple[str, ...]) -> None:
        properties = self._mapping(strict.get("properties", {}), path)
        if "patternProperties" in strict or strict.get("additionalProperties", not properties) is not False:
            self.refuse(path, "takes any keys")
        strict.setdefault("type", "object")
        strict["properties"] = self._convert_each(properties, path)
        strict["required"] = list(properties)
        strict["additionalProperties"] = False

    def _convert_each(self, schemas: object, path: tuple[str, ...]) -> dict[str, Any]:
        return {
            name: self._convert(part, (*path, str(name)))
            for name, part in self._mapping(schemas, path).items()
        }

    def _mapping(self, value: object, path: tuple[str, ...]) -> Mapping[str, Any]:
        if value is True:
            self.refuse(path, "may be anything")
        if not isinstance(value, Mapping):
            self.refuse(path, f"is malformed ({value!r} is no schema)")
        return value

    def _list(self, value: object, path: tuple[str, ...]) -> Sequence[Any]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.refuse(path, f"is malformed ({value!r} is no list of schemas)")
        return value

    def refuse(self, path: tuple[str, ...], complaint: str) -> NoReturn:
        """Say what cannot be described, and where.

        Raises:
            ConfigurationError: always.
        """
        place = f"parameter {'.'.join(path)!r}" if path else "the schema"
        raise ConfigurationError(
            f"{self._owner}: {place} {complaint}, which a strict schema cannot say; describe it by fields, "
            "or set strict_mode=False (strict_json_schema=False of a FunctionTool)"
        )


_WORDS = frozenset({"title", "description", "default", "examples"})
"""Keywords that constrain nothing."""


def _move_default(strict: dict[str, Any]) -> None:
    default = strict.pop("default", None)
    if default is not None:
        note = f"Default: {json.dumps(default, ensure_ascii=False, default=str)}."
        strict["description"] = f"{strict.get('description', '')} {note}".strip()


def _is(schema: Mapping[str, Any], kind: str) -> bool:
    kinds = schema.get("type")
    return kinds == kind or (isinstance(kinds, Sequence) and not isinstance(kinds, str) and kind in kinds)


def _without(schema: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}
