"""`strict_schema`: a JSON Schema in the form that a model can be held to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from vivavoce.errors import ConfigurationError


def strict_schema(schema: Mapping[str, Any], *, owner: str = "schema") -> dict[str, Any]:
    """Return a schema as OpenAI's strict mode wants it; the given one stays as it is.

    Objects take no further keys and all of theirs are required. A default, which strict mode does not know,
    moves into the description, so that the model can fill it in.

    Args:
        schema: JSON Schema of an object.
        owner: what it belongs to, for the message.

    Raises:
        ConfigurationError: the schema allows what strict mode cannot describe, such as a dictionary with any
            keys; the message names the parameter.
    """
    return _Strict(schema, owner).root()


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
        schema = dict(self._schema)
        seen: set[str] = set()
        # The outermost schema must be an object itself, not a reference to one.
        while isinstance(name := schema.get("$ref"), str) and name not in seen:
            seen.add(name)
            schema = {**self._target(name), **{key: value for key, value in schema.items() if key != "$ref"}}
        if schema.get("type") != "object":
            self._refuse((), "is not an object")
        if "additionalProperties" not in schema:
            schema["additionalProperties"] = False
        return self._convert(schema, ())

    def _target(self, name: str) -> Mapping[str, Any]:
        found: object = self._schema
        for step in name.removeprefix("#/").split("/"):
            found = (
                found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            )
        if not isinstance(found, Mapping):
            self._refuse((), f"refers to {name!r}, which it does not define")
        return found

    def _convert(self, schema: object, path: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(schema, Mapping) or not any(word in schema for word in _DESCRIBES):
            self._refuse(path, "may be anything")
        strict: dict[str, Any] = dict(schema)
        if len(alternatives := strict.get("allOf", ())) > 1:
            self._refuse(path, "combines several schemas ('allOf')")
        elif alternatives:
            strict = {**alternatives[0], **{key: value for key, value in strict.items() if key != "allOf"}}
        self._move_default(strict)
        for word in ("$defs", "definitions"):
            if word in strict:
                strict[word] = {
                    name: self._convert(part, (*path, name)) for name, part in strict[word].items()
                }
        if "oneOf" in strict:
            strict["anyOf"] = [*strict.get("anyOf", ()), *strict.pop("oneOf")]
        if "anyOf" in strict:
            strict["anyOf"] = [self._convert(part, path) for part in strict["anyOf"]]
        if "$ref" in strict and len(strict) > 1:
            # Nothing may stand beside a reference.
            strict["anyOf"] = [{"$ref": strict.pop("$ref")}]
        kinds = strict.get("type")
        if kinds == "object" or (isinstance(kinds, Sequence) and "object" in kinds) or "properties" in strict:
            self._close(strict, path)
        if kinds == "array" or "items" in strict:
            strict["items"] = self._convert(strict.get("items"), (*path, "items"))
        return strict

    def _close(self, strict: dict[str, Any], path: tuple[str, ...]) -> None:
        properties = strict.get("properties", {})
        is_open = strict.get("additionalProperties", not properties) is not False
        if is_open or "patternProperties" in strict:
            self._refuse(path, "takes any keys")
        strict["properties"] = {name: self._convert(part, (*path, name)) for name, part in properties.items()}
        strict["required"] = list(properties)
        strict["additionalProperties"] = False

    @staticmethod
    def _move_default(strict: dict[str, Any]) -> None:
        default = strict.pop("default", None)
        if default is not None:
            note = f"Default: {json.dumps(default, ensure_ascii=False, default=str)}."
            strict["description"] = f"{strict.get('description', '')} {note}".strip()

    def _refuse(self, path: tuple[str, ...], complaint: str) -> NoReturn:
        place = f"parameter {'.'.join(path)!r}" if path else "the schema"
        raise ConfigurationError(
            f"{self._owner}: {place} {complaint}, which a strict schema cannot say; "
            "describe it by fields, or set strict_mode=False (strict_json_schema=False of a FunctionTool)"
        )


_DESCRIBES = ("type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties")
